"""Model files and checkpoints: whatever is in them, one clear error; whatever stops a saving, no loss."""

import os
import re
import stat
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import whole_file
from fastnn.errors import CheckpointError, InputError, ModelFileError
from fastnn.trainer import checkpoint
from tests import limited
from tests.fuzzing import SEED, assert_one_clear_line, cases, repeatable
from tests.hostile_models import BY_HAND, SOUND, damaged
from tests.limited import needs_limits
from tests.odd_training import assert_good_weights
from tests.resuming import train

DAMAGED = 300


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Bytes of a model that has everything, and of a checkpoint."""
    folder = tmp_path_factory.mktemp("sound")
    X, names = np.random.default_rng(0).normal(5, 3, (30, 5)), np.array(["a", "bé", "猫"])[np.arange(30) % 3]
    fastnn.train(X, names, hidden=(4, 3), epochs=3, standardize=True, validation=0.3, seed=0).save(
        folder / "model"
    )
    train(folder / "run", optimizer="adam", validation=0.3, early_stopping=3, epochs=2)
    return (folder / "model").read_bytes(), (folder / "run").read_bytes()


# ---- reading ----------------------------------------------------------------------------------------------


def test_the_model_from_which_they_are_made_is_sound(tmp_path):
    (tmp_path / "m").write_bytes(SOUND)
    assert fastnn.load(tmp_path / "m").predict([[1.0, 2, 3]]).tolist() == [0]


@pytest.mark.parametrize("name", BY_HAND)
def test_files_by_hand_are_refused_in_one_line(tmp_path, name):
    path = tmp_path / "m"
    path.write_bytes(BY_HAND[name])
    for read in (fastnn.load, checkpoint.read):
        with pytest.raises(ModelFileError) as caught:
            read(path)
        assert_one_clear_line(caught.value)
        assert str(path) in str(caught.value)


def load_or_refuse(path, content):
    """Whether a damaged model still is a sound one."""
    path.write_bytes(content)
    try:
        model = fastnn.load(path, backend="numpy")
    except ModelFileError as error:
        assert_one_clear_line(error)
        return False
    assert_good_weights(model)
    return True


def damage_models(path, model, count):
    """Loads `count` damaged copies; how many of them still are models (a weight may have changed)."""
    loaded = 0
    for number in cases(count):
        with repeatable(number):
            loaded += load_or_refuse(path, damaged(model, np.random.default_rng([SEED, number])))
    return loaded


def damage_checkpoints(path, run, count):
    """Reads `count` damaged copies: the checksum tells of every one."""
    for number in cases(count):
        content = damaged(run, np.random.default_rng([SEED, number]))
        path.write_bytes(content)
        with repeatable(number):
            if content == run:
                continue
            for read in (checkpoint.read, fastnn.load):
                with pytest.raises(ModelFileError) as caught:
                    read(path)
                assert_one_clear_line(caught.value)


def test_damaged_models(tmp_path, sound):
    loaded = damage_models(tmp_path / "m", sound[0], DAMAGED)
    assert loaded < DAMAGED / 3


def test_damaged_checkpoints(tmp_path, sound):
    damage_checkpoints(tmp_path / "m", sound[1], DAMAGED)


@needs_limits
def test_reading_takes_little_memory():
    printed = limited.run(
        """
from tests.hostile_models import BY_HAND
import tempfile
path = Path(tempfile.mkdtemp()) / "m"
little_memory(100)
for name, content in BY_HAND.items():
    path.write_bytes(content)
    refused(fastnn.load, path)
