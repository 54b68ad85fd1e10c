"""What the tests of this folder share: leaves with distinct values, and lists of cases."""

from __future__ import annotations

import pytest


def leaf(lib, *shape):
    """Distinct float64 numbers between 0.3 and 2 that require a gradient."""
    count = 1
    for n in shape:
        count *= n
    values = lib.arange(count, dtype=lib.float64).reshape(shape) / 7 + 0.3
    return values.clone().requires_grad_()


def origin(t):
    return type(t.grad_fn).__name__


class Cases:
    """Collects functions of the library; each becomes one test that compares both libraries."""

    def __init__(self):
        self.functions = []

    def __call__(self, function):
        self.functions.append(function)
        return function

    def parametrize(self):
        names = [f.__name__ for f in self.functions]
        return pytest.mark.parametrize("case", self.functions, ids=names)
