"""Losses of pairs of elements beside PyTorch: reductions, layouts, broadcasting, errors."""

from __future__ import annotations

import math

import pytest
from nn_ops_gradients import check, numbers, torch

import backlit

from oracle import same

REDUCTIONS = ("mean", "sum", "none")
LOSSES = {
    "mse_loss": {},
    "l1_loss": {},
    "smooth_l1_loss": {},
    "smooth_l1_loss beta": {"beta": 0.3},
    "smooth_l1_loss zero": {"beta": 0.0},
    "huber_loss": {},
    "huber_loss delta": {"delta": 0.4},
}


def functional(lib):
    return backlit.nn.functional if lib is backlit else torch.nn.functional


def loss(name, **options):
    return lambda lib, F, a, b: getattr(F, name.split()[0])(a, b, **LOSSES[name], **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", LOSSES)
def test_values_and_gradients(name, reduction, dtype):
    for shape in ((), (1,), (7,), (3, 5), (2, 0), (2, 3, 2, 2)):
        check(loss(name, reduction=reduction), shape, shape, dtype=dtype)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_more_than_one_chunk(name):
    check(loss(name), (130, 150), (130, 150), dtype="float32")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", LOSSES)
def test_layouts(name, reduction):
    f = loss(name, reduction=reduction)
    check(lambda lib, F, a, b: f(lib, F, a.t(), b.t()), (3, 4), (3, 4))
    check(lambda lib, F, a, b: f(lib, F, a.t(), b), (3, 4), (4, 3))
    check(lambda lib, F, a, b: f(lib, F, a[:, ::2], b[::2].t()), (3, 4), (4, 3))
    check(lambda lib, F, a, b: f(lib, F, a, b.expand(3, 4)), (3, 4), (1, 4))


def test_one_gradient_only():
    check(lambda lib, F, a: F.mse_loss(a, lib.ones(3, 2, dtype=a.dtype)), (3, 2))
    check(lambda lib, F, b: F.huber_loss(lib.ones(3, 2, dtype=b.dtype), b), (3, 2))
    check(lambda lib, F, a: F.mse_loss(a, a * 2), (3, 2))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", LOSSES)
def test_broadcast_warns(name, reduction):
    a, b = numbers((4,)), numbers((2, 4))

    def run(lib):
        x = lib.tensor(a, requires_grad=True)
        f = getattr(functional(lib), name.split()[0])
        y = f(x, lib.tensor(b), reduction=reduction, **LOSSES[name])
        return y, lib.autograd.grad(y.sum(), x)[0]

    if name == "smooth_l1_loss zero" and reduction != "none":
        pytest.skip("PyTorch's node differs for beta = 0; the values are those of l1_loss")
    same(run, 1e-6)


CALLS = {
    "sizes": lambda lib, f: f(lib.zeros(4), lib.zeros(3)),
    "reduction": lambda lib, f: f(lib.zeros(4), lib.zeros(4), reduction="most"),
    "integers": lambda lib, f: f(lib.arange(4), lib.arange(4)),
    "integers, sum": lambda lib, f: f(lib.arange(4), lib.arange(4), reduction="sum"),
    "integers, none": lambda lib, f: f(lib.arange(4), lib.arange(4), reduction="none"),
    "float and integer": lambda lib, f: f(lib.ones(4), lib.arange(4)),
    "float and double": lambda lib, f: f(lib.ones(4), lib.zeros(4, dtype=lib.float64)),
    "double number": lambda lib, f: f(lib.ones(1), lib.zeros(1, dtype=lib.float64)[0]),
    "nan": lambda lib, f: f(lib.tensor([math.nan, math.inf]), lib.ones(2), reduction="none"),
    "inf": lambda lib, f: f(lib.tensor([1.0, math.inf]), lib.ones(2)),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", LOSSES)
def test_errors_and_dtypes(name, call):
    def run(lib):
        f = getattr(functional(lib), name.split()[0])
        return CALLS[call](lib, lambda *a, **k: f(*a, **k, **LOSSES[name]))

    if name == "smooth_l1_loss zero" and call.startswith("integers"):
        pytest.skip("beta = 0 is l1_loss")
    if name.startswith("huber") and "double" in call:
        pytest.skip("PyTorch rounds to the input's dtype here, unlike in its other losses")
    same(run, 1e-6)


def test_bad_parameters():
    for name, options in (("smooth_l1_loss", {"beta": -1.0}), ("huber_loss", {"delta": 0.0})):
        same(
            lambda lib, name=name, options=options: getattr(functional(lib), name)(
                lib.ones(2), lib.ones(2), **options
            )
        )


BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", BINARY)
def test_binary(name, reduction, dtype):
    def weighted(lib, F, a, b):
        w = lib.tensor([1.0, 2.0, 0.5], dtype=a.dtype)
        return getattr(F, name)(a, b, weight=w, reduction=reduction)

    options = {"dtype": dtype, "low": 0.05, "high": 0.95}
    if dtype == "float32":
        options["tolerance"] = 2e-3
    for shape in ((4, 3), (3,), (2, 4, 3)):
        check(
            lambda lib, F, a, b: getattr(F, name)(a, b, reduction=reduction),
            shape,
            shape,
            **options,
        )
        check(weighted, shape, shape, **options)
    check(
        lambda lib, F, a, b: getattr(F, name)(a.t(), b, reduction=reduction),
        (4, 3),
        (3, 4),
        **options,
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weight_of_positives(reduction):
    def run(lib, F, a, b):
        p = lib.tensor([1.0, 2.0, 0.5], dtype=a.dtype)
        f = F.binary_cross_entropy_with_logits
        return f(a, b, pos_weight=p, reduction=reduction)

    def both(lib, F, a, b):
        p = lib.tensor([1.0, 2.0, 0.5], dtype=a.dtype)
        f = F.binary_cross_entropy_with_logits
        return f(a, b, weight=p * 3, pos_weight=p, reduction=reduction)

    check(run, (4, 3), (4, 3))
    check(both, (4, 3), (4, 3))


@pytest.mark.parametrize("name", BINARY)
def test_certain_predictions(name):
    values = [0.0, 1.0, 0.0, 1.0] if name == BINARY[0] else [-200.0, 200.0, 200.0, -200.0]

    def run(lib):
        x = lib.tensor(values, requires_grad=True)
        y = getattr(functional(lib), name)(x, lib.tensor([0.0, 1.0, 1.0, 0.0]), reduction="none")
        return y, lib.autograd.grad(y.sum(), x)[0]

    same(run, 1e-6)


BINARY_CALLS = {
    "sizes": lambda lib, f: f(lib.zeros(3, 2), lib.zeros(2, 2)),
    "double target": lambda lib, f: f(lib.zeros(3), lib.zeros(3, dtype=lib.float64)),
    "integer target": lambda lib, f: f(lib.zeros(3), lib.arange(3)),
    "bool target": lambda lib, f: f(lib.zeros(3), lib.arange(3) > 1),
    "integers": lambda lib, f: f(lib.arange(3), lib.arange(3)),
    "reduction": lambda lib, f: f(lib.zeros(3), lib.zeros(3), reduction="most"),
    "large weight": lambda lib, f: f(lib.zeros(3), lib.zeros(3), weight=lib.ones(2, 3)),
    "weight with gradient": lambda lib, f: f(
        lib.zeros(3), lib.zeros(3), weight=lib.ones(3, requires_grad=True)
    ),
    "double weight": lambda lib, f: f(
        lib.zeros(3, dtype=lib.float64), lib.zeros(3, dtype=lib.float64), weight=lib.ones(3)
    ),
    "empty": lambda lib, f: f(lib.zeros(0), lib.zeros(0)),
    "input above 1": lambda lib, f: f(lib.tensor([1.5]), lib.zeros(1)),
    "input nan": lambda lib, f: f(lib.tensor([math.nan]), lib.zeros(1)),
    "target below 0": lambda lib, f: f(lib.zeros(1), lib.tensor([-0.5])),
}


@pytest.mark.parametrize("call", BINARY_CALLS)
@pytest.mark.parametrize("name", BINARY)
def test_errors_of_binary(name, call):
    same(lambda lib: BINARY_CALLS[call](lib, getattr(functional(lib), name)), 1e-6)


def test_bits_do_not_depend_on_threads():
    backlit.manual_seed(0)
    a, b = backlit.randn(300, 700, requires_grad=True), backlit.randn(300, 700)
    before, results = backlit.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            backlit.set_num_threads(threads)
            y = functional(backlit).smooth_l1_loss(a, b)
            results.append((y.item(), backlit.autograd.grad(y, a)[0]))
    finally:
        backlit.set_num_threads(before)
    assert all(y == results[0][0] for y, _ in results)
    assert all(backlit.equal(g, results[0][1]) for _, g in results)
