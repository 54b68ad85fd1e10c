"""layer_norm: values, gradients to second order, layouts, errors, threads."""

from __future__ import annotations

import pytest
from nn_ops_gradients import check, torch

import backlit

from oracle import outcome

CASES = [
    ((2, 3), (3,)),
    ((4, 2, 3), (3,)),
    ((4, 2, 3), (2, 3)),
    ((5,), (5,)),
    ((3, 1), (1,)),
    ((0, 3), (3,)),
    ((70, 300), (300,)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("affine", ["both", "weight", "neither"])
@pytest.mark.parametrize(("shape", "inner"), CASES)
def test_values_and_gradients(shape, inner, affine, dtype):
    if shape == (70, 300) and affine != "both":
        pytest.skip("one large case is enough")
    # one number normalises to 0 / √eps: its gradients are rounding noise
    eps = 0.1 if inner == (1,) else 1e-5
    forms = {
        "both": (lambda lib, F, x, w, b: F.layer_norm(x, inner, w, b, eps), [inner, inner]),
        "weight": (lambda lib, F, x, w: F.layer_norm(x, inner, w, eps=eps), [inner]),
        "neither": (lambda lib, F, x: F.layer_norm(x, inner, eps=eps), []),
    }
    function, more = forms[affine]
    check(function, shape, *more, dtype=dtype, tolerance=2e-3 if dtype == "float32" else 1e-8)


def test_bias_alone():
    # PyTorch fails on the second derivative of this one
    check(lambda lib, F, x, b: F.layer_norm(x, (3,), lib.ones(3, dtype=x.dtype), b), (2, 3), (3,))
    x, b = backlit.randn(2, 3), backlit.randn(3)
    y = backlit.nn.functional.layer_norm(x, (3,), None, b)
    assert y.tolist() == backlit.nn.functional.layer_norm(x, (3,), backlit.ones(3), b).tolist()


def test_layouts():
    check(lambda lib, F, x, w: F.layer_norm(x.t(), (6,), w[::2]), (6, 5), (12,))
    check(lambda lib, F, x: F.layer_norm(x.expand(4, 5), (5,)), (1, 5))


def test_same_bits_at_any_number_of_threads():
    backlit.manual_seed(0)
    x, w = backlit.randn(700, 190, requires_grad=True), backlit.randn(190, requires_grad=True)
    before, results = backlit.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            backlit.set_num_threads(threads)
            y = backlit.nn.functional.layer_norm(x, (190,), w)
            gradients = backlit.autograd.grad((y * y).sum(), [x, w])
            results.append([t.tolist() for t in (y, *gradients)])
    finally:
        backlit.set_num_threads(before)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    "line",
    [
        "F.layer_norm(o(2, 3), (4,))",
        "F.layer_norm(o(2, 3), (2, 3), o(3))",
        "F.layer_norm(o(2, 3), (3,), o(4))",
        "F.layer_norm(o(2, 3), (3,), o(3), o(2))",
        "F.layer_norm(o(3), (2, 3))",
        "F.layer_norm(o(2, 3), [])",
        "F.layer_norm(o(2, 3).double(), (3,), o(3))",
        "F.layer_norm(o(2, 3).long(), (3,))",
    ],
)
def test_errors(line):
    code = compile(line, "case", "eval")
    mine, theirs = (
        outcome(lambda lib: eval(code, {"F": lib.nn.functional, "o": lib.ones}), lib)
        for lib in (backlit, torch)
    )
    assert theirs[0][0] == "raised"
    assert mine == theirs
