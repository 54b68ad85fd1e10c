"""nll_loss and cross_entropy beside PyTorch."""

from __future__ import annotations

import pytest
from nn_ops_gradients import check, numbers, torch

import backlit

from oracle import assert_close, same

REDUCTIONS = ("mean", "sum", "none")
LOSSES = ("nll_loss", "cross_entropy")
SHAPES = {
    "class": ((3,), 2),
    "rows": ((5, 3), [0, 2, 1, 1, 2]),
    "lines": ((2, 3, 4), [[0, 1, 2, 0], [2, 2, 1, 0]]),
    "image": ((2, 3, 1, 2), [[[0, 1]], [[2, 0]]]),
    "volume": ((1, 3, 2, 1, 2), [[[[0, 1]], [[2, 0]]]]),
}


def functional(lib):
    return backlit.nn.functional if lib is backlit else torch.nn.functional


def loss(name, target, weight=None, **options):
    def run(lib, F, x):
        w = None if weight is None else lib.tensor(weight, dtype=x.dtype)
        y = getattr(F, name)(x, lib.tensor(target), weight=w, **options)
        # PyTorch views the result of some shapes, which is another node over the same numbers
        return y if options.get("reduction") != "none" else y.abs()

    return run


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", LOSSES)
def test_shapes(name, shape, reduction):
    size, target = SHAPES[shape]
    check(loss(name, target, reduction=reduction), size)
    check(loss(name, target, reduction=reduction), size, dtype="float32")
    check(loss(name, target, [1.0, 2.0, 0.5], reduction=reduction), size)


@pytest.mark.parametrize("name", LOSSES)
def test_one_score_vector_and_one_target_in_a_list(name):
    """PyTorch computes the value, but fails in backward."""
    f = getattr(functional(backlit), name)
    x = backlit.tensor(numbers((3,)), requires_grad=True)
    for options in ({}, {"reduction": "none"}, {"reduction": "sum"}):
        listed, plain = f(x, backlit.tensor([1]), **options), f(x, backlit.tensor(1), **options)
        assert listed.shape == () and listed.item() == plain.item()
        grads = [backlit.autograd.grad(y, x)[0] for y in (listed, plain)]
        assert backlit.equal(*grads)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", LOSSES)
def test_ignored_targets(name, reduction):
    check(loss(name, [0, -100, 2, -100, 1], reduction=reduction), (5, 3))
    check(loss(name, [0, 1, 2, 1, 1], [1.0, 2.0, 0.5], ignore_index=1, reduction=reduction), (5, 3))
    check(loss(name, [0, 1, 2, 1, 3], ignore_index=3, reduction=reduction), (5, 3))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_label_smoothing(shape, reduction):
    size, target = SHAPES[shape]
    options = {"reduction": reduction, "label_smoothing": 0.2}
    check(loss("cross_entropy", target, **options), size)
    check(loss("cross_entropy", target, [1.0, 2.0, 0.5], **options), size)
    check(loss("cross_entropy", target, ignore_index=1, **options), size)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("size", [(3,), (5, 3), (2, 3, 4)])
def test_probabilities(size, smoothing, reduction):
    def run(lib, F, x, p):
        w = lib.tensor([1.0, 2.0, 0.5], dtype=x.dtype)
        options = {"reduction": reduction, "label_smoothing": smoothing}
        return (F.cross_entropy(x, p, **options) + F.cross_entropy(x, p, w, **options)).abs()

    check(run, size, size)


def test_many_classes_and_rows():
    target = [(7 * k) % 2500 for k in range(3)]
    check(loss("cross_entropy", target), (3, 2500))
    target = [k % 4 for k in range(300)]
    check(loss("cross_entropy", target), (300, 4), dtype="float32")


def test_layouts():
    target = [0, 4, 1]
    check(lambda lib, F, x: F.cross_entropy(x.t(), lib.tensor(target)), (5, 3))
    check(lambda lib, F, x: F.cross_entropy(x[::2, 1:], lib.tensor(target)), (5, 6))
    check(lambda lib, F, x: F.nll_loss(x.expand(3, 5), lib.tensor(target)), (1, 5))
    check(lambda lib, F, x: F.nll_loss(x, lib.tensor([[0, 1], [4, 1], [1, 2]])[:, 0]), (3, 5))


def test_large_scores_keep_their_digits():
    rows = [[1000.0, 1000.5, -1000.0], [-1e4, -1e4, -1e4], [float("-inf"), 0.0, 1.0]]

    def run(lib):
        x = lib.tensor(rows, requires_grad=True)
        y = functional(lib).cross_entropy(x, lib.tensor([1, 0, 2]))
        return [y.tolist(), lib.autograd.grad(y, x)[0].tolist()]

    assert_close(run(backlit), run(torch), 1e-6)


