"""Any picture file becomes grey levels; what is none, or is broken, is one line that names the file."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

pytest.importorskip("PIL", reason="Pillow is not installed")
from PIL import Image

import fastnn
from fastnn import images
from fastnn.errors import DataError, InputError, MissingDependencyError
from fastnn.images.reading import LONGEST_SIDE, read_grey
from tests.checks import network_of
from tests.images.pictures import penned, pixels, placed


@pytest.fixture(scope="module")
def page(digits):
    """A 4, ink 0..1, on a page of 200×180."""
    return placed(penned(digits[0][list(digits[1]).index(4)], 12), 200, 180, 40, 50)


@pytest.fixture(scope="module")
def expected(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("expected") / "plain.png"
    pixels(1 - page).save(path)
    return images.digit(path)


def coloured(page, ink, paper):
    return pixels(page[..., None] * np.array(ink) + (1 - page[..., None]) * np.array(paper))


def transparent(page, level):
    picture = np.full((*page.shape, 4), level, np.uint8)
    picture[..., 3] = np.asarray(pixels(page))
    return Image.fromarray(picture)


def card(page):
    """Dark on white, with transparent corners."""
    picture = np.zeros((*page.shape, 4), np.uint8)
    picture[..., :3] = np.asarray(pixels(1 - page))[..., None]
    y, x = np.mgrid[-1 : 1 : page.shape[0] * 1j, -1 : 1 : page.shape[1] * 1j]
    picture[..., 3] = 255 * (x**4 + y**4 < 1)
    return Image.fromarray(picture)


def turned(page):
    exif = Image.Exif()
    exif[0x0112] = 6
    return pixels(1 - page).rotate(90, expand=True), exif


KINDS = {
    "light.png": lambda page: pixels(page),
    "colour.png": lambda page: coloured(page, (0.1, 0.1, 0.6), (1, 1, 0.9)),
    "red on green.png": lambda page: coloured(page, (0.9, 0.1, 0.1), (0.1, 0.51, 0.1)),
    "yellow.png": lambda page: coloured(page, (1, 1, 0.2), (1, 1, 1)),
    "black.png": lambda page: transparent(page, 0),
    "white.png": lambda page: transparent(page, 255),
    "card.png": card,
    "grey alpha.png": lambda page: transparent(page, 0).convert("LA"),
    "16 bits.png": lambda page: Image.fromarray((65535 * (1 - page).clip(0, 1)).astype(np.uint16)),
    "12 of 16 bits.tif": lambda page: Image.fromarray((4095 * (1 - page).clip(0, 1)).astype(np.uint16)),
    "integers.tif": lambda page: Image.fromarray((1e6 * (1 - page)).astype(np.int32)),
    "floats.tiff": lambda page: Image.fromarray((1 - page).astype(np.float32)),
    "palette.png": lambda page: coloured(page, (0.2, 0, 0.4), (1, 1, 0.8)).convert("P"),
    "palette.gif": lambda page: pixels(1 - page),
    "photo.jpg": lambda page: pixels(0.9 - 0.7 * page),
    "photo.webp": lambda page: coloured(page, (0, 0, 0), (0.9, 0.9, 0.8)),
    "cmyk.jpg": lambda page: pixels(1 - page).convert("CMYK"),
    "plain.bmp": lambda page: pixels(1 - page),
    "plain.pgm": lambda page: pixels(1 - page),
    "a name that says nothing": lambda page: pixels(1 - page),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_picture_gives_the_same_digit(page, expected, tmp_path, name):
    path = tmp_path / name
    KINDS[name](page).save(path, format=None if "." in name else "PNG")
    assert images.is_picture(path)
    assert np.abs(images.digit(path).astype(int) - expected).mean() < 6


def test_the_comparison_can_fail(page, expected, tmp_path):
    pixels(1 - page[::-1]).save(tmp_path / "x.png")
    assert np.abs(images.digit(tmp_path / "x.png").astype(int) - expected).mean() > 20


def test_one_bit(page, expected, tmp_path):
    pixels(1 - page).convert("1", dither=Image.Dither.NONE).save(tmp_path / "x.png")
    assert np.abs(images.digit(tmp_path / "x.png").astype(int) - expected).mean() < 8


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "MPO"])
def test_the_first_of_several_pictures(page, expected, tmp_path, kind):
    """Animations, pages, and the JPEG of a phone that holds another picture behind the first."""
    first, second = pixels(1 - page), pixels(1 - page[::-1])
    first.save(tmp_path / "x.jpg", format=kind, save_all=True, append_images=[second])
    assert images.is_picture(tmp_path / "x.jpg")
    assert np.abs(images.digit(tmp_path / "x.jpg").astype(int) - expected).mean() < 6


def test_transparent_palette(page, expected, tmp_path):
    picture = pixels(page).convert("P")
    picture.save(tmp_path / "x.gif", transparency=0)
    assert np.abs(images.digit(tmp_path / "x.gif").astype(int) - expected).mean() < 6


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_turned_as_exif_says(page, expected, tmp_path, suffix):
    picture, exif = turned(page)
    picture.save(tmp_path / f"x.{suffix}", exif=exif)
    assert np.abs(images.digit(tmp_path / f"x.{suffix}").astype(int) - expected).mean() < 6


def test_large_pictures_are_made_smaller(page, expected, tmp_path):
    large = pixels(1 - page).resize((2700, 3000))
    large.save(tmp_path / "x.jpg")
    assert max(read_grey(tmp_path / "x.jpg").shape) == LONGEST_SIDE
    assert np.abs(images.digit(tmp_path / "x.jpg").astype(int) - expected).mean() < 10


def test_a_small_digit_in_a_large_photo(page, digits, expected, tmp_path):
    photo = np.full((1500, 2000), 0.85)
    photo[900:1100, 1200:1380] -= 0.7 * page
    photo += np.random.default_rng(0).normal(0, 0.03, photo.shape)
    pixels(photo).save(tmp_path / "x.jpg")
    assert np.abs(images.digit(tmp_path / "x.jpg").astype(int) - expected).mean() < 12


# ---- what is refused --------------------------------------------------------------------------------------


def refused(path, *words):
    with pytest.raises(DataError) as caught:
        images.digit(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_blank_pictures(tmp_path):
    pixels(np.full((90, 120), 0.8)).save(tmp_path / "x.png")
    refused(tmp_path / "x.png", "no digit found")
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(tmp_path / "y.png")
    refused(tmp_path / "y.png", "no digit found")
    Image.new("L", (1, 1)).save(tmp_path / "z.png")
    refused(tmp_path / "z.png", "no digit found")


def test_missing_files_and_folders(tmp_path):
    refused(tmp_path / "nowhere.png", "no such file")
    refused(tmp_path, "is a folder")


@pytest.mark.parametrize("content", [b"", b"digit", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_picture(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    refused(tmp_path / "x.png", "no picture that can be read")


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp", "pgm"])
def test_broken_files_are_one_line(page, tmp_path, suffix):
    """Cut anywhere, or with bytes changed: a digit or a DataError, and no warning (here an error)."""
    buffer = io.BytesIO()
    pixels(1 - page[::2, ::2]).save(buffer, format=Image.registered_extensions()[f".{suffix}"])
    whole, random, path = buffer.getvalue(), np.random.default_rng(0), tmp_path / f"x.{suffix}"
    messages = []
    for case in range(40):
        content = bytearray(whole)
        if case % 2:
            content = content[: int(random.integers(1, len(content)))]
        else:
            for place in random.integers(0, min(len(content), 400), 8):
                content[place] = int(random.integers(256))
        path.write_bytes(content)
        try:
            images.digit(path)
        except DataError as error:
            messages.append(str(error))
    assert messages
    assert all(message.startswith(f"{path}: ") and "\n" not in message for message in messages)


def png_of_size(width, height):
    """A PNG of a few bytes that says it is that large."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"0"))
        + chunk(b"IEND", b"")
    )


