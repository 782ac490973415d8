"""fastnn beside the peers, as benchmarks of pytest: the group is the network, the parameter who trains it.

Small, and peers on one thread, so that it runs in a minute even where other programs keep a CPU busy;
`python benchmarks/side_by_side.py` is the careful comparison.
"""

import dataclasses
import functools

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.peers import agreement, contest, fastnn_itself, numpy_peer, task
from benchmarks.workloads import TRAINING, Net

N_ROWS = 2_000
ADAM = Net((784, 128, 10), 128, N_ROWS, optimizer="adam")
NETS = [*(dataclasses.replace(net, n_rows=N_ROWS) for net in TRAINING), ADAM]
NAMES = (fastnn_itself.NAME, *peers.MODULES)
TRAINERS = tuple(name for name in NAMES if name not in peers.PREDICT_ONLY)


@functools.cache
def task_of(net):
    return task.make(net, real=False)


def module_of(name):
    if name == fastnn_itself.NAME:
        return fastnn_itself
    try:
        return peers.load(name)
    except ImportError as error:
        pytest.skip(f"{name} does not import here: {error}")


def entrant(kind, name, net):
    module, work = module_of(name), task_of(net)
    forms = [{}] if module is fastnn_itself else contest.forms_of(kind, module, work)
    form = min(forms, key=lambda form: form.get("threads", 0))
    return contest.contender(kind, name, form, module, work)


@pytest.mark.parametrize("name", TRAINERS)
@pytest.mark.parametrize("net", NETS, ids=lambda net: net.name)
def test_epoch(benchmark, net, name):
    benchmark.group = f"peers, epoch {net.name}, {net.n_rows} rows"
    found = entrant("Training", name, net)
    found.arithmetic.prepare()
    benchmark.pedantic(found.work, rounds=5, warmup_rounds=1)
    found.arithmetic.close()
    benchmark.extra_info["form"] = found.form
    if benchmark.stats is not None:
        benchmark.extra_info["samples/s"] = net.n_rows / benchmark.stats.stats.median


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_rows", [1, 10_000])
def test_predict(benchmark, n_rows, name):
    net = Net((784, 128, 10), 128, n_rows)
    benchmark.group = f"peers, predict 784-128-10, {n_rows} rows"
    found = entrant("Inference", name, net)
    found.arithmetic.prepare()
    benchmark(found.work)
    found.arithmetic.close()
    benchmark.extra_info["form"] = found.form


class OtherRate(numpy_peer.Training):
    """Learns 2 % too fast."""

    def __init__(self, work):
        super().__init__(work, threads=1)
        self.learning_rate *= 1.02


class DroppedRows(numpy_peer.Training):
    """Leaves out the smaller last batch, as a DataLoader with drop_last does."""

    def __init__(self, work):
        super().__init__(work, threads=1)

    def epoch(self, order):
        """Mean loss of the rows it did not drop."""
        return super().epoch(order[: len(order) // self.batch_size * self.batch_size])


class NoUnbiasing(numpy_peer.Training):
    """Adam that never takes out the bias of having started at 0."""

    def __init__(self, work):
        super().__init__(work, threads=1)

    def _adam(self, number, parameter, gradient):
        self.step = 10_000
        super()._adam(number, parameter, gradient)


@pytest.mark.parametrize(
    ("net", "wrong"),
    [
        (NETS[0], OtherRate),
        (NETS[0], DroppedRows),
        (ADAM, OtherRate),
        (ADAM, DroppedRows),
        (ADAM, NoUnbiasing),
    ],
)
def test_the_check_finds_what_is_wrong(net, wrong):
    work = task_of(net)
    with pytest.raises(agreement.DisagreementError, match=r"differently|mean loss"):
        agreement.check_training(work, wrong(work))


def test_the_check_finds_wrong_probabilities():
    work = task_of(NETS[0])
    inference = numpy_peer.Inference(work, threads=1)
    inference.biases[-1] += np.arange(10, dtype=np.float32) / 100
    with pytest.raises(agreement.DisagreementError, match="probabilities"):
        agreement.check_inference(work, inference)
