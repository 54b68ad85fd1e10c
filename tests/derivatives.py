"""Values, gradients and gradients of gradients as one result, for `oracle.same`."""

from __future__ import annotations

import random


def numbers(*shape, seed=0, low=-2.0, high=2.0):
    """A nested list of that shape."""
    draw = random.Random(repr((shape, seed)))

    def build(sizes):
        if not sizes:
            return round(draw.uniform(low, high), 3)
        return [build(sizes[1:]) for _ in range(sizes[0])]

    return build(shape)


def tensors(lib, values, shapes=None):
    shapes = shapes or [None] * len(values)
    made = []
    for value, shape in zip(values, shapes, strict=True):
        t = lib.tensor(value, dtype=lib.float64)
        made.append(t if shape is None else t.reshape(shape))
    return made


def pulled(lib, outputs, inputs, seed):
    """Gradients of a linear function of the outputs, with a graph; zeros where nothing flows."""
    total = lib.zeros((), dtype=lib.float64)
    for k, y in enumerate(outputs):
        weights = lib.tensor(numbers(y.numel(), seed=seed + k), dtype=lib.float64)
        total = total + (y * weights.reshape(y.shape)).sum()
    if not total.requires_grad:
        return [lib.zeros_like(x) for x in inputs]
    found = lib.autograd.grad(total, inputs, create_graph=True, allow_unused=True)
    return [lib.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True)]


def derivatives(fn, *values, shapes=None, order=2):
    """A function of `lib`: fn(lib, *tensors) and its gradients up to `order`."""

    def run(lib):
        xs = [x.requires_grad_() for x in tensors(lib, values, shapes)]
        y = fn(lib, *xs)
        ys = list(y) if isinstance(y, (tuple, list)) else [y]
        results = [[t.detach() + 0 for t in ys]]
        for k in range(order):
            ys = pulled(lib, ys, xs, seed=k + 1)
            results.append([t.detach() + 0 for t in ys])
        return results

    return run
