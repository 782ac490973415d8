"""train_many: the models that training one by one gives, in order, whatever happens to some of them."""

import os
import signal
import threading
import time
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastnn
from fastnn.callbacks import Callback
from fastnn.errors import DivergedError, InputError, SomeFailedError
from fastnn.trainer import examples
from tests.checks import case


@pytest.fixture
def blobs(generator):
    y = generator.integers(0, 3, 120)
    return generator.normal(size=(120, 4)) + 2 * np.eye(4)[y], y


SMALL = {"hidden": 5, "epochs": 3, "batch_size": 16, "learning_rate": 0.1}


def assert_same(one, other):
    for name in ("weights", "biases"):
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            assert a.dtype == b.dtype
            assert a.tobytes() == b.tobytes()
    assert one.history.keys() == other.history.keys()
    for name in one.history:
        if name != "seconds":
            assert one.history[name] == other.history[name]
    assert np.array_equal(one.classes, other.classes)
    assert one.input_scale == other.input_scale


def one_by_one(X, y, settings, **options):
    """What train_many promises, in plain words."""
    X, y = np.asarray(X), np.asarray(y)
    for setting in settings:
        merged = options | setting
        rows, held_out = merged.pop("rows", slice(None)), merged.pop("validation_rows", None)
        if held_out is not None:
            merged["validation"] = (X[held_out], y[held_out])
        yield fastnn.train(X[rows], y[rows], **merged)


def assert_like_one_by_one(X, y, settings, **options):
    for workers in (1, 3):
        models = fastnn.train_many(X, y, settings, workers=workers, **options)
        for model, expected in zip(models, one_by_one(X, y, settings, **options), strict=True):
            assert_same(model, expected)


# ---- the same models --------------------------------------------------------------------------------------


def test_seeds_grids_and_options_for_all(blobs, backend_name):
    settings = fastnn.grid(hidden=[(), 4, (6, 3)], seed=[0, 1], optimizer=["sgd", "adam"])
    assert_like_one_by_one(
        *blobs, settings, epochs=2, batch_size=32, learning_rate=0.05, backend=backend_name
    )


