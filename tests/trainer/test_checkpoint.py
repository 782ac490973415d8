"""Checkpoints: a resumed training ends with the bits of one without a break, whatever ended it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import Callback
from fastnn.errors import CheckpointError, InputError
from tests.resuming import WEIGHTS, StopAt, X, Y, assert_same, blobs, train

ROOT = Path(fastnn.__file__).parents[1]


class Interrupt(StopAt):
    def epoch_end(self, training):
        if training.epoch == self.epoch:
            raise KeyboardInterrupt


class Counter(Callback):
    """Has a state of every kind."""

    def __init__(self):
        self.calls, self.sums, self.last = 0, np.zeros(2, np.float32), None

    def epoch_end(self, training):
        self.calls += 1
        self.sums += np.array([1, training.history["loss"][-1]], np.float32)
        self.last = {"epoch": np.int64(training.epoch), "loss": float("nan")}

    def state(self):
        return {"calls": self.calls, "sums": self.sums, "last": self.last}

    def set_state(self, state):
        self.calls, self.sums, self.last = state["calls"], state["sums"].copy(), state["last"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.fastnn"


# ---- the same bits ----------------------------------------------------------------------------------------

OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "lbfgs")
OPTIONS = {
    "plain": {},
    "dropout": {"dropout": 0.3, "input_dropout": 0.1},
    "early stopping": {"validation": 0.3, "early_stopping": 2, "monitor": "validation_loss", "epochs": 12},
    "cosine": {"schedule": "cosine"},
    "plateau": {"schedule": fastnn.schedules.ReduceOnPlateau(patience=1, min_improvement=0.05)},
    "weights": {"sample_weight": WEIGHTS, "class_weight": "balanced"},
}
NOT_OF_LBFGS = ("dropout", "cosine", "plateau")


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resumed_equals_uninterrupted(path, backend_name, optimizer, options):
    if optimizer == "lbfgs":
        pytest.importorskip("scipy")
        if options in NOT_OF_LBFGS:
            return
    settings = {"optimizer": optimizer, "backend": backend_name, **OPTIONS[options]}
    whole = train(**settings)
    stopped = train(path, callbacks=[StopAt(2)], **settings)
    assert stopped.history.n_epochs == 2
    train(path, resume=True, callbacks=[StopAt(3)], **settings)
    resumed = train(path, resume=True, **settings)
    assert_same(resumed, whole)
    assert_same(train(path, resume=True, **settings), whole)  # finished: returned at once


REGRESSION = np.random.default_rng(1).normal(size=(90, 2))
OTHERS = {
    "float64": {"dtype": "float64"},
    "uint8": {"X": blobs()[0].astype(np.int64).astype(np.uint8)},
    "regression": {"y": REGRESSION, "loss": "huber"},
    "strings": {"y": np.array(["a", "b", "ç", "d"])[Y]},
    "no hidden layer": {"hidden": ()},
    "full batch": {"batch_size": "full"},
    "no seed": {"seed": None, "validation": 0.2, "dropout": 0.2},
    "limits": {"max_norm": 1.0, "clip_norm": 0.1, "weight_decay": 0.01, "l2": 0.01, "label_smoothing": 0.1},
    "standardize": {"standardize": True, "X": X * 50 + 7, "validation": 0.2, "early_stopping": 3},
    "initial": {"initial": fastnn.train(X, Y, hidden=3, epochs=1, seed=0, backend="numpy"), "hidden": 3},
    "metrics": {"validation": 0.3, "metrics": ("f1",), "early_stopping": 3, "monitor": "validation_f1"},
}


@pytest.mark.parametrize("case", OTHERS)
def test_networks_and_data_of_other_kinds(path, backend_name, case):
    settings = {"optimizer": "adam", "backend": backend_name, **OTHERS[case]}
    train(path, callbacks=[StopAt(1)], **settings)
    started = path.read_bytes()
    whole = train(path, resume=True, **settings)
    path.write_bytes(started)
    train(path, resume=True, callbacks=[StopAt(3)], **settings)
    assert_same(train(path, resume=True, **settings), whole)
    if settings.get("seed", 3) is not None:
        assert_same(train(**settings), whole)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_every_random_generator_of_numpy(path, kind):
    def fresh():
        return np.random.Generator(getattr(np.random, kind)(5))

    whole = train(seed=fresh(), validation=0.2)
    train(path, seed=fresh(), validation=0.2, callbacks=[StopAt(2)])
    mine = fresh()
    resumed = train(path, resume=True, seed=mine, validation=0.2)
    assert_same(resumed, whole)
    other = fresh()
    train(seed=other, validation=0.2)
    assert mine.random() == other.random()  # the caller's generator ends where it would have
    assert_same(train(path, resume=True, seed=None, validation=0.2), whole)


def test_more_epochs_than_before(path, backend_name):
    first = train(path, epochs=3, backend=backend_name)
    assert first.history.stop_reason == "epochs"
    assert_same(train(path, resume=True, backend=backend_name), train(backend=backend_name))
    again = train(path, resume=True, epochs=2, backend=backend_name)
    assert again.history.n_epochs == 6  # fewer than there are already: nothing to do


def test_each_backend_carries_on_what_the_other_began(path):
    settings = {"optimizer": "adam", "dropout": 0.2, "dtype": "float64"}
    whole = train(backend="numpy", **settings)
    for first, second in (("numpy", "numba"), ("numba", "numpy")):
        for name in (first, second):
            if name not in fastnn.backends.available():
                pytest.skip(f"backend {name} does not import here")
        train(path, backend=first, callbacks=[StopAt(3)], **settings)
        resumed = train(path, resume=True, backend=second, **settings)
        assert resumed.backend == second
        for a, b in zip(resumed.weights, whole.weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_threads_and_reports_may_change(path, backend_name, capsys):
    threads = {"threads": 2} if backend_name == "numba" else {}
    train(path, backend=backend_name, callbacks=[StopAt(3)])
    assert_same(
        train(path, resume=True, backend=backend_name, verbose=1, **threads), train(backend=backend_name)
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["4/6", "5/6", "6/6"]


def test_resume_without_a_file_begins_anew(path):
    assert_same(train(path, resume=True), train())
    assert path.exists()


def test_without_resume_an_older_checkpoint_is_replaced(path):
    train(path, hidden=3)
    assert_same(train(path), train())
    assert fastnn.load(path).sizes == (5, 6, 4, 4)


def test_early_stopping_is_an_end(path):
    settings = {
        "validation": 0.3,
        "early_stopping": 1,
        "monitor": "validation_accuracy",
        "learning_rate": 1e-6,
    }
    stopped = train(path, **settings)
    assert stopped.history.stop_reason == "early stopping"
    n_epochs = stopped.history.n_epochs
    again = train(path, resume=True, **(settings | {"epochs": 50}))
    assert again.history.n_epochs == n_epochs
    assert again.history.stop_reason == "early stopping"


# ---- callbacks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [0, 1])
def test_states_of_callbacks_are_kept_wherever_they_stand(path, position):
    def both(counter, stopper):
        return [counter, stopper] if position else [stopper, counter]

    whole, first, second = Counter(), Counter(), Counter()
    train(callbacks=[whole])
    train(path, callbacks=both(first, StopAt(4)))
    train(path, resume=True, callbacks=both(second, StopAt(99)))
    assert first.calls == 4
    assert second.calls == whole.calls == 6
    assert second.sums.tobytes() == whole.sums.tobytes()
    assert second.sums.dtype == np.float32
    assert second.last["epoch"] == 6
    assert np.isnan(second.last["loss"])


def test_two_callbacks_of_one_kind_get_their_own_states(path):
    class Late(Counter):
        def __init__(self, start_at):
            super().__init__()
            self.start_at = start_at

        def epoch_end(self, training):
            if training.epoch >= self.start_at:
                super().epoch_end(training)

    train(path, callbacks=[Late(1), Late(3), StopAt(4)])
    late = [Late(1), Late(3)]
    train(path, resume=True, callbacks=late)
    assert [callback.calls for callback in late] == [6, 4]


@pytest.mark.parametrize(("before", "now"), [([], [Counter()]), ([Counter()], [])])
def test_callbacks_with_a_state_must_be_the_same(path, before, now):
    train(path, callbacks=[*before, StopAt(2)])
    content = path.read_bytes()
    with pytest.raises(
        CheckpointError, match=r"callbacks that have a state were (none|Counter) and are"
    ) as caught:
        train(path, resume=True, callbacks=now)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array(["a"]), np.array([None])])
def test_a_state_that_no_file_can_hold_is_told_at_once(path, value):
    class Odd(Callback):
        def state(self):
            return {"odd": value}

    with pytest.raises(InputError, match=r"Odd.state\(\) has 'odd'"):
        train(path, callbacks=[Odd()])
    assert not path.exists()


# ---- how often, and what is in the file -------------------------------------------------------------------


class Watcher(Callback):
    """Epochs in the file, as the next epoch's end finds it."""

    def __init__(self, path):
        self.path, self.seen = path, []

    def epoch_end(self, training):
        self.seen.append(fastnn.trainer.checkpoint.read(self.path).epoch if self.path.exists() else 0)


