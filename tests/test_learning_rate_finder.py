"""The range test: that its suggestion trains well, that it leaves no trace, and that it ends in time."""

import re
import warnings

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import Callback
from fastnn.errors import DivergedError, InputError
from fastnn.learning_rate_finder import suggested
from fastnn.schedules import Schedule
from fastnn.trainer.loop import Training

OPTIMIZERS = ["sgd", "momentum", "adam", "rmsprop"]


@pytest.fixture(scope="module")
def digits():
    return fastnn.datasets.load("digits", split="train"), fastnn.datasets.load("digits", split="test")


@pytest.fixture
def blobs(generator):
    """Three clouds of points in four dimensions: 60 rows."""
    y = np.arange(60) % 3
    return generator.normal(size=(60, 4)) + 3 * np.eye(4)[y], y


def find(X, y, **options):
    return fastnn.find_learning_rate(X, y, **{"seed": 0, "backend": "numpy", **options})


# ---- what it is for ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_suggestion_trains_well_on_digits(digits, optimizer):
    (X, y), test = digits
    options = {"optimizer": optimizer, "seed": 1, "backend": "numpy"}
    found = fastnn.find_learning_rate(X, y, **options)
    model = fastnn.train(X, y, epochs=10, learning_rate=found.suggestion, **options)
    assert model.score(*test) > 0.94


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_suggestion_trains_well_on_iris(optimizer):
    X, y = pytest.importorskip("sklearn.datasets").load_iris(return_X_y=True)
    options = {"optimizer": optimizer, "seed": 1, "backend": "numpy", "standardize": True}
    found = fastnn.find_learning_rate(X, y, **options)
    model = fastnn.train(X, y, epochs=30, learning_rate=found.suggestion, **options)
    assert model.score(X, y) > 0.95


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_suggestion_trains_well_on_mnist(mnist, optimizer):
    (X, y), (X_test, y_test) = mnist
    X, y, options = X[:5000], y[:5000], {"optimizer": optimizer, "seed": 1}
    found = fastnn.find_learning_rate(X, y, **options)
    model = fastnn.train(X, y, epochs=10, learning_rate=found.suggestion, **options)
    assert model.score(X_test, y_test) > 0.92


def test_a_noisy_regression_gets_about_the_same_suggestion_from_every_seed(generator):
    """Mini-batches of eight rows whose losses differ more than any learning rate can lower them.

    Without taking the first weights' losses away, suggestions went down to 1e-6.
    """
    X = generator.normal(size=(1000, 10))
    y = 0.5 * X[:, 0] + generator.normal(size=1000)
    found = [find(X, y, hidden=32, seed=seed, batch_size=8).suggestion for seed in range(6)]
    assert max(found) < 10 * min(found)
    options = {"hidden": 32, "batch_size": 8, "seed": 0, "backend": "numpy", "learning_rate": found[0]}
    assert fastnn.train(X, y, epochs=3, **options).score(X, y) > 0.1


def test_a_suggestion_for_large_inputs_is_small(blobs):
    X, y = blobs
    usual = find(X, y, hidden=())
    with pytest.warns(UserWarning, match="scale"):
        large = find(100 * X, y, hidden=())
    assert large.suggestion < usual.suggestion / 100


# ---- what it does -----------------------------------------------------------------------------------------


def test_losses_are_those_of_a_training_with_these_rates(digits, backend_name):
    """One epoch of 90 updates by hand, with a schedule that gives the same rates."""
    (X, y), _ = digits

    class Given(Schedule):
        def factors(self, epoch, epochs, n_updates):
            return np.geomspace(1e-4, 0.1, n_updates)

    options = {"hidden": 16, "batch_size": 16, "seed": 3, "backend": backend_name}
    found = fastnn.find_learning_rate(X, y, smallest=1e-4, largest=0.1, n_updates=90, **options)
    np.testing.assert_allclose(found.rates, np.geomspace(1e-4, 0.1, 90))
    model = fastnn.train(X, y, epochs=1, learning_rate=1.0, schedule=Given(), **options)
    rows = np.full(90, 16)
    rows[-1] = len(X) - 89 * 16
    assert np.average(found.losses, weights=rows) == pytest.approx(model.history["loss"][0], rel=1e-6)


