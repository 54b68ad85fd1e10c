"""The page docs/conformance.md: a summary by tier and one line per operation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .compare import COLUMNS, COMPLEX_COLUMNS, SHAPES_ONLY, TIES
from .names import section
from .tiers import TIER_1, TIER_2

Results = list[tuple[str, dict[str, Any]]]


def write(results: Results, path: Path) -> str:
    """Write the page; the summary is returned."""
    by_tier: dict[str, Results] = {"tier 1": [], "tier 2": [], "tier 3": []}
    for name, result in results:
        operation = name.partition("|")[0]
        number = 1 if operation in TIER_1 else 2 if operation in TIER_2 else 3
        by_tier[f"tier {number}"].append((name, result))
    summary = _summary(by_tier)
    lines = [
        "# Conformance",
        "",
        "Written by `make conformance`: PyTorch's own database of operations "
        "(`torch.testing._internal.common_methods_invocations.op_db`) on both libraries. Samples "
        "are those of the dtypes float64, int64 and bool, gradients of float64; the columns that "
        "begin with complex count those of complex128. A sample passes when structure, shapes, "
        "dtypes and numbers agree, an error input when class and text do. "
        "Operations of ordinary model code are tier 1, those of scientific code tier 2 "
        "(`conformance/tiers.py`), the rest tier 3.",
        "",
        summary,
        "",
        "What cannot be the same is compared by shape and dtype only:",
        "",
        *(f"- `{name}`: {reason}" for name, reason in SHAPES_ONLY.items()),
        "",
        "Among equal elements, which one is named is open; only the values are compared in "
        + ", ".join(f"`{name}`" for name in TIES)
        + ".",
        "",
    ]
    lines += section()
    for tier, entries in by_tier.items():
        lines += [f"## {tier[0].upper()}{tier[1:]}", "", *_table(entries), ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    return summary


def _summary(by_tier: dict[str, Results]) -> str:
    columns = COLUMNS + COMPLEX_COLUMNS
    rows = ["| | operations | exist | " + " | ".join(columns) + " |"]
    rows.append("| --- " * (3 + len(columns)) + "|")
    for tier, entries in by_tier.items():
        there = [result for _, result in entries if result["exists"]]
        cells = [tier, str(len(entries)), f"{len(there)} ({len(there) / len(entries):.0%})"]
        for column in columns:
            passed = sum(r.get(column, (0, 0))[0] for r in there)
            tried = sum(r.get(column, (0, 0))[1] for r in there)
            cells.append(f"{passed} of {tried} ({passed / max(tried, 1):.2%})")
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _table(entries: Results) -> list[str]:
    columns = COLUMNS + COMPLEX_COLUMNS
    rows = ["| operation | " + " | ".join(columns) + " | first difference |"]
    rows.append("| --- " * (2 + len(columns)) + "|")
    missing = [name.replace("|", " ").strip() for name, r in entries if not r["exists"]]
    for name, result in entries:
        if not result["exists"]:
            continue
        label = "`" + name.replace("|", " ").strip() + "`"
        if "crash" in result:
            rows.append(f"| {label} |{' |' * len(columns)} {_cell(result['crash'])} |")
            continue
        counts = [f"{p}/{t}" if t else "" for p, t in (result[c] for c in columns)]
        failure = next(iter(result["failures"].values()), "")
        rows.append(f"| {label} | " + " | ".join(counts) + f" | {_cell(failure)} |")
    if missing:
        rows += ["", f"Not there ({len(missing)}): " + ", ".join(f"`{n}`" for n in missing) + "."]
    return rows


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")[:150]
