"""Twenty thousand damaged model files, checkpoints and data files: one clear error, or what is sound."""

import pytest

from tests.datasets.hostile_data import SOUND
from tests.datasets.test_hostile_data import damage, folder, try_any_bytes
from tests.test_hostile_files import damage_checkpoints, damage_models, sound

__all__ = ["folder", "sound"]  # fixtures, used by their names
pytestmark = pytest.mark.slow

DAMAGED = 20_000


def test_damaged_models(tmp_path, sound):
    assert damage_models(tmp_path / "m", sound[0], DAMAGED // 2) < DAMAGED / 6


def test_damaged_checkpoints(tmp_path, sound):
    damage_checkpoints(tmp_path / "m", sound[1], DAMAGED // 2)


@pytest.mark.parametrize("kind", SOUND)
def test_damaged_data(tmp_path, kind):
    count = DAMAGED // len(SOUND)
    assert damage(tmp_path / "data", kind, count) < count


def test_any_bytes_at_all(folder):
    try_any_bytes(folder, 3000)
