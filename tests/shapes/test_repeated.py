"""repeat_interleave: elements that are neighbours, elements apart, and whole dimensions."""

from __future__ import annotations

import pytest

from tests.oracle import same


@pytest.mark.parametrize("dtype", ["bool", "int16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("times", [0, 1, 2, 3, 4, 5, 16, 17, 40])
def test_repeat_interleave(times, dtype):
    def fn(t):
        x = (t.arange(7 * 33) % 19).reshape(7, 33).to(getattr(t, dtype))
        several = x, x.T, x[:, ::2], x[::3], x[:, 3:8], x[0]
        return [
            part
            for y in several
            for part in (y.repeat_interleave(times), y.repeat_interleave(times, 0))
        ] + [y.repeat_interleave(times, -1) for y in several]

    same(fn)


def test_repeat_interleave_of_more_than_one_piece():
    same(lambda t: [t.arange(50_001.0).repeat_interleave(k) for k in (2, 3, 4, 7)])