path.unlink(), path.parent.rmdir()
print(len(BY_HAND))
"""
    )
    assert int(printed) == len(BY_HAND)


@needs_limits
def test_the_limit_is_felt():
    with pytest.raises(AssertionError, match="MemoryError"):
        limited.run("little_memory(100); np.ones(200 << 20, np.uint8)")


# The kernels' cache of compiled code is Numba's own, in a folder of the user's, and no file that is read.
SOURCES = [path for path in Path(fastnn.__file__).parent.rglob("*.py") if path.parent.name != "kernels"]


@pytest.mark.parametrize(
    "pattern",
    [r"^\s*(import|from) (pickle|dill|joblib|marshal|shelve)\b", r"allow_pickle=True", r"\beval\(|\bexec\("],
)
def test_nothing_that_reads_could_run_what_it_reads(pattern):
    assert len(SOURCES) > 80
    found = [
        path.name for path in SOURCES if re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not found


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_files_of_another_kind(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="pipe is not an ordinary file"):
        fastnn.load(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match=r"cannot be read: File name too long|does not exist"):
        fastnn.load(tmp_path / ("x" * 300))


@pytest.mark.parametrize("path", [None, 3, b"x", "a\0b", ["m"], np.ones(3)])
def test_names_that_name_no_file(path):
    model = train(epochs=1)
    for use in (model.save, fastnn.load, checkpoint.read):
        with pytest.raises(InputError, match=r"^path=.*(name of a file|null character)"):
            use(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_break_lines(tmp_path):
    path = tmp_path / "two\nlines \x1b[31mred"
    path.write_bytes(b"no model")
    for read in (fastnn.load, checkpoint.read):
        with pytest.raises(ModelFileError, match=r"two lines  \[31mred is damaged") as caught:
            read(path)
        assert_one_clear_line(caught.value)


# ---- writing ----------------------------------------------------------------------------------------------

KEEPS = """
folder = Path(sys.argv[1])
X, y = np.random.default_rng(0).normal(size=(40, 300)), np.arange(40) % 2
options = {"hidden": 20, "backend": "numpy", "seed": 0, "checkpoint": folder / "run"}
model = fastnn.train(X, y, epochs=1, **options)
model.save(folder / "m")
old = (folder / "m").read_bytes(), (folder / "run").read_bytes()
full_disk(5000)
message = refused(model.save, folder / "m")
import warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    fastnn.train(X, y, epochs=3, resume=True, **options)
assert ((folder / "m").read_bytes(), (folder / "run").read_bytes()) == old
assert fastnn.trainer.checkpoint.read(folder / "run").epoch == 1
assert sorted(path.name for path in folder.iterdir()) == ["m", "run"]
print(message, "|", said[0].message)
"""


@needs_limits
def test_a_full_disk_keeps_the_old_files(tmp_path):
    printed = limited.run(KEEPS, tmp_path)
    assert re.search(
        r"cannot write .*/m: File too large \| checkpoint .*/run could not be written after", printed
    )


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX file modes")
def test_a_folder_that_is_read_only(tmp_path):
    """As nobody, where these tests run as root, whom no mode stops."""
    model, path = train(epochs=1), tmp_path / "closed" / "m"
    path.parent.mkdir()
    model.save(path)
    old = path.read_bytes()
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR | stat.S_IROTH | stat.S_IXOTH)
    parents = [folder for folder in path.parents if folder.stat().st_uid == os.geteuid()]
    modes = {folder: folder.stat().st_mode for folder in parents}
    try:
        if os.geteuid() == 0:
            for folder in parents:
                folder.chmod(modes[folder] | stat.S_IXOTH)
            os.seteuid(65534)
        with pytest.raises(ModelFileError, match=r"cannot write .*: Permission denied"):
            model.save(path)
        with pytest.raises(InputError, match=r"checkpoint=.* cannot be written: Permission denied"):
            train(path.parent / "run", epochs=1)
    finally:
        if os.geteuid() == 65534:
            os.seteuid(0)
        for folder, mode in modes.items():
            folder.chmod(mode)
        path.parent.chmod(0o700)
    assert path.read_bytes() == old
    assert [file.name for file in path.parent.iterdir()] == ["m"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ModelFileError, match=r"cannot write .*: No such file or directory"):
        train(epochs=1).save(tmp_path / "nowhere" / "m")
    with pytest.raises(InputError, match=r"checkpoint=.* cannot be written: No such file or directory"):
        train(tmp_path / "nowhere" / "run", epochs=1)


@pytest.mark.parametrize("step", ["write", "fsync", "chmod", "replace"])
def test_whatever_fails_while_writing_the_old_file_stays(tmp_path, monkeypatch, step):
    path = tmp_path / "m"
    path.write_bytes(b"old")

    def fails(*_, **__):
        raise OSError(5, "Input/output error")

    class Disk:
        def __init__(self, handle, mode):
            self.handle = handle

        def __enter__(self):
            return self

        def __exit__(self, *_):
            os.close(self.handle)

        write = fails

    if step == "write":
        monkeypatch.setattr(whole_file.os, "fdopen", Disk)
    else:
        monkeypatch.setattr(whole_file.os, step, fails)
    with pytest.raises(OSError, match="Input/output error"):
        whole_file.write_whole(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


def test_a_checkpoint_error_is_a_model_file_error():
    assert issubclass(CheckpointError, ModelFileError)
