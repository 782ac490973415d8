"""The scripts that measure, each on very little, and the tables that report.py makes of what they save."""

import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("numba", reason="the probe of the peak, and what is measured, are compiled")

from benchmarks import dropout, memory, options, published, record, rounds, scaling, train_many
from benchmarks.peak import Probe, Trial
from benchmarks.rounds import Timed, speed
from benchmarks.tables import accuracy
from benchmarks.tables import estimators as estimator_tables
from benchmarks.tables import peers as peer_tables
from benchmarks.tables import speed as speed_tables
from benchmarks.tables.markdown import insert


@pytest.fixture(scope="module")
def probe():
    probe = Probe(1)
    yield probe
    probe.close()


@pytest.fixture(scope="module")
def images():
    X, labels = dataclasses.replace(options.NET, n_rows=300).data()
    return X, labels.astype(np.int64)


def saved(content):
    """As it comes back from the JSON file."""
    return json.loads(json.dumps(content))


def trial(seconds, probe=100.0):
    return Trial(seconds, probe, probe)


class Peak:
    """A probe that saw 100 GFLOP/s at best."""

    best = 100.0
    accepts = Probe.accepts


def test_one_slow_call_does_not_say_how_often_to_repeat(monkeypatch):
    """Such as the second of all, which may load another kernel."""
    now, calls = [0.0], []

    def work():
        calls.append(0.3 if len(calls) == 1 else 0.001)
        now[0] += calls[-1]

    monkeypatch.setattr(rounds.time, "perf_counter", lambda: now[0])
    work()
    assert 100 <= rounds.repeats_for(work) <= 300
    monkeypatch.setattr(rounds, "SHORTEST", 0.0005)
    assert rounds.repeats_for(work) == 1


def test_speed_compares_within_quiet_rounds():
    base = Timed("plain", print, trials=[trial(1.0), trial(2.0), trial(1.0, probe=50.0)])
    other = Timed("other", print, trials=[trial(2.0), trial(4.0), trial(1.0)])
    result = speed(Peak(), base, other)
    assert result == {"median": 0.5, "lowest": 0.5, "highest": 0.5, "kept": 2, "quiet": True}


def test_speed_says_when_no_round_was_quiet():
    base = Timed(
        "plain", print, trials=[trial(1.0, probe=50.0), trial(1.0, probe=60.0), trial(9.0, probe=10.0)]
    )
    result = speed(Peak(), base, dataclasses.replace(base))
    assert (result["kept"], result["quiet"]) == (2, False)


def test_a_further_machine_has_the_fastest_peer_alone_and_says_which_times_are_doubtful():
    def result(seconds, quiet=True):
        return {"median": seconds, "quiet": quiet, "share_of_peak": 0.5}

    contenders = {
        "JAX": result(3.0),
        "NumPy": result(2.0),
        "fastnn": result(1.0),
        "fastnn, 1 thread": result(0.5),
    }
    row = {"name": "a-b", "kind": "training", "ratio": 2.0, "contenders": contenders}
    machine = {"cpu": "C", "cpus": 2, "python": "3", "versions": {}}
    measured = {"rows": [row], "machine": machine, "peak": {"1": 7.0}, "rounds": 3}
    text = peer_tables.peers_briefly(measured)
    assert "| a-b | 1 s | 2 s NumPy | **2.00** | 50 % |" in text
    assert "quiet" not in text
    contenders["JAX"]["quiet"] = False  # is not shown
    assert "quiet" not in peer_tables.peers_briefly(measured)
    contenders["NumPy"]["quiet"] = False
    text = peer_tables.peers_briefly(measured)
    assert "2 s\\* NumPy" in text
    assert "not quiet" in text


@pytest.mark.parametrize(("dense", "chosen"), [(False, options.OPTIONS), (True, options.OPTIONS[:4])])
def test_options(dense, chosen):
    net = dataclasses.replace(options.NET, sizes=(784, 32, 10), n_rows=200, dense_floats=dense)
    measured = options.measure(chosen, net, rounds=1, threads=1, real=False)
    assert [row["name"] for row in measured["options"]] == [option.name for option in chosen]
    assert all(row["share"] > 0 for row in measured["options"])
    table = speed_tables.options(saved({"dense" if dense else "digits": measured}))
    assert table.count("\n| ") == len(chosen) + 1
    assert "| 70 % |" in table  # what is wanted of Adam


def test_parts_of_one_file_are_kept(tmp_path):
    record.save_part(tmp_path / "results" / "options.json", "digits", {"rows": 1})
    record.save_part(tmp_path / "results" / "options.json", "dense", {"rows": 2})
    record.save_part(tmp_path / "results" / "options.json", "digits", {"rows": 3})
    kept = json.loads((tmp_path / "results" / "options.json").read_text(encoding="utf-8"))
    assert kept == {"digits": {"rows": 3}, "dense": {"rows": 2}}


