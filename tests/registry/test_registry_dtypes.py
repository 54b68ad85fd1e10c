"""Every sample in float16, bfloat16 and complex128 beside PyTorch: values and first gradients.

Three outcomes are right: PyTorch's result, an error where PyTorch has one, and a
NotImplementedError for what backlit does not provide (skipped, with that error as the reason).
Where PyTorch has no 16-bit kernel backlit computes in float32 and rounds.
"""

from __future__ import annotations

import pytest
from ops.dtypes import SIXTEEN_BITS, assert_close, cast
from registry.every import SAMPLES
from registry.running import LIBRARIES, attempt, differentiable, parts

NO_COMPLEX_GRADIENT = "does not support automatic differentiation for outputs with complex dtype"
DTYPES = ("float16", "bfloat16", "complex128")
WITH_REALS = [sample for sample in SAMPLES if sample.reals]
# 16-bit inputs collide or lie on other sides of an edge than their float64 selves.
UNLIKE_IN_SIXTEEN_BITS = ("mode", "argsort", "unique", "searchsorted", "bucketize", "histc")
UNLIKE_IN_SIXTEEN_BITS += ("matrix_power",)  # PyTorch rounds after each factor


def run(sample, lib, dtype):
    names = dict(sample.sizes())
    leaves = []
    for name, values in sample.draw(sample.sizes()).items():
        if name not in sample.reals:
            names[name] = lib.tensor(values)
            continue
        names[name] = cast(values, lib, dtype)
        if name in sample.differentiated and not sample.is_left_out("gradient, layout whole"):
            leaves.append(names[name].requires_grad_())
    result = sample.run(lib, names)
    outputs = differentiable(result, lib)
    weights = [lib.ones_like(t) for t in outputs]
    if not outputs or not leaves:
        return result, []
    return result, lib.autograd.grad(outputs, leaves, weights, allow_unused=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sample", WITH_REALS, ids=str)
def test_beside_pytorch(sample, dtype):
    label = f"dtype {dtype}"
    if sample.is_left_out(label):
        pytest.skip(sample.reason(label))
    (mine, my_error), (theirs, their_error) = (
        attempt(lambda lib=lib: run(sample, lib, dtype)) for lib in LIBRARIES
    )
    if their_error:
        if not my_error and (dtype in SIXTEEN_BITS or NO_COMPLEX_GRADIENT in their_error[1]):
            pytest.skip(f"PyTorch has it not: {their_error}")
        assert my_error, f"no error, PyTorch {their_error}"
        return
    if my_error and my_error[0] == "NotImplementedError":
        pytest.skip(f"not provided: {my_error[1]}")
    assert not my_error, my_error
    if dtype in SIXTEEN_BITS and sample.name in UNLIKE_IN_SIXTEEN_BITS:
        return
    for k, (a, b) in enumerate(
        zip(
            *(parts(r[0], lib) for r, lib in zip((mine, theirs), LIBRARIES, strict=True)),
            strict=True,
        )
    ):
        if hasattr(b, "dtype"):
            assert_close(a, b, dtype, f"result {k}")
    for a, b in zip(mine[1], theirs[1], strict=True):
        if a is not None and b is not None:
            assert_close(a, b, dtype, "gradient")
