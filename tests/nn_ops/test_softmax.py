"""softmax, log_softmax and logsumexp: rows, columns, special values, errors."""

from __future__ import annotations

import math

import pytest
from nn_ops_gradients import check, torch

import backlit

from oracle import assert_close, outcome, same

NAMES = ("softmax", "log_softmax")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("shape", "dim"),
    [
        ((4, 2), 1),
        ((64, 10), 1),
        ((64, 10), 0),
        ((3, 7, 5), 1),
        ((2, 1500), 1),
        ((1500, 2), 0),
        ((2, 3, 4, 5), -2),
        ((9, 70, 3), 1),
        ((3, 1), 1),
        ((), 0),
        ((), -1),
        ((0, 3), 1),
        ((3, 0), 1),
    ],
)
def test_values_and_gradients(name, shape, dim, dtype):
    check(lambda lib, F, x: getattr(lib, name)(x, dim), shape, dtype=dtype)


@pytest.mark.parametrize("name", NAMES)
def test_layouts(name):
    check(lambda lib, F, x: getattr(x.t(), name)(1), (6, 5))
    check(lambda lib, F, x: getattr(x[:, ::2], name)(dim=-1), (6, 5))
    check(lambda lib, F, x: getattr(x.expand(4, 5), name)(0), (1, 5))
    check(lambda lib, F, x: getattr(F, name)(x, 1), (6, 5))


@pytest.mark.parametrize("name", NAMES)
def test_more_columns_than_one_tile(name):
    check(lambda lib, F, x: getattr(lib, name)(x, 0), (3, 700), dtype="float32")


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_special_values(name, columns):
    inf, nan = math.inf, math.nan
    rows = [
        [-inf, -inf, -inf],
        [-inf, 0.0, 1.0],
        [inf, 0.0, 1.0],
        [nan, 0.0, 1.0],
        [-inf, nan, 1.0],
        [1e30, -1e30, 1e30],
        [1000.0, 1000.0, 999.0],
        [-1000.0, -1001.0, -1000.0],
    ]

    def run(lib):
        x = lib.tensor(rows)
        if columns > 1:
            return getattr(lib, name)(x.t().unsqueeze(2).expand(3, 8, columns).contiguous(), 0)
        return getattr(lib, name)(x, 1)

    mine, theirs = run(backlit).tolist(), run(torch).tolist()
    assert_close(mine, theirs, 1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "call",
    [
        lambda lib, f: f(lib.arange(3), 0),
        lambda lib, f: f(lib.arange(3), 0, dtype=lib.float64).dtype == lib.float64,
        lambda lib, f: f(lib.zeros(3, 2), 2),
        lambda lib, f: f(lib.zeros(()), 1),
        lambda lib, f: f(lib.zeros(3, 2), 1, lib.float64).dtype == lib.float64,
    ],
)
def test_errors_and_dtypes(name, call):
    mine, theirs = (
        outcome(lambda lib: call(lib, getattr(lib, name)), lib) for lib in (backlit, torch)
    )
    assert mine == theirs


def test_bits_do_not_depend_on_threads():
    x = backlit.randn(300, 1700)
    before = backlit.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            backlit.set_num_threads(threads)
            results.append((backlit.softmax(x, 1), backlit.log_softmax(x, 0)))
    finally:
        backlit.set_num_threads(before)
    for a, b in results[1:]:
        assert backlit.equal(a, results[0][0])
        assert backlit.equal(b, results[0][1])


@pytest.mark.parametrize("n", [1, 5, 16, 1023, 1024, 1025, 32768, 32769, 70_000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logsumexp_of_lines(n, dtype):
    def fn(t):
        x = ((t.arange(3 * n) * 37 % 1001) / 40).reshape(3, n).to(getattr(t, dtype))
        columns = x.T.contiguous()
        return x.logsumexp(1), columns.logsumexp(0), columns.T.logsumexp(1), x[:, ::2].logsumexp(1)

    same(fn, 1e-6 if dtype == "float32" else 1e-15)


@pytest.mark.parametrize("dim", ["0", "1", "-1", "(0, 1)", "(1, 2)", "(0, 2)", "(0, 1, 2)"])
def test_logsumexp_of_several_dimensions(dim):
    def fn(t):
        x = (t.arange(60) % 17 / 3).reshape(3, 4, 5).requires_grad_()
        y = x.logsumexp(eval(dim))
        y.sum().backward()
        return y, y.shape, x.grad, x.detach().logsumexp(eval(dim), True).shape

    same(fn, 1e-6)


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "3e38"])
def test_logsumexp_of_special_values(number):
    def fn(t):
        rows = [[1.0, float(number), 2.0], [float(number)] * 3, [float(number), math.inf, math.nan]]
        x = t.tensor(rows, requires_grad=True)
        y = t.cat([x.logsumexp(1), x.logsumexp(0), t.zeros(0, 2).logsumexp(0)])
        return y, t.autograd.grad(x[:1].logsumexp(1), x)

    same(fn, 1e-6)


def test_logsumexp_does_not_depend_on_threads():
    x = backlit.randn(100_001)
    before = backlit.get_num_threads()
    try:
        backlit.set_num_threads(1)
        one = x.logsumexp(0).item()
        backlit.set_num_threads(3)
        assert x.logsumexp(0).item() == one
    finally:
        backlit.set_num_threads(before)
