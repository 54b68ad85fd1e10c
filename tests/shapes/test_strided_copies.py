"""Copies between any two orders of dimensions, against NumPy's."""

from __future__ import annotations

import random

import numpy as np
import pytest

import backlit

SIZES = [1, 2, 3, 8, 9, 16, 17, 33, 70]


def drawn(seed):
    """The same strided view of the same numbers, as an array and as a tensor."""
    draw = random.Random(seed)
    shape = [draw.choice(SIZES[: 9 if n < 3 else 4]) for n in range(draw.randint(1, 4))]
    dtype = draw.choice(["float32", "float64", "int16", "uint8"])
    numbers = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    order = draw.sample(range(len(shape)), len(shape))
    part = tuple(slice(draw.choice([None, 1]), None, draw.choice([1, 1, 2])) for _ in shape)
    turned = [d for d in range(len(shape)) if draw.random() < 0.5]
    array, tensor = numbers.transpose(order)[part], backlit.from_numpy(numbers).permute(order)[part]
    return array, tensor, turned


@pytest.mark.parametrize("block", range(5))
def test_copies(block):
    for seed in range(block, 300, 5):
        array, x, turned = drawn(seed)
        assert np.array_equal(x.contiguous().numpy(), array)
        assert np.array_equal(backlit.flip(x, turned).numpy(), np.flip(array, turned))
        backwards = backlit.empty(array.shape[::-1], dtype=x.dtype).permute(*range(x.dim())[::-1])
        apart = backlit.empty((*array.shape, 2), dtype=x.dtype)[..., 1]
        assert np.array_equal(backwards.copy_(x).numpy(), array)
        assert np.array_equal(apart.copy_(x).numpy(), array)


@pytest.mark.parametrize("shape", [(300, 700), (4, 257, 129), (1000, 3)])
def test_large_transposes(shape):
    x = backlit.arange(float(np.prod(shape))).reshape(shape)
    assert np.array_equal(x.mT.contiguous().numpy(), np.swapaxes(x.numpy(), -1, -2))
