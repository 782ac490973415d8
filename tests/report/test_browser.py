"""Reports in a real browser: nothing sticks out of a phone's window, and dark is dark."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from .browser import Browser, opened
from .conftest import KINDS

PHONE, DESKTOP = (390, 844), (1280, 900)
SMALL = (320, 568)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def files(browser, pages, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    for kind, document in pages.items():
        (folder / f"{kind}.html").write_text(document, encoding="utf-8")
    return {kind: folder / f"{kind}.html" for kind in pages}


def too_wide(browser: Browser) -> bool:
    """Whether the page as a whole scrolls to the side."""
    width, room = browser.ask("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return width > room


def texts_out_of_sight(browser: Browser) -> list[str]:
    """Texts outside of the parts that scroll by themselves that begin or end beyond the window."""
    return browser.ask(
        """[...document.querySelectorAll('h1, h2, h3, p, dt, dd, figcaption, pre, li, summary, time')]
        .filter(part => !part.closest('.scroll') && part.getClientRects().length)
        .filter(part => {
            const box = part.getBoundingClientRect();
            return box.left < 0 || box.right > document.documentElement.clientWidth + 0.5
                || part.scrollWidth > part.clientWidth + 1;
        }).map(part => part.textContent)"""
    )


@pytest.mark.parametrize("kind", KINDS)
def test_it_fits_any_window_light_and_dark(browser, files, kind):
    for size in (PHONE, DESKTOP, SMALL):
        for scheme in ("light", "dark"):
            browser.show(files[kind], *size, scheme)
            assert not too_wide(browser), (size, scheme)
            assert texts_out_of_sight(browser) == [], (size, scheme)


def test_the_checks_of_width_can_fail(browser, tmp_path):
    path = tmp_path / "wide.html"
    style = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    path.write_text(f"{style}<p style='width:100px'>{'x' * 100}</p><div style='width:2000px'>wide</div>")
    browser.show(path, *PHONE, "light")
    assert too_wide(browser)
    assert texts_out_of_sight(browser) == ["x" * 100]


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_drawn_and_nothing_is_fetched_or_complained_of(browser, files, kind):
    browser.messages()
    browser.show(files[kind], *DESKTOP, "light")
    broken = "[...document.images].filter(image => !image.complete || !image.naturalWidth).length"
    assert browser.ask(broken) == 0
    assert browser.ask("document.images.length") >= (0 if kind == "by hand" else 1)
    fetched = browser.ask("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in fetched if not name.startswith("data:")] == []
    assert browser.ask("document.scripts.length") == 0
    assert browser.messages() == []
    assert browser.ask("document.title").endswith("fastnn report")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_dark_is_dark_and_light_is_light(browser, files, size):
    from matplotlib.image import imread

    brightness = {}
    for scheme in ("light", "dark"):
        browser.show(files["images"], *size, scheme)
        pixels = imread(BytesIO(browser.picture()), format="png")[:, :, :3]
        assert pixels.shape[:2] == size[::-1]
        brightness[scheme] = np.median(pixels)
    assert brightness["light"] > 0.9
    assert brightness["dark"] < 0.2


def test_drawings_keep_their_white_ground_in_the_dark(browser, files):
    browser.show(files["images"], *PHONE, "dark")
    grounds = browser.ask(
        "[...document.querySelectorAll('img')].map(image => getComputedStyle(image).backgroundColor)"
    )
    assert set(grounds) == {"rgb(255, 255, 255)"}


def test_drawings_can_be_read_on_a_phone_and_scroll_by_themselves(browser, files):
    browser.show(files["images"], *PHONE, "light")
    shown = browser.ask("[...document.querySelectorAll('.drawing')].map(i => [i.clientWidth, i.style.width])")
    assert len(shown) == 3
    for width, wanted in shown:
        assert width >= 0.69 * float(wanted.removesuffix("px"))
    scrolled = browser.ask(
        """[...document.querySelectorAll('.scroll')].filter(part => part.scrollWidth > part.clientWidth)
        .map(part => { part.scrollLeft = 30; return part.scrollLeft; })"""
    )
    assert len(scrolled) >= 1
    assert all(left > 0 for left in scrolled)


def test_links_go_to_the_parts(browser, files):
    browser.show(files["table"], *PHONE, "light")
    count = browser.ask("document.querySelectorAll('nav a').length")
    assert count >= 7
    for place in range(count):
        where = browser.ask(
            """(link => { link.click(); return document.querySelector(link.getAttribute('href'))
            .getBoundingClientRect().top; })(document.querySelectorAll('nav a')[arguments[0]])""",
            place,
        )
        assert -1 <= where < PHONE[1]


def test_on_paper_there_are_no_links_and_no_scrolling(browser, files):
    browser.show(files["images"], 794, 1123, "light", medium="print")
    assert browser.ask("getComputedStyle(document.querySelector('nav')).display") == "none"
    cut = "[...document.querySelectorAll('.scroll')].filter(p => p.scrollWidth > p.clientWidth + 1).length"
    assert browser.ask(cut) == 0
