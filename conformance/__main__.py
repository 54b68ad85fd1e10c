"""`python -m conformance [NAME ...]`: writes docs/conformance.md; with names, prints their tallies.

Each operation runs in a process of its own, so that a crash or a hang costs that operation only.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

SECONDS_PER_OPERATION = 120
PAGE = Path(__file__).parents[1] / "docs" / "conformance.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("names", nargs="*", help="operations; all of them without a name")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--public-names", action="store_true", help="measure the table of public names alone"
    )
    options = parser.parse_args()

    import warnings

    warnings.simplefilter("ignore")
    if options.public_names:
        from .names import rewrite

        PAGE.write_text(rewrite(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"written: {PAGE}")
        return 0
    import torch
    from torch.testing._internal.common_methods_invocations import op_db

    import backlit

    torch.set_num_threads(1)
    backlit.set_num_threads(1)
    chosen = [op for op in op_db if not options.names or op.name in options.names]
    results = run_all(chosen, options.jobs)
    if options.names:
        for name, result in results:
            print(name, json.dumps(result, indent=1, ensure_ascii=False))
        return 0
    from .report import write

    print(write(results, PAGE))
    print(f"written: {PAGE}")
    return 0


def run_all(operations: list[Any], jobs: int) -> list[tuple[str, dict[str, Any]]]:
    """(name, tally) for each operation, in the order given."""
    waiting = list(enumerate(operations))[::-1]
    running: dict[int, tuple[int, int, float]] = {}  # read end -> (index, pid, start)
    texts: dict[int, bytes] = {}
    found: dict[int, dict[str, Any]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            index, op = waiting.pop()
            reader, pid = _start(op)
            running[reader] = (index, pid, time.monotonic())
            texts[reader] = b""
        for reader in select.select(list(running), [], [], 1.0)[0]:
            part = os.read(reader, 1 << 16)
            texts[reader] += part
            if not part:
                index, pid, _ = running.pop(reader)
                os.close(reader)
                _, status = os.waitpid(pid, 0)
                found[index] = _result(texts.pop(reader), status)
        for _, pid, start in running.values():
            if time.monotonic() - start > SECONDS_PER_OPERATION:
                os.kill(pid, signal.SIGKILL)
        if sys.stderr.isatty():
            print(f"\r{len(found)} of {len(operations)}", end="", file=sys.stderr)
    return [(f"{op.name}|{op.variant_test_name}", found[i]) for i, op in enumerate(operations)]


def _start(op: Any) -> tuple[int, int]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return reader, pid
    from .compare import run_operation

    try:
        text = json.dumps(run_operation(op))
    except BaseException:
        text = json.dumps({"exists": True, "crash": traceback.format_exc()[-400:]})
    with os.fdopen(writer, "wb") as file:
        file.write(text.encode())
    os._exit(0)


def _result(text: bytes, status: int) -> dict[str, Any]:
    if text and status == 0:
        result: dict[str, Any] = json.loads(text)
        return result
    return {"exists": True, "crash": f"the process ended with status {status}"}


if __name__ == "__main__":
    sys.exit(main())