def test_backends_agree(digits):
    (X, y), _ = digits
    options = {"hidden": (20, 10), "seed": 3, "dtype": "float64", "dropout": 0.2, "optimizer": "adam"}
    one, other = (fastnn.find_learning_rate(X, y, backend=name, **options) for name in ("numpy", "numba"))
    calm = one.rates < 0.01
    np.testing.assert_allclose(one.losses[calm], other.losses[calm[: len(other.losses)]], rtol=1e-6)
    assert one.suggestion == pytest.approx(other.suggestion, rel=0.5)


def test_small_data_are_gone_through_several_times(blobs):
    found = find(*blobs, batch_size=25, n_updates=50, largest=0.1)
    assert found.rates.shape == found.losses.shape == found.smoothed.shape == (50,)
    full = find(*blobs, batch_size=None, n_updates=50, largest=0.1)
    # All rows each time and steps that hardly matter yet: the same loss, hardly smaller.
    np.testing.assert_allclose(full.losses[:10], full.losses[0], rtol=1e-3)
    assert full.losses[-1] < full.losses[0]


@pytest.mark.parametrize("backend_name", ["numpy", "numba"])
def test_large_data_are_not_gone_through_once(generator, backend_name, monkeypatch):
    trained = []
    updates = Training.updates

    def counted(self, rates):
        for part in updates(self, rates):
            trained.append(len(part))
            yield part

    monkeypatch.setattr(Training, "updates", counted)
    X = generator.normal(size=(20_000, 4))
    options = {"batch_size": 10, "n_updates": 60, "largest": 1e-3, "backend": backend_name, "seed": 0}
    fastnn.find_learning_rate(X, (X[:, 0] > 0).astype(int), **options)
    assert sum(trained) == 2 * 60


def test_it_ends_where_the_loss_is_beyond_all_bounds(generator, recwarn):
    X = generator.normal(size=(200, 5))
    found = find(X, X @ np.arange(5.0), activation="identity", largest=1e4)
    assert found.rates[-1] < 100
    assert np.isfinite(found.losses).all()
    assert np.isfinite(found.smoothed).all()
    assert found.suggestion < found.rates[-1]
    assert not recwarn.list


def test_losses_below_zero_are_no_end(generator):
    """A Poisson loss of large counts is negative from the start, where four times the loss is less."""
    X = generator.normal(size=(300, 3))
    y = generator.poisson(np.exp(3 + 0.3 * X[:, 0])).astype(float)
    found = find(X, y, loss="poisson", hidden=8, largest=1.0)
    assert found.losses[0] < 0
    assert found.smoothed.min() < found.smoothed[0]
    assert len(found.losses) > 100


BEYOND = fastnn.Network([np.full((4, 1), 1e30, np.float32)], [np.zeros(1, np.float32)], loss="squared_error")


@pytest.mark.parametrize(
    "options",
    [{"smallest": 1e3, "activation": "identity"}, {"smallest": 1e-6, "initial": BEYOND}],
    ids=["all rates too large", "the first loss overflows"],
)
def test_where_the_loss_never_falls_is_an_error(blobs, recwarn, options):
    X = blobs[0]
    with pytest.raises(DivergedError, match="does not fall at any learning rate from") as caught:
        find(X, X[:, 0], largest=1e6, **options)
    assert "\n" not in str(caught.value)
    assert not recwarn.list


# ---- the rule ---------------------------------------------------------------------------------------------


def test_the_suggestion_is_the_middle_of_the_floor():
    rates = np.geomspace(1e-5, 10, 61)
    exponents = np.log10(rates)
    # Falls from 3 between 1e-3 and 1e-2, is lowest until 1e-1, is back at 3 at 1: half of the fall is made
    # between 10^-2.5 and 10^-0.5.
    smoothed = np.interp(exponents, [-3, -2, -1, 0], [3, 1, 1, 3])
    assert suggested(rates, smoothed, 3.0) == pytest.approx(10**-1.5, rel=0.02)
    # Neither what is added to all losses nor what they are multiplied by matters.
    assert suggested(rates, 10 * smoothed - 25, 5.0) == suggested(rates, smoothed, 3.0)
    # Still falling at the end: the middle between the half of the fall and the end.
    falling = np.interp(exponents, [-3, 1], [3, 1])
    assert suggested(rates, falling, 3.0) == pytest.approx(1, rel=0.02)


