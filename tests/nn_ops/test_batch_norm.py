"""batch_norm: values, gradients, running statistics, layouts, threads, errors."""

from __future__ import annotations

import pytest
from nn_ops_gradients import check, torch

import backlit

from oracle import outcome, same

SHAPES = [(4, 3), (2, 3, 5), (3, 2, 4, 4), (1, 2, 3), (300, 40), (2, 3, 700)]
TOLERANCE = {"float32": 2e-3, "float64": 1e-8}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients(shape, training, dtype):
    def function(lib, F, x, w, b):
        channels = lib.arange(1.0, shape[1] + 1, dtype=x.dtype)
        return F.batch_norm(x, channels / 7, channels / 2, w, b, training, eps=0.1)

    check(function, shape, shape[1:2], shape[1:2], dtype=dtype, tolerance=TOLERANCE[dtype])


def test_without_weight_or_bias():
    check(lambda lib, F, x: F.batch_norm(x, None, None, training=True), (4, 3, 2))
    check(lambda lib, F, x, w: F.batch_norm(x, None, None, w, training=True), (4, 3, 2), (3,))
    # PyTorch fails on the gradient of the bias alone
    backlit.manual_seed(0)
    x, b = (backlit.randn(s, requires_grad=True, dtype=backlit.float64) for s in ((4, 3, 2), (3,)))
    assert backlit.autograd.gradcheck(
        lambda x, b: backlit.nn.functional.batch_norm(x, None, None, None, b, True), [x, b]
    )


def test_layouts():
    check(lambda lib, F, x, w: F.batch_norm(x.t(), None, None, w[::2], training=True), (3, 5), (6,))
    check(lambda lib, F, x: F.batch_norm(x.transpose(1, 2), None, None, training=True), (2, 5, 3))


@pytest.mark.parametrize("momentum", [0.1, 1.0, 0.0])
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5)])
def test_running_statistics(shape, momentum):
    def fn(lib):
        mean, var = lib.ones(3), lib.full((3,), 2.0)
        x = lib.arange(0.0, float(torch.Size(shape).numel())).reshape(shape) ** 2
        for _ in range(3):
            lib.nn.functional.batch_norm(x, mean, var, training=True, momentum=momentum)
        return mean, var, lib.nn.functional.batch_norm(x, mean, var)

    same(fn, 1e-5)


def test_numbers_far_from_zero_keep_their_variance():
    x = backlit.randn(64, 2, 50, dtype=backlit.float64)
    far = (x + 1000).float()
    expected = torch.tensor(far.double().tolist(), dtype=torch.float64)
    y = torch.nn.functional.batch_norm(expected, None, None, training=True, eps=1e-9)
    mine = backlit.nn.functional.batch_norm(far, None, None, training=True, eps=1e-9)
    assert (torch.tensor(mine.tolist()) - y).abs().max() < 1e-3


def test_same_bits_at_any_number_of_threads():
    backlit.manual_seed(0)
    x, w = backlit.randn(70, 19, 50, requires_grad=True), backlit.randn(19, requires_grad=True)
    before, results = backlit.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            backlit.set_num_threads(threads)
            y = backlit.nn.functional.batch_norm(x, None, None, w, training=True)
            gradients = backlit.autograd.grad((y * y * y).sum(), [x, w])
            results.append([t.tolist() for t in (y, *gradients)])
    finally:
        backlit.set_num_threads(before)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    "line",
    [
        "F.batch_norm(o(4, 3), o(2), o(3))",
        "F.batch_norm(o(4, 3), o(3), o(2))",
        "F.batch_norm(o(4, 3), o(3), o(3), o(2))",
        "F.batch_norm(o(4, 3), o(3), o(3), o(3), o(2))",
        "F.batch_norm(o(4, 3), None, None)",
        "F.batch_norm(o(4, 3), None, o(3), training=True)",
        "F.batch_norm(o(4, 3), o(3).double(), o(3).double(), training=True)",
        "F.batch_norm(o(4, 3), o(3), o(3), o(3).double())",
        "F.batch_norm(o(3), None, None, training=True)",
        "F.batch_norm(o(1, 3), None, None, training=True)",
        "F.batch_norm(o(4, 3).long(), None, None, training=True)",
        "F.batch_norm(o(4, 3), None, None, training=True, eps=0.0)",
        "F.batch_norm(o(4, 3), o(3), o(3).requires_grad_())",
        "F.batch_norm(lib.zeros(0), lib.zeros(0), lib.zeros(0), training=True)",
    ],
)
def test_wrong_calls(line):
    def fn(lib):
        scope = {"lib": lib, "F": lib.nn.functional, "o": lib.ones}
        return eval(line, scope).shape

    assert outcome(fn, backlit) == outcome(fn, torch)
