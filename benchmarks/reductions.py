"""Sums, extremes and order statistics: of millions of elements, and of tiny tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._measure import Case, Work

ROWS, WIDTH = 1 << 16, 64

Function = Callable[[Any, Any], object]


def _of(shape: tuple[int, ...], function: Function) -> Callable[[Any], Work]:
    def prepare(torch: Any) -> Work:
        torch.manual_seed(0)
        x = torch.randn(*shape)
        return lambda: function(torch, x)

    return prepare


LARGE: dict[str, Function] = {
    "sum": lambda torch, x: x.sum(),
    "sum of rows": lambda torch, x: x.sum(1),
    "sum of columns": lambda torch, x: x.sum(0),
    "var of rows": lambda torch, x: x.var(1),
    "max of rows": lambda torch, x: x.max(1),
    "argmax of rows": lambda torch, x: x.argmax(1),
    "logsumexp of rows": lambda torch, x: x.logsumexp(1),
    "softmax of rows": lambda torch, x: x.softmax(1),
    "cumsum of rows": lambda torch, x: x.cumsum(1),
    "topk 5 of rows": lambda torch, x: x.topk(5, 1),
    "kthvalue of rows": lambda torch, x: x.kthvalue(20, 1),
    "median of rows": lambda torch, x: x.median(1),
    "sort of rows": lambda torch, x: x.sort(1),
}

LONG: dict[str, Function] = {
    "topk 10": lambda torch, x: x.topk(10),
    "kthvalue": lambda torch, x: x.kthvalue(1000),
    "median": lambda torch, x: x.median(),
    "sort": lambda torch, x: x.sort(),
}

SMALL: dict[str, Function] = {
    "sum": lambda torch, x: x.sum(),
    "sum(1)": lambda torch, x: x.sum(1),
    "mean": lambda torch, x: x.mean(),
    "mean(0)": lambda torch, x: x.mean(0),
    "max": lambda torch, x: x.max(),
    "max(1)": lambda torch, x: x.max(1),
    "argmax(1)": lambda torch, x: x.argmax(1),
    "std": lambda torch, x: x.std(),
    "norm": lambda torch, x: x.norm(),
    "all": lambda torch, x: x.all(),
    "softmax(1)": lambda torch, x: x.softmax(1),
    "topk(2)": lambda torch, x: x.topk(2),
}

CASES = (
    [
        Case(f"{name}, {ROWS}×{WIDTH}", "≥ 1", _of((ROWS, WIDTH), f), 1, 9)
        for name, f in LARGE.items()
    ]
    + [Case(f"{name}, 1M floats", "≥ 1", _of((1 << 20,), f), 1, 9) for name, f in LONG.items()]
    + [Case(f"{name}, 3×4", "≥ 5", _of((3, 4), f), 1, 15) for name, f in SMALL.items()]
)
