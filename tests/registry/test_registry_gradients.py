"""First and second derivatives of every sample beside PyTorch and beside finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from ops.compare import array, assert_same
from registry.every import SAMPLES
from registry.running import LAYOUTS, LIBRARIES, attempt, differentiable, inputs

import backlit


def is_differentiable(sample):
    names, leaves = inputs(
        backlit, sample, sample.draw(sample.sizes()), sample.sizes(), "whole", True
    )
    result, error = attempt(lambda: sample.run(backlit, names))
    return bool(leaves) and not error and bool(differentiable(result, backlit))


DIFFERENTIABLE = [sample for sample in SAMPLES if sample.reals and is_differentiable(sample)]


def weights(lib, t, phase):
    n = t.numel()
    return lib.tensor(np.cos(np.arange(n) + phase).reshape(tuple(t.shape)) + 1.5).to(t.dtype)


def gradients(outputs, leaves, lib, create_graph):
    """d(cos-weighted sum of all outputs)/d(leaves), 0 where there is no path."""
    got = lib.autograd.grad(
        outputs,
        leaves,
        [weights(lib, t, k) for k, t in enumerate(outputs)],
        create_graph=create_graph,
        allow_unused=True,
    )
    return [lib.zeros_like(x) if g is None else g for g, x in zip(got, leaves, strict=True)]


def derivatives(sample, lib, layout, arrays, sizes):
    """First and second derivatives as arrays, and the names of the results' nodes."""
    names, leaves = inputs(lib, sample, arrays, sizes, layout, gradient=True)
    outputs = differentiable(sample.run(lib, names), lib)
    first = gradients(outputs, leaves, lib, True)
    found = [array(g) for g in first]
    again = [g for g in first if g.requires_grad]
    second = gradients(again, leaves, lib, False) if again else []
    return found, [array(h) for h in second]


def compare(sample, layout, arrays, sizes, label):
    mine, theirs = (
        attempt(lambda lib=lib: derivatives(sample, lib, layout, arrays, sizes))
        for lib in LIBRARIES
    )
    assert (mine[1] and mine[1][0]) == (theirs[1] and theirs[1][0]), (
        f"{label}: {mine[1] or 'no error'}, PyTorch {theirs[1] or 'no error'}"
    )
    if mine[1]:
        return
    for order in (0, 1):
        ours, others = mine[0][order], theirs[0][order]
        if not ours or not others:  # one of them knows that it is constant
            assert all(np.allclose(g, 0, atol=1e-8) for g in ours + others), f"{label}: order 2"
            continue
        for k, (a, b) in enumerate(zip(ours, others, strict=True)):
            assert_same(a, b, 1e-7, 1e-8, f"{label}: derivative {order + 1} by input {k}")


@pytest.mark.parametrize("sample", DIFFERENTIABLE, ids=str)
def test_against_pytorch(sample):
    for layout in LAYOUTS:
        label = f"gradient, layout {layout}"
        if not sample.is_left_out(label):
            compare(sample, layout, sample.draw(sample.sizes()), sample.sizes(), label)


@pytest.mark.parametrize("sample", DIFFERENTIABLE, ids=str)
def test_sizes(sample):
    """Each size in turn 0 and 1, where the call is one then."""
    for letter in sample.letters:
        for size in (0, 1):
            sizes = sample.sizes(**{letter: size})
            label = f"gradient, size {letter}={size}"
            if not sample.is_left_out(label) and sample.can_draw(sizes):
                compare(sample, "whole", sample.draw(sizes), sizes, label)


@pytest.mark.parametrize("sample", DIFFERENTIABLE, ids=str)
def test_finite_differences(sample):
    if sample.is_left_out("finite differences"):
        pytest.skip(sample.reason("finite differences"))
    names, _ = inputs(backlit, sample, sample.draw(sample.sizes()), sample.sizes())
    points = [names[name].detach().requires_grad_() for name in sample.differentiated]

    def run(*reals):
        outputs = sample.run(
            backlit, {**names, **dict(zip(sample.differentiated, reals, strict=True))}
        )
        return tuple(t for t in differentiable(outputs, backlit) if t.dtype == backlit.float64)

    if not run(*points):
        pytest.skip("the results are not float64")
    assert backlit.autograd.gradcheck(run, points, eps=1e-6, atol=1e-5, rtol=1e-4)
    if not sample.is_left_out("second finite differences"):
        assert backlit.autograd.gradgradcheck(run, points, eps=1e-6, atol=1e-4, rtol=1e-3)