# ---- no traces --------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_result(blobs, backend_name):
    options = {"backend": backend_name, "dropout": 0.1}
    one, other = (fastnn.find_learning_rate(*blobs, seed=4, **options) for _ in range(2))
    for name in ("rates", "losses", "smoothed"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.suggestion == other.suggestion
    third = fastnn.find_learning_rate(*blobs, seed=5, **options)
    assert not np.array_equal(one.losses[:10], third.losses[:10])


def test_without_a_seed_both_passes_see_the_same_network(blobs):
    found = find(*blobs, seed=None)
    # The first rates do next to nothing, and the noise of the batches is taken away.
    np.testing.assert_allclose(found.smoothed[:40], found.smoothed[0], rtol=1e-3)
    assert found.losses[:40].std() > 1e-2


def test_nothing_is_left_behind(blobs, tmp_path, capsys):
    X, y = blobs
    kept, generator = X.copy(), np.random.default_rng(9)
    before, global_state = generator.bit_generator.state, np.random.get_state()[1].copy()
    called = []

    class Watcher(Callback):
        def start(self, training):
            called.append(training)

    checkpoint = tmp_path / "run.fastnn"
    found = find(
        X,
        y,
        seed=generator,
        epochs=7,
        validation=0.2,
        early_stopping=3,
        verbose=1,
        callbacks=[Watcher()],
        checkpoint=checkpoint,
        checkpoint_every=2,
    )
    assert generator.bit_generator.state == before
    np.testing.assert_array_equal(np.random.get_state()[1], global_state)
    np.testing.assert_array_equal(X, kept)
    assert called == []
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr() == ("", "")
    # What is passed over does not matter; what is not, does.
    plain = find(X, y, seed=np.random.default_rng(9), validation=0.2)
    np.testing.assert_array_equal(found.losses, plain.losses)
    assert not np.array_equal(found.losses, find(X, y, seed=np.random.default_rng(9)).losses)


def test_a_model_that_would_be_trained_further_stays_as_it_is(blobs):
    model = fastnn.train(*blobs, hidden=8, epochs=2, seed=0, backend="numpy")
    kept = [W.copy() for W in model.weights]
    find(*blobs, initial=model)
    for W, before in zip(model.weights, kept, strict=True):
        np.testing.assert_array_equal(W, before)


@pytest.mark.parametrize("when", [0, 1])
def test_ctrl_c_comes_through_without_a_warning(blobs, monkeypatch, when):
    passes = []
    updates = Training.updates

    def interrupted(self, rates):
        passes.append(rates)
        if len(passes) > when:
            raise KeyboardInterrupt
        yield from updates(self, rates)

    monkeypatch.setattr(Training, "updates", interrupted)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(KeyboardInterrupt):
            find(*blobs)
    assert len(passes) == when + 1


# ---- arguments --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate": 0.1}, "learning_rate=0.1 has no place here"),
        ({"schedule": "cosine"}, "schedule='cosine' has no place here"),
        ({"optimizer": "lbfgs"}, "optimizer='lbfgs' finds its steps itself"),
        ({"optimizer": fastnn.optimizers.LBFGS(memory=5)}, "optimizer='lbfgs' finds its steps itself"),
        ({"optimizer": "newton"}, "optimizer='newton' is unknown"),
        ({"smallest": 0}, "smallest=0 must be a finite number above 0"),
        ({"largest": "1"}, "largest='1' must be a number above 0"),
        ({"smallest": 1, "largest": 0.1}, "smallest=1 must be below largest=0.1"),
        ({"n_updates": 19}, "n_updates=19 must be a whole number, 20 or more"),
        ({"seed": -1}, "seed=-1 must be a whole number"),
        ({"hidden": -3}, "hidden=-3"),
        ({"batch_size": 0}, "batch_size=0"),
    ],
)
def test_mistakes_get_one_clear_line(blobs, options, message):
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        find(*blobs, **options)
    assert "\n" not in str(caught.value)


def test_an_unknown_option_is_named(blobs):
    with pytest.raises(TypeError, match="hiden"):
        find(*blobs, hiden=3)


def test_repr_says_what_was_found(blobs):
    found = find(*blobs)
    assert re.fullmatch(
        r"RangeTest\(suggestion=[\d.e-]+: \d+ updates with rates from 1e-06 to [\d.e-]+, "
        r"loss from [\d.]+ to its lowest [\d.]+ at [\d.e-]+\)",
        repr(found),
    )
