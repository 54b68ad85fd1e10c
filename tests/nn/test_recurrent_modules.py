"""Recurrent modules against PyTorch: weights, texts, checks, states, copies."""

import copy
import pickle

import pytest

import backlit

from oracle import same

MODULES = [
    "RNN(3, 4)",
    "RNN(3, 4, 2, 'relu', False)",
    "RNN(3, 4, 1, 'tanh', True, True)",
    "GRU(3, 4, 2, bidirectional=True)",
    "GRU(3, 4, bias=False, batch_first=True)",
    "LSTM(3, 4, num_layers=3, dropout=0.5)",
    "LSTM(3, 4, bidirectional=True, proj_size=2)",
    "LSTM(3, 4, 2, bias=False, proj_size=2)",
    "RNNCell(3, 4)",
    "RNNCell(3, 4, nonlinearity='relu', bias=False)",
    "LSTMCell(3, 4, bias=False)",
    "GRUCell(3, 4)",
]


def make(lib, text, seed=0):
    lib.manual_seed(seed)
    return eval(text, {"torch": lib, **vars(lib.nn)})


@pytest.mark.parametrize("text", MODULES)
def test_weights(text):
    """Names, order, first values, repr."""

    def program(lib):
        module = make(lib, text)
        weights = list(module.named_parameters())
        return repr(module), weights, list(module.state_dict()), [p.grad for _, p in weights]

    same(program)


@pytest.mark.parametrize("text", MODULES[:8])
def test_all_weights(text):
    def program(lib):
        module = make(lib, text)
        assert all(a is b for a, b in zip(module._flat_weights, module.parameters(), strict=True))
        module.flatten_parameters()
        return module.all_weights, module._all_weights, module._flat_weights_names

    same(program)


WRONG_ARGUMENTS = [
    "RNN(3, 4, nonlinearity='gelu')",
    "RNN(3, 4, proj_size=2)",
    "GRU(3, 4, proj_size=2)",
    "LSTM(3, 4, proj_size=4)",
    "LSTM(3, 4, proj_size=-1)",
    "LSTM(3, 4, bias=1)",
    "LSTM(3, 4, batch_first=0)",
    "LSTM(3.0, 4)",
    "LSTM(0, 4)",
    "LSTM(3, '4')",
    "LSTM(3, 0)",
    "LSTM(3, 4, 0)",
    "LSTM(3, 4, dropout=1.5, num_layers=2)",
    "LSTM(3, 4, dropout=True)",
    "LSTM(3, 4, dropout=0.5)",  # a warning
    "RNNBase('CNN', 3, 4)",
]


@pytest.mark.parametrize("text", WRONG_ARGUMENTS)
def test_wrong_arguments(text):
    same(lambda lib: repr(make(lib, text)))


WRONG_CALLS = [
    "RNN(3, 4)(torch.zeros(5))",
    "RNN(3, 4)(torch.zeros(5, 2, 3, 3))",
    "RNN(3, 4)(torch.zeros(5, 2, 7))",
    "LSTM(3, 4)(torch.zeros(5, 7))",
    "GRU(3, 4)(torch.zeros(5, 2, 3, dtype=torch.float64))",
    "GRU(3, 4)(torch.zeros(0, 2, 3))",
    "GRU(3, 4)(torch.zeros(5, 2, 3), torch.zeros(2, 4))",
    "GRU(3, 4)(torch.zeros(5, 3), torch.zeros(1, 1, 4))",
    "GRU(3, 4)(torch.zeros(5, 2, 3), torch.zeros(1, 3, 4))",
    "RNN(3, 4, 2)(torch.zeros(5, 2, 3), torch.zeros(1, 2, 4))",
    "RNN(3, 4)(torch.zeros(5, 2, 3), torch.zeros(1, 2, 5))",
    "LSTM(3, 4)(torch.zeros(5, 2, 3), (torch.zeros(1, 2, 4), torch.zeros(1, 3, 4)))",
    "LSTM(3, 4)(torch.zeros(5, 2, 3), (torch.zeros(1, 2, 5), torch.zeros(1, 2, 4)))",
    "LSTM(3, 4)(torch.zeros(5, 2, 3), (torch.zeros(2, 4), torch.zeros(1, 2, 4)))",
    "LSTM(3, 4)(torch.zeros(5, 3), (torch.zeros(1, 1, 4), torch.zeros(1, 1, 4)))",
    "LSTM(3, 4, batch_first=True)(torch.zeros(2, 5, 3), (torch.zeros(1, 5, 4),) * 2)",
    "RNNCell(3, 4)(torch.zeros(2, 2, 3))",
    "RNNCell(3, 4)(torch.zeros(2, 5))",
    "RNNCell(3, 4)(torch.zeros(2, 3), torch.zeros(3, 4))",
    "GRUCell(3, 4)(torch.zeros(2, 3), torch.zeros(1, 2, 4))",
    "GRUCell(3, 4)(torch.zeros(2, 3), torch.zeros(2, 5))",
    "LSTMCell(3, 4)(torch.zeros(()))",
    "LSTMCell(3, 4)(torch.zeros(2, 3), (torch.zeros(2, 4), torch.zeros(2, 2, 4)))",
    "LSTMCell(3, 4)(torch.zeros(2, 3), (torch.zeros(2, 4), torch.zeros(2, 5)))",
]


@pytest.mark.parametrize("text", WRONG_CALLS)
def test_wrong_calls(text):
    same(lambda lib: make(lib, text))


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_without_batch(name, batch_first):
    def program(lib):
        module = make(lib, f"{name}(3, 4, 2, batch_first={batch_first}).double()")
        x, h = lib.rand(5, 3, dtype=lib.float64), lib.rand(2, 4, dtype=lib.float64)
        return module(x), module(x, (h, h) if name == "LSTM" else h)

    same(program, 1e-12)


@pytest.mark.parametrize("text", ["RNN(3, 4)", "GRU(3, 4, 2)", "LSTM(3, 4, bidirectional=True)"])
def test_state_dict(text):
    """A file of weights serves another module; the copies are apart."""

    def program(lib):
        module, other = make(lib, text), make(lib, text, 1)
        other.load_state_dict(module.state_dict())
        twin, restored = copy.deepcopy(module), pickle.loads(pickle.dumps(module))
        x = lib.rand(5, 2, 3)
        with lib.no_grad():
            for weight in module.parameters():
                weight.zero_()
        return [m(x) for m in (module, other, twin, restored)]

    same(program, 1e-6)


def test_weights_replaced():
    """By assignment, by deletion and a plain tensor, by conversion."""

    def program(lib):
        module = make(lib, "LSTM(3, 4)")
        x = lib.rand(5, 2, 3)
        found = [module(x)]
        module.double().weight_hh_l0 = lib.nn.Parameter(lib.ones(16, 4, dtype=lib.float64))
        x = x.double()
        found.append(module(x))
        dropped = module.weight_hh_l0 * 0.5
        del module.weight_hh_l0
        module.weight_hh_l0 = dropped
        found.append(module(x))
        return found

    same(program, 1e-6)


def test_hooks_see_what_goes_in_and_out():
    def program(lib):
        module, seen = make(lib, "GRU(3, 4)"), []
        module.register_forward_hook(lambda m, args, out: seen.append([*args, out]))
        module(lib.zeros(2, 1, 3), lib.zeros(1, 1, 4))
        return seen

    same(program, 1e-6)


def test_dtypes_without_a_kernel_say_so():
    with pytest.raises(NotImplementedError, match="'Long'"):
        backlit.rnn_tanh_cell(*(backlit.ones(2, 2, dtype=backlit.int64),) * 4)
