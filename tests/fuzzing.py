"""What every fuzz shares: a fixed seed, a case by its number, the command that runs a failed one again."""

import faulthandler
import os
from collections.abc import Iterator
from contextlib import contextmanager

import hypothesis

from fastnn.errors import LONGEST, FastnnError

# Other seeds make other cases: FASTNN_FUZZ_SEED=7 pytest -m slow tests/long
SEED = int(os.environ.get("FASTNN_FUZZ_SEED", "0"))
# Seconds that no case needs: one that takes longer hangs, and ends the process with its traceback.
HANGS = 300


def cases(count: int) -> range:
    """The numbers of the cases to try: `count` of them, or the one that FASTNN_FUZZ_CASE names."""
    only = os.environ.get("FASTNN_FUZZ_CASE")
    return range(count) if only is None else range(int(only), int(only) + 1)


@contextmanager
def repeatable(number: int | None = None) -> Iterator[None]:
    """Says, with whatever fails inside, how to run it again; a case that hangs ends the process."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
    case = "" if number is None else f"FASTNN_FUZZ_CASE={number} "
    faulthandler.dump_traceback_later(HANGS, exit=True)
    try:
        yield
    except Exception as error:
        error.add_note(f"to run it again: FASTNN_FUZZ_SEED={SEED} {case}pytest -m '' '{test}'")
        raise
    finally:
        faulthandler.cancel_dump_traceback_later()


def examples(count: int):
    """Decorator: a Hypothesis test of `count` examples, the same ones each time."""

    def decorate(test):
        settings = hypothesis.settings(
            max_examples=count,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        return hypothesis.seed(SEED)(settings(test))

    return decorate


def assert_one_clear_line(error: FastnnError) -> None:
    """An error of fastnn's own, of a kind that callers catch, whose message one line holds."""
    assert isinstance(error, FastnnError)
    assert isinstance(error, ValueError | TypeError | ArithmeticError)
    message = str(error)
    assert 10 < len(message) <= LONGEST + 10
    assert message.isprintable()
