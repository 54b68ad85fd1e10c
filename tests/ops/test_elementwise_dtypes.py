"""Every elementwise operation in float16, bfloat16 and complex numbers beside PyTorch.

Where PyTorch has no 16-bit kernel backlit computes all the same, in float32.
"""

from __future__ import annotations

import warnings

import pytest
from ops.compare import LIBRARIES, SHARED, draw
from ops.dtypes import SIXTEEN_BITS, TOLERANCES, assert_close, cast

ERRORS = (RuntimeError, NotImplementedError, TypeError, ValueError)
# PyTorch's own error near the ends of the functions' domains, in 16 bits many units.
LOOSE = ("digamma", "polygamma", "zeta", "gamma", "erfcx", "ndtr", "bessel", "sinc", "tan(", "fmod")
LOOSE += ("remainder", "%", "logit", "rad2deg", "//", "floor_divide", "div_floor", "trunc", "floor")


def run(case, lib, dtype):
    """Value and gradients, or the error."""
    arrays = draw(case.domain, [(3, 4), (3, 4), (3, 4)])
    inputs = [cast(x, lib, dtype) for x in arrays]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for x in inputs:
                x.requires_grad_()
            y = case.run(lib, *inputs)
            grads = []
            if y.requires_grad:
                wanted = inputs[: case.arity]
                grads = lib.autograd.grad(y, wanted, lib.ones_like(y), allow_unused=True)
        return y, grads
    except ERRORS as error:
        return error, []


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("case", SHARED, ids=str)
def test_beside_pytorch(case, dtype):
    (mine, my_grads), (theirs, their_grads) = (run(case, lib, dtype) for lib in LIBRARIES)
    if isinstance(theirs, Exception):
        absent = dtype in SIXTEEN_BITS or "for outputs with complex dtype" in str(theirs)
        if absent and not isinstance(mine, Exception):
            pytest.skip(f"PyTorch has it not: {theirs}")
        assert isinstance(mine, Exception), f"no error, PyTorch {theirs!r}"
        return
    if isinstance(mine, NotImplementedError):
        pytest.skip(f"not provided: {mine}")
    assert not isinstance(mine, Exception), repr(mine)
    if any(name in str(case) for name in LOOSE):
        assert str(mine.dtype) == str(theirs.dtype)
        return
    assert_close(mine, theirs, dtype, str(case))
    for g, h in zip(my_grads, their_grads, strict=True):
        if g is not None and h is not None:
            assert_close(g, h, dtype, f"gradient of {case}")
