"""Values of a document as small pictures: blue above zero, orange below, stronger when larger."""

from __future__ import annotations

import math
from typing import Any

_STEPS = 3  # shades on each side of zero
_MOST = 12  # rows and columns of a small picture


def single(value: Any) -> float | str | None:
    """The number, where there is only one ("nan" and "inf" are written as words)."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, (int, float, str)) else None


def rows(value: Any) -> list[list[Any]]:
    """Any value as a table: the first axis down, all others to the right."""
    if isinstance(value, dict):
        return list(value["heat"])
    if not isinstance(value, list):
        return [[value]]
    if not any(isinstance(item, list) for item in value):
        return [value]
    return [_flat(item) for item in value]


def limits(value: Any) -> tuple[float, float]:
    """The smallest and the largest number."""
    if isinstance(value, dict):
        return float(value["min"]), float(value["max"])
    numbers = [float(x) for row in rows(value) for x in row]
    known = [x for x in numbers if not math.isnan(x)] or [math.nan]
    return min(known), max(known)


def paths(value: Any, width: float, height: float) -> str:
    """A picture within the box, as one SVG path for each shade."""
    table = _thinned(rows(value))
    if not table or not table[0]:
        return '<text class="none" y="18">empty</text>'
    side = min(width / len(table[0]), height / len(table), 14.0)
    finite = [abs(float(x)) for row in table for x in row if math.isfinite(float(x))]
    size = max(finite, default=1.0)
    shades: dict[str, list[str]] = {}
    for i, row in enumerate(table):
        for k, x in enumerate(row):
            at = f"M{k * side:.4g} {i * side:.4g}h{side:.4g}v{side:.4g}h-{side:.4g}z"
            shades.setdefault(_shade(float(x), size), []).append(at)
    cells = "".join(f'<path class="{name}" d="{"".join(d)}"/>' for name, d in shades.items())
    width, height = side * len(table[0]), side * len(table)
    return f'{cells}<rect class="rim" width="{width:.4g}" height="{height:.4g}"/>'


def _shade(x: float, size: float) -> str:
    if not math.isfinite(x):
        return "hx"
    step = math.ceil(abs(x) / size * _STEPS - 1e-9) if size else 0
    return "h0" if step == 0 else f"h{'p' if x > 0 else 'n'}{step}"


def _thinned(table: list[list[Any]]) -> list[list[Any]]:
    def pick(count: int) -> list[int]:
        return [i * count // _MOST for i in range(_MOST)] if count > _MOST else list(range(count))

    return [[table[i][k] for k in pick(len(table[i]))] for i in pick(len(table))]


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    return [x for item in value for x in _flat(item)]
