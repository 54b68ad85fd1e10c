"""Runs the same lines on backlit and on PyTorch and compares everything that comes out."""

from __future__ import annotations

import math
import re
import warnings

import pytest

import backlit


def first_sentence(message: object) -> str:
    """What a program or a person would search for; names of classes without their module."""
    text = re.split(r"\n|\\n|\. ", str(message).replace("torch::autograd::", ""))[0].rstrip(". ")
    return re.sub(r"(torch|backlit)\.(\w+\.)*(?=\w)", "", text)


def plain(value, lib):
    """Tensors as (dtype, shape, values), containers entry by entry."""
    if isinstance(value, lib.Tensor):
        return ["tensor", str(value.dtype), list(value.shape), value.tolist()]
    if isinstance(value, dict):
        return {str(key): plain(item, lib) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *(plain(item, lib) for item in value)]
    return value


def outcome(fn, lib):
    """The result of `fn(lib)`, or its error, and the warnings on the way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = plain(fn(lib), lib)
        except Exception as error:
            result = ("raised", type(error).__name__, first_sentence(error))
    told = [(w.category.__name__, first_sentence(w.message)) for w in caught]
    return result, told


def assert_close(mine, theirs, tolerance):
    """Equal, numbers up to `tolerance` relative to 1 + their size."""
    if isinstance(theirs, float) and isinstance(mine, float):
        if math.isfinite(theirs):
            assert abs(mine - theirs) <= tolerance * (1 + abs(theirs)), (mine, theirs)
        else:
            assert str(mine) == str(theirs)
    elif isinstance(theirs, dict):
        assert list(mine) == list(theirs)
        for key, item in theirs.items():
            assert_close(mine[key], item, tolerance)
    elif isinstance(theirs, (list, tuple)):
        assert isinstance(mine, (list, tuple)), (mine, theirs)
        assert len(mine) == len(theirs), (mine, theirs)
        for a, b in zip(mine, theirs, strict=False):
            assert_close(a, b, tolerance)
    else:
        assert mine == theirs


def same(fn, tolerance=0.0):
    """Assert that `fn(lib)` gives the same result, error and warnings with both libraries."""
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    mine, theirs = outcome(fn, backlit), outcome(fn, torch)
    assert_close(mine[0], theirs[0], tolerance)
    assert mine[1] == theirs[1]
    return mine[0]