def test_everything_that_is_auto_looks_at_the_same_rows(blobs, backend_name):
    X, y = blobs
    settings = [{"seed": 1}, {"seed": 1, "rows": np.arange(0, 120, 3)}, {"seed": 1, "rows": y < 2}]
    assert_like_one_by_one(X, y, settings, validation=0.25, early_stopping=2, epochs=4, backend=backend_name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_folds_of_uint8_images_and_of_strings(generator, backend_name, dtype):
    X = generator.integers(0, 256, (60, 5, 5), dtype=np.uint8)
    y = np.array(["a", "b", "c"])[np.arange(60) % 3]
    settings = fastnn.folds(y, 3, seed=4)
    assert_like_one_by_one(X, y, settings, seed=2, dtype=dtype, backend=backend_name, **SMALL)
    assert_like_one_by_one(
        X, y, settings, seed=2, standardize=True, dtype=dtype, backend=backend_name, **SMALL
    )


def test_a_fold_without_one_of_the_classes(blobs, backend_name):
    X, y = blobs
    settings = [{"rows": np.flatnonzero(y != 1)}, {"rows": y != 2}, {}]
    assert_like_one_by_one(X, y, settings, seed=0, backend=backend_name, **SMALL)
    models = fastnn.train_many(X, y, settings, seed=0, backend=backend_name, **SMALL)
    assert [list(model.classes) for model in models] == [[0, 2], [0, 1], [0, 1, 2]]


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_regressions(generator, backend_name, loss):
    X = generator.normal(size=(90, 3))
    y = X[:, :2] * [1, 30] + [0, 500]
    settings = [{}, {"rows": np.arange(40)}, {"rows": np.r_[50:90, 50:60], "validation_rows": np.arange(50)}]
    assert_like_one_by_one(
        X, y, settings, seed=0, loss=loss, hidden=5, epochs=2, backend=backend_name, dtype="float64"
    )


def test_weights_belong_to_all_rows(blobs, backend_name):
    X, y = blobs
    weights, rows = np.linspace(0.5, 2, 120), np.arange(10, 70)
    options = {"seed": 0, "backend": backend_name, "class_weight": {0: 2.0}, **SMALL}
    models = fastnn.train_many(X, y, [{}, {"rows": rows}], sample_weight=weights, **options)
    assert_same(models[0], fastnn.train(X, y, sample_weight=weights, **options))
    assert_same(models[1], fastnn.train(X[rows], y[rows], sample_weight=weights[rows], **options))


@pytest.mark.parametrize("standardize", [False, True])
def test_validation_data_for_all(blobs, backend_name, standardize):
    X, y = 10 + 3 * blobs[0], blobs[1]
    validation = (X[80:].tolist(), y[80:].tolist())
    options = {"standardize": standardize, "backend": backend_name, "metrics": ("f1",), **SMALL}
    assert_like_one_by_one(X[:80], y[:80], fastnn.grid(seed=[0, 1, 2]), validation=validation, **options)


def test_models_to_carry_on_from(blobs, backend_name):
    X, y = blobs
    first = fastnn.train(50 * X, y, standardize=True, seed=0, backend=backend_name, **SMALL)
    options = {"epochs": 2, "seed": 1, "backend": backend_name, "initial": first}
    settings = [{"learning_rate": 0.1}, {"learning_rate": 0.2, "rows": np.arange(50)}]
    assert_like_one_by_one(50 * X, y, settings, **options)


def test_lists_and_one_hot(blobs, backend_name):
    X, y = blobs
    options = {"seed": 0, "backend": backend_name, **SMALL}
    for targets in (y.tolist(), np.eye(3)[y], np.eye(3, dtype=bool)[y].tolist()):
        models = fastnn.train_many(X.tolist(), targets, [{}, {"rows": range(60)}], **options)
        assert_same(models[0], fastnn.train(X, targets, **options))
        assert_same(models[1], fastnn.train(X[:60], np.asarray(targets)[:60], **options))


# ---- how ---------------------------------------------------------------------------------------------------


def test_models_come_in_the_order_of_the_settings(blobs):
    X, y = blobs
    widths = [30, 1, 20, 2, 10, 3]
    epochs = [40, 1, 20, 1, 10, 1]
    settings = [{"hidden": width, "epochs": n} for width, n in zip(widths, epochs, strict=True)]
    models = fastnn.train_many(X, y, settings, workers=4)
    assert [model.sizes[1] for model in models] == widths
    assert [model.history.n_epochs for model in models] == epochs


def test_trainings_run_at_the_same_time(blobs, backend_name):
    meeting = threading.Barrier(3, timeout=60)

    class Meet(Callback):
        def epoch_end(self, training):
            meeting.wait()  # breaks unless three trainings are here

    settings = [{"seed": seed, "callbacks": [Meet()]} for seed in range(3)]
    assert len(fastnn.train_many(*blobs, settings, workers=3, backend=backend_name, **SMALL)) == 3


def test_no_more_workers_than_asked_for(blobs):
    lock, running, most = threading.Lock(), set(), []

    class Count(Callback):
        def start(self, training):
            with lock:
                running.add(self)
                most.append(len(running))

        def finish(self, training):
            with lock:
                running.discard(self)

    settings = [{"seed": seed, "callbacks": [Count()]} for seed in range(6)]
    fastnn.train_many(*blobs, settings, workers=2, **SMALL)
    assert max(most) <= 2


def test_X_is_converted_once_and_shared(blobs, monkeypatch):
    X, y = blobs
    used = []

    class Look(Callback):
        def start(self, training):
            used.append(training.run._X if hasattr(training.run, "_X") else training.run.X)

    converted = []
    real = examples.inputs.features

    def counting(*arguments, **options):
        converted.append(options["dtype"])
        return real(*arguments, **options)

    monkeypatch.setattr(examples.inputs, "features", counting)
    settings = [
        fold | {"callbacks": [Look()], "seed": seed} for fold in fastnn.folds(y, 3) for seed in (0, 1)
    ]
    fastnn.train_many(X, y, settings, **SMALL)
    assert len(used) == 6
    assert len({id(array) for array in used}) == 1
    assert converted == [None, np.dtype(np.float32)]  # checked, then converted


def test_one_warning_for_all(blobs):
    X, y = blobs
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        fastnn.train_many(1000 * X, y, fastnn.grid(seed=range(4)), hidden=3, epochs=1, learning_rate=1e-9)
    assert len(seen) == 1
    assert "standardize=True" in str(seen[0].message)
    assert seen[0].filename == __file__


def test_the_bar_counts_models(blobs, capsys):
    fastnn.train_many(*blobs, fastnn.grid(seed=range(4)), verbose=True, **SMALL)
    captured = capsys.readouterr()
    assert "4/4" in captured.err
    assert "models" in captured.err
    assert not captured.out
    fastnn.train_many(*blobs, fastnn.grid(seed=range(2)), **SMALL)
    assert capsys.readouterr() == ("", "")


# ---- when some fail ---------------------------------------------------------------------------------------


@pytest.fixture
def failing(generator):
    """(X, y, settings, options): of four trainings the second diverges, the third is a mistake."""
    X = generator.normal(size=(80, 4))
    settings = [{"seed": 0}, {"seed": 0, "learning_rate": 1e30}, {"batch_size": -1}, {"seed": 1}]
    return X, X[:, 0], settings, {"epochs": 5, "hidden": 4, "activation": "identity"}


def test_errors_come_in_the_place_of_models(failing, backend_name):
    X, y, settings, options = failing
    models = fastnn.train_many(X, y, settings, errors="return", backend=backend_name, **options)
    assert isinstance(models[1], DivergedError)
    assert isinstance(models[1].network, fastnn.Network)
    assert isinstance(models[2], InputError)
    for place in (0, 3):
        assert_same(models[place], fastnn.train(X, y, backend=backend_name, **options, **settings[place]))


def test_errors_are_raised_at_the_end_with_all_results(failing, backend_name):
    X, y, settings, options = failing
    with pytest.raises(SomeFailedError, match=r"^2 of 4 trainings failed, settings\[1\] first: .*") as caught:
        fastnn.train_many(X, y, settings, backend=backend_name, **options)
    assert "\n" not in str(caught.value)
    results = caught.value.results
    assert [type(result).__name__ for result in results] == [
        "Network",
        "DivergedError",
        "InputError",
        "Network",
    ]
    assert caught.value.__cause__ is results[1]


def test_errors_of_any_kind(blobs):
    class Broken(Callback):
        def epoch_end(self, training):
            raise RuntimeError("out of order")

    models = fastnn.train_many(*blobs, [{"callbacks": [Broken()]}, {}], errors="return", **SMALL)
    assert "out of order" in str(models[0])
    assert isinstance(models[1], fastnn.Network)


@pytest.mark.skipif(os.name == "nt", reason="SIGINT of one's own process is not deliverable on Windows")
def test_ctrl_c_ends_all_soon_and_keeps_what_was_finished(generator, backend_name):
    X, y = generator.normal(size=(40_000, 100)).astype(np.float32), generator.integers(0, 5, 40_000)
    fastnn.train(
        X[:100], y[:100], epochs=1, hidden=(300, 300), backend=backend_name
    )  # compiled before the clock

    class Interrupt(Callback):
        def finish(self, training):
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()

    quick = {"hidden": 1, "epochs": 1, "rows": np.arange(100), "callbacks": [Interrupt()]}
    long = {"hidden": (300, 300), "epochs": 10_000}
    start = time.perf_counter()
    with pytest.warns(UserWarning, match="interrupted: 1 of 4 models are finished"):
        models = fastnn.train_many(X, y, [quick, long, long, long], workers=2, backend=backend_name)
    assert time.perf_counter() - start < 20
    assert isinstance(models[0], fastnn.Network)
    assert models[1:] == [None, None, None]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fastnn")]


# ---- mistakes ---------------------------------------------------------------------------------------------

MISTAKES = [
    ({"settings": []}, "settings is empty"),
    ({"settings": {"seed": 1}}, "must be a list of dicts"),
    ({"settings": 3}, "must be a list of dicts"),
    ({"settings": [{}, 3]}, r"settings\[1\]=3 must be a dict"),
    (
        {"settings": [{}, {"layers": 3}]},
        r"settings\[1\]: 'layers' is no option of fastnn.train; use .*hidden.*rows",
    ),
    ({"settings": [{"threads": 3}]}, r"settings\[0\]: 'threads' has no place in train_many"),
    ({"settings": [{"checkpoint": "x"}]}, r"settings\[0\]: 'checkpoint' has no place in train_many"),
    ({"settings": [{"rows": [0, 60]}]}, r"settings\[0\]: rows runs from 0 to 60; X has rows 0 to 59"),
    ({"settings": [{"rows": [-1, 6]}]}, "rows runs from -1 to 6"),
    ({"settings": [{"rows": [0.5]}]}, "rows is float64 of shape"),
    ({"settings": [{"rows": []}]}, "rows is float64 of shape"),
    ({"settings": [{"rows": np.ones(30, bool)}]}, "rows is bool of shape .*or a mask of 60"),
    ({"settings": [{"validation_rows": [1, 99]}]}, "validation_rows runs from 1 to 99"),
    (
        {"settings": [{"validation_rows": [1], "validation": 0.1}]},
        "pass validation or validation_rows, not both",
    ),
    ({"settings": [{"dtype": "int8"}]}, "dtype='int8' must be"),
    ({"settings": [{"backend": "cuda"}]}, "backend='cuda' is unknown"),
    ({"settings": [{"sample_weight": [1, 2], "rows": [1, 2]}]}, r"sample_weight has shape \(2,\)"),
    ({"settings": [{"validation": ([["a"]], [1])}]}, "validation X has dtype"),
    ({"workers": 0}, "workers=0 must be"),
    ({"errors": "ignore"}, "errors='ignore' is unknown"),
    ({"y": np.arange(59)}, "y has 59 rows but X has 60"),
    ({"X": [[np.nan]] * 60}, "X holds nan"),
]


@pytest.mark.parametrize(("wrong", "message"), MISTAKES, ids=case)
def test_mistakes_are_found_before_anything_is_trained(wrong, message):
    arguments = {"X": np.zeros((60, 2)), "y": np.arange(60) % 2, "settings": [{}]} | wrong
    trained = []

    class Look(Callback):
        def start(self, training):
            trained.append(training)

    if isinstance(arguments["settings"], list):
        arguments["settings"] = [{"callbacks": [Look()], "epochs": 1}, *arguments["settings"]][1:]
    with pytest.raises(InputError, match=message) as caught:
        fastnn.train_many(**arguments)
    assert "\n" not in str(caught.value)
    assert not trained


def test_objects_that_two_trainings_would_fight_over(blobs):
    generator, callback = np.random.default_rng(0), fastnn.callbacks.StopAfter(seconds=1)
    for options in ({"seed": generator}, {"callbacks": [callback]}):
        name = next(iter(options))
        with pytest.raises(InputError, match=f"{name}: two trainings have the same object"):
            fastnn.train_many(*blobs, [{"hidden": 2}, {"hidden": 3}], **options, epochs=1)
        with pytest.raises(InputError, match=f"{name}: two trainings have the same object"):
            fastnn.train_many(*blobs, [{"hidden": 2, **options}, {"hidden": 3, **options}], epochs=1)
        fastnn.train_many(*blobs, [{"hidden": 2, **options}, {"hidden": 3}], epochs=1)


# ---- settings ---------------------------------------------------------------------------------------------


def test_grid():
    assert fastnn.grid() == [{}]
    assert fastnn.grid(hidden=[1, (2, 3)], seed=range(2)) == [
        {"hidden": 1, "seed": 0},
        {"hidden": 1, "seed": 1},
        {"hidden": (2, 3), "seed": 0},
        {"hidden": (2, 3), "seed": 1},
    ]
    for wrong in ("relu", 3, {"a": 1}):
        with pytest.raises(InputError, match=r"activation=.* must be a list of what to try"):
            fastnn.grid(activation=wrong)


@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=60),
    n=st.integers(2, 10),
    seed=st.integers(0, 5),
    kind=st.sampled_from(["ints", "strings", "one-hot", "floats"]),
)
def test_folds_deal_out_every_row_and_class(labels, n, seed, kind):
    labels = np.array(labels)
    n = min(n, len(labels))
    y = {"strings": np.array(list("abcde"))[labels], "one-hot": np.eye(5, dtype=int)[labels]}.get(
        kind, labels
    )
    parts = fastnn.folds(y.astype(float) if kind == "floats" else y, n, seed)
    assert len(parts) == n
    held_out = np.concatenate([part["validation_rows"] for part in parts])
    np.testing.assert_array_equal(np.sort(held_out), np.arange(len(labels)))
    for part in parts:
        both = np.concatenate([part["rows"], part["validation_rows"]])
        np.testing.assert_array_equal(np.sort(both), np.arange(len(labels)))
        assert np.all(np.diff(part["rows"]) > 0)
    sizes = [len(part["validation_rows"]) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    if kind != "floats":
        for label in range(5):
            counts = [np.sum(labels[part["validation_rows"]] == label) for part in parts]
            assert max(counts) - min(counts) <= 1


def test_folds_are_fixed_by_the_seed():
    y = np.arange(40) % 4
    for one, other in zip(fastnn.folds(y, 4, 7), fastnn.folds(y, 4, 7), strict=True):
        np.testing.assert_array_equal(one["rows"], other["rows"])
    assert not np.array_equal(fastnn.folds(y, 4, 8)[0]["rows"], fastnn.folds(y, 4, 7)[0]["rows"])
    with pytest.raises(InputError, match="n=50 folds need 50 rows at least, y has 40"):
        fastnn.folds(y, 50)
    with pytest.raises(InputError, match="n=1 must be"):
        fastnn.folds(y, 1)
