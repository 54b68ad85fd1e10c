"""Runs all benchmarks and writes docs/benchmarks.md.

    python -m benchmarks [--quick] [--only WORDS] [--no-write]

Nothing here asserts: the table says what was measured, beside what was aimed at.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.metadata
import platform
import sys
from pathlib import Path
from types import ModuleType

from . import footprint
from ._measure import Bench, Result, cases_of

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
THREADS = 2


def cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def makes_cases(path: Path) -> bool:
    """Whether a module imports what cases are made with.

    Its text says so: the others must not be imported here, as they may import backlit, which the
    processes that measure PyTorch must not have.
    """
    imports = [
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module == "_measure"
    ]
    return any(alias.name in ("Case", "case") for node in imports for alias in node.names)


def modules() -> list[ModuleType]:
    """The modules of this package that hold cases, in the order of their names."""
    files = sorted(Path(__file__).parent.glob("[!_]*.py"))
    return [
        importlib.import_module(f".{file.stem}", __package__) for file in files if makes_cases(file)
    ]


def collect(effort: float, only: str) -> list[Result]:
    results = []
    bench = Bench(THREADS)

    def show(result: Result) -> None:
        results.append(result)
        print(
            f"{result.work:70} {result.pytorch:>9} {result.backlit:>9} {result.ratio:>8}"
            f"  aim {result.aim:8} {result.spread}",
            flush=True,
        )

    try:
        for module in modules():
            for index, item in enumerate(cases_of(module)):
                if only in item.work:
                    show(bench.measure(module, index, effort))
    finally:
        bench.close()
    for measurement in footprint.MEASUREMENTS:
        if only in measurement.__name__:
            show(measurement())
    # Not at the top: it imports backlit, which the processes that measure PyTorch must not do.
    from . import explanations

    for explained in explanations.CASES:
        if only in explained.title:
            show(explanations.measure(explained))
    return results


def page(results: list[Result], pytorch: str, quick: bool) -> str:
    rows = "\n".join(
        f"| {r.work} | {r.aim} | {r.pytorch} | {r.backlit} | {r.ratio} | {r.spread} |"
        for r in results
    )
    effort = " With `--quick`: a fifth of the pairs." if quick else ""
    machine = f"{cpu()}, Python {platform.python_version()}, PyTorch {pytorch}"
    return f"""\
# Benchmarks

`make bench` runs every case with PyTorch and with backlit in turn, each in a process of its own,
{THREADS} threads for both, and rewrites this page. A ratio is PyTorch's time over backlit's, the
median over pairs of neighbouring blocks; the last column is the range from its lower to its upper
quartile.

Measured on {machine}, {platform.system()}.{effort}

| work | aim | PyTorch | backlit | ratio | quartiles |
| --- | --- | --- | --- | --- | --- |
{rows}
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--quick", action="store_true", help="a fifth of the pairs")
    parser.add_argument("--only", default="", help="cases whose title contains this")
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md as it is")
    options = parser.parse_args()
    try:
        pytorch = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        print("PyTorch is not installed: there is nothing to compare with", file=sys.stderr)
        return 1
    results = collect(0.2 if options.quick else 1.0, options.only)
    if not (options.no_write or options.only):
        PAGE.write_text(page(results, pytorch, options.quick), encoding="utf-8")
        print(f"written: {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
