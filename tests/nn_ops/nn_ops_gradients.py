"""Values, gradients and gradients of gradients of one function on backlit and on PyTorch."""

from __future__ import annotations

import random

import pytest

import backlit

from oracle import assert_close

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")

TOLERANCE = {"float64": 1e-9, "float32": 2e-4}


def numbers(shape, seed=0, low=-2.0, high=2.0):
    """A nested list of that shape."""
    draw = random.Random(repr((shape, seed)))

    def build(sizes):
        if not sizes:
            return draw.uniform(low, high)
        return [build(sizes[1:]) for _ in range(sizes[0])]

    return build(list(shape))


def _inputs(lib, values, shapes, dtype):
    return [
        lib.tensor(v, dtype=getattr(lib, dtype)).reshape(s).requires_grad_()
        for v, s in zip(values, shapes, strict=True)
    ]


def _gradients(lib, outputs, inputs, seed, create_graph=False):
    """Gradients of a random linear function of the outputs; zeros where nothing flows."""
    total = sum(
        (o * lib.tensor(numbers(o.shape, seed + k), dtype=o.dtype).reshape(o.shape)).sum()
        for k, o in enumerate(outputs)
    )
    if not total.requires_grad:
        return [lib.zeros_like(x) for x in inputs]
    found = lib.autograd.grad(total, inputs, create_graph=create_graph, allow_unused=True)
    # PyTorch may return zeros without memory, which have no tolist()
    return [
        lib.zeros_like(x) if g is None else g + lib.zeros_like(x)
        for g, x in zip(found, inputs, strict=True)
    ]


def _run(lib, function, values, shapes, dtype):
    functional = backlit.nn.functional if lib is backlit else torch.nn.functional
    xs = _inputs(lib, values, shapes, dtype)
    y = function(lib, functional, *xs)
    plain = _gradients(lib, [y], xs, 1)
    y = function(lib, functional, *xs)
    first = _gradients(lib, [y], xs, 1, create_graph=True)
    second = _gradients(lib, first, xs, 2)
    name = y.grad_fn.name() if y.grad_fn else None
    tensors = [y, *plain, *first, *second]
    return name, [str(y.dtype).split(".")[1], list(y.shape)], [t.tolist() for t in tensors]


def check(function, *shapes, dtype="float64", low=-2.0, high=2.0, tolerance=None):
    """`function(lib, F, *inputs)` gives the same value, node name and gradients to order 2."""
    values = [numbers(s, k, low, high) for k, s in enumerate(shapes)]
    mine = _run(backlit, function, values, shapes, dtype)
    theirs = _run(torch, function, values, shapes, dtype)
    assert mine[:2] == theirs[:2]
    assert_close(mine[2], theirs[2], tolerance or TOLERANCE[dtype])