CALLS = {
    "batch": lambda lib, f: f(lib.zeros(3, 4), lib.tensor([0, 1])),
    "too large": lambda lib, f: f(lib.zeros(3, 4), lib.tensor([0, 1, 4])),
    "negative": lambda lib, f: f(lib.zeros(3, 4), lib.tensor([0, 1, -1])),
    "float target": lambda lib, f: f(lib.zeros(3, 4), lib.tensor([0.0, 1.0, 1.0])),
    "int target": lambda lib, f: f(lib.zeros(3, 4), lib.tensor([0, 1, 1], dtype=lib.int32)),
    "byte target": lambda lib, f: f(lib.zeros(3, 4), lib.tensor([0, 1, 1], dtype=lib.uint8)),
    "weight length": lambda lib, f: f(lib.zeros(3, 4), lib.tensor([0, 1, 1]), lib.ones(3)),
    "weight dims": lambda lib, f: f(lib.zeros(3, 4), lib.tensor([0, 1, 1]), lib.ones(1, 4)),
    "weight dtype": lambda lib, f: f(
        lib.zeros(3, 4), lib.tensor([0, 1, 1]), lib.ones(4, dtype=lib.float64)
    ),
    "multi-target": lambda lib, f: f(lib.zeros(3, 4), lib.tensor([[0], [1], [1]])),
    "0-d": lambda lib, f: f(lib.tensor(1.0), lib.tensor([0])),
    "lines": lambda lib, f: f(lib.zeros(2, 4, 5), lib.tensor([0, 1])),
    "lines size": lambda lib, f: f(lib.zeros(2, 4, 5), lib.zeros(2, 3, dtype=lib.int64)),
    "lines batch": lambda lib, f: f(lib.zeros(2, 4, 5), lib.zeros(1, 5, dtype=lib.int64)),
    "image size": lambda lib, f: f(lib.zeros(2, 4, 5, 2), lib.zeros(2, 5, 1, dtype=lib.int64)),
    "image dims": lambda lib, f: f(lib.zeros(2, 4, 5, 2), lib.zeros(2, 5, dtype=lib.int64)),
    "volume": lambda lib, f: f(lib.zeros(2, 4, 5, 2, 3), lib.zeros(2, 5, 1, 3, dtype=lib.int64)),
    "vector": lambda lib, f: f(lib.zeros(4), lib.tensor([0, 1])),
    "scalar target": lambda lib, f: f(lib.zeros(3, 4), lib.tensor(0)),
    "reduction": lambda lib, f: f(lib.zeros(3, 4), lib.tensor([0, 1, 1]), reduction="most"),
    "empty": lambda lib, f: f(lib.zeros(0, 3), lib.zeros(0, dtype=lib.int64)),
    "empty none": lambda lib, f: f(
        lib.zeros(0, 3), lib.zeros(0, dtype=lib.int64), reduction="none"
    ),
    "all ignored": lambda lib, f: f(lib.zeros(3, 4), lib.tensor([-100, -100, -100])),
    "equal sizes": lambda lib, f: f(lib.zeros(3), lib.tensor([0, 1, 2])),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", LOSSES)
def test_errors(name, call):
    same(lambda lib: CALLS[call](lib, getattr(functional(lib), name)), 1e-6)


def test_errors_of_cross_entropy():
    scores = numbers((3, 4))
    for options in ({"label_smoothing": 2.0}, {"label_smoothing": -0.1}):
        same(
            lambda lib, options=options: functional(lib).cross_entropy(
                lib.tensor(scores), lib.tensor([0, 1, 2]), **options
            ),
            1e-6,
        )
    same(
        lambda lib: functional(lib).cross_entropy(
            lib.tensor(scores), lib.tensor(scores), ignore_index=2
        )
    )
    same(lambda lib: functional(lib).cross_entropy(lib.arange(4), lib.tensor(1)))


def test_bits_do_not_depend_on_threads():
    backlit.manual_seed(0)
    x = backlit.randn(20000, 9, requires_grad=True)
    target = backlit.randint(9, (20000,))
    before, results = backlit.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            backlit.set_num_threads(threads)
            y = backlit.nn.functional.cross_entropy(x, target)
            results.append((y.item(), backlit.autograd.grad(y, x)[0]))
    finally:
        backlit.set_num_threads(before)
    assert all(y == results[0][0] for y, _ in results)
    assert all(backlit.equal(g, results[0][1]) for _, g in results)
