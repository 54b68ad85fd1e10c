"""How a case is measured: small blocks of both libraries in turn, medians, the ratio per pair.

A case is a function of the library that prepares its data and returns what is timed, so the very
same lines run on both. Blocks alternate because other programs disturb a machine for seconds: a
pair of neighbouring blocks sees the same disturbance, and its ratio does not.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

Work = Callable[[], object]
BLOCK_SECONDS = 0.03


class Result(NamedTuple):
    """One row of the table; times in seconds, or whatever `unit` says."""

    work: str
    aim: str
    pytorch: str
    backlit: str
    ratio: str
    spread: str  # of the ratios: lower and upper quartile


class Case(NamedTuple):
    """One thing that both libraries do."""

    work: str
    aim: str
    prepare: Callable[[Any], Work]
    per: int  # the time of one call is divided by this many units of work
    pairs: int


def case(
    work: str, aim: str, per: int = 1, pairs: int = 25
) -> Callable[[Callable[[Any], Work]], Case]:
    """Makes a case of a function `prepare(torch) -> work`."""
    return lambda prepare: Case(work, aim, prepare, per, pairs)


def cases_of(module: ModuleType) -> list[Case]:
    """The cases of a module in the order in which they are written."""
    return [
        item
        for value in vars(module).values()
        for item in (value if isinstance(value, list) else [value])
        if isinstance(item, Case)
    ]


def time_text(seconds: float) -> str:
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def _repetitions(work: Work) -> int:
    """Calls that fill a block; also the warm-up."""
    n = 1
    while True:
        seconds = _block(work, n)
        if seconds >= BLOCK_SECONDS / 2 or n >= 1 << 20:
            return max(1, int(n * BLOCK_SECONDS / seconds)) if seconds < BLOCK_SECONDS else n
        n *= 4


def _block(work: Work, n: int) -> float:
    start = time.perf_counter()
    for _ in range(n):
        work()
    return time.perf_counter() - start


def measure(item: Case, theirs: Any, mine: Any, effort: float = 1.0) -> Result:
    """Run one case with both libraries."""
    try:
        works = [item.prepare(theirs), item.prepare(mine)]
        counts = [_repetitions(work) for work in works]
        pairs = max(3, round(item.pairs * effort))
        gc.collect()
        times: list[list[float]] = [[], []]
        for turn in range(pairs):
            for which in (0, 1) if turn % 2 else (1, 0):
                seconds = _block(works[which], counts[which])
                times[which].append(seconds / counts[which] / item.per)
    except (AttributeError, ImportError, NotImplementedError, TypeError) as error:
        return Result(item.work, item.aim, "", "", "not measured", str(error).splitlines()[0])
    ratios = [a / b for a, b in zip(*times, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    return Result(
        item.work,
        item.aim,
        time_text(statistics.median(times[0])),
        time_text(statistics.median(times[1])),
        f"{statistics.median(ratios):.2f}",
        f"{low:.2f} to {high:.2f}",
    )