def test_every_so_many_epochs_and_at_the_end(path):
    watcher = Watcher(path)
    train(path, checkpoint_every=3, epochs=8, callbacks=[watcher])
    assert watcher.seen == [0, 0, 0, 3, 3, 3, 6, 6]
    assert fastnn.trainer.checkpoint.read(path).epoch == 8
    assert [file.name for file in path.parent.iterdir()] == ["run.fastnn"]


def test_a_checkpoint_is_a_model(path):
    labels = np.array(["ant", "bee", "cat", "dog"])[Y]
    model = train(path, y=labels)
    loaded = fastnn.load(path)
    assert loaded.predict(X).tolist() == model.predict(X).tolist()
    for a, b in zip(loaded.weights, model.weights, strict=True):
        assert a.tobytes() == b.tobytes()


def test_of_early_stopping_the_model_is_the_best_epoch(path):
    settings = {"validation": 0.3, "early_stopping": 4, "monitor": "validation_loss", "learning_rate": 0.9}
    model = train(path, epochs=60, callbacks=[Watcher(path)], **settings)
    assert model.history.best_epoch < model.history.n_epochs
    loaded = fastnn.load(path)
    for a, b in zip(loaded.weights + loaded.biases, model.weights + model.biases, strict=True):
        assert a.tobytes() == b.tobytes()


