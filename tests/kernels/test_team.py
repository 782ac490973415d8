"""The barrier: nobody passes before everybody has arrived; and shares of work cover everything once."""

import os
import threading
from queue import SimpleQueue

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.cpus import affinity
from fastnn.kernels import placement, system, team
from fastnn.kernels.jit import jit
from fastnn.kernels.system import current_cpu
from fastnn.kernels.team import Team, barrier, share


@jit
def rounds(me, count, board):
    """Write, meet, check everyone's write, meet; returns the number of stale reads."""
    wrong = 0
    for turn in range(count):
        board[me.thread, 0] = turn
        barrier(me)
        for other in range(me.threads):
            wrong += board[other, 0] != turn
        barrier(me)
    return wrong


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_barrier(threads):
    team, board = Team(threads), np.zeros((threads, 8), np.int64)
    for _ in range(3):
        stale = team.run(lambda thread: rounds(team.member(thread, threads), 300, board))
        assert stale == [0] * threads
    team.close()


@pytest.mark.skipif(not placement.CAN_MOVE or affinity() < 2, reason="nowhere to move to")
def test_a_sleeping_thread_is_kept_off_a_cpu_until_it_has_settled():
    calls, found, allowed = SimpleQueue(), [], os.sched_getaffinity(0)

    def sleep():
        placement.settle(*calls.get())
        found.append(os.sched_getaffinity(0))

    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    taken = {min(allowed)}
    assert placement.keep_off(taken, [sleeper]) == allowed
    assert os.sched_getaffinity(sleeper.native_id) == allowed - taken
    calls.put((taken, allowed))
    sleeper.join(30)
    assert found == [allowed]
    assert len(taken) == 2  # it woke up elsewhere


@pytest.mark.skipif(not placement.CAN_MOVE or affinity() < 2, reason="nowhere to move to")
def test_a_thread_leaves_a_cpu_that_another_one_has():
    def moved():
        taken = {current_cpu()}
        placement.settle(taken)
        return len(taken) == 2

    allowed = os.sched_getaffinity(0)
    assert any(moved() for _ in range(20))  # the system may take it back at once
    assert os.sched_getaffinity(0) == allowed


@pytest.mark.skipif(not placement.CAN_MOVE, reason="threads cannot move themselves")
def test_a_thread_that_may_not_leave_stays():
    allowed = os.sched_getaffinity(0)
    taken = set(allowed)
    placement.settle(taken)
    assert taken == os.sched_getaffinity(0) == allowed


@pytest.mark.skipif(not placement.CAN_MOVE, reason="threads cannot move themselves")
def test_a_system_that_forbids_moving_keeps_its_placement(monkeypatch):
    def forbidden(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    taken = {current_cpu()}
    placement.settle(taken)
    assert taken <= os.sched_getaffinity(0)


def test_a_thread_that_waits_gives_way():
    assert system.HAS_SCHED_YIELD or os.name == "nt"


def test_a_trial_that_was_interrupted_does_not_shorten_the_wait(monkeypatch):
    trials = iter([1.0, 1.1e-5, 1e-5, 2e-5, 1.0])
    monkeypatch.setattr(team, "_seconds_of_pauses", lambda: next(trials))
    monkeypatch.setattr(team, "_spins", [])
    assert team.spins_for(20.0) == round(20e-6 * team.PAUSES / 1e-5)


def test_shares_cover_everything_once():
    for count in (0, 1, 5, 64):
        for threads in (1, 2, 3, 7):
            parts = [share(count, thread, threads) for thread in range(threads)]
            assert [i for first, last in parts for i in range(first, last)] == list(range(count))
