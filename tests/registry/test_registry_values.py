"""Values, dtypes and views of every sample beside PyTorch: layouts, sizes, dtypes, nan and inf."""

from __future__ import annotations

import math

import numpy as np
import pytest
from registry.every import SAMPLES
from registry.running import LAYOUTS, compare

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32"]
WITH_INPUTS = [sample for sample in SAMPLES if sample.inputs]
WITH_REALS = [sample for sample in SAMPLES if sample.reals]


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_layouts(sample):
    for layout in LAYOUTS if sample.inputs else ["whole"]:
        if not sample.is_left_out(f"layout {layout}"):
            compare(sample, sample.draw(sample.sizes()), sample.sizes(), layout, layout)


@pytest.mark.parametrize("sample", WITH_INPUTS, ids=str)
def test_sizes(sample):
    """Each size in turn 0 and 1, then numbers in place of all tensors."""
    for letter in sample.letters:
        for size in (0, 1):
            label = f"size {letter}={size}"
            sizes = sample.sizes(**{letter: size})
            if not sample.is_left_out(label) and sample.can_draw(sizes):
                compare(sample, sample.draw(sizes), sizes, label)
    if not sample.is_left_out("0-d"):
        arrays = sample.draw(sample.sizes())
        arrays = {k: v.ravel()[:1].reshape(()) if v.size else v for k, v in arrays.items()}
        compare(sample, arrays, sample.sizes(), "0-d")


@pytest.mark.parametrize("sample", WITH_REALS, ids=str)
def test_dtypes(sample):
    """All real inputs of each dtype, then the first one alone."""
    sizes = sample.sizes()
    for dtype in DTYPES:
        for first_alone in (False, True)[: len(sample.reals)]:
            label = f"dtype {dtype}" + " first" * first_alone
            if sample.is_left_out(label):
                continue
            arrays = sample.draw(sizes)
            for name in sample.reals[: 1 if first_alone else None]:
                if dtype != "float32":
                    arrays[name] = sample.inputs[name].as_integers(arrays[name])
                arrays[name] = arrays[name].astype(dtype)
            compare(sample, arrays, sizes, label, tolerance=1e-5)


@pytest.mark.parametrize("sample", WITH_REALS, ids=str)
def test_special_values(sample):
    """nan and infinities at the first, a middle and the last place of each real input."""
    sizes = sample.sizes()
    for name in sample.reals:
        for value in (math.nan, math.inf, -math.inf):
            label = f"special {value} in {name}"
            arrays = sample.draw(sizes)
            flat = arrays[name].reshape(-1)
            for place in dict.fromkeys((0, flat.size // 2, flat.size - 1) if flat.size else ()):
                if sample.is_left_out(label):
                    continue
                kept = flat[place]
                flat[place] = value
                compare(sample, arrays, sizes, f"{label}[{place}]")
                flat[place] = kept
    if not sample.is_left_out("special all"):
        mixed = np.array([1.0, math.nan, -math.inf, 0.0, math.inf])
        arrays = sample.draw(sizes)
        for k, name in enumerate(sample.reals):
            arrays[name] = np.resize(np.roll(mixed, k), arrays[name].shape)
        compare(sample, arrays, sizes, "special all")
