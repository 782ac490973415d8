"""Several Python threads at once give the results of one; fastnn's own take no CPU that is not theirs."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastnn
from fastnn import backends, cpus
from fastnn.trainer import resolving
from tests import jobs
from tests.checks import network_of
from tests.kernels.process import run_python

needs_numba = pytest.mark.skipif(
    "numba" not in backends.available(), reason="threads are of the Numba backend"
)


@pytest.fixture
def big_teams(monkeypatch):
    """Two threads for the smallest networks too, and no taking turns with one."""
    from fastnn.backends import numba_pass, numba_run

    monkeypatch.setattr(cpus, "affinity", lambda: 2)
    monkeypatch.setattr(numba_pass, "FLOPS_PER_THREAD", 1)
    monkeypatch.setattr(numba_pass, "FLOPS_PER_THREAD_IN_A_ROW", 1)
    monkeypatch.setattr(numba_run, "FLOPS_PER_THREAD", 1)


def at_once(function, arguments, workers=8):
    """[function(argument)], begun by all workers at the same moment."""
    gate = threading.Barrier(workers)

    def begin():
        gate.wait(60)

    with ThreadPoolExecutor(workers, initializer=begin) as pool:
        return list(pool.map(function, arguments))


@pytest.mark.parametrize("threads", ["one", "two"])
def test_eight_threads_train_and_predict_as_one_does(backend_name, threads, request):
    if threads == "two":
        if backend_name == "numpy":
            return
        request.getfixturevalue("big_teams")
    names = list(jobs.JOBS) * 3
    expected = {name: jobs.done(name, backend=backend_name) for name in jobs.JOBS}
    found = at_once(lambda name: jobs.done(name, backend=backend_name), names)
    assert found == [expected[name] for name in names]


@pytest.mark.parametrize("name", ["plain", "full"])  # "full" standardises
def test_one_model_predicts_from_many_threads(backend_name, name, request):
    if backend_name == "numba":
        request.getfixturevalue("big_teams")
    model, (X, y) = jobs.train(name, backend=backend_name), jobs.data("classes")
    rows = [slice(i % 7, i % 7 + count) for i in range(10) for count in (1, 3, 64, 300, 890)]
    expected = [(model.predict_proba(X[some]).tobytes(), model.evaluate(X[some], y[some])) for some in rows]
    model.prepared = None  # whatever it has prepared, eight threads are to prepare at once
    model._folded = None
    found = at_once(
        lambda some: (model.predict_proba(X[some]).tobytes(), model.evaluate(X[some], y[some])), rows
    )
    assert found == expected


def test_a_model_predicts_while_others_are_trained(backend_name):
    model, (X, _) = jobs.train("plain", backend=backend_name), jobs.data("classes")
    expected, stop = model.predict_proba(X).tobytes(), threading.Event()

    def predict():
        found = set()
        while not stop.is_set():
            found.add(model.predict_proba(X).tobytes())
            found.add(model.predict_proba(X[:30]).tobytes() + model.predict_proba(X[30:]).tobytes())
        return found

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(predict) for _ in range(2)]
        for name in jobs.JOBS:
            jobs.train(name, backend=backend_name)
        stop.set()
        assert [future.result() for future in futures] == [{expected}] * 2


@needs_numba
def test_any_number_of_threads_gives_the_same_bits(monkeypatch):
    monkeypatch.setattr(resolving, "granted_cpus", lambda: 8)
    for name in ("images", "full", "adam"):
        expected = jobs.done(name, backend="numba", threads=1)
        for threads in (2, 3, 5, 8):
            assert jobs.done(name, backend="numba", threads=threads) == expected, threads


# ---- the team's threads -----------------------------------------------------------------------------------


class Threads(fastnn.callbacks.Callback):
    """How many of fastnn's threads there are while it trains."""

    def epoch_end(self, training):
        self.count = sum(thread.name.startswith("fastnn") for thread in threading.enumerate())


def team_of(threads):
    watcher = Threads()
    jobs.train("images", backend="numba", threads=threads, callbacks=[watcher])
    return watcher.count


@needs_numba
def test_no_more_threads_than_cpus(monkeypatch):
    monkeypatch.setattr(cpus, "affinity", lambda: 3)
    monkeypatch.setattr(cpus, "cgroup_quota", lambda: None)
    assert [team_of(threads) for threads in (1, 2, 3)] == [0, 2, 3]
    assert team_of(4) == team_of(200) == team_of(None) <= 3
    monkeypatch.setattr(cpus, "cgroup_quota", lambda: 1.5)
    assert [team_of(2), team_of(3)] == [2, team_of(None)]


@needs_numba
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux's affinity masks")
def test_a_process_on_one_cpu_has_no_team():
    code = """
import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
from tests.test_concurrency import team_of
print(team_of(None), team_of(8))
"""
    assert run_python(code).split() == ["0", "0"]


@needs_numba
def test_a_team_that_waits_takes_no_cpu(generator, big_teams):
    from fastnn.kernels.team import Team

    model = network_of((30, 40, 5), np.float32, generator)
    X = generator.normal(size=(500, 30)).astype(np.float32)
    model.predict(X)  # and keeps a helper
    team = Team(4)
    team.run(lambda thread: thread)
    names = [thread.name for thread in threading.enumerate()]
    assert sum(name.startswith("fastnn") for name in names) >= 5
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.1
    team.close()


@needs_numba
def test_threads_end_with_what_they_belong_to(generator, big_teams):
    def comes_to(expected):
        for _ in range(300):
            if sum(thread.name.startswith("fastnn") for thread in threading.enumerate()) == expected:
                return True
            time.sleep(0.01)
        return False

    model = jobs.train("adam", backend="numba")
    assert comes_to(1)  # helps with the validation after each epoch; the training's own have ended
    del model
    assert comes_to(0)


@needs_numba
def test_a_member_that_cannot_be_had_and_one_that_fails(monkeypatch):
    from fastnn.kernels import crew
    from fastnn.kernels.team import Team

    class Refused(threading.Thread):
        def start(self):
            if self.name == "fastnn_2":
                raise RuntimeError("can't start new thread")
            super().start()

    monkeypatch.setattr(crew, "Thread", Refused)
    with pytest.raises(RuntimeError, match="can't start"):
        Team(4)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fastnn")]
    team = Team(2)

    def fails(thread):
        if thread == 1:
            raise MemoryError("in a member")
        return thread

    with pytest.raises(MemoryError, match="in a member"):
        team.run(fails)
    assert team.run(lambda thread: thread) == [0, 1]
    team.close()


@needs_numba
@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [32, 128, "full"])
def test_more_threads_than_cores_take_no_more_than_twice_the_best(batch_size, generator):
    X, y = generator.normal(size=(20_000, 20)).astype(np.float32), generator.integers(0, 2, 20_000)

    def seconds(threads):
        options = {"hidden": (64, 64), "batch_size": batch_size, "learning_rate": 0.1}
        model = fastnn.train(X, y, epochs=12, seed=0, backend="numba", threads=threads, **options)
        return float(np.median(model.history["seconds"]))

    cores = cpus.granted_cpus()
    times = {
        count: min(seconds(count) for _ in range(3)) for count in (1, cores, cores + 1, 4 * cores, 16 * cores)
    }
    assert max(time for count, time in times.items() if count > cores) < 2 * min(times.values()), times
