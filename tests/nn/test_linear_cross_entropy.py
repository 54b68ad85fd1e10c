"""A linear layer and its cross entropy in one, beside PyTorch."""

import numpy as np
import pytest

import backlit

from oracle import same


def numbers(lib, *shape):
    values = np.random.RandomState(sum(shape)).standard_normal(shape)
    return lib.from_numpy(values).requires_grad_()


def classes(lib, *shape):
    return lib.from_numpy(np.random.RandomState(5).randint(0, 4, shape))


CASES = [
    ((5, 3), (4, 3), (5,), {}),
    ((3,), (4, 3), (), {"reduction": "sum"}),
    ((5, 3), (4, 2, 3), (5, 2), {"reduction": "none"}),
    ((5, 3), (4, 2, 3), (5, 2), {"label_smoothing": 0.2, "ignore_index": 1}),
    ((5, 3), (4, 2, 2, 3), (5, 2, 2), {"label_smoothing": 0.2}),
]


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(("input", "weight", "target", "options"), CASES)
def test_function(input, weight, target, options, biased):
    def run(lib):
        x, w, b = numbers(lib, *input), numbers(lib, *weight), numbers(lib, *weight[:-1])
        given = {**options, "linear_bias": b} if biased else options
        loss = lib.nn.functional.linear_cross_entropy(x, w, classes(lib, *target), **given)
        inputs = [x, w, b] if biased else [x, w]
        gradients = lib.autograd.grad(loss.sum(), inputs)
        return loss.detach(), gradients

    same(run, 1e-12)


def test_probabilities_and_weights():
    def run(lib):
        x, w = numbers(lib, 5, 3), numbers(lib, 4, 3)
        t = numbers(lib, 5, 4).detach().softmax(1)
        loss = lib.nn.functional.linear_cross_entropy(x, w, t, weight=numbers(lib, 4).detach())
        return loss.detach()

    same(run, 1e-12)


WRONG = [
    ((5, 2, 3), (4, 3), (5,), {}),
    ((5, 3), (3,), (5,), {}),
    ((5, 2), (4, 3), (5,), {}),
    ((3,), (4, 2, 3), (2,), {}),
    ((5, 3), (4, 3), (5,), {"linear_bias": (3,)}),
    ((5, 3), (4, 3), (5, 4), {"ignore_index": 1}),
]


@pytest.mark.parametrize(("input", "weight", "target", "options"), WRONG)
def test_wrong_calls(input, weight, target, options):
    def run(lib):
        given = dict(options)
        if "linear_bias" in given:
            given["linear_bias"] = numbers(lib, *given["linear_bias"])
        x, w = numbers(lib, *input), numbers(lib, *weight)
        return lib.nn.functional.linear_cross_entropy(x, w, classes(lib, *target), **given)

    same(run)


def test_options_are_refused():
    with pytest.raises(NotImplementedError, match="options"):
        x = backlit.ones(1, 2)
        backlit.nn.functional.linear_cross_entropy(x, x, backlit.tensor([0]), options=object())


@pytest.mark.parametrize(
    ("made", "target"),
    [
        ("LinearCrossEntropyLoss(3, 4)", (5,)),
        ("LinearCrossEntropyLoss(3, 4, out_features=(2, 3), bias=True)", (5, 2, 3)),
        ("LinearCrossEntropyLoss(3, 4, weight=torch.ones(4), label_smoothing=0.1)", (5,)),
        ("LinearCrossEntropyLoss(3, 4, weight=torch.ones(3))", (5,)),
        ("LinearCrossEntropyLoss(3, 4, label_smoothing=1.1)", (5,)),
    ],
)
def test_layer(made, target):
    def run(lib):
        lib.manual_seed(0)
        layer = eval(f"torch.nn.{made}", {"torch": lib}).double()
        loss = layer(numbers(lib, 5, 3), classes(lib, *target))
        loss.backward()
        gradients = [p.grad for p in layer.parameters()]
        return repr(layer), loss.detach(), gradients, layer.state_dict()

    same(run, 1e-12)
