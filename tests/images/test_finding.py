"""The digit is found on its paper: whatever the light, the frame, the specks."""

import numpy as np
import pytest

pytest.importorskip("PIL", reason="Pillow is not installed")
from PIL import Image, ImageFilter

from fastnn.images.components import parts_of
from fastnn.images.finding import find_ink, otsu
from fastnn.images.paper import paper_under
from tests.images.pictures import frame, penned, placed


@pytest.fixture(scope="module")
def ink(digits):
    """A 3 of 160×160, tightly cropped."""
    three = penned(digits[0][list(digits[1]).index(3)], 20)
    rows, columns = np.flatnonzero(three.max(axis=1) > 0.5), np.flatnonzero(three.max(axis=0) > 0.5)
    return three[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@pytest.fixture(scope="module")
def page(ink):
    """It on a page of 300×320."""
    return placed(ink, 300, 320, 60, 90)


def assert_same(found, ink, tolerance=0.06):
    """`found` has the size of `ink` within its soft edges, and looks like it."""
    assert found is not None
    assert abs(found.shape[0] - ink.shape[0]) <= 0.12 * ink.shape[0]
    assert abs(found.shape[1] - ink.shape[1]) <= 0.12 * ink.shape[1]
    size = ink.shape[::-1]
    stretched = np.asarray(Image.fromarray(found.astype(np.float32)).resize(size))
    assert np.mean(np.abs(stretched - ink)) < tolerance


def test_dark_and_light_ink(ink, page):
    assert_same(find_ink(1 - page), ink)
    assert_same(find_ink(page), ink)
    assert_same(find_ink(0.9 - 0.25 * page), ink)


def test_the_comparison_can_fail(ink, page):
    with pytest.raises(AssertionError):
        assert_same(find_ink(1 - page[::-1]), ink)
    with pytest.raises(AssertionError):
        assert_same(find_ink(1 - np.maximum(page, placed(ink, 300, 320, 110, 90))), ink)


@pytest.mark.parametrize("sign", [1, -1])
def test_uneven_light(ink, page, sign):
    y, x = np.mgrid[0:1:300j, 0:1:320j]
    light = 0.35 + 0.65 * x * (0.5 + 0.5 * y)
    noise = np.random.default_rng(0).normal(0, 0.02, page.shape)
    picture = light * (0.95 - 0.7 * page) + noise
    assert_same(find_ink(picture if sign == 1 else 1 - picture), ink, 0.1)


def test_the_shadow_of_a_hand(ink, page):
    y, x = np.mgrid[:300, :320]
    edge = Image.fromarray(np.where(x + y > 300, 140, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(12)
    )
    assert_same(find_ink(np.asarray(edge) / 255 * (0.95 - 0.7 * page)), ink, 0.1)


@pytest.mark.parametrize(
    ("distance", "thickness"), [(0, 1), (0, 3), (0, 15), (3, 2), (15, 3), (30, 2)], ids=str
)
@pytest.mark.parametrize("level", [1.0, 0.5])
def test_frames(ink, page, distance, thickness, level):
    line = frame(page.shape, distance, thickness, level)
    assert_same(find_ink(1 - np.maximum(page, line)), ink)
    assert_same(find_ink(np.maximum(page, line)), ink)


def test_a_tilted_frame_and_single_lines(ink, page):
    line = np.asarray(Image.fromarray(frame((340, 360), 30, 3)).rotate(2.5))[20:320, 20:340]
    assert_same(find_ink(1 - np.maximum(page, line)), ink)
    ruled = page.copy()
    ruled[285:288] = ruled[20:22] = 1
    ruled[:, :4] = 0.7
    assert_same(find_ink(1 - ruled), ink)


def test_a_frame_of_the_other_colour(ink, page):
    assert_same(find_ink(0.6 - 0.4 * page + 0.4 * frame(page.shape, 0, 12)), ink)


def test_the_edge_of_the_table(ink, page):
    page = page.copy()
    page[:, :40] = page[:30] = 0.8
    assert_same(find_ink(1 - page), ink)


def test_the_corner_of_something_else(ink, page):
    y, x = np.mgrid[:300, :320]
    assert_same(find_ink(1 - np.maximum(page, x + 300 - y < 110)), ink)


def test_what_lies_inside_its_box_but_is_no_ink_of_it(ink, page):
    clean = find_ink(1 - page)
    free = np.argwhere(uniformly_empty(clean, 9))
    y, x = free[len(free) // 2]
    top, left = 60 + len(ink) // 2 - clean.shape[0] // 2, 90 + ink.shape[1] // 2 - clean.shape[1] // 2
    dirty = page.copy()
    dirty[top + y + 3 : top + y + 6, left + x + 3 : left + x + 6] = 0.9
    np.testing.assert_allclose(find_ink(1 - dirty), clean, atol=0.02)


def test_a_dot_on_a_large_page_is_no_digit():
    page = np.ones((400, 400))
    page[200:208, 200:206] = 0
    assert find_ink(page) is None


def test_a_tight_picture(ink):
    assert_same(find_ink(1 - ink), ink)
    assert_same(find_ink(ink), ink)


def test_strokes_that_are_not_connected_stay_together(ink):
    body = placed(ink, 300, 320, 90, 90)
    bar = np.zeros_like(body)
    bar[60:78, 100:190] = 1
    assert_same(
        find_ink(1 - np.maximum(body, bar)), np.maximum(body, bar)[60 : 90 + len(ink), 90 : 90 + ink.shape[1]]
    )


def test_specks_and_what_is_far_away_are_left_out(ink, page):
    random, dirty = np.random.default_rng(0), page.copy()
    for _ in range(40):
        y, x = random.integers(0, 295, 2)
        dirty[y : y + random.integers(1, 4), x : x + random.integers(1, 4)] = random.uniform(0.4, 1)
    found = find_ink(1 - dirty)
    assert_same(found, ink)
    wide = placed(page, 300, 900, 0, 0)
    wide[100:150, 800:840] = 1
    assert_same(find_ink(1 - wide), ink)


@pytest.mark.parametrize("noise", [0.0, 0.03, 0.1])
def test_nothing_on_the_page(noise):
    for seed in range(5):
        picture = 0.85 + np.random.default_rng(seed).normal(0, noise, (250, 300))
        assert find_ink(picture) is None
        assert find_ink(1 - picture) is None


def test_an_empty_frame_is_no_digit():
    for thickness in (1, 3, 8):
        assert find_ink(1 - frame((250, 300), 0, thickness)) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (2, 2), (3, 400), (5, 5)])
def test_tiny_and_odd_shapes(shape):
    assert find_ink(np.zeros(shape)) is None
    find_ink(np.random.default_rng(0).uniform(size=shape))


def uniformly_empty(ink, side):
    """Where a square of so many pixels without ink begins."""
    windows = np.lib.stride_tricks.sliding_window_view(ink, (side, side))
    return windows.max(axis=(2, 3)) == 0


def test_parts_equal_a_flood_fill():
    random = np.random.default_rng(0)
    for density in (0.1, 0.4, 0.6):
        mask = random.random((23, 31)) < density
        parts = parts_of(mask)
        expected = flood_filled(mask)
        assert int(parts.labels.max()) == int(expected.max()) == len(parts.area)
        pairs = set(zip(parts.labels.ravel().tolist(), expected.ravel().tolist(), strict=True))
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
        for i in range(len(parts.area)):
            rows, columns = np.nonzero(parts.labels == i + 1)
            assert parts.area[i] == len(rows)
            assert (parts.top[i], parts.bottom[i]) == (rows.min(), rows.max())
            assert (parts.left[i], parts.right[i]) == (columns.min(), columns.max())
            edges = rows == 0, rows == 22, columns == 0, columns == 30
            assert parts.contact[i].tolist() == [int(edge.sum()) for edge in edges]


def flood_filled(mask):
    """The parts of a mask by the plainest way."""
    labels, n = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start]:
            continue
        n += 1
        waiting = [start]
        while waiting:
            y, x = waiting.pop()
            if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and not labels[y, x]:
                labels[y, x] = n
                waiting += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return labels


def test_a_long_spiral_is_one_part():
    mask = np.zeros((101, 101), bool)
    for ring in range(0, 50, 2):
        mask[ring, ring : 101 - ring] = mask[100 - ring, ring : 101 - ring] = True
        mask[ring : 101 - ring, ring] = mask[ring : 101 - ring, 100 - ring] = True
        mask[ring + 1, ring] = False
        mask[ring + 2, ring : ring + 3] = True
    assert int(parts_of(mask).labels.max()) == int(flood_filled(mask).max())


def test_otsu_parts_two_groups():
    random = np.random.default_rng(0)
    groups = np.concatenate([random.normal(0.2, 0.03, 900), random.normal(0.7, 0.05, 100)])
    assert 0.27 < otsu(groups) < 0.6
    assert otsu(np.full(5, 0.4)) == 0.4


def test_paper_is_what_there_is_most_of(page):
    for paper in paper_under(0.9 - 0.5 * page):
        np.testing.assert_allclose(paper, 0.9, atol=0.01)
    y, x = np.mgrid[0:1:300j, 0:1:320j]
    light = 0.5 + 0.4 * x - 0.2 * y
    np.testing.assert_allclose(paper_under(light * (1 - 0.6 * page))[0], light, atol=0.02)
