"""The CPUs a process may use: no more than joblib's and Dask's workers are given, unless threads= says so."""

import threading

import numpy as np
import pytest

import fastnn
from fastnn import backends, cpus
from fastnn.callbacks import Callback


@pytest.fixture(autouse=True)
def no_limits(monkeypatch):
    """The tests start from a plain environment of four CPUs."""
    for name in cpus.THREAD_LIMITS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cpus, "affinity", lambda: 4)
    monkeypatch.setattr(cpus, "cgroup_quota", lambda: None)


class Team(Callback):
    """Counts the threads that train."""

    def epoch_end(self, training):
        # A team's threads are all its own; one thread is the caller's.
        self.threads = max(1, sum(thread.name.startswith("fastnn") for thread in threading.enumerate()))


def team_of_a_wide_network(threads=None):
    """How many threads train 256-256-10 in batches of 500."""
    generator, team = np.random.default_rng(0), Team()
    X, y = generator.normal(size=(500, 256)).astype(np.float32), np.arange(500) % 10
    fastnn.train(
        X, y, hidden=256, batch_size=500, epochs=1, learning_rate=0.01, backend="numba", seed=0,
        threads=threads, callbacks=[team],
    )  # fmt: skip
    return team.threads


def in_a_worker(threads):
    """(threads of a team, usable CPUs, CPUs of the machine) of the process that calls this."""
    return team_of_a_wide_network(threads), cpus.usable_cpus(), cpus.affinity()


def in_loky_workers(joblib, n_jobs, threads=None, **settings):
    """What `in_a_worker` returns in a loky worker, several times."""
    with joblib.parallel_config(backend="loky", **settings):
        return joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(in_a_worker)(threads) for _ in range(n_jobs))


def test_without_limits_all_cpus_count():
    assert cpus.thread_limit() is None
    assert cpus.usable_cpus() == 4


@pytest.mark.parametrize("name", cpus.THREAD_LIMITS)
@pytest.mark.parametrize(("said", "usable"), [("1", 1), ("4", 4), ("64", 4), (" 2 ", 2), ("3,1", 3)])
def test_a_limit_counts(monkeypatch, name, said, usable):
    monkeypatch.setenv(name, said)
    assert cpus.usable_cpus() == usable


@pytest.mark.parametrize("said", ["", "0", "-2", "two", "1.5", "²"])
def test_what_is_no_number_of_threads_limits_nothing(monkeypatch, said):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert cpus.thread_limit() is None


def test_the_least_of_everything_counts(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    assert cpus.usable_cpus() == 2
    monkeypatch.setattr(cpus, "cgroup_quota", lambda: 0.5)
    assert cpus.usable_cpus() == 1


@pytest.mark.skipif("numba" not in backends.available(), reason="threads are of the Numba backend")
class TestTeam:
    """Of a network that is wide enough to keep several threads busy."""

    def test_takes_all_cpus(self):
        assert team_of_a_wide_network() == 4

    def test_keeps_to_the_limit(self, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert team_of_a_wide_network() == 1

    def test_is_as_large_as_threads_says(self, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert team_of_a_wide_network(threads=3) == 3

    @pytest.mark.parametrize("n_jobs", [2, 3])
    def test_in_a_loky_worker_is_its_share(self, n_jobs):
        joblib = pytest.importorskip("joblib", reason="joblib's workers are what is tested")
        for team, usable, _ in in_loky_workers(joblib, n_jobs):
            assert team == usable == max(1, joblib.cpu_count() // n_jobs)

    def test_in_a_loky_worker_is_as_large_as_threads_says(self):
        joblib = pytest.importorskip("joblib", reason="joblib's workers are what is tested")
        threads = joblib.cpu_count()  # the most that are taken at the word, see resolving.threads
        for team, _, _ in in_loky_workers(joblib, 2, threads=threads):
            assert team == threads

    def test_in_a_loky_worker_is_what_joblib_is_told(self):
        joblib = pytest.importorskip("joblib", reason="joblib's workers are what is tested")
        for team, usable, affinity in in_loky_workers(joblib, 2, inner_max_num_threads=2):
            assert team == usable == min(2, affinity)
