"""Random index expressions, read and assigned, beside PyTorch.

BACKLIT_RANDOM_INDICES=5000 runs that many instead of a few seconds' worth.
"""

from __future__ import annotations

import math
import os
import random
import warnings

import pytest
from random_indices import draw_expression, draw_sizes, draw_value

import backlit

from oracle import assert_close, outcome

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")

COUNT = int(os.environ.get("BACKLIT_RANDOM_INDICES", "300"))
DTYPES = ["float64", "float32", "int64", "int32", "int8", "uint8", "bool"]


class Case:
    """A tensor, an index of it, and a value that may or may not fit the result."""

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)
        self.bad = seed % 3 == 0
        self.sizes = draw_sizes(draw)
        self.index = draw_expression(draw, self.sizes, self.bad)
        # an ellipsis may move an index to a dimension that it was not drawn for
        self.bad |= any(item is Ellipsis for item in self.index.items)
        self.turned = draw.random() < 0.3
        self.dtype = draw.choice(DTYPES)
        self.value_shape = draw_value(draw, self.result_shape())
        self.value_kind = draw.choice(["number", "element", "tensor", "tensor"])
        if self.bad and draw.random() < 0.3:
            self.value_shape += (6,)
        self.value_dtype = draw.choice([self.dtype] * 3 + ["float64", "int64"])
        self.number = draw.choice([3, 2.5, True, -1])

    def tensor(self, lib, dtype=None):
        x = lib.arange(float(math.prod(self.sizes))).to(getattr(lib, dtype or self.dtype))
        if self.turned:
            return x.reshape(self.sizes[::-1]).permute(tuple(range(len(self.sizes))[::-1]))
        return x.reshape(self.sizes)

    def value(self, lib, dtype):
        count = math.prod(self.value_shape)
        return (lib.arange(float(count)) + 1).reshape(self.value_shape).to(getattr(lib, dtype))

    def result_shape(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return tuple(self.tensor(torch)[self.index.build(torch)].shape)
            except (IndexError, RuntimeError):
                return (2,)

    def compare(self, run):
        mine, theirs = outcome(run, backlit)[0], outcome(run, torch)[0]
        if self.bad and mine[0] == theirs[0] == "raised":
            mine, theirs = mine[:2], theirs[:2]  # of several faults either may come first
        assert_close(mine, theirs, 1e-9)


def steps(y):
    """Strides of the dimensions where they matter."""
    if y.numel() == 0:
        return None
    return [step for step, n in zip(y.stride(), y.shape, strict=True) if n > 1]


def pulled(lib, total, inputs):
    found = lib.autograd.grad(total, inputs, create_graph=True, allow_unused=True)
    return [lib.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True)]


@pytest.mark.parametrize("block", range(10))
def test_read(block):
    for seed in range(block, COUNT, 10):
        case = Case(seed)

        def run(lib, case=case):
            x = case.tensor(lib)
            y = x[case.index.build(lib)]
            shared = y.numel() and y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
            return y, steps(y), bool(shared)

        case.compare(run)


@pytest.mark.parametrize("block", range(10))
def test_read_gradients(block):
    for seed in range(block, COUNT, 10):
        case = Case(seed)

        def run(lib, case=case):
            x = (case.tensor(lib, "float64") * 0.5 + 1).detach().requires_grad_()
            y = x[case.index.build(lib)]
            (g,) = pulled(lib, (y**3).sum(), [x])
            (h,) = pulled(lib, (g**2).sum(), [x])
            return y.detach(), g.detach() + 0, h.detach() + 0, y.grad_fn and y.grad_fn.name()

        case.compare(run)


@pytest.mark.parametrize("block", range(10))
def test_assign(block):
    for seed in range(block, COUNT, 10):
        case = Case(seed)

        def run(lib, case=case):
            x = lib.empty_like(case.tensor(lib)).copy_(case.tensor(lib))
            if case.value_kind == "number":
                value = case.number
            elif case.value_kind == "element":
                value = lib.tensor(7).to(getattr(lib, case.value_dtype))
            else:
                value = case.value(lib, case.value_dtype)
            x[case.index.build(lib)] = value
            return x, x._version

        case.compare(run)


@pytest.mark.parametrize("block", range(10))
def test_assign_gradients(block):
    for seed in range(block, COUNT, 10):
        case = Case(seed)

        def run(lib, case=case):
            x = (case.tensor(lib, "float64") * 0.5 + 1).detach().requires_grad_()
            v = case.value(lib, "float64").requires_grad_()
            y = x * x
            y[case.index.build(lib)] = v * v
            first = pulled(lib, (y**2).sum(), [x, v])
            second = pulled(lib, sum((g**2).sum() for g in first), [x, v])
            return y.detach(), [g.detach() + 0 for g in first + second]

        case.compare(run)