# ---- interruptions ----------------------------------------------------------------------------------------


def test_ctrl_c_between_epochs_leaves_the_last_whole_one(path, backend_name):
    with pytest.warns(UserWarning, match="interrupted after 3 of 6"):
        train(path, callbacks=[Interrupt(3)], backend=backend_name)
    assert fastnn.trainer.checkpoint.read(path).epoch == 2
    assert_same(train(path, resume=True, backend=backend_name), train(backend=backend_name))


def test_ctrl_c_within_an_epoch_leaves_the_last_whole_one(path, backend_name, monkeypatch):
    from fastnn.trainer import passes

    def one_update_a_part(part, elapsed):
        calls.append(part)
        if len(calls) == 30:
            raise KeyboardInterrupt
        return 1

    calls = []
    monkeypatch.setattr(passes, "_next_part", one_update_a_part)
    with pytest.warns(UserWarning, match="interrupted after 2 of 6"):
        train(path, optimizer="adam", dropout=0.3, backend=backend_name)
    monkeypatch.undo()
    settings = {"optimizer": "adam", "dropout": 0.3, "backend": backend_name}
    assert_same(train(path, resume=True, **settings), train(**settings))


def test_an_exception_in_a_callback_leaves_the_last_whole_epoch(path):
    class Fails(StopAt):
        def epoch_end(self, training):
            if training.epoch == self.epoch:
                raise RuntimeError("mine")

    with pytest.raises(fastnn.errors.CallbackError):
        train(path, callbacks=[Fails(4)])
    assert_same(train(path, resume=True), train())


