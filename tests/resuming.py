"""What the tests of checkpoints share: small data, trainings that end early, and when two are the same."""

import numpy as np

import fastnn
from fastnn.callbacks import Callback


def blobs(n_rows=90, dtype=np.float64):
    """Four clouds of points that overlap, and weights for the rows."""
    generator = np.random.default_rng(7)
    y = generator.integers(0, 4, n_rows)
    X = generator.normal(size=(n_rows, 5)) + 1.2 * np.eye(5)[y]
    return X.astype(dtype), y, generator.uniform(0.1, 2, n_rows)


X, Y, WEIGHTS = blobs()
SETTINGS = {"hidden": (6, 4), "epochs": 6, "seed": 3}


class StopAt(Callback):
    """Ends a training; has no state, so that it may be left out when the training is resumed."""

    def __init__(self, epoch):
        self.epoch = epoch

    def epoch_end(self, training):
        if training.epoch == self.epoch:
            training.stop("enough")


def train(path=None, *, X=X, y=Y, resume=False, **settings):
    return fastnn.train(X, y, checkpoint=path, resume=resume, **(SETTINGS | settings))


def assert_same(resumed, whole):
    """The same bits, and the same history but for the seconds."""
    for name in ("weights", "biases"):
        for a, b in zip(getattr(resumed, name), getattr(whole, name), strict=True):
            assert a.dtype == b.dtype
            assert a.tobytes() == b.tobytes()
    assert list(resumed.history) == list(whole.history)
    for name in set(whole.history) - {"seconds"}:
        assert resumed.history[name] == whole.history[name], name
    assert len(resumed.history["seconds"]) == whole.history.n_epochs
    for name in ("settings", "best_epoch", "stop_reason"):
        assert getattr(resumed.history, name) == getattr(whole.history, name)
