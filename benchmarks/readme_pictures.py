"""Draws README's pictures of a training on the shipped digits: python benchmarks/readme_pictures.py

Writes  benchmarks/results/learning_curves.png    loss, accuracy and learning rate, the best epoch marked
        benchmarks/results/confusion_matrix.png   which digit is taken for which, on the test part
        benchmarks/results/mistakes.png           the images the network is most certain about, and wrong

`--out FOLDER` writes them elsewhere. The same seed gives the same pictures; nothing is downloaded.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # as a script, this file has only its own folder there

import fastnn  # noqa: E402
from fastnn import plots  # noqa: E402

# Pixels an inch: sharp on screens that show README's 700 pixels with two of their own each.
DPI = 175


def trained(epochs: int = 30) -> fastnn.Network:
    """The network of the pictures: 64-128-10 relu, one tenth of the rows for validation."""
    X, y = fastnn.datasets.load("digits", split="train")
    return fastnn.train(
        X,
        y,
        hidden=(128,),
        epochs=epochs,
        schedule="one_cycle",
        validation=0.1,
        monitor="validation_loss",
        early_stopping=10,
        seed=0,
    )


def draw(model: fastnn.Network, folder: Path) -> list[Path]:
    """Draw the three pictures into `folder`; returns their paths."""
    X, y = fastnn.datasets.load("digits", split="test")
    figures = {
        "learning_curves": plots.learning_curves(model),
        "confusion_matrix": plots.confusion_matrix(model, X, y),
        "mistakes": plots.confident_mistakes(model, X, y, count=8),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png" for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        # Without Matplotlib's version in it, the file changes only when the picture does.
        figure.savefig(path, dpi=DPI, metadata={"Software": None})
    return paths


def main() -> None:
    """Train, draw, and say where the pictures are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results", metavar="FOLDER")
    folder = parser.parse_args().out
    for path in draw(trained(), folder):
        print(path)


if __name__ == "__main__":
    main()
