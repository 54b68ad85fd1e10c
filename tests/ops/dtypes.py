"""float16, bfloat16 and complex numbers: inputs in these dtypes, and what counts as equal."""

from __future__ import annotations

from typing import Any

import numpy as np

# How far results may be apart, relative to 1 + their size: a few units in the last place.
TOLERANCES = {"float16": 4e-3, "bfloat16": 3e-2, "complex64": 3e-5, "complex128": 1e-9}
SIXTEEN_BITS = ("float16", "bfloat16")


def cast(values: Any, lib: Any, dtype: str) -> Any:
    """An array as a tensor of the dtype; of complex ones the imaginary parts are other values."""
    if dtype.startswith("complex"):
        values = values + 0.75j * np.roll(values.ravel(), 1).reshape(values.shape)
    return lib.tensor(values.tolist(), dtype=getattr(lib, dtype)).reshape(values.shape)


def numbers(t: Any) -> Any:
    """The elements as float64 or complex128."""
    if hasattr(t, "_is_zerotensor") and t._is_zerotensor():  # PyTorch's zeros without memory
        return np.zeros(tuple(t.shape))
    values = np.array(t.detach().tolist()).reshape(tuple(t.shape))
    return values.astype("complex128" if values.dtype.kind == "c" else "float64")


def assert_close(mine: Any, theirs: Any, dtype: str, label: str, exact_dtype: bool = True) -> None:
    """Tensors of one dtype and shape whose numbers agree as far as `dtype` can tell."""
    assert tuple(mine.shape) == tuple(theirs.shape), label
    if exact_dtype:
        assert str(mine.dtype) == str(theirs.dtype), label
    a, b = numbers(mine), numbers(theirs)
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= TOLERANCES[dtype] * (1 + np.abs(b))
    same = near | (a == b) | (np.isnan(a) & np.isnan(b)) | (~np.isfinite(a) & ~np.isfinite(b))
    assert same.all(), f"{label}:\n{a[~same][:5]}\nPyTorch\n{b[~same][:5]}"
