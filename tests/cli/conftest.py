"""A folder with tables and models that the tests of the command line share."""

import csv
from pathlib import Path

import numpy as np
import pytest

from .process import succeeds


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with flowers.csv (string labels, commas and quotes in them), line.csv, and a model of each."""
    folder = tmp_path_factory.mktemp("work")
    random = np.random.default_rng(0)
    names = ["red, big", 'the "blue" one', "green"]
    with (folder / "flowers.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["species", "a", "b", "c"])
        writer.writerows([names[i % 3], *random.normal(3 * (i % 3), 1, 3).round(3)] for i in range(90))
    with (folder / "line.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["target", "a", "b"])
        for a, b in random.uniform(-1, 1, (100, 2)).round(3):
            writer.writerow([round(2 * a - b + 0.25, 4), a, b])
    succeeds("train", "flowers.csv", "--quiet", "--seed", 1, "--out", "flowers.safetensors", folder=folder)
    succeeds("train", "line.csv", "--quiet", "--seed", 1, "--out", "line.safetensors", folder=folder)
    succeeds("train", "digits", "--quiet", "--seed", 1, "--out", "digits.safetensors", folder=folder)
    return folder
