"""from_torch and to_torch beside PyTorch itself."""

import copy
import pickle
import sys

import numpy as np
import pytest

import fastnn
from fastnn.errors import InputError, MissingDependencyError
from fastnn.inputs import ACTIVATIONS

from .checks import assert_near, network_of, probabilities_or_outputs

LOSSES = ("cross_entropy", "binary_cross_entropy", "squared_error", "poisson")


@pytest.fixture
def torch():
    found = pytest.importorskip("torch", reason="PyTorch is not installed")
    found.manual_seed(0)
    return found


def modules(nn):
    """Every activation that PyTorch has a module of."""
    return {
        "relu": nn.ReLU(),
        "leaky_relu": nn.LeakyReLU(),
        "elu": nn.ELU(),
        "gelu": nn.GELU(approximate="tanh"),
        "silu": nn.SiLU(),
        "softplus": nn.Softplus(),
        "tanh": nn.Tanh(),
        "logistic": nn.Sigmoid(),
        "identity": nn.Identity(),
    }


def outputs_of(torch, network, module, X):
    """What the module's logits are to a user of the network."""
    with torch.no_grad():
        logits = module(torch.from_numpy(X))
        end = {
            "cross_entropy": lambda: logits.softmax(1),
            "binary_cross_entropy": logits.sigmoid,
            "poisson": logits.exp,
        }
        return end.get(network.loss_name, lambda: logits)().numpy()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_every_activation(torch, activation, kind, generator):
    nn = torch.nn
    act = modules(nn)[activation]
    module = nn.Sequential(nn.Linear(6, 5), act, nn.Linear(5, 4, bias=False), act, nn.Linear(4, 3))
    module = module.to(getattr(torch, kind))
    model = fastnn.from_torch(module, classes=["a", "b", "c"])
    assert model.activations == (activation,) * 2
    assert model.dtype == np.dtype(kind)
    X = (3 * generator.normal(size=(500, 6))).astype(kind)
    assert_near(model.predict_proba(X), outputs_of(torch, model, module, X), kind)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", [(), (5,), (5, 4, 6)])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_there_and_back(torch, loss, hidden, kind, generator):
    activation = [ACTIVATIONS[(3 * len(hidden) + i) % len(ACTIVATIONS)] for i in range(len(hidden))]
    network = network_of((6, *hidden, 3), generator, dtype=kind, activation=activation, loss=loss)
    module = network.to_torch()
    X = generator.normal(size=(200, 6)).astype(kind)
    assert_near(outputs_of(torch, network, module, X), probabilities_or_outputs(network, X), kind)
    back = fastnn.from_torch(module, loss=loss)
    assert back.activations == network.activations
    for ours, theirs in zip(network.weights + network.biases, back.weights + back.biases, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(probabilities_or_outputs(back, X), probabilities_or_outputs(network, X))


SCALINGS = {
    "uint8": {"input_scale": 1 / 255},
    "standardised": {"input_mean": [1, 0, -2, 4.5], "input_deviation": [1, 0.5, 2, 3]},
    "standardised uint8": {"input_scale": 1.0, "input_mean": [99.5] * 4, "input_deviation": [50, 60, 70, 1]},
    "far from 0": {"input_mean": [1e6, 0, -2, 4.5], "input_deviation": [0.25, 0.5, 2, 3]},
}


@pytest.mark.parametrize("kind", SCALINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scaling_is_the_first_layer(torch, kind, dtype, generator):
    network = network_of((4, 5, 3), generator, dtype=dtype, **SCALINGS[kind])
    if network.input_scale is None:
        X = generator.normal(network.input_mean, network.input_deviation, (300, 4)).astype(dtype)
    else:
        X = generator.integers(0, 256, (300, 4), np.uint8)
    module = network.to_torch()
    assert len(module) == 4
    proba = network.predict_proba(X)
    assert_near(outputs_of(torch, network, module, X), proba, dtype)
    back = fastnn.from_torch(module)
    assert_near(back.predict_proba(X), proba, dtype)
    assert (back.input_scale is None) == (network.input_scale is None)
    unpickled = pickle.loads(pickle.dumps(module))
    assert_near(outputs_of(torch, network, unpickled, X), proba, dtype)
    assert str(module[0]).startswith("Scaling(")
    halved = copy.deepcopy(module).to(torch.float32)
    assert halved(torch.from_numpy(X)).dtype == torch.float32


def test_to_torch_copies_and_leaves_the_random_state(torch, generator):
    network = network_of((4, 5, 3), generator)
    before = torch.random.get_rng_state()
    module = network.to_torch()
    assert torch.equal(torch.random.get_rng_state(), before)
    kept = network.weights[0].copy()
    with torch.no_grad():
        module[0].weight.zero_()
    np.testing.assert_array_equal(network.weights[0], kept)
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_what_else_a_sequential_may_hold(torch, generator):
    nn = torch.nn
    inner = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Dropout(0.5))
    module = nn.Sequential(nn.Flatten(), inner, nn.Identity(), nn.Linear(5, 3), nn.LogSoftmax(dim=1))
    model = fastnn.from_torch(module)
    assert model.activations == ("relu",)
    assert model.loss_name == "cross_entropy"
    X = generator.normal(size=(50, 2, 3)).astype(np.float32)
    with torch.no_grad():
        expected = module.eval()(torch.from_numpy(X)).exp().numpy()
    assert_near(model.predict_proba(X), expected, "float32")


def test_which_loss(torch, generator):
    nn = torch.nn

    def loss_of(*last, n_outputs=3, **options):
        return fastnn.from_torch(nn.Sequential(nn.Linear(4, n_outputs), *last), **options).loss_name

    assert loss_of() == "cross_entropy"
    assert loss_of(nn.Softmax(dim=-1)) == "cross_entropy"
    assert loss_of(nn.Sigmoid()) == "binary_cross_entropy"
    assert loss_of(n_outputs=1) == "squared_error"
    assert loss_of(loss="huber", huber_delta=2.0) == "huber"
    assert loss_of(n_outputs=1, loss="binary_cross_entropy") == "binary_cross_entropy"
    assert loss_of(n_outputs=1, classes=[False, True]) == "cross_entropy"

    module = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())
    model = fastnn.from_torch(module, classes=["no", "yes"])
    X = generator.normal(size=(50, 4)).astype(np.float32)
    with torch.no_grad():
        yes = module(torch.from_numpy(X)).numpy()
    assert_near(model.predict_proba(X), np.hstack([1 - yes, yes]), "float32")


