"""Every elementwise operation beside PyTorch and beside finite differences.

The operations come from the registry (cases.py), so that a new formula is tested by being there.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from ops.cases import DIFFERENTIABLE, special_inputs
from ops.compare import (
    LIBRARIES,
    SHARED,
    array,
    assert_same,
    attempt,
    draw,
    gradients,
    tensors,
    verdict,
)

import backlit

# PyTorch's own error in float64: its Bessel functions end at 8 digits, and celu rounds 1 / alpha to
# float32. Ours are compared with exact values in tests/core.
LOOSE = {"bessel": 2e-6, "celu": 1e-7, "hardsigmoid": 1e-7}
LOOSE_FLOAT = {"sinc": 1e-3}  # the derivative of PyTorch's cancels near 0

# Special values where PyTorch's number is less right than ours, or no number: what is left out.
LEFT_OUT = {
    r"digamma|polygamma": (lambda x: (x <= 0) & (x == np.floor(x)) | np.isinf(x), "poles"),
    r"fmod|remainder|%": (lambda a, *b: np.abs(b[0]) < 1e-300 if b else a != a, "vast quotients"),
    r"i0\(|i1\(": (np.isinf, "inf, where PyTorch has nan"),
    r"zeta": (
        lambda *x: np.any([~(np.abs(v) < 1e99) for v in x], 0),
        "a value, where PyTorch has nan",
    ),
    r"sinc": (
        lambda x: (x.dtype == "float32") & (np.abs(x) < 0.01),
        "PyTorch's derivative cancels",
    ),
    r"\.igamma": (
        lambda a, b: ~np.isfinite(a) | ~np.isfinite(b) | (np.abs(a) < 1e-300),
        "nan for nan and 1 for tiny a, where PyTorch has 0",
    ),
    r"logaddexp2": (lambda a, b: (a == -1) & (b == -1), "0, where PyTorch has -5e-17"),
    r"softsign": (np.isinf, "the derivative is 0, where PyTorch's composition has nan"),
    r"log_ndtr": (lambda x: np.abs(x) > 50, "PyTorch loses digits, then all"),
    r"ndtr": (lambda x: x < -20, "PyTorch has 0 for 3e-98"),
    r"bessel": (lambda x: np.abs(x) > 1e6, "PyTorch reduces the argument with fewer digits"),
    r"gelu\(a\)": (
        lambda x: np.isfinite(x) & (x <= -3) | np.isposinf(x),
        "PyTorch loses digits, then all, and has nan for inf on some processors (oneDNN)",
    ),
}
# PyTorch raises in these backward passes.
BACKWARD_IN_OURS_ONLY = re.compile(r"hardsigmoid|T\.clamp\(a, b, c\)")


def tolerance(case, dtype):
    loose = LOOSE | LOOSE_FLOAT if dtype == "float32" else LOOSE
    base = 2e-5 if dtype == "float32" else 1e-9
    return max([base, *(loose[name] for name in loose if name in str(case))])


def both(case, arrays, prepare=lambda lib, inputs: inputs):
    """(result, inputs) of each library."""
    out = []
    for lib in LIBRARIES:
        inputs = tensors(lib, arrays)
        out.append((attempt(case.run, lib, *prepare(lib, inputs)), inputs))
    return out


def check(case, arrays, dtype, prepare=lambda lib, inputs: inputs):
    """Values, gradients and gradients of gradients."""
    (mine, my_inputs), (theirs, their_inputs) = both(case, arrays, prepare)
    if isinstance(theirs, str) or isinstance(mine, str):
        assert verdict(mine) == verdict(theirs)
        return
    rtol = tolerance(case, dtype)
    assert_same(array(mine), array(theirs), rtol, rtol, "value")
    assert mine.requires_grad == theirs.requires_grad
    if not theirs.requires_grad:
        return
    names = [y.grad_fn and y.grad_fn.name().rpartition("::")[2] for y in (mine, theirs)]
    assert names[0] == names[1]
    results = [
        attempt(gradients, y, inputs, lib, True)
        for y, inputs, lib in zip((mine, theirs), (my_inputs, their_inputs), LIBRARIES, strict=True)
    ]
    if isinstance(results[1], str) and BACKWARD_IN_OURS_ONLY.search(str(case)):
        return
    if isinstance(results[0], str) or isinstance(results[1], str):
        assert verdict(results[0]) == verdict(results[1])
        return
    for i, (g, expected) in enumerate(zip(*results, strict=True)):
        assert (g is None) == (expected is None), f"gradient {i}"
        if g is None:
            continue
        assert_same(array(g), array(expected), 10 * rtol, 10 * rtol, f"gradient {i}")
        second = [
            [None] * len(inputs)  # a constant gradient
            if not t.requires_grad
            else attempt(gradients, t, inputs, lib)
            for t, inputs, lib in zip(
                (g, expected), (my_inputs, their_inputs), LIBRARIES, strict=True
            )
        ]
        if isinstance(second[1], str) and BACKWARD_IN_OURS_ONLY.search(str(case)):
            continue
        if isinstance(second[1], str) or isinstance(second[0], str):
            assert verdict(second[0]) == verdict(second[1]), f"gradients of gradient {i}"
            continue
        for k, (h, expected_h) in enumerate(zip(*second, strict=True)):
            h = np.zeros(arrays[k].shape, dtype) if h is None else array(h)
            other = np.zeros(arrays[k].shape, dtype) if expected_h is None else array(expected_h)
            assert_same(h, other, 100 * rtol, 100 * rtol, f"gradient {i} of gradient {k}")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", SHARED, ids=str)
def test_contiguous(case, dtype):
    check(case, draw(case.domain, [(3, 4)] * 3, dtype), dtype)


@pytest.mark.parametrize("case", SHARED, ids=str)
def test_broadcast(case):
    check(case, draw(case.domain, [(3, 1), (1, 4), (2, 1, 1)]), "float64")


@pytest.mark.parametrize("case", SHARED, ids=str)
def test_strided(case):
    def prepare(lib, inputs):
        views = [inputs[0].transpose(0, 2)]
        views += [t[:, ::2] for t in inputs[1:2]]
        return views + [t.expand(4, 3, 2) for t in inputs[2:]]

    check(case, draw(case.domain, [(2, 3, 4), (4, 6, 2), (3, 1)]), "float64", prepare)


@pytest.mark.parametrize("case", SHARED, ids=str)
def test_scalars_and_empty(case):
    check(case, draw(case.domain, [()] * 3), "float64")
    check(case, draw(case.domain, [(2, 0, 3)] * 3), "float64")
    check(case, draw(case.domain, [(3,), (), (3, 1)]), "float64")


@pytest.mark.parametrize("case", SHARED, ids=str)
def test_mixed_precision(case):
    arrays = draw(case.domain, [(5,)] * 3)
    check(
        case,
        [x.astype(d) for x, d in zip(arrays, ["float32", "float64", "float32"], strict=False)],
        "float32",
    )


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_finite_differences(case):
    inputs = tensors(backlit, draw(case.domain, [(2,)] * 3))
    y = attempt(case.run, backlit, *inputs)
    if isinstance(y, str) or not y.requires_grad:
        pytest.skip("not for floating-point numbers, or without a gradient")
    if isinstance(attempt(gradients, y, inputs, backlit), str):
        pytest.skip("a derivative by an input is not implemented, as in PyTorch")
    if any(word in case.expression for word in ("round", "floor", "trunc", "ceil", "sign", "frac")):
        pytest.skip("steps have the gradient 0 by convention")

    def run(*x):
        return case.run(backlit, *x)

    assert backlit.autograd.gradcheck(run, tuple(inputs), eps=1e-6, atol=1e-5, rtol=1e-4)
    assert backlit.autograd.gradgradcheck(run, tuple(inputs), eps=1e-6, atol=1e-4, rtol=1e-3)


def special_arrays(case, dtype):
    with np.errstate(all="ignore"):
        arrays = [np.array(column, dtype) for column in special_inputs(case.arity)]
        for pattern, (left_out, _) in LEFT_OUT.items():
            if re.search(pattern, str(case)):
                keep = ~left_out(*arrays)
                arrays = [x[keep] for x in arrays]
    return arrays


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", SHARED, ids=str)
def test_special_values(case, dtype):
    arrays = special_arrays(case, dtype)
    (mine, my_inputs), (theirs, their_inputs) = both(case, arrays)
    if isinstance(theirs, str):
        assert verdict(mine) == verdict(theirs)
        return
    rtol = tolerance(case, dtype)
    tiny, noise = (1e-307, 1e-13) if dtype == "float64" else (1e-37, 1e-6)
    at = [tuple(column) for column in zip(*(x.tolist() for x in arrays), strict=True)]
    assert_same(array(mine), array(theirs), rtol, tiny, "value", at)
    if not theirs.requires_grad:
        return
    results = [
        attempt(gradients, y, inputs, lib)
        for y, inputs, lib in zip((mine, theirs), (my_inputs, their_inputs), LIBRARIES, strict=True)
    ]
    if isinstance(results[0], str) or isinstance(results[1], str):
        assert verdict(results[0]) == verdict(results[1])
        return
    for i, (g, expected) in enumerate(zip(*results, strict=True)):
        if expected is not None:
            assert_same(array(g), array(expected), 10 * rtol, noise, f"gradient {i}", at)
