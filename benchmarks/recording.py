"""What recording costs beyond the operation: lines of the program always, values inside a trace.

backlit alone: PyTorch has no counterpart. `python -m benchmarks.recording`
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ._measure import _block

BLOCKS, CALLS, OPERATIONS = 101, 400, 100


def operators(torch: Any) -> Callable[[], object]:
    a = torch.tensor([2.0], requires_grad=True)
    b = torch.tensor([3.0])

    def work() -> None:
        for _ in range(OPERATIONS):
            a * b

    return work


def layers(torch: Any) -> Callable[[], object]:
    """One node per call, made two functions deep inside of the package."""
    a = torch.tensor([2.0], requires_grad=True)
    layer = torch.nn.Tanh()

    def work() -> None:
        for _ in range(OPERATIONS):
            layer(a)

    return work


def differences(work: Callable[[], object], on: Any, off: Any) -> list[float]:
    """Nanoseconds per operation, `on` minus `off`, of neighbouring blocks."""
    found = []
    for turn in range(BLOCKS):
        seconds = {}
        for mode in (on, off) if turn % 2 else (off, on):
            with mode():
                seconds[mode] = _block(work, CALLS)
        found.append((seconds[on] - seconds[off]) / CALLS / OPERATIONS * 1e9)
    return found


def main() -> None:
    import backlit
    from backlit.autograd import graph

    class Locations(AbstractContextManager[None]):
        def __init__(self, mode: bool) -> None:
            graph.set_record_locations(mode)

        def __exit__(self, *_: object) -> None:
            graph.set_record_locations(True)

    def with_lines() -> Locations:
        return Locations(True)

    def without_lines() -> Locations:
        return Locations(False)

    rows = [
        ("the line of `a * b`", operators, with_lines, without_lines),
        ("the line of a call of `nn.Tanh`", layers, with_lines, without_lines),
        ("values of `a * b`, in a trace", operators, backlit.trace, nullcontext),
    ]
    for title, prepare, on, off in rows:
        found = differences(prepare(backlit), on, off)
        low, middle, high = statistics.quantiles(found, n=4)
        print(f"{title:36} {middle:6.1f} ns per operation, quartiles {low:.1f} to {high:.1f}")


if __name__ == "__main__":
    main()