def test_published(images):
    content = {}
    for patience in (10, 3):
        rows = [
            published.measure(network, images, images, [0, 1], patience, epochs=2)
            for network in published.NETWORKS[-2:]
        ]
        part = {"machine": record.machine(), "patience": patience, "seeds": 2, "rows": rows}
        content[f"patience {patience}"] = part | {"allowance": published.ALLOWANCE}
    assert rows[0]["name"] == "tanh 10-10"
    assert rows[0]["epochs"] == 2
    table = accuracy.published(saved(content))
    assert "| hidden layers | published | patience 3 | epochs | time | patience 10 |" in table
    assert "points below: tanh 10-10 with patience 10, tanh 10 with" in table  # labels are noise


def test_dropout(images, monkeypatch):
    monkeypatch.setattr(dropout, "WIDTH", 16)
    result = dropout.measure(images, images, layers=3, epochs=1, seed=0)
    assert result["network"] == "784-16-16-16-10"
    assert "after 1 epochs" in accuracy.dropout(saved({"machine": record.machine()} | result))


def test_scaling(probe):
    nets = scaling.GROWING[1], dataclasses.replace(scaling.THREADED[2], n_rows=500)
    growth = scaling.growth(nets[0], (500, 1000), probe, rounds=1)
    teams = scaling.teams(nets[1], (1, 2), probe, rounds=1)
    assert growth["spread"] >= 1
    assert [row["threads"] for row in teams["teams"]] == [1, 2]
    content = {
        "machine": record.machine(),
        "rounds": 1,
        "growth": [growth],
        "teams": [teams],
        "memory": {
            "name": "784-128-10 b128",
            "rows": 100,
            "data": 8e4,
            "before": 5e7,
            "peak": 6e7,
            "added": 1e7,
            "most": 4e7,
        },
    }
    assert "took 10.0 MB of memory beside them (wanted: at most 40 MB)" in speed_tables.scaling(
        saved(content)
    )


def test_train_many(probe):
    work = dataclasses.replace(train_many.WORKS[-1], options=train_many.WORKS[-1].options | {"epochs": 1})
    rows = [train_many.measure(work, 2, probe, rounds=1)]
    assert rows[0]["speed_up"][1] > 0
    content = {"machine": record.machine(), "rounds": 1, "rows": [*rows, rows[0] | {"wanted": 1.8}]}
    table = speed_tables.train_many(saved(content))
    assert table.count("\n| 4-16-3 b8, 150 rows |") == 2
    assert "| 1.8 |" in table


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators(probe, monkeypatch):
    estimators = pytest.importorskip("benchmarks.estimators", reason="scikit-learn is what is compared with")
    monkeypatch.delenv("FASTNN_DATA_DIR", raising=False)
    content = {}
    for work in estimators.WORKS:
        tiny = dataclasses.replace(work, rows=150, epochs=1, hidden=(8,))
        if isinstance(tiny, estimators.Search):
            tiny = dataclasses.replace(tiny, choices={"alpha": [1e-3, 1e-2]}, folds=2)
        content[work.name] = saved(estimators.measure(tiny, probe, rounds=1))
        assert content[work.name]["float32"]["times faster"]["median"] > 0
    table = estimator_tables.estimators(content)
    assert table.count("\n| ") == len(estimators.WORKS) + 1
    assert "| fit MNIST, 784-100-10 (150 rows, made up, 1 epoch) |" in table
    assert "| 8 |" in table


def test_estimators_that_differ_are_not_timed(probe):
    estimators = pytest.importorskip("benchmarks.estimators", reason="scikit-learn is what is compared with")

    class Unlike(estimators.Fit):
        def estimator(self, library):
            return super().estimator(library).set_params(random_state=len(library))

    work = Unlike("fit", estimators.digits, 100, epochs=1)
    with (
        pytest.warns(estimators.ConvergenceWarning),
        pytest.raises(SystemExit, match="fit, float64: fastnn and scikit-learn differ"),
    ):
        estimators.measure(work, probe, rounds=1)


def test_many_rows_repeat_made_up_ones():
    X, labels = scaling.many_rows(scaling.GROWING[1], 25_000)
    assert X.shape == (25_000, 20)
    assert len(labels) == 25_000
    np.testing.assert_array_equal(X[20_000:], X[:5_000])


def test_peak_memory_is_seen_and_forgotten():
    if not memory.FORGET.exists():
        pytest.skip("needs Linux's /proc")
    block = np.ones(40_000_000, np.uint8)
    del block
    seen = memory.peak()
    memory.forget_peak()
    assert memory.resident() <= memory.peak() < seen - 20e6


def test_insert_replaces_what_is_between_markers():
    text = "a\n<!-- peers -->\nold\n<!-- /peers -->\nb\n"
    assert insert(text, "peers", "| 1\\2 |") == "a\n<!-- peers -->\n| 1\\2 |\n<!-- /peers -->\nb\n"
    with pytest.raises(SystemExit, match="no markers"):
        insert(text, "options", "")