def test_a_full_disk_warns_and_keeps_the_old_file(path, monkeypatch):
    train(path, epochs=2)
    old = path.read_bytes()

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.warns(UserWarning, match=r"after epoch [3-6]: No space left on device.*still there"):
        model = train(path, resume=True)
    monkeypatch.undo()
    assert path.read_bytes() == old
    assert [file.name for file in path.parent.iterdir()] == ["run.fastnn"]
    assert_same(model, train())
    assert_same(train(path, resume=True), model)


CHILD = """
import json, os, signal, sys
import numpy as np
import fastnn

class Ready(fastnn.callbacks.Callback):
    def start(self, training):
        print("ready", flush=True)

path, moment, count, settings = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
if moment != "later":
    # Killed in the middle of writing: at the count-th call of a function that every writing calls once.
    calls, original = 0, getattr(os, moment.split()[-1])
    def fatal(*arguments):
        global calls
        calls += 1
        if calls == count and moment.startswith("before"):
            os.kill(os.getpid(), signal.SIGKILL)
        original(*arguments)
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
    setattr(os, moment.split()[-1], fatal)
data = np.load(os.path.join(os.path.dirname(path), "data.npz"))
fastnn.train(data["X"], data["y"], checkpoint=path, resume=True, callbacks=[Ready()], **settings)
"""
KILLED = {
    "hidden": (6,),
    "epochs": 150,
    "seed": 3,
    "optimizer": "adam",
    "dropout": 0.3,
    "backend": "numpy",
    "validation": 0.3,
    "early_stopping": 1000,
}
needs_sigkill = pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")


def child(path, moment="later", count=0):
    """A training in a process of its own, once it is ready to train."""
    np.savez(path.with_name("data.npz"), X=X, y=Y)
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), moment, str(count), json.dumps(KILLED)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return process.returncode


def resume_here(path):
    return fastnn.train(X, Y, checkpoint=path, checkpoint_every=100, resume=True, **KILLED)


@needs_sigkill
@pytest.mark.parametrize("moment", ["before fsync", "before replace", "after replace"])
def test_killed_while_writing(path, moment):
    with child(path, moment, 5) as process:
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert fastnn.trainer.checkpoint.read(path).epoch == (5 if moment.startswith("after") else 4)
    assert fastnn.load(path).sizes == (5, 6, 4)
    assert_same(resume_here(path), fastnn.train(X, Y, **KILLED))
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "data.npz",
        "run.fastnn",
    ]  # and no leftover


def killed_again_and_again(path, delays):
    reached = 0
    for delay in delays:
        with child(path) as process:
            time.sleep(delay)
            kill(process)
        if path.exists():
            epoch = fastnn.trainer.checkpoint.read(path).epoch
            assert epoch >= reached
            reached = epoch
            fastnn.load(path)
    assert_same(resume_here(path), fastnn.train(X, Y, **KILLED))


@needs_sigkill
def test_killed_at_any_moment(path):
    killed_again_and_again(path, [0.0, 0.02, 0.05])


@needs_sigkill
@pytest.mark.slow
def test_killed_at_many_moments(tmp_path):
    delays = np.random.default_rng(0).uniform(0, 0.2, (6, 10))
    for number, some in enumerate(delays):
        killed_again_and_again(tmp_path / f"{number}.fastnn", some)
