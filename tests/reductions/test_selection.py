"""topk, kthvalue, median and extrema along a dimension: which elements, the first of equal ones."""

from __future__ import annotations

import math
import random

import pytest

import backlit
from tests.oracle import same

LINES = {
    "normal": lambda r: r.gauss(0, 1),
    "ties": lambda r: float(r.randrange(3)),
    "zeros": lambda r: r.choice([0.0, -0.0, 1.0, -1.0]),
    "some nan": lambda r: math.nan if r.random() < 0.02 else r.gauss(0, 1),
    "many nan": lambda r: math.nan if r.random() < 0.95 else r.gauss(0, 1),
    "infinite": lambda r: r.choice([math.inf, -math.inf, 0.5]),
}
DTYPES = ["float32", "float64", "int64", "int32", "int8", "uint8"]


def lines(kind: str, n: int, count: int = 3) -> list[list[float]]:
    r = random.Random(f"{kind} {n}")
    return [[LINES[kind](r) for _ in range(n)] for _ in range(count)]


def order(line: list[float], largest: bool) -> list[int]:
    """Positions in order: nan is the largest number, equal ones keep their places."""
    sign = -1 if largest else 1

    def key(i: int) -> tuple[float, float]:
        nan = math.isnan(line[i])
        return (sign * nan, 0.0 if nan else sign * line[i])

    return sorted(range(len(line)), key=key)


def check(t, rows: list[list[float]], k: int, dim: int, largest: bool) -> None:
    values, index = t.topk(k, dim=dim, largest=largest)
    if dim == 0:
        values, index = values.T, index.T
    expected = [order(row, largest)[:k] for row in rows]
    assert index.tolist() == expected
    picked = [[row[i] for i in at] for row, at in zip(rows, expected, strict=True)]
    assert repr(values.tolist()) == repr(backlit.tensor(picked, dtype=t.dtype).tolist())


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("k", [1, 3, 40, 299, 1000])
@pytest.mark.parametrize("kind", LINES)
@pytest.mark.parametrize("n", [1000, 3000])
def test_topk_is_the_start_of_a_stable_sort(kind, k, largest, n):
    rows = lines(kind, n)
    t = backlit.tensor(rows, dtype=backlit.float64)
    check(t, rows, k, 1, largest)
    check(t.T.contiguous(), rows, k, 0, largest)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("n", [1, 15, 16, 17, 33])
@pytest.mark.parametrize("kind", LINES)
def test_topk_of_many_short_lines(kind, n, largest):
    rows = lines(kind, n, 35)
    for k in {1, min(n, 5), n}:
        check(backlit.tensor(rows), rows, k, 1, largest)


@pytest.mark.parametrize("ascending", [True, False])
def test_topk_of_lines_already_in_order(ascending):
    row = [float(i) for i in range(3000)][:: 1 if ascending else -1]
    check(backlit.tensor([row]), [row], 7, 1, True)
    check(backlit.tensor([row]), [row], 7, 1, False)


@pytest.mark.parametrize("dtype", DTYPES)
def test_topk_of_every_width(dtype):
    r = random.Random(dtype)
    low = 0 if dtype == "uint8" else -128
    rows = [[float(r.randrange(low, 128)) for _ in range(500)] for _ in range(2)]
    check(backlit.tensor(rows, dtype=getattr(backlit, dtype)), rows, 20, 1, True)
    check(backlit.tensor(rows, dtype=getattr(backlit, dtype)), rows, 20, 1, False)


def ranks(row: list[float], place: str) -> int:
    """The rank in order of the element that an operation names."""
    numbers = sum(not math.isnan(x) for x in row)
    if place == "nanmedian":
        return max(numbers - 1, 0) // 2
    if place == "median":
        return (numbers - 1) // 2 if numbers == len(row) else numbers
    return len(row) // 3


