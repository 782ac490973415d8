"""Which number of threads a run takes, from the times it is told."""

from fastnn.backends.team_size import REMEMBERED, TRY_AGAIN, TRY_ONE_AGAIN, TRY_TEAM_AGAIN, TeamSize


def stretches(size, seconds_a_row, count, rows=1000):
    """The choices of `count` stretches whose rows take `seconds_a_row[threads]`."""
    chosen = []
    for _ in range(count):
        threads = size.choose()
        chosen.append(threads)
        size.record(threads, rows, rows * seconds_a_row[threads])
    return chosen


def test_the_faster_way_wins_and_the_other_is_tried_again():
    quiet, busy = {1: 2e-5, 2: 1e-5}, {1: 2e-5, 2: 2e-4}
    size = TeamSize(2, fixed=False)
    assert stretches(size, quiet, 4) == [2, 1, 2, 2]
    chosen = stretches(size, quiet, 3 * TRY_ONE_AGAIN)
    assert chosen.count(1) == 3
    assert stretches(size, busy, REMEMBERED) == [2] * REMEMBERED  # not at the first slow one
    chosen = stretches(size, busy, 2 * TRY_AGAIN)
    assert chosen.count(2) <= 3
    chosen = stretches(size, quiet, 2 * TRY_AGAIN)  # and a trial tells that it no longer is
    assert chosen[-5:].count(2) >= 4


def test_a_team_that_lost_narrowly_gets_another_chance_soon():
    size, unlucky, quiet = TeamSize(2, fixed=False), {1: 2e-5, 2: 2.5e-5}, {1: 2e-5, 2: 1e-5}
    assert stretches(size, unlucky, 5) == [2, 1, 2, 2, 1]
    assert 2 in stretches(size, quiet, TRY_TEAM_AGAIN)
    assert set(stretches(size, quiet, TRY_TEAM_AGAIN)) == {2}


def test_what_the_user_asked_for_stays():
    assert set(stretches(TeamSize(4, fixed=True), {4: 1.0}, 50)) == {4}
    assert set(stretches(TeamSize(1, fixed=False), {1: 1.0}, 50)) == {1}


def test_short_stretches_do_not_count():
    size = TeamSize(2, fixed=False)
    assert set(stretches(size, {2: 1e-9}, 10)) == {2}
    assert stretches(size, {1: 2e-5, 2: 1e-5}, 4) == [2, 1, 2, 2]
    short = stretches(size, {1: 1e-9, 2: 1e-9}, 3 * TRY_ONE_AGAIN)
    assert short.count(1) == 3