def test_programs_are_not_run(page, tmp_path):
    """PostScript would be drawn by an interpreter of the machine."""
    pixels(1 - page).save(tmp_path / "x.png", format="EPS")
    refused(tmp_path / "x.png", "no picture that can be read")


@pytest.mark.parametrize("size", [(10_000, 12_000), (100_000, 100_000)], ids=str)
def test_decompression_bombs(tmp_path, size):
    (tmp_path / "x.png").write_bytes(png_of_size(*size))
    refused(tmp_path / "x.png", "pixels, too many")


def test_values_that_are_not_finite(page, tmp_path):
    levels = (1 - page).astype(np.float32)
    levels[3, 3] = np.nan
    Image.fromarray(levels).save(tmp_path / "x.tif")
    refused(tmp_path / "x.tif", "not finite")


def test_missing_pillow(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "fastnn\[images\]"'):
        images.digit(tmp_path / "x.png")


# ---- what a model takes -----------------------------------------------------------------------------------


def test_the_model_decides_the_frame(page, model_784, model_64, tmp_path):
    pixels(1 - page).save(tmp_path / "x.png")
    for model, shape in ((None, (28, 28)), (model_784, (28, 28)), (model_64, (8, 8))):
        image = fastnn.images.digit(str(tmp_path / "x.png"), model)
        assert (image.shape, image.dtype) == (shape, np.uint8)
        assert model is None or model.predict(image.reshape(1, -1))[0] == 4


@pytest.mark.parametrize(
    ("sizes", "options", "words"),
    [
        ((100, 3), {"input_scale": 1 / 255}, "784 features .* or 64 .*; this one takes 100"),
        ((784, 10), {}, "trained on uint8"),
        ((784, 2), {"loss": "squared_error", "input_scale": 1 / 255}, "one class an image"),
        ((784, 2), {"loss": "binary_cross_entropy", "input_scale": 1 / 255}, "one class an image"),
    ],
)
def test_models_that_take_no_pictures(generator, tmp_path, sizes, options, words):
    with pytest.raises(InputError, match=words):
        images.digit(tmp_path / "x.png", network_of(sizes, "float32", generator, **options))


def test_arguments_of_other_types(tmp_path):
    with pytest.raises(InputError, match=r"path must be .* got NoneType"):
        images.digit(None)
    with pytest.raises(InputError, match=r"model must be a fastnn.Network, .* got str"):
        images.digit(tmp_path / "x.png", "mnist.safetensors")


@pytest.mark.parametrize(
    "content",
    [
        b"label,a\n1,2\n",
        b"BMI,age\n20,30\n",
        b"P1,P2\n1,2\n",
        b"GIF89,b\n1,2\n",
        b"MM,II\n1,2\n",
        b"\0\0\x08\x03",
        b"",
    ],
)
def test_tables_are_no_pictures(tmp_path, content):
    (tmp_path / "table.csv").write_bytes(content)
    assert not images.is_picture(tmp_path / "table.csv")


def test_pillow_is_imported_only_to_read_a_picture():
    code = "import sys, fastnn, fastnn.cli; fastnn.images.is_picture('x.png'); print('PIL' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
