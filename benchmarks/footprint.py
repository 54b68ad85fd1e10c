"""Memory of tensors, time to import, installed size: each measured in processes of its own."""

from __future__ import annotations

import importlib.metadata
import statistics
import subprocess
import sys
from pathlib import Path

from ._measure import Result, time_text

RSS = """
import sys
import {library} as torch
def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
torch.tensor([1.0, 2.0, 3.0])
kept = [None] * 200_000
before = rss()
for i in range(200_000):
    kept[i] = torch.tensor([1.0, 2.0, 3.0])
print(rss() - before)
"""

IMPORT = """
import sys, time
start = time.perf_counter()
import {library}
print(time.perf_counter() - start)
print("numpy" in sys.modules, file=sys.stderr)
"""


def run(script: str, library: str) -> float:
    command = [sys.executable, "-c", script.format(library=library)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def pairs(script: str, n: int) -> list[tuple[float, float]]:
    return [(run(script, "torch"), run(script, "backlit")) for _ in range(n)]


def medians(found: list[tuple[float, float]]) -> tuple[float, float, float]:
    theirs, mine = (statistics.median(column) for column in zip(*found, strict=True))
    return theirs, mine, statistics.median(a / b for a, b in found)


def memory() -> Result:
    theirs, mine, ratio = medians(pairs(RSS, 3))
    return Result(
        "memory of 200,000 three-element tensors",
        "≤ 0.4 of PyTorch's",
        f"{theirs / 1e6:.0f} MB",
        f"{mine / 1e6:.0f} MB",
        f"{ratio:.2f} (ours is {1 / ratio:.2f} of PyTorch's)",
        "",
    )


def import_time() -> Result:
    run(IMPORT, "backlit"), run(IMPORT, "torch")  # bytecode and the file cache
    theirs, mine, ratio = medians(pairs(IMPORT, 5))
    return Result(
        "import, bytecode present",
        "≤ 60 ms",
        time_text(theirs),
        time_text(mine),
        f"{ratio:.1f}",
        "",
    )


def folder_size(folder: Path) -> int:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def distribution_size(*names: str) -> int:
    total = 0
    for name in names:
        try:
            files = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:
            files = []  # nobody needed it here
        for file in files:
            path = Path(str(file.locate()))
            total += path.stat().st_size if path.is_file() else 0
    return total


def installed_size() -> Result:
    import backlit

    assert backlit.__file__ is not None
    mine = folder_size(Path(backlit.__file__).parent) + distribution_size(
        "scipy-openblas32", "rich", "executing", "pygments", "markdown-it-py", "mdurl"
    )
    theirs = distribution_size("torch", "sympy", "networkx", "mpmath", "jinja2", "fsspec")
    return Result(
        "installed size with dependencies, without NumPy",
        "≤ 60 MB",
        f"{theirs / 1e6:.0f} MB",
        f"{mine / 1e6:.0f} MB",
        f"{theirs / mine:.0f}",
        "",
    )


MEASUREMENTS = [memory, import_time, installed_size]
