"""index_add_ of rows of every width, more than one task writes: sums in the order of the index."""

from __future__ import annotations

import pytest

import backlit
from tests.oracle import same


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "complex64"])
@pytest.mark.parametrize("width", [1, 3, 15, 16, 17, 64, 100])
def test_index_add_and_copy(width, dtype):
    def fn(t):
        rows, times = 50, 300_000 // width
        index = (t.arange(times) * 7919 % 4001) % rows
        source = (t.arange(times * width) % 29 - 14).reshape(times, width).to(getattr(t, dtype))
        x = t.ones(rows, width, dtype=getattr(t, dtype))
        apart = t.ones(rows, 2 * width, dtype=getattr(t, dtype))[:, ::2]
        added = [y.index_add_(0, index, source) for y in (x, apart)]
        last = t.zeros_like(x).index_copy_(0, index[-rows:], source[-rows:])
        return [*added, last, x.T.contiguous().index_add_(1, index, source.T)]

    same(fn)


@pytest.mark.parametrize("width", [1, 33])
def test_index_add_does_not_depend_on_threads(width):
    backlit.manual_seed(0)
    index = backlit.randint(0, 99, (30_000,))
    source = backlit.randn(30_000, width)
    before = backlit.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            backlit.set_num_threads(threads)
            found.append(backlit.zeros(99, width).index_add_(0, index, source).tolist())
    finally:
        backlit.set_num_threads(before)
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ["float32", "float64", "bool_", "int8", "int64"])
def test_numpy_scalars(kind):
    np = pytest.importorskip("numpy", reason="its scalars are the indices")
    same(lambda t: t.ones(3)[getattr(np, kind)(1)])
    same(lambda t: t.ones(3, 2)[:, getattr(np, kind)(1)])
