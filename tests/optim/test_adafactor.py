"""Adafactor on parameters that are cut into parts: matrices, stacks of them, long vectors."""

from __future__ import annotations

import math

import pytest

import backlit
from tests.oracle import same

SHAPES = [(), (1,), (5000,), (3, 4), (700, 90), (2, 40_000), (30_000, 2), (64, 16, 3, 3), (5, 0)]


def steps(lib, shape, dtype, **options):
    n = math.prod(shape)
    p = lib.nn.Parameter(lib.arange(n, dtype=lib.float64).cos().reshape(shape).to(dtype))
    opt = lib.optim.Adafactor([p], **options)
    for k in range(3):
        p.grad = (lib.arange(n, dtype=lib.float64) * (k + 1)).sin().reshape(shape).to(dtype)
        opt.step()
    return p.detach().clone(), dict(opt.state[p])


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if 0 not in shape])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_parts(shape, dtype):
    tolerance = {"float32": 2e-5, "float64": 1e-12, "float16": 4e-3}[dtype]
    same(lambda t: steps(t, shape, getattr(t, dtype), lr=0.1, d=1.2, weight_decay=0.1), tolerance)


def test_an_empty_parameter_stays_empty():
    assert steps(backlit, (5, 0), backlit.float32)[0].shape == (5, 0)


@pytest.mark.parametrize("layout", ["x.T", "x[:, ::2]", "x.T[::3]"])
def test_layouts(layout):
    def fn(t):
        x = t.arange(60.0, dtype=t.float64).reshape(6, 10).sin()
        p = t.nn.Parameter(eval(layout, {"x": x}))
        opt = t.optim.Adafactor([p], maximize=True)
        p.grad = t.ones_like(p).cumsum(0).cos()
        opt.step()
        return p.detach(), dict(opt.state[p])

    same(fn, 1e-12)


@pytest.mark.parametrize("gradient", [math.nan, math.inf, 0.0, 1e-30])
def test_special_gradients(gradient):
    def fn(t):
        p = t.nn.Parameter(t.ones(2, 3))
        p.grad = t.tensor([[1.0, gradient, 2.0], [gradient, 3.0, gradient]])
        opt = t.optim.Adafactor([p])
        opt.step()
        return p.detach(), dict(opt.state[p])

    same(fn, 1e-6)


def test_complex_parameters_are_refused():
    def fn(t):
        p = t.nn.Parameter(t.ones(2, dtype=t.complex64))
        p.grad = t.ones(2, dtype=t.complex64)
        t.optim.Adafactor([p]).step()

    same(fn)


def test_the_same_bits_at_any_number_of_threads():
    before = backlit.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            backlit.set_num_threads(threads)
            found.append(steps(backlit, (700, 90), backlit.float32)[0].tolist())
    finally:
        backlit.set_num_threads(before)
    assert found[0] == found[1]
