"""Many incoming gradients in one backward run, beside one run for each: every row that has one."""

from __future__ import annotations

import numpy as np
import pytest
from ops.cases import CASES, DERIVATIVE, LETTERS
from ops.compare import array, assert_same
from registry.every import SAMPLES
from registry.running import attempt, differentiable, inputs

import backlit

N = 3


def incoming(t, lead, phase):
    shape = (*lead, *t.shape)
    values = np.cos(np.arange(int(np.prod(shape))) + phase).reshape(shape) + 1.5
    return backlit.tensor(values).to(t.dtype)


def zeros(found, leaves, lead=()):
    return [
        backlit.zeros((*lead, *x.shape), dtype=x.dtype) if g is None else g
        for g, x in zip(found, leaves, strict=True)
    ]


def both(outputs, leaves, lead_grads, create_graph=False):
    """The gradients of one run, and of n runs stacked."""
    options = {"retain_graph": True, "create_graph": create_graph, "allow_unused": True}
    many = backlit.autograd.grad(outputs, leaves, lead_grads, is_grads_batched=True, **options)
    runs = [
        zeros(backlit.autograd.grad(outputs, leaves, [g[i] for g in lead_grads], **options), leaves)
        for i in range(N)
    ]
    each = [backlit.stack(column) for column in zip(*runs, strict=True)]
    return zeros(many, leaves, (N,)), each


def compare(run, leaves, label):
    outputs = differentiable(run(), backlit)
    if not outputs:
        return
    grads = [incoming(t, (N,), k) for k, t in enumerate(outputs)]
    found, error = attempt(lambda: both(outputs, leaves, grads, True))
    if error:
        assert error[0] == "NotImplementedError", f"{label}: {error}"
        return
    many, each = found
    for k, (a, b) in enumerate(zip(many, each, strict=True)):
        assert_same(array(a), array(b), 1e-10, 1e-10, f"{label}: gradient {k}")
    again = [(a, b) for a, b in zip(many, each, strict=True) if a.requires_grad]
    if not again:
        return
    second = []
    for results in zip(*again, strict=True):
        weights = [incoming(t, (), k) for k, t in enumerate(results)]
        given, error = attempt(
            lambda r=results, w=weights: backlit.autograd.grad(
                r, leaves, w, allow_unused=True, retain_graph=True
            )
        )
        second.append((error and error[0]) or zeros(given, leaves))
    if isinstance(second[0], str) or isinstance(second[1], str):
        assert second[0] == second[1], label
        return
    for k, (a, b) in enumerate(zip(*second, strict=True)):
        assert_same(array(a), array(b), 1e-9, 1e-9, f"{label}: second derivative {k}")


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.differentiated], ids=str)
def test_sample(sample):
    sizes = sample.sizes()
    names, leaves = inputs(backlit, sample, sample.draw(sizes), sizes, "whole", True)
    compare(lambda: sample.run(backlit, names), leaves, str(sample))


@pytest.mark.parametrize("case", [c for c in CASES if c.rule == DERIVATIVE], ids=str)
def test_elementwise(case):
    shapes = [(2, 1, 4), (3, 1), ()]
    random = np.random.RandomState(3)
    tensors = [
        backlit.tensor(low + (high - low) * random.random_sample(shapes[i])).requires_grad_()
        for i, (_, (low, high)) in enumerate(zip(LETTERS, case.domain, strict=False))
    ]
    compare(lambda: case.run(backlit, *tensors), tensors, str(case))


def test_hooks_see_one_gradient_at_a_time():
    x = backlit.ones(2, requires_grad=True)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(tuple(g.shape)) or g * 10)
    found = backlit.autograd.grad(y, x, backlit.eye(2), is_grads_batched=True)[0]
    assert seen == [(2,), (2,)]
    assert found.tolist() == [[20, 0], [0, 20]]


def test_no_gradients():
    x = backlit.ones(2, requires_grad=True)
    found = backlit.autograd.grad(x * 2, x, backlit.zeros(0, 2), is_grads_batched=True)[0]
    assert found.shape == (0, 2)
