"""Tensors in few characters: small ones whole, large ones by shape, range and a corner."""

from __future__ import annotations

import math
from typing import Any

from ._engine import Tensor
from ._numbers import number

_WHOLE = 64  # elements up to which a block shows all of them
_CORNER = 4


def brief(t: Tensor | float | None, digits: int = 4, width: int = 30) -> str:
    """On one line of at most about `width` characters."""
    if t is None:
        return "not computed"
    if isinstance(t, float):
        return number(t, digits)
    if t.numel() == 1:
        return number(float(t.item()), digits)
    if t.numel() == 0:
        return f"empty {shape_text(t)}"
    if t.numel() <= width // 2:
        text = _nested(t.tolist(), digits)
        if len(text) <= width:
            return text
    return f"{shape_text(t)} {range_text(t, digits)}"


def shape_text(t: Tensor) -> str:
    """`2×3`, or `3 numbers` for a vector."""
    sizes = tuple(t.shape)
    return f"{sizes[0]} numbers" if len(sizes) == 1 else "×".join(map(str, sizes))


def range_text(t: Tensor, digits: int = 4) -> str:
    """`from -0.5 to 2`, with what is not a number counted."""
    flat = t.detach().reshape(-1)
    if not flat.is_floating_point():
        flat = flat.double()
    bad = int(flat.isnan().sum().item())
    if bad == flat.numel():
        return "all NaN"
    good = flat[~flat.isnan()] if bad else flat
    low, high = float(good.min().item()), float(good.max().item())
    text = (
        f"all {number(low, digits)}"
        if low == high
        else (f"from {number(low, digits)} to {number(high, digits)}")
    )
    return text + (f", {bad} NaN" if bad else "")


def lines_of(t: Tensor | float, digits: int = 4) -> list[str]:
    """As a block of aligned lines, the corner of a large one with dots around it."""
    if isinstance(t, float) or t.numel() == 1 or t.dim() == 0:
        return [brief(t, digits)]
    if t.numel() == 0:
        return [brief(t, digits)]
    rows = t.reshape(-1, t.shape[-1])
    whole = t.numel() <= _WHOLE and t.shape[-1] <= 8
    shown = rows if whole else rows[:_CORNER, :_CORNER]
    cells = [[number(float(x), digits) for x in row] for row in shown.tolist()]
    width = max(len(cell) for row in cells for cell in row)
    more = "" if shown.shape[1] == rows.shape[1] else "  …"
    lines = ["[" + "  ".join(cell.rjust(width) for cell in row) + more + "]" for row in cells]
    if shown.shape[0] < rows.shape[0]:
        lines.append("  …")
    if not whole:
        lines.append(f"{shape_text(t)}, {range_text(t, digits)}")
    return lines


def _nested(values: Any, digits: int) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(_nested(v, digits) for v in values) + "]"
    return number(float(values), digits) if not isinstance(values, bool) else str(values)


def norm(t: Tensor | float) -> float:
    """The length of the vector of all elements."""
    if isinstance(t, float):
        return abs(t)
    return math.sqrt(float((t.double() ** 2).sum().item()))
