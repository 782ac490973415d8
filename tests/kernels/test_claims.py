"""Claimed units: each exactly once, own ones from the front, others' from the back; and again after that."""

import threading

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.kernels.claims import AREAS, UPDATE_CLAIMS, area_of, give_back, next_unit
from fastnn.kernels.jit import jit
from fastnn.kernels.target import LINE
from fastnn.kernels.team import Member

THREADS = 3


@pytest.fixture
def claims():
    """Areas of one layer, all free."""
    memory = np.zeros(AREAS * THREADS * LINE // 8 + LINE, np.int64)
    yield np.array([memory.ctypes.data])
    del memory  # not before: the tests work on its address


def member(thread):
    return Member(thread, THREADS, 0, 0)  # who claims does not wait


def units_of(area, units, thread):
    """All that a thread gets if nobody else asks."""
    me, helped, taken = member(thread), 0, 0
    while True:
        unit, helped, taken = next_unit(area, units, me, helped, taken)
        if unit < 0:
            return
        yield unit


def test_a_thread_alone_begins_with_its_own(claims):
    area = area_of(claims[0], UPDATE_CLAIMS, THREADS)
    assert list(units_of(area, 9, 1)) == [3, 4, 5, 8, 7, 6, 2, 1, 0]
    assert list(units_of(area, 9, 0)) == []


def test_helpers_take_from_the_back(claims):
    area = area_of(claims[0], UPDATE_CLAIMS, THREADS)
    slow = units_of(area, 9, 0)
    assert [next(slow), next(slow)] == [0, 1]
    assert list(units_of(area, 9, 1)) == [3, 4, 5, 8, 7, 6, 2]
    assert list(slow) == []


@pytest.mark.parametrize("units", [0, 1, 2, 3, 7])
def test_fewer_units_than_threads_and_no_even_shares(claims, units):
    area = area_of(claims[0], UPDATE_CLAIMS, THREADS)
    found = [unit for thread in range(THREADS) for unit in units_of(area, units, thread)]
    assert sorted(found) == list(range(units))


def test_given_back_they_can_be_claimed_again(claims):
    area = area_of(claims[0], UPDATE_CLAIMS, THREADS)
    first = list(units_of(area, 7, 2))
    for thread in range(THREADS):
        give_back(claims, UPDATE_CLAIMS, member(thread))
    assert list(units_of(area, 7, 2)) == first


@jit
def _count_all(area, units, me, counts):
    helped, taken = 0, 0
    while True:
        unit, helped, taken = next_unit(area, units, me, helped, taken)
        if unit < 0:
            return
        counts[unit] += 1


def test_threads_at_once_get_each_unit_once(claims):
    area, units = area_of(claims[0], UPDATE_CLAIMS, THREADS), 200_000
    counts = [np.zeros(units, np.int64) for _ in range(THREADS)]
    _count_all(area, 0, member(0), counts[0])  # compiles
    for thread in range(THREADS):
        give_back(claims, UPDATE_CLAIMS, member(thread))
    workers = [
        threading.Thread(target=_count_all, args=(area, units, member(thread), counts[thread]))
        for thread in range(THREADS)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    np.testing.assert_array_equal(sum(counts), 1)
