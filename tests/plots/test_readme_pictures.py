"""The script that draws README's pictures: three real ones of a real training, the same every time."""

from pathlib import Path

import pytest

image = pytest.importorskip("matplotlib.image")

from benchmarks import readme_pictures


@pytest.fixture(autouse=True)
def numpy_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTNN_BACKEND", "numpy")


def test_three_pictures(tmp_path: Path) -> None:
    names = ["learning_curves.png", "confusion_matrix.png", "mistakes.png"]
    paths = readme_pictures.draw(readme_pictures.trained(epochs=2), tmp_path / "new" / "folder")
    assert [path.name for path in paths] == names
    for path in paths:
        assert image.imread(path).shape[1] >= 1000
        assert b"Matplotlib" not in path.read_bytes()


@pytest.mark.slow
def test_they_are_the_same_every_time(tmp_path: Path) -> None:
    paths = readme_pictures.draw(readme_pictures.trained(), tmp_path / "first")
    again = readme_pictures.draw(readme_pictures.trained(), tmp_path / "second")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]