def named(t, n: int, place: str, dim: int):
    return t.kthvalue(n // 3 + 1, dim) if place == "kthvalue" else getattr(t, place)(dim)


# up to 1024 elements, lines share vectors
@pytest.mark.parametrize("n", [1, 2, 3, 16, 63, 64, 1023, 1024, 1025, 3001])
@pytest.mark.parametrize("place", ["kthvalue", "median", "nanmedian"])
@pytest.mark.parametrize("kind", LINES)
def test_one_rank_is_that_of_a_stable_sort(kind, place, n):
    rows = lines(kind, n, 18 if n < 1000 else 3)
    expected = [order(row, False)[ranks(row, place)] for row in rows]
    for dtype in (backlit.float32, backlit.float64):
        t = backlit.tensor(rows, dtype=dtype)
        picked = t.gather(1, backlit.tensor(expected).unsqueeze(1)).squeeze(1)
        columns = t.T.contiguous()
        wide = backlit.stack([t, t.flip(0)], 2)  # lines two apart
        for x, dim in ((t, 1), (columns, 0), (columns.T, 1), (wide, 1), (wide[:, :, 0], -1)):
            values, index = named(x, n, place, dim)
            first = (values, index) if values.dim() == 1 else (values[:, 0], index[:, 0])
            assert first[1].tolist() == expected
            assert repr(first[0].tolist()) == repr(picked.tolist())


@pytest.mark.parametrize("n", [500, 2000])
@pytest.mark.parametrize("dtype", [*DTYPES, "int16", "float16", "bfloat16"])
def test_one_rank_of_every_dtype(dtype, n):
    r = random.Random(dtype)
    low = 0 if dtype == "uint8" else -128
    rows = [[float(r.randrange(low, 128)) for _ in range(n)] for _ in range(2)]
    t = backlit.tensor(rows, dtype=getattr(backlit, dtype))
    for place in ("kthvalue", "median"):
        values, index = named(t, n, place, 1)
        expected = [order(row, False)[ranks(row, place)] for row in rows]
        assert index.tolist() == expected
        assert values.tolist() == [row[i] for row, i in zip(rows, expected, strict=True)]


@pytest.mark.parametrize("call", ["topk", "kthvalue"])
@pytest.mark.parametrize("n", [300, 3000])
def test_selection_does_not_depend_on_threads(call, n):
    t = backlit.tensor(lines("ties", n, 200))
    before = backlit.get_num_threads()
    try:
        got = []
        for threads in (1, 2):
            backlit.set_num_threads(threads)
            got.append([part.tolist() for part in getattr(t, call)(50)])
    finally:
        backlit.set_num_threads(before)
    assert got[0] == got[1]


@pytest.mark.parametrize("call", ["max", "min"])
@pytest.mark.parametrize("n", [1, 31, 32, 33, 300])
@pytest.mark.parametrize("kind", LINES)
def test_extrema_are_the_first_of_equals(kind, n, call):
    rows = lines(kind, n, 300)
    expected = [order(row, call == "max")[0] for row in rows]
    if call == "min":  # nan wins here too
        firsts = [next((i for i, x in enumerate(row) if math.isnan(x)), None) for row in rows]
        expected = [e if f is None else f for e, f in zip(expected, firsts, strict=True)]
    for dtype in (backlit.float32, backlit.float64):
        t = backlit.tensor(rows, dtype=dtype)
        for x, dim in ((t, 1), (t.T.contiguous(), 0)):
            values, index = getattr(x, call)(dim)
            assert index.tolist() == expected
            assert getattr(x, "arg" + call)(dim).tolist() == expected
            picked = t.gather(1, backlit.tensor(expected).unsqueeze(1)).squeeze(1)
            assert repr(values.tolist()) == repr(picked.tolist())


@pytest.mark.parametrize("call", ["max", "min"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_extrema_of_every_width(call, dtype):
    def fn(t):
        x = (t.arange(40 * 70) * 37 % 101).reshape(40, 70).to(getattr(t, dtype))
        return [part for dim in (0, 1) for part in getattr(x, call)(dim)]

    same(fn)
