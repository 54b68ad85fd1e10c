"""What an explanation takes: time from the call to its text, and the size of the page.

    python -m benchmarks.explanations

PyTorch has nothing to compare with; the aims are limits. `python -m benchmarks` measures them too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import backlit as torch
from backlit import nn
from backlit.explain import Explanation, explain

from ._measure import Result

Prepare = Callable[[], tuple[Any, Any]]


class Case(NamedTuple):
    """A graph to explain, and the limits."""

    work: str
    seconds: float
    page_bytes: int | None
    prepare: Prepare  # gives the result and what to explain it by

    @property
    def title(self) -> str:
        return f"explain: {self.work}; size of its page"


def xor() -> tuple[Any, Any]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1), nn.Sigmoid())
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    return nn.functional.mse_loss(net(x), y), None


def digits(element: bool) -> tuple[Any, Any]:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    loss = nn.functional.cross_entropy(net(torch.rand(64, 64)), torch.randint(0, 10, (64,)))
    return loss, net[0].weight[2, 3] if element else None


def residual_network() -> tuple[Any, Any]:
    torch.manual_seed(0)
    h = torch.randn(8, 16)
    weights = [torch.randn(16, 16, requires_grad=True) for _ in range(250)]
    for w in weights:
        h = torch.tanh(h @ w) + h
    return h.mean(), None


def diamonds() -> tuple[Any, Any]:
    x = torch.tensor(1.0, requires_grad=True)
    v = x
    for _ in range(30):
        v = v * 0.5 + v * 0.25
    return v, x


CASES = [
    Case("XOR network, every weight", 1.0, 100_000, xor),
    Case("digits classifier, every tensor", 1.0, None, lambda: digits(False)),
    Case("digits classifier, one weight by sample and unit", 1.0, None, lambda: digits(True)),
    Case("1,003 nodes, 250 variables", 2.0, None, residual_network),
    Case("30 diamonds: 1,073,741,824 paths", 1.0, None, diamonds),
]


def measure(case: Case) -> Result:
    """One row of the table; the graph is built before the clock starts."""
    _import_all()
    result, wrt = case.prepare()
    start = time.perf_counter()
    explanation: Explanation = explain(result, wrt)
    str(explanation)
    seconds = time.perf_counter() - start
    size = _page_bytes(explanation)
    found = f"{seconds * 1e3:.0f} ms" + ("" if size is None else f", {size / 1000:.0f} kB")
    aim = f"< {case.seconds:g} s" + (f", < {case.page_bytes // 1000} kB" if case.page_bytes else "")
    return Result(case.title, aim, "—", found, "", "")


@cache
def _import_all() -> None:
    result, _ = xor()
    str(explain(result))


def _page_bytes(explanation: Explanation) -> int | None:
    try:
        return len(explanation.to_html().encode())
    except ImportError:  # the layout of the page is an optional dependency
        return None


def main() -> None:
    """Print the table."""
    for case in CASES:
        row = measure(case)
        print(f"{row.work:70} {row.backlit:>16}  aim {row.aim}", flush=True)


if __name__ == "__main__":
    main()
