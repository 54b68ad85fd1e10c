"""Recurrent networks against PyTorch: values, gradients of two orders, packed sequences, seeds."""

import os
import subprocess
import sys

import numpy as np
import pytest

import backlit

from oracle import same

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")

NETWORKS = {
    "RNN": "RNN(3, 5, {})",
    "RNN relu": "RNN(3, 5, nonlinearity='relu', {})",
    "GRU": "GRU(3, 5, {})",
    "LSTM": "LSTM(3, 5, {})",
    "LSTM projected": "LSTM(3, 5, proj_size=2, {})",
}
OPTIONS = [
    "",
    "num_layers=2",
    "bidirectional=True",
    "num_layers=3, bidirectional=True, bias=False",
    "num_layers=2, batch_first=True, dropout=0",
]
LENGTHS = {"padded": None, "sorted": [6, 4, 4, 1], "unsorted": [4, 1, 6, 4]}
STEPS, BATCH = 6, 4


def weighted_sum(lib, tensors):
    """A number that depends on every element differently."""
    total = 0.0
    for k, t in enumerate(tensors):
        weights = np.cos(np.arange(t.numel()) + k).reshape(tuple(t.shape))
        total = total + (t * lib.tensor(weights, dtype=t.dtype)).sum()
    return total


def arguments(lib, model, batch_first=False):
    """An input, and first states that fit the model."""
    dtype = next(model.parameters()).dtype
    shape = (BATCH, STEPS) if batch_first else (STEPS, BATCH)
    x = lib.rand(*shape, model.input_size, dtype=dtype).requires_grad_()
    layers = model.num_layers * (2 if model.bidirectional else 1)
    h = lib.rand(layers, BATCH, model.proj_size or model.hidden_size, dtype=dtype)
    c = lib.rand(layers, BATCH, model.hidden_size, dtype=dtype)
    return x, [t.requires_grad_() for t in ([h, c] if model.mode == "LSTM" else [h])]


def run(lib, model, x, states, lengths=None):
    """Output and last states; of packed sequences padded again."""
    utils, given = lib.nn.utils.rnn, x
    if lengths:
        in_order = lengths == sorted(lengths, reverse=True)
        given = utils.pack_padded_sequence(x, lengths, model.batch_first, in_order)
    output, last = model(given, tuple(states) if len(states) > 1 else states[0])
    if lengths:
        output, _ = utils.pad_packed_sequence(output, model.batch_first)
    return [output, *(last if isinstance(last, tuple) else [last])]


def everything(lib, text, lengths, dtype="float64"):
    """Outputs, gradients, and gradients of gradients by input, states and all weights."""
    lib.manual_seed(0)
    model = eval(text, vars(lib.nn)).to(getattr(lib, dtype))
    x, states = arguments(lib, model, model.batch_first)
    leaves = [x, *states, *model.parameters()]
    outputs = run(lib, model, x, states, lengths)
    strides = [t.stride() for t in outputs]
    total = weighted_sum(lib, outputs)
    found = [outputs, lib.autograd.grad(total, leaves, retain_graph=True)]
    if dtype == "float64":
        first = lib.autograd.grad(total, leaves, create_graph=True)
        found += [first, lib.autograd.grad(weighted_sum(lib, first), leaves)]
    return strides, [[t.detach().numpy() for t in tensors] for tensors in found]


def assert_same_results(mine, theirs, tolerance):
    assert mine[0] == theirs[0]
    for ours, others in zip(mine[1], theirs[1], strict=True):
        for a, b in zip(ours, others, strict=True):
            np.testing.assert_allclose(a, b, tolerance, tolerance)


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_values_and_gradients(network, options, lengths):
    text = network.format(options)
    mine, theirs = (everything(lib, text, lengths) for lib in (backlit, torch))
    assert_same_results(mine, theirs, 1e-9)


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_float32(network, lengths):
    text = network.format("num_layers=2, bidirectional=True")
    mine, theirs = (everything(lib, text, lengths, "float32") for lib in (backlit, torch))
    assert_same_results(mine, theirs, 2e-5)


