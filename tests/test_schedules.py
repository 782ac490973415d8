"""Schedules: their formulas, that both backends follow them, and the plateau that lowers the rate."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest

import fastnn
from fastnn import schedules
from fastnn.errors import InputError
from fastnn.schedules import (
    BY_NAME,
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    Step,
)


@pytest.fixture
def blobs(generator):
    """Three clouds of points in four dimensions: 60 rows, 6 updates an epoch in batches of 10."""
    y = np.arange(60) % 3
    return generator.normal(size=(60, 4)) + 3 * np.eye(4)[y], y


def whole(schedule, epochs, n_updates):
    return schedules.rates(schedule, 1.0, epochs, n_updates)


# ---- formulas ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [Constant(), ReduceOnPlateau()])
def test_schedules_that_do_nothing_by_themselves(schedule):
    np.testing.assert_array_equal(whole(schedule, 3, 4), np.ones(12))


def test_step():
    expected = [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]
    np.testing.assert_allclose(whole(Step(every=2, factor=0.5), 5, 2), expected)


def test_exponential():
    np.testing.assert_allclose(
        whole(Exponential(0.5), 3, 4), np.repeat([1, 0.5, 0.25], 4), err_msg="once an epoch"
    )
    smooth = whole(Exponential(0.5, per="update"), 3, 4)
    np.testing.assert_allclose(smooth, 0.5 ** (np.arange(12) / 4))
    np.testing.assert_allclose(smooth[::4], [1, 0.5, 0.25])


def test_inverse_scaling():
    np.testing.assert_allclose(
        whole(InverseScaling(power=0.5), 4, 2), np.repeat(1 / np.sqrt([1, 2, 3, 4]), 2)
    )
    np.testing.assert_allclose(
        whole(InverseScaling(power=2, per="update"), 2, 3), [1, 1 / 4, 1 / 9, 1 / 16, 1 / 25, 1 / 36]
    )


def test_cosine():
    factors = whole(Cosine(final=0.2), 4, 5)
    np.testing.assert_allclose(factors, 0.6 + 0.4 * np.cos(np.pi * np.arange(20) / 20))
    assert factors[0] == 1
    assert factors[10] == pytest.approx(0.6)
    np.testing.assert_allclose(
        whole(Cosine(per="epoch"), 4, 2), np.repeat((1 + np.cos(np.pi * np.arange(4) / 4)) / 2, 2)
    )


def test_cosine_warms_up_in_a_straight_line():
    factors = whole(Cosine(warm_up=2), 6, 5)
    np.testing.assert_allclose(factors[:11], np.arange(1, 12) / 11)
    np.testing.assert_allclose(factors[10:], (1 + np.cos(np.pi * np.arange(20) / 20)) / 2)
    np.testing.assert_allclose(whole(Cosine(warm_up=1, per="epoch"), 3, 2), [0.5, 0.5, 1, 1, 0.5, 0.5])
    # Half an epoch of 10 updates.
    np.testing.assert_allclose(whole(Cosine(warm_up=0.5), 2, 10)[:6], np.arange(1, 7) / 6)


def test_cosine_needs_epochs_after_its_warm_up(blobs):
    with pytest.raises(InputError, match="warm_up=5 epochs, and the training is epochs=5") as caught:
        fastnn.train(*blobs, epochs=5, schedule=Cosine(warm_up=5), backend="numpy")
    assert "\n" not in str(caught.value)


def test_one_cycle():
    factors = whole(OneCycle(warm_up=0.25, start=0.1, end=0.01), 4, 10)
    np.testing.assert_allclose(factors[:11], 0.1 + 0.9 * np.arange(11) / 10)
    np.testing.assert_allclose(factors[10:], 1 - 0.99 * np.arange(30) / 30)
    np.testing.assert_allclose(
        whole(OneCycle(warm_up=0.5, start=0.2, end=0.1, per="epoch"), 4, 2),
        np.repeat([0.2, 0.6, 1, 0.55], 2),
    )
    assert factors.argmax() == 10


@pytest.mark.parametrize(
    "schedule",
    [Exponential(0.7, per="update"), Cosine(), Cosine(warm_up=2, final=0.1), OneCycle()],
    ids=lambda schedule: repr(schedule),
)
def test_factors_do_not_jump_between_epochs(schedule):
    factors = whole(schedule, 10, 50)
    assert np.abs(np.diff(factors)).max() < 0.02
    assert factors.max() == pytest.approx(1)
    assert factors.min() > 0


@pytest.mark.parametrize("kind", [Exponential, InverseScaling, Cosine, OneCycle])
def test_per_epoch_is_the_same_for_all_updates_of_an_epoch(kind):
    table = whole(kind(per="epoch"), 6, 7).reshape(6, 7)
    np.testing.assert_array_equal(table, table[:, :1].repeat(7, axis=1))
    # One update an epoch: then there is no difference.
    np.testing.assert_allclose(table[:, 0], whole(kind(per="update"), 6, 1))


@pytest.mark.parametrize("name", BY_NAME)
def test_every_schedule_gives_a_positive_factor_for_every_update(name):
    for epochs, n_updates in itertools.product([1, 2, 11], [1, 3]):
        factors = whole(name, epochs, n_updates)
        assert factors.shape == (epochs * n_updates,)
        assert factors.dtype == np.float64
        assert np.all((factors > 0) & (factors <= 1))


# ---- as arguments -----------------------------------------------------------------------------------------


def test_get():
    assert schedules.get("cosine") == Cosine()
    mine = Step(every=3)
    assert schedules.get(mine) is mine
    assert list(BY_NAME) == [
        "constant",
        "step",
        "exponential",
        "inverse_scaling",
        "cosine",
        "one_cycle",
        "plateau",
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.get("linear"), r"schedule='linear' is unknown; use 'constant', 'step'"),
        (lambda: schedules.get(0.5), r"schedule=0.5 is unknown"),
        (lambda: schedules.get(Step), r"schedule=<class .*> is unknown"),
        (lambda: Step(every=0), r"every=0 must be a whole number, 1 or more"),
        (lambda: Step(every=2.5), r"every=2.5 must be a whole number"),
        (lambda: Step(factor=10), r"factor=10 must be a number between 0 and 1"),
        (lambda: Exponential(0), r"factor=0 must be a finite number above 0"),
        (lambda: Exponential(factor="0.9"), r"factor='0.9' must be a number"),
        (lambda: Exponential(per="batch"), r"per='batch' is unknown; use 'update', 'epoch'"),
        (lambda: InverseScaling(power=-1), r"power=-1 must be a finite number above 0"),
        (lambda: InverseScaling(per=1), r"per=1 is unknown"),
        (lambda: Cosine(warm_up=-1), r"warm_up=-1 must be a finite number, 0 or more"),
        (lambda: Cosine(final=1), r"final=1 must be a number from 0 to below 1"),
        (lambda: OneCycle(warm_up=1), r"warm_up=1 must be a number between 0 and 1"),
        (lambda: OneCycle(start=25), r"start=25 must be a number between 0 and 1"),
        (lambda: OneCycle(end=float("nan")), r"end=nan must be a finite number above 0"),
        (lambda: ReduceOnPlateau(patience=0), r"patience=0 must be a whole number"),
        (lambda: ReduceOnPlateau(factor=2), r"factor=2 must be a number between 0 and 1"),
        (lambda: ReduceOnPlateau(monitor=1), r"monitor=1 must be the name of a recorded value"),
        (lambda: ReduceOnPlateau(least=-1), r"least=-1 must be a finite number, 0 or more"),
        (lambda: ReduceOnPlateau(min_improvement=-1), r"min_improvement=-1 must be a finite number"),
        (lambda: schedules.rates("step", 0, 1, 1), r"learning_rate=0 must be"),
        (lambda: schedules.rates("step", 1, 0, 1), r"epochs=0 must be"),
        (lambda: schedules.rates("step", 1, 1, 0), r"n_updates=0 must be"),
    ],
)
def test_mistakes_get_one_clear_line(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_rates_are_the_rate_times_the_factors():
    np.testing.assert_allclose(schedules.rates(Step(1, 0.5), 0.2, 3, 2), [0.2, 0.2, 0.1, 0.1, 0.05, 0.05])


# ---- in training ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BY_NAME)
def test_training_follows_the_schedule(blobs, backend_name, name):
    settings = {"epochs": 4, "batch_size": 10, "learning_rate": 0.1, "backend": backend_name, "seed": 0}
    model = fastnn.train(*blobs, schedule=name, **settings)
    expected = schedules.rates(name, 0.1, 4, 6)[5::6]
    np.testing.assert_allclose(model.history["learning_rate"], expected, rtol=1e-12)


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", Exponential(0.5, per="update")])
def test_both_backends_make_the_same_steps(blobs, schedule):
    one, other = (
        fastnn.train(
            *blobs, hidden=8, schedule=schedule, epochs=3, dtype="float64", seed=1, backend=backend_name
        )
        for backend_name in ("numpy", "numba")
    )
    assert one.history["learning_rate"] == other.history["learning_rate"]
    for W, V in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(W, V, rtol=1e-8, atol=1e-10)


@dataclass(frozen=True)
class Only(Schedule):
    """Lets only one update of each epoch do anything."""

    number: int

    def factors(self, epoch, epochs, n_updates):
        return np.eye(n_updates)[self.number]


def test_every_update_gets_its_own_factor(blobs):
    """Of six updates only one at a time: six different models, and the same six by either backend."""

    def trained(number, backend_name):
        settings = {"hidden": (), "batch_size": 10, "learning_rate": 0.5, "seed": 2, "dtype": "float64"}
        model = fastnn.train(*blobs, epochs=1, schedule=Only(number), backend=backend_name, **settings)
        return model.weights[0]

    models = [trained(number, "numpy") for number in range(6)]
    for number, W in enumerate(models):
        np.testing.assert_allclose(trained(number, "numba"), W, rtol=1e-10, atol=1e-12)
    for W, V in itertools.combinations(models, 2):
        assert not np.allclose(W, V, atol=1e-3)


# ---- plateau ----------------------------------------------------------------------------------------------


def test_plateau_reduces_when_the_loss_stalls(blobs, backend_name):
    """All rows alike and labels that contradict each other: after a while nothing is left to learn."""
    X, y = np.ones((30, 2)), np.arange(30) % 2
    plan = ReduceOnPlateau(patience=3, factor=0.1, least=0.004)
    model = fastnn.train(
        X, y, hidden=(), epochs=40, batch_size=None, learning_rate=0.5, schedule=plan, backend=backend_name
    )
    rates = model.history["learning_rate"]
    assert rates[0] == 0.5
    assert rates[-1] == 0.004
    assert sorted(set(rates), reverse=True) == pytest.approx([0.5, 0.05, 0.005, 0.004])


def test_plateau_leaves_a_training_alone_that_improves(blobs):
    X, y = blobs
    settings = {"epochs": 15, "batch_size": None, "learning_rate": 0.05, "seed": 0, "backend": "numpy"}
    model = fastnn.train(X, y, schedule=ReduceOnPlateau(patience=1), **settings)
    assert model.history["learning_rate"] == [0.05] * 15


def reductions(values, monitor="loss", **options):
    """Epochs (from 1) after which the rate was lowered, if `values` were what is monitored."""
    reducer = ReduceOnPlateau(monitor=monitor, **options).callback()
    training = Imagined()
    reducer.start(training)
    found = []
    for epoch, value in enumerate(values, 1):
        training.history[monitor].append(value)
        before = training.learning_rate
        reducer.epoch_end(training)
        if training.learning_rate < before:
            found.append(epoch)
    return found


class Imagined:
    """As much of a Training as the plateau looks at."""

    def __init__(self, validated=False):
        self.learning_rate = 1.0
        self.monitor = "validation_accuracy"
        self.directions = {"loss": False, "accuracy": True}
        if validated:
            self.directions |= {"validation_loss": False, "validation_accuracy": True}
        self.history = {name: [] for name in self.directions}


def test_patience_counts_epochs_without_improvement_and_begins_again():
    assert reductions([5, 4, 4, 4, 4, 4, 3, 3, 3], patience=2) == [4, 6, 9]
    assert reductions([5, 4, 4.5, 3, 3.5, 2, 2.5], patience=2) == []
    assert reductions([5, 6, 7, 8], patience=1) == [2, 3, 4]


def test_an_improvement_smaller_than_the_least_does_not_count():
    losses = [1 - 0.001 * epoch for epoch in range(10)]
    assert reductions(losses, patience=3) == []
    # Not even nine epochs together are enough.
    assert reductions(losses, patience=3, min_improvement=0.01) == [4, 7, 10]


def test_accuracy_is_better_when_larger_and_nan_is_no_improvement():
    assert reductions([0.1, 0.2, 0.3, 0.3, 0.2], monitor="accuracy", patience=2) == [5]
    assert reductions([1, float("nan"), float("nan"), 0.5], patience=2) == [3]


def test_a_rate_below_the_least_is_left_alone():
    reducer = ReduceOnPlateau(patience=1, least=2.0, monitor="loss").callback()
    training = Imagined()
    reducer.start(training)
    for _ in range(4):
        training.history["loss"].append(1.0)
        reducer.epoch_end(training)
    assert training.learning_rate == 1.0


@pytest.mark.parametrize("validated", [False, True])
def test_auto_watches_the_loss_of_the_validation_rows_where_there_are_some(validated):
    reducer, training = ReduceOnPlateau(patience=1).callback(), Imagined(validated)
    reducer.start(training)
    for value in (3.0, 2.0, 2.5):
        training.history["loss"].append(1 / value)
        training.history.get("validation_loss", []).append(value)
        reducer.epoch_end(training)
    # The loss of the training rows gets worse twice here, that of the validation rows once.
    assert training.learning_rate == (0.5 if validated else 0.25)
    assert reducer.state()["best"] == (2.0 if validated else 1 / 3)


def test_state_carries_on():
    def run(values, state=None):
        reducer, training = ReduceOnPlateau(patience=3, monitor="loss").callback(), Imagined()
        reducer.start(training)
        if state is not None:
            reducer.set_state(state)
        for value in values:
            training.history["loss"].append(value)
            reducer.epoch_end(training)
        return reducer.state(), training.learning_rate

    halfway, rate = run([2, 1, 1])
    assert (halfway, rate) == ({"best": 1, "waited": 1}, 1.0)
    assert run([1, 1], halfway) == run([2, 1, 1, 1, 1])
    assert run([1, 1], halfway)[1] == 0.5


def test_a_monitor_that_is_not_measured_is_an_error(blobs):
    with pytest.raises(InputError, match="monitor='validation_loss' needs validation data"):
        fastnn.train(*blobs, schedule=ReduceOnPlateau(monitor="validation_loss"), backend="numpy")


def test_each_training_gets_a_plateau_of_its_own(blobs):
    plan = ReduceOnPlateau(patience=1)
    assert plan.callback() is not plan.callback()
    assert Constant().callback() is None
