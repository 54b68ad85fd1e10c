"""How a case is measured: small blocks of both libraries in turn, medians, the ratio per pair.

A case is a function of the library that prepares its data and returns what is timed, so the very
same lines run on both. Blocks alternate because other programs disturb a machine for seconds: a
pair of neighbouring blocks sees the same disturbance, and its ratio does not. Each library runs in
a process of its own, because thread pools keep spinning for work after a block: in one process, or
without waiting for them, those of one library would take the cores of the other.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
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
    """Calls that fill a block; the first one, which pays for memory and threads, says nothing."""
    work()
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


def _settle() -> None:
    """Wait until no thread of this process runs any more."""
    while True:
        busy, start = time.process_time(), time.perf_counter()
        time.sleep(0.002)
        if time.process_time() - busy < 0.1 * (time.perf_counter() - start):
            return


def _prepared(item: Case, torch: Any) -> Callable[[], float]:
    """What runs one block and returns the seconds of one unit of work."""
    work = item.prepare(torch)
    count = _repetitions(work)
    gc.collect()

    # Untimed first, for as long: after a rest of its cores a machine takes some 20 ms to reach its
    # speed, and the libraries rest differently: one's threads spin on for work, the other's sleep.
    def block() -> float:
        if count > 1:
            _block(work, count)
        return _block(work, count) / count / item.per

    return block


def _serve(pipe: Connection, library: str, threads: int) -> None:
    """The process of a library: prepares the case that is named (module, index) and answers with
    None or what is missing; answers "block" with the time of one."""
    torch = importlib.import_module(library)
    importlib.import_module(f"{library}.utils.data")
    torch.set_num_threads(threads)
    block: Callable[[], float] | None = None
    while True:
        try:
            request = pipe.recv()
        except EOFError:  # the benchmark is over
            return
        answer: float | str | None = None
        if request == "block":
            assert block
            answer = block()
        else:
            module, index = request
            try:
                block = _prepared(cases_of(importlib.import_module(module))[index], torch)
            except (AttributeError, ImportError, NotImplementedError, TypeError) as error:
                answer = str(error).splitlines()[0]
        _settle()
        pipe.send(answer)


class Bench:
    """PyTorch and backlit, each in its process."""

    def __init__(self, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipes = []
        for library in ("torch", "backlit"):
            here, there = context.Pipe()
            # not daemons: the workers of a DataLoader are their children
            context.Process(target=_serve, args=(there, library, threads)).start()
            there.close()
            self.pipes.append(here)

    def close(self) -> None:
        """End the processes."""
        for pipe in self.pipes:
            pipe.close()

    def _ask(self, which: int, request: object) -> Any:
        self.pipes[which].send(request)
        return self.pipes[which].recv()

    def measure(self, module: ModuleType, index: int, effort: float = 1.0) -> Result:
        """Run one case of a module with both libraries."""
        item = cases_of(module)[index]
        for which in (0, 1):
            if missing := self._ask(which, (module.__name__, index)):
                return Result(item.work, item.aim, "", "", "not measured", missing)
        times: list[list[float]] = [[], []]
        for turn in range(max(3, round(item.pairs * effort))):
            for which in (0, 1) if turn % 2 else (1, 0):
                times[which].append(self._ask(which, "block"))
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