@pytest.mark.parametrize("network", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("batch", [1, 2, 7, 16, 17, 90])
def test_batches(network, batch):
    """Batches of one, of several chunks of rows, and with a rest."""

    def outputs(lib):
        lib.manual_seed(1)
        model = getattr(lib.nn, network)(5, 33, dtype=lib.float64)
        x = lib.rand(3, batch, 5, dtype=lib.float64).requires_grad_()
        output, _ = model(x)
        output.cos().sum().backward()
        return [t.detach().numpy() for t in (output, x.grad, *(p.grad for p in model.parameters()))]

    for a, b in zip(outputs(backlit), outputs(torch), strict=True):
        np.testing.assert_allclose(a, b, 1e-10, 1e-10)


@pytest.mark.parametrize("network", ["RNN(9, 20, bidirectional=True)", "GRU(9, 70)", "LSTM(9, 40)"])
@pytest.mark.parametrize("batch", [1, 37])
def test_same_bits_at_any_number_of_threads(network, batch):
    before = backlit.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 5):
            backlit.set_num_threads(threads)
            backlit.manual_seed(0)
            model = eval(network, vars(backlit.nn))
            x = backlit.rand(40, batch, 9).requires_grad_()
            output, _ = model(x)
            weighted_sum(backlit, [output]).backward()
            tensors = [output.detach(), x.grad, *(p.grad for p in model.parameters())]
            found.append([t.numpy().tobytes() for t in tensors])
    finally:
        backlit.set_num_threads(before)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_without_recording(network):
    """What the backward pass would need is not kept; the numbers are the same."""
    backlit.manual_seed(0)
    model = eval(network.format("num_layers=2, bidirectional=True"), vars(backlit.nn))
    x, states = arguments(backlit, model)
    for lengths in LENGTHS.values():
        recorded = run(backlit, model, x, states, lengths)
        with backlit.no_grad():
            plain = run(backlit, model, x, states, lengths)
        for a, b in zip(recorded, plain, strict=True):
            assert a.tolist() == b.tolist()
            assert not b.requires_grad


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_only_what_requires_grad(network):
    """Gradients of each leaf alone are those of all together."""
    backlit.manual_seed(0)
    model = eval(network.format("bidirectional=True"), vars(backlit.nn)).double()
    x, states = arguments(backlit, model)
    leaves = [x, *states, *model.parameters()]
    together = backlit.autograd.grad(weighted_sum(backlit, run(backlit, model, x, states)), leaves)
    for leaf, expected in zip(leaves, together, strict=True):
        for other in leaves:
            other.requires_grad_(other is leaf)
        total = weighted_sum(backlit, run(backlit, model, x, states))
        (found,) = backlit.autograd.grad(total, [leaf])
        assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("network", ["RNN", "GRU", "LSTM"])
def test_shared_inputs(network):
    """One tensor in several places: its gradients add up, to any order."""

    def derivatives(lib):
        lib.manual_seed(0)
        model = getattr(lib.nn, network)(4, 4, bias=False, dtype=lib.float64)
        model.weight_hh_l0 = model.weight_ih_l0
        h = lib.rand(1, 4, 4, dtype=lib.float64).requires_grad_()
        output, _ = model(h, (h, h) if network == "LSTM" else h)
        leaves = [h, model.weight_ih_l0]
        first = lib.autograd.grad(weighted_sum(lib, [output]), leaves, create_graph=True)
        second = lib.autograd.grad(weighted_sum(lib, first), leaves, create_graph=True)
        third = lib.autograd.grad(weighted_sum(lib, second), leaves)
        return [t.detach().numpy() for t in (*first, *second, *third)]

    for a, b in zip(derivatives(backlit), derivatives(torch), strict=True):
        np.testing.assert_allclose(a, b, 1e-9, 1e-9)


