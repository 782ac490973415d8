"""digit(): from a picture file to the pixels that a network of MNIST or of the shipped digits expects."""

from __future__ import annotations

import os
from pathlib import Path

from fastnn.backends import Array
from fastnn.errors import DataError, InputError
from fastnn.images.finding import find_ink
from fastnn.images.framing import as_mnist, as_optical
from fastnn.images.reading import read_grey
from fastnn.network import Network

# By the number of a model's features: MNIST's 28×28, and the 8×8 of fastnn.datasets.load("digits").
FRAMES = {784: as_mnist, 64: as_optical}


def digit(path: str | os.PathLike[str], model: Network | None = None) -> Array:
    """The one digit in a picture, found, cropped, and framed as the digits were that `model` learned from.

    path    PNG, JPEG, GIF, BMP, TIFF, WebP, or PNM; grey or colour, 8 or 16 bits, transparent or not; turned
            as its EXIF data say. Ink may be dark on light or light on dark, the light may be uneven; specks,
            and frames or lines along the edges, are left out
    model   of 784 features, as from MNIST, or 64, as from the shipped digits; None is as for 784

    Returns (28, 28) uint8, light ink on black: fitted into 20×20 with its proportions, its centre of mass in
    the middle; for 64 features (8, 8) uint8. `model.predict(digit(path, model).reshape(1, -1))` labels it.

    Errors  DataError naming the file, where it is no readable picture or shows no digit; InputError for a
            model of other features, or not trained on uint8; MissingDependencyError without Pillow
    Source  LeCun, Cortes, Burges, "The MNIST database of handwritten digits", http://yann.lecun.com/exdb/mnist
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"path must be the name of a picture file, got {type(path).__name__}")
    frame = FRAMES[784 if model is None else pixels_for(model)]
    file = Path(path)
    ink = find_ink(read_grey(file))
    if ink is None:
        raise DataError(f"{file}: no digit found; one digit must stand out from its background")
    return frame(ink)


def pixels_for(model: Network) -> int:
    """Number of pixels that `model` takes, 784 or 64, or InputError where pictures mean nothing to it."""
    if not isinstance(model, Network):
        raise InputError(
            f"model must be a fastnn.Network, as fastnn.load returns, got {type(model).__name__}"
        )
    if model.classes is None or model.multilabel:
        raise InputError("pictures need a model that gives one class an image, as one trained on MNIST does")
    if model.sizes[0] not in FRAMES:
        raise InputError(
            f"pictures need a model of 784 features (28×28, as MNIST) or 64 (8×8, as digits); this one takes "
            f"{model.sizes[0]}"
        )
    if model.input_scale is None:
        raise InputError(
            "pictures need a model trained on uint8 grey levels; this one was trained on other numbers: "
            "scale fastnn.images.digit(path) as its training data were, and call predict"
        )
    return model.sizes[0]
