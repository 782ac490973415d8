"""Which recorded values can be watched, and which epoch is the best."""

from types import SimpleNamespace

import pytest

from fastnn import metrics
from fastnn.errors import InputError
from fastnn.trainer import monitoring

METRICS = [metrics.get("f1"), metrics.get("log_loss")]
CLASSIFIER = monitoring.directions(classifier=True, validated=True, metrics=METRICS)


def test_directions():
    assert CLASSIFIER == {
        "loss": False,
        "accuracy": True,
        "validation_loss": False,
        "validation_accuracy": True,
        "validation_f1": True,
        "validation_log_loss": False,
    }
    assert monitoring.directions(classifier=False, validated=False) == {"loss": False}


def test_auto():
    regression = monitoring.directions(classifier=False, validated=True)
    alone = monitoring.directions(classifier=True, validated=False)
    assert [monitoring.resolve("auto", known) for known in (CLASSIFIER, regression, alone)] == [
        "validation_accuracy",
        "validation_loss",
        "loss",
    ]


@pytest.mark.parametrize(
    ("monitor", "known", "message"),
    [
        (
            "speed",
            CLASSIFIER,
            "monitor='speed' is unknown; use 'auto', 'loss', 'accuracy', 'valid",
        ),
        ("f1", CLASSIFIER, "monitor='f1' is unknown.*'validation_f1'"),
        (["loss"], CLASSIFIER, r"monitor=\['loss'\] is unknown"),
        (None, CLASSIFIER, "monitor=None is unknown"),
        ("validation_r2", CLASSIFIER, r"is not measured; pass metrics=\('r2',\) too, or use 'loss'"),
        ("validation_loss", {"loss": False}, "needs validation data"),
        ("accuracy", {"loss": False}, "needs a classifier"),
    ],
)
def test_unknown_monitors_get_one_clear_line(monitor, known, message):
    with pytest.raises(InputError, match=message) as caught:
        monitoring.resolve(monitor, known)
    assert "\n" not in str(caught.value)


def improvements(values, **options):
    watch, recorded = monitoring.Watch("loss", **options), []
    training = SimpleNamespace(history={"loss": recorded})
    found = []
    for value in values:
        recorded.append(value)
        found.append(watch.improved(training))
    return found, watch.best


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("values", "options", "expected", "best"),
    [
        ([3, 2, 2, 2.5, 1], {"larger_is_better": False}, [1, 1, 0, 0, 1], 1),
        ([3, 2, 4, 4], {"larger_is_better": True}, [1, 0, 1, 0], 4),
        # slow progress does not count, but adds up: the best is the last that counted
        ([1, 1.5, 2, 2.5], {"larger_is_better": True, "min_improvement": 1}, [1, 0, 0, 1], 2.5),
        ([NAN, 1, NAN, 2], {"larger_is_better": True}, [0, 1, 0, 1], 2),
        ([NAN, NAN], {"larger_is_better": True}, [0, 0], None),
        ([INFINITY, INFINITY, 1], {"larger_is_better": False}, [1, 0, 1], 1),
    ],
)
def test_improvements(values, options, expected, best):
    assert improvements(values, **options) == ([bool(e) for e in expected], best)
