"""Opening pictures with Pillow: any file to grey levels, and every failure one DataError line."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import DataError, MissingDependencyError

if TYPE_CHECKING:
    from PIL.Image import Image

# Nothing that runs a program (EPS) or is drawn by the operating system (WMF).
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm")
BEGINNING = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|BM.{4}\0\0\0\0|II\*\0|MM\0\*|RIFF.{4}WEBP"
    rb"|P[1-6]\s+(#[^\n]*\n\s*)*\d+\s",
    re.DOTALL,
)
# Larger pictures are made smaller first: a digit of a twentieth of their height is still MNIST's 20 pixels.
LONGEST_SIDE = 480


def is_picture(path: str | Path) -> bool:
    """Whether a file is a picture, by its first bytes, or by its name where these say nothing."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            known = BEGINNING.match(file.read(256)) is not None
    except OSError:
        known = False
    return known or path.suffix.lower() in SUFFIXES


def require_pillow() -> None:
    """Raise MissingDependencyError, saying how to install it, where Pillow does not import."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f'reading pictures needs Pillow ({str(error).splitlines()[0]}): pip install "fastnn[images]"'
        ) from None


def read_grey(path: Path) -> Array:
    """A picture as (height, width) float64 grey levels, about 0..1, at most LONGEST_SIDE pixels a side.

    Colours become one grey along the line on which they differ most, so that red on green is seen as well as
    black on white. Deep pictures (16 bits, floats) are stretched to 0..1.
    """
    require_pillow()
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Pillow has much to say about odd metadata. Only its warning of a file that unpacks to
            # gigabytes is for us; twice that size is an error of its own.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return _levels(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{path}: is a folder; give the pictures in it") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DataError(
            f"{path}: has more than {Image.MAX_IMAGE_PIXELS} pixels, too many for a picture of a digit"
        ) from None
    except UnidentifiedImageError:
        raise DataError(
            f"{path}: no picture that can be read ({', '.join(FORMATS[:-1])} or PNM), or damaged"
        ) from None
    except Exception as error:
        # A broken file brings out anything in a decoder: OSError, SyntaxError, struct.error, MemoryError …
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"{path}: the picture cannot be read ({reason.splitlines()[0]})") from None


def _levels(image: Image) -> Array:
    if image.mode[0] in "IF":
        return _stretched(_smaller(_floats(image)))
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        return _along_colours(_on_paper(np.asarray(_smaller(image.convert("RGBA")), np.float64) / 255))
    image = _smaller(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    levels = np.asarray(image, np.float64) / 255
    return levels if levels.ndim == 2 else _along_colours(levels)


def _smaller(image: Image) -> Image:
    from PIL.Image import Resampling

    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Resampling.BOX)
    return image


def _floats(image: Image) -> Image:
    from PIL.Image import fromarray

    values = np.asarray(image).astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("it holds values that are not finite")
    return fromarray(values)


def _stretched(image: Image) -> Array:
    values: Array = np.asarray(image, np.float64)
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _on_paper(picture: Array) -> Array:
    """(height, width, 4) laid on white, or on black where what is visible is light: (height, width, 3)."""
    colours, alpha = picture[..., :3], picture[..., 3:]
    visible = colours[alpha[..., 0] > 0.5]
    if len(visible) == 0:
        return np.zeros_like(colours)
    return alpha * colours + (1 - alpha) * float(visible.mean() < 0.5)


def _along_colours(picture: Array) -> Array:
    """(height, width, 3) projected onto its colours' first principal axis, black to white being 0 to 1."""
    colours = picture.reshape(-1, 3)
    axis: Any = np.linalg.eigh(np.cov(colours.T) if len(colours) > 1 else np.eye(3))[1][:, -1]
    axis = axis * (1.0 if axis.sum() >= 0 else -1.0) / np.abs(axis).sum()
    # Opposite signs, as for red on green, make values below 0.
    return picture @ axis + np.maximum(-axis, 0).sum()
