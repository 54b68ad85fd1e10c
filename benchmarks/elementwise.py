"""One elementwise operation on 4 million floats: memory and arithmetic, not overhead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._measure import Case, Work

SIZE = 1 << 22

OPERATIONS: dict[str, Callable[[Any], Callable[[Any, Any], Any]]] = {
    "add": lambda torch: torch.add,
    "exp": lambda torch: lambda x, _: torch.exp(x),
    "tanh": lambda torch: lambda x, _: torch.tanh(x),
    "gelu": lambda torch: lambda x, _: torch.nn.functional.gelu(x),
}


def forward(name: str) -> Case:
    def prepare(torch: Any) -> Work:
        torch.manual_seed(0)
        x, y = torch.randn(SIZE), torch.randn(SIZE)
        f = OPERATIONS[name](torch)
        return lambda: f(x, y)

    return Case(f"{name}, 4M floats, forward", "≥ 1.2", prepare, 1, 25)


def backward(name: str) -> Case:
    def prepare(torch: Any) -> Work:
        torch.manual_seed(0)
        x, y, g = torch.randn(SIZE), torch.randn(SIZE), torch.randn(SIZE)
        x.requires_grad_()
        f = OPERATIONS[name](torch)

        def work() -> None:
            x.grad = None
            f(x, y).backward(g)

        return work

    return Case(f"{name}, 4M floats, forward and backward", "≥ 1.2", prepare, 1, 25)


CASES = [make(name) for name in OPERATIONS for make in (forward, backward)]