def refused(nn):
    """What cannot be read, and what must be said of it."""
    line = nn.Linear(4, 4)

    class OwnLinear(nn.Linear):
        pass

    poisoned = nn.Linear(4, 2)
    poisoned.weight.data[0, 1] = float("nan")
    return [
        (line, "takes an nn.Sequential, it got Linear"),
        (nn.Sequential(), "has no Linear layer"),
        (nn.Sequential(nn.Flatten()), "has no Linear layer"),
        (nn.Sequential(line, nn.BatchNorm1d(4), line), r"module 1 \(BatchNorm1d\) has no equal in fastnn"),
        (nn.Sequential(line, nn.Sequential(line, nn.Mish())), r"module 1\.1 \(Mish\) has no equal"),
        (nn.Sequential(OwnLinear(4, 4)), r"module 0 \(OwnLinear\) has no equal"),
        (nn.Sequential(line, nn.GELU(), line), r"function than fastnn's gelu, which is GELU\(approximate="),
        (nn.Sequential(line, nn.LeakyReLU(0.2), line), r"LeakyReLU\(negative_slope=0.01\)"),
        (nn.Sequential(line, nn.ELU(0.5), line), r"ELU\(alpha=1\)"),
        (nn.Sequential(line, nn.Softplus(2), line), r"Softplus\(beta=1"),
        (nn.Sequential(nn.ReLU(), line), r"module 0 \(ReLU\) does not come right after a Linear"),
        (nn.Sequential(line, nn.ReLU(), nn.Tanh(), line), r"module 2 \(Tanh\) does not come right after"),
        (nn.Sequential(line, nn.Softmax(0)), "must be over dim=1"),
        (nn.Sequential(line, nn.ReLU(), nn.Softmax(1)), "right after the last Linear"),
        (nn.Sequential(line, nn.Softmax(1), line), r"module 2 \(Linear\) comes after the softmax"),
        (nn.Sequential(line, nn.Flatten()), "before the first Linear"),
        (nn.Sequential(nn.Flatten(0), line), "must flatten all but the rows"),
        (nn.Sequential(line, nn.ReLU()), "ends with relu"),
        (nn.Sequential(line, nn.ReLU(), nn.Linear(3, 2)), "layer 1 has W"),
        (nn.Sequential(nn.Linear(4, 2, device="meta")), "NumPy cannot read"),
        (nn.Sequential(nn.LazyLinear(3)), r"module 0 \(LazyLinear\)"),
        (nn.Sequential(poisoned), r"weights\[0\] holds nan"),
    ]


def test_what_cannot_be_read_is_one_line(torch):
    for module, message in refused(torch.nn):
        with pytest.raises(InputError, match=message) as caught:
            fastnn.from_torch(module)
        assert "\n" not in str(caught.value)


def test_options_that_do_not_fit(torch):
    nn = torch.nn
    ends = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1))
    with pytest.raises(InputError, match="loss='huber' does not go with a model that ends in softmax"):
        fastnn.from_torch(ends, loss="huber")
    with pytest.raises(InputError, match="loss='mse' is unknown"):
        fastnn.from_torch(ends, loss="mse")
    with pytest.raises(InputError, match="classes has 2 labels, but the last layer has 3"):
        fastnn.from_torch(ends, classes=["a", "b"])


def test_without_pytorch(monkeypatch, generator):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match="pip install torch"):
        network_of((3, 2), generator).to_torch()
    with pytest.raises(MissingDependencyError, match="pip install torch"):
        fastnn.from_torch(None)
