"""Ctrl-C at any line: trains over and over, interrupted some lines later each time. For a process of its own.

python -m tests.interrupting numba 2 10    # backend, threads, lines from one to the next
"""

import sys
import threading
import time
import warnings

import numpy as np

import fastnn
from fastnn.callbacks import Callback
from fastnn.trainer import loop as trainer
from fastnn.trainer import resolving

TRAIN, FIT = fastnn.train.__code__, trainer.Training.fit.__code__
# Within the last few steps of these, when training is over, Ctrl-C still comes out of train.
LAST_STEPS = ("fit", "_finish", "finish")


class Interruption:
    """Raises KeyboardInterrupt at the so-manieth line that runs since `begin` was called.

    Not inside of Thread.start, which keeps its locks for ever when it is interrupted at some lines.
    """

    def __init__(self, at, begin):
        self.at, self.lines, self.where, self.function = at, 0, "", ""
        self._begin, self._inside = begin, False

    def __enter__(self):
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_):
        sys.settrace(None)

    def _trace(self, frame, event, _):
        if frame.f_code is self._begin:
            self._inside = event != "return"
        if self._inside and event == "line" and frame.f_code.co_filename != threading.__file__:
            self.lines += 1
            if self.lines == self.at:
                self._inside = False
                self.where, self.function = (
                    f"{frame.f_code.co_filename}:{frame.f_lineno}",
                    frame.f_code.co_name,
                )
                raise KeyboardInterrupt
        return self._trace


class Copies(Callback):
    """Something of the user's that is interrupted too."""

    def epoch_end(self, training):
        training.write_back()
        self.weights = [W.copy() for W in training.network.weights]


def interrupted_at(line, begin, watched, **options):
    """(the interruption, the model or None where Ctrl-C came out of train).

    watched   whether somebody looks after every epoch; else several are trained together
    """
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(40, 6)).astype(np.float32), np.arange(40) % 3
    settings = {"hidden": 8, "epochs": 7, "batch_size": 20, "seed": 0}
    if watched:
        settings |= {"epochs": 2, "validation": 0.25, "callbacks": [Copies()]}
    model = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Interruption(line, begin) as interruption:
                model = fastnn.train(X, y, **settings | options)
        except KeyboardInterrupt:
            pass
    return interruption, model


def threads_left():
    """Threads of fastnn's; those that have been told to end get some time to."""
    for _ in range(200):
        left = [thread for thread in threading.enumerate() if thread.name.startswith("fastnn")]
        if not left:
            break
        time.sleep(0.01)
    return left


def check(interruption, model):
    """No thread is left; and a model that came back has a whole history."""
    where = interruption.where
    left = threads_left()
    assert not left, (where, left)
    if model is not None:
        assert model.history.stop_reason == "interrupted", where
        assert {len(column) for column in model.history.values()} <= {model.history.n_epochs}, where
        assert all(np.isfinite(array).all() for array in (*model.weights, *model.biases)), where


def main(backend, threads, step):
    """Print how many lines were tried."""
    resolving.granted_cpus = lambda: threads
    trainer.SECONDS_TOGETHER, trainer.MOST_TOGETHER = 1.0, 3  # line by line an epoch takes long
    options = {"backend": backend} | ({"threads": threads} if backend == "numba" else {})
    tried = 0
    for begin, watched in ((TRAIN, True), (FIT, True), (FIT, False)):
        for _ in range(2):  # the first time much is loaded
            lines = interrupted_at(10**9, begin, watched, **options)[0].lines
        for line in range(1, lines + 1, step):
            interruption, model = interrupted_at(line, begin, watched, **options)
            if not interruption.where:
                break  # it took some lines less than the one that was counted
            check(interruption, model)
            assert begin is TRAIN or model is not None or interruption.function in LAST_STEPS, (
                interruption.where
            )
            tried += 1
    print(tried)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
