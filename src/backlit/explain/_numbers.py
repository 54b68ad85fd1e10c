"""Numbers as people write them: 24, -0.6570, 1.0000e-07."""

from __future__ import annotations

import math


def number(x: float, digits: int = 4) -> str:
    """A whole number without a point, others with `digits` behind it, as tensors print."""
    if math.isnan(x) or math.isinf(x):
        return str(x)
    if x == 0:
        return "0"  # -0.0 as well
    if abs(x) >= 1e7 or abs(x) < 10.0 ** (1 - digits):
        return f"{x:.{digits}e}"
    if x == round(x):
        return str(round(x))
    return f"{x:.{digits}f}"


def factor(x: float, digits: int = 4) -> str:
    """A number inside of a product: negative ones in parentheses."""
    text = number(x, digits)
    return f"({text})" if text.startswith("-") else text


def product(factors: list[float], digits: int = 4) -> str:
    """`-2 · 1 · (-3)`."""
    first, *rest = factors
    return " · ".join([number(first, digits), *(factor(x, digits) for x in rest)])


def count(n: int) -> str:
    """A count people can read: 1,073,741,824, or about 1.07e+301."""
    return f"{n:,}" if n < 10**15 else f"about 10^{len(str(n)) - 1}"


def plural(n: int, word: str) -> str:
    """`1 path`, `12 paths`."""
    return f"{count(n)} {word}{'' if n == 1 else 's'}"