@pytest.mark.parametrize("network", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("batched", [True, False])
def test_backward_twice_and_changes_between(network, batched):
    def program(lib):
        lib.manual_seed(0)
        model = getattr(lib.nn, network)(2, 3, dtype=lib.float64)
        x = lib.rand(*(4, 2, 2) if batched else (4, 2), dtype=lib.float64).requires_grad_()
        output, _ = model(x)
        output.sum().backward(retain_graph=True)
        output.sum().backward()
        grad = x.grad.clone()
        output, _ = model(x)
        with lib.no_grad():
            model.weight_hh_l0.add_(1)
        try:
            output.sum().backward()
        except RuntimeError as error:
            return grad, str(error)[:70]
        return grad, "no error"

    same(program, 1e-12)


@pytest.mark.parametrize("network", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_dropout_between_layers(network, batch_first):
    """The same seed drops the same elements."""

    def program(lib):
        lib.manual_seed(0)
        options = {"num_layers": 3, "dropout": 0.4, "batch_first": batch_first}
        model = getattr(lib.nn, network)(3, 4, dtype=lib.float64, **options)
        x = lib.rand(5, 4, 3, dtype=lib.float64)
        trained, _ = model(x)
        return trained, model(x)[0], model.eval()(x)[0]

    same(program, 1e-12)


CELLS = ["RNNCell(3, 4)", "RNNCell(3, 4, False, 'relu')", "GRUCell(3, 4)", "LSTMCell(3, 4)"]


@pytest.mark.parametrize("cell", [*CELLS, "GRUCell(3, 4, bias=False)", "LSTMCell(3, 4, False)"])
@pytest.mark.parametrize("batched", [True, False])
def test_cells(cell, batched):
    def derivatives(lib):
        lib.manual_seed(0)
        model = eval(cell, vars(lib.nn)).double()
        shape = (2,) if batched else ()
        x = lib.rand(*shape, 3, dtype=lib.float64).requires_grad_()
        h, c = (lib.rand(*shape, 4, dtype=lib.float64).requires_grad_() for _ in range(2))
        lstm = cell.startswith("LSTM")
        state = (h, c) if lstm else h
        for _ in range(3):
            state = model(x, state)
        outputs = [*(state if lstm else [state]), *(model(x) if lstm else [model(x)])]
        leaves = [x, h, *([c] if lstm else []), *model.parameters()]
        first = lib.autograd.grad(weighted_sum(lib, outputs), leaves, create_graph=True)
        second = lib.autograd.grad(weighted_sum(lib, first), leaves)
        return [t.detach().numpy() for t in (*outputs, *first, *second)]

    for a, b in zip(derivatives(backlit), derivatives(torch), strict=True):
        np.testing.assert_allclose(a, b, 1e-10, 1e-10)


@pytest.mark.parametrize("text", ["RNN(4, 8, 2)", "GRU(4, 8)", "LSTM(4, 8, bidirectional=True)"])
def test_training(text):
    """20 steps of Adam from one seed."""

    def losses(lib):
        lib.manual_seed(0)
        model = eval(text, vars(lib.nn))
        head = lib.nn.Linear(16 if model.bidirectional else 8, 3)
        parameters = [*model.parameters(), *head.parameters()]
        optimizer = lib.optim.Adam(parameters, lr=0.01)
        x, y = lib.rand(7, 20, 4), lib.randint(0, 3, (20,))
        found = []
        for _ in range(20):
            optimizer.zero_grad()
            output, _ = model(x)
            loss = lib.nn.functional.cross_entropy(head(output[-1]), y)
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    same(losses, 1e-5)


SMALL_LAYERS = """
import backlit
backlit.manual_seed(0)
for hidden in (1, 2, 7, 16):
    model = backlit.nn.RNN(2, hidden)
    for batch in (1, 2, 5):
        print(model(backlit.randn(3, batch, 2))[0].sum().item())
"""


@pytest.mark.parametrize("isa", ["generic", "v3"])
def test_small_layers_with_every_instruction_set(isa):
    """Packed weights of a small layer lie where a small tensor lies: not at a whole cache line."""
    found = []
    for chosen in (isa, "v4"):
        environment = {**os.environ, "BACKLIT_ISA": chosen}
        command = [sys.executable, "-c", SMALL_LAYERS]
        done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
        found.append([float(line) for line in done.stdout.split()])
    assert found[0] == pytest.approx(found[1], abs=1e-5)
