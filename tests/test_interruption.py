"""Ctrl-C and SIGTERM: soon, at any moment, and what was trained so far is kept. See also test_checkpoint."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest

import fastnn
from fastnn import backends
from fastnn.cli.termination import sigterm_like_ctrl_c
from fastnn.optimizers import LBFGS, SGD, Adam
from fastnn.run_settings import RunSettings
from tests.checks import assert_same_bits, data_for, network_of
from tests.cli.process import environment, succeeds

needs_signals = pytest.mark.skipif(os.name == "nt", reason="signals cannot be sent to one process on Windows")
needs_numba = pytest.mark.skipif("numba" not in backends.available(), reason="Numba does not work here")


def try_lines(root, backend, threads, step):
    done = subprocess.run(
        [sys.executable, "-m", "tests.interrupting", backend, str(threads), str(step)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Exception ignored" not in done.stderr, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_at_any_line(backend_name, threads, pytestconfig):
    if backend_name == "numpy" and threads > 1:
        return
    assert try_lines(pytestconfig.rootpath, backend_name, threads, 79) > 30


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_at_every_line(backend_name, threads, pytestconfig):
    assert try_lines(pytestconfig.rootpath, backend_name, threads, 1) > 1000


# ---- long batches -----------------------------------------------------------------------------------------


@needs_signals
@needs_numba
@pytest.mark.parametrize("optimizer", ["sgd", "lbfgs"])
def test_ctrl_c_in_a_full_batch_of_large_data(generator, optimizer):
    """An update takes seconds here, and several of them with L-BFGS."""
    if optimizer == "lbfgs":
        pytest.importorskip("scipy")
    X, y = generator.normal(size=(40_000, 64)).astype(np.float32), generator.integers(0, 5, 40_000)
    options = {"hidden": (1024, 1024), "batch_size": "full", "optimizer": optimizer, "backend": "numba"}
    fastnn.train(X[:2500], y[:2500], epochs=1, **options)  # compiled before the clock
    sent = []

    def interrupt():
        sent.append(time.process_time())  # of this process: others may hold the CPU
        os.kill(os.getpid(), signal.SIGINT)

    class Begin(fastnn.callbacks.Callback):
        def start(self, training):
            threading.Timer(0.3, interrupt).start()

    with pytest.warns(UserWarning, match="interrupted after 0 of"):
        model = fastnn.train(X, y, epochs=1000, callbacks=[Begin()], **options)
    assert time.process_time() - sent[0] < 1
    assert model.history.n_epochs == 0
    assert all(np.isfinite(W).all() for W in model.weights)


@needs_numba
@pytest.mark.parametrize("optimizer", ["plain", "adam"])
@pytest.mark.parametrize(
    "batch_size", [7000, 3000, 1500]
)  # cut into shards of rows, with a ragged batch, and not
def test_a_batch_in_several_calls_has_the_same_bits(batch_size, optimizer, generator, monkeypatch):
    from fastnn.backends import numba_backend, numba_parts

    X, y = data_for(network_of((9, 33, 4), np.float32, generator), 7000, generator)
    others = {"optimizer": Adam(), "dropout_seed": 3} if optimizer == "adam" else {}
    results = []
    for most_rows, threads in ((2**18, 1), (256, 1), (1024, 2), (2048, 3)):
        monkeypatch.setattr(numba_parts, "MOST_ROWS", most_rows)
        model = network_of((9, 33, 4), np.float32, np.random.default_rng(1))
        settings, calls = RunSettings(batch_size, threads, **others), []
        run = numba_backend.open_run(model, X, y, settings)
        rates = settings.constant_rates(7000, 0.1)
        losses, n_correct = run.epoch(np.arange(7000), rates, partial(calls.append, 0))
        run.write_back()
        run.close()
        assert (len(calls) > 1) == (most_rows < batch_size)
        assert run.step == len(losses)
        results.append((losses.tobytes(), n_correct, *[W.tobytes() for W in model.weights]))
        results[-1] += (numba_backend.evaluate(model, X, y), numba_backend.predict(model, X).tobytes())
    assert all(result == results[0] for result in results)


class StopNow(BaseException):
    """What train_many ends its trainings with is no Exception either."""


@pytest.mark.parametrize("optimizer", ["momentum", "adam", "lbfgs"])
@pytest.mark.parametrize("at", [1, 2])
def test_what_is_raised_within_a_batch_takes_no_part_of_the_update(
    backend, backend_name, optimizer, at, generator, monkeypatch
):
    if optimizer == "lbfgs":
        pytest.importorskip("scipy")
    elif at == 2 and backend_name == "numpy":
        return  # which looks once an update
    if backend_name == "numba":
        from fastnn.backends import numba_parts

        monkeypatch.setattr(numba_parts, "MOST_ROWS", 256)
    X, y = data_for(network_of((6, 20, 3), np.float64, generator), 2500, generator)
    known = {"momentum": SGD(momentum=0.9), "adam": Adam(), "lbfgs": LBFGS()}
    settings = RunSettings(2500, 1, optimizer=known[optimizer])
    rates = settings.constant_rates(2500, 1.0 if optimizer == "lbfgs" else 0.01)

    def opened():
        network = network_of((6, 20, 3), np.float64, np.random.default_rng(1))
        if optimizer == "lbfgs":
            return network, fastnn.trainer.lbfgs.Run(backend, network, X, y, settings)
        return network, backend.open_run(network, X, y, settings)

    def stop():
        looks.append(0)
        if len(looks) == at:
            raise StopNow

    looks = []
    (network, run), (other, fresh) = opened(), opened()
    with pytest.raises(StopNow):
        run.epoch(np.arange(2500), rates, stop)
    run.write_back()
    for W, untouched in zip(network.weights, other.weights, strict=True):
        np.testing.assert_array_equal(W, untouched)
    (losses, n_correct), (expected, expected_correct) = (
        one.epoch(np.arange(2500), rates) for one in (run, fresh)
    )
    assert (losses.tobytes(), n_correct) == (expected.tobytes(), expected_correct)
    for one in (run, fresh):
        one.write_back()
        one.close()
    for W, expected in zip(network.weights, other.weights, strict=True):
        np.testing.assert_array_equal(W, expected)


@needs_numba
def test_train_many_is_ended_within_a_batch(generator, monkeypatch):
    from fastnn.backends import numba_parts

    monkeypatch.setattr(numba_parts, "MOST_ROWS", 256)
    X, y = generator.normal(size=(4000, 6)).astype(np.float32), generator.integers(0, 3, 4000)

    class Late(fastnn.callbacks.Callback):
        """Counts how often the training looks whether it should end."""

        looks = 0

        def start(self, training):
            look = training.between_parts

            def counted():
                self.looks += 1
                look()

            training.between_parts = counted

    late = Late()
    fastnn.train_many(X, y, [{"callbacks": [late]}], batch_size="full", epochs=1, seed=0, backend="numba")
    assert late.looks >= 5


# ---- the command line -------------------------------------------------------------------------------------

RUN = ("train", "digits", "--hidden", "16", "--checkpoint", "run.fastnn", "--seed", "4", "--every", "1")


@needs_signals
def test_sigterm_saves_what_there_is_and_can_be_resumed(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "fastnn", *RUN, "--epochs", "1000000", "--out", "m.safetensors"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(),
        cwd=tmp_path,
    ) as process:
        assert any(re.match(r"epoch +2/", line) for line in process.stdout)
        process.send_signal(signal.SIGTERM)
        start = time.monotonic()
        out, err = process.communicate(timeout=60)
    assert time.monotonic() - start < 10  # less than what containers are given to end
    assert process.returncode == 128 + signal.SIGTERM
    assert err.startswith("fastnn: warning: training was interrupted after ")
    assert err.count("\n") == 1
    assert "model written to m.safetensors" in out
    assert fastnn.load(tmp_path / "m.safetensors", backend="numpy").sizes[-1] == 10
    epochs = fastnn.trainer.checkpoint.read(tmp_path / "run.fastnn").epoch + 2
    succeeds(*RUN, "--resume", "--epochs", epochs, "--out", "a.safetensors", folder=tmp_path)
    succeeds(*RUN[:4], *RUN[6:], "--epochs", epochs, "--out", "b.safetensors", folder=tmp_path)
    a, b = (fastnn.load(tmp_path / name, backend="numpy") for name in ("a.safetensors", "b.safetensors"))
    assert_same_bits(a, b)


@needs_signals
def test_sigterm_outside_training_is_one_line():
    code = """
import os, signal, sys, fastnn.model_file
from fastnn.cli import main
def terminated(*_, **__): os.kill(os.getpid(), signal.SIGTERM)
fastnn.model_file.load = terminated
sys.exit(main(["evaluate", "m.safetensors", "digits"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "fastnn: interrupted\n")


@needs_signals
def test_who_handles_sigterm_goes_on_doing_so(monkeypatch):
    with sigterm_like_ctrl_c() as received:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        assert received == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with sigterm_like_ctrl_c() as received:
            os.kill(os.getpid(), signal.SIGTERM)
            assert received == []
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(sigterm_like_ctrl_c().__enter__()))
    thread.start()
    thread.join()
    assert seen == [[]]
