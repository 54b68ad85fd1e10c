"""Sums and products of floats without rounding: a whole number times a power of two."""

from __future__ import annotations

import math
from typing import NamedTuple


class Exact(NamedTuple):
    """`mantissa` · 2^`exponent`."""

    mantissa: int
    exponent: int

    @staticmethod
    def of(x: float) -> Exact:
        """The value of a finite float."""
        numerator, denominator = x.as_integer_ratio()
        return Exact(numerator, 1 - denominator.bit_length())

    def times(self, other: Exact) -> Exact:
        """The product."""
        return _short(self.mantissa * other.mantissa, self.exponent + other.exponent)

    def plus(self, other: Exact) -> Exact:
        """The sum."""
        low = min(self.exponent, other.exponent)
        mantissa = (self.mantissa << (self.exponent - low)) + (
            other.mantissa << (other.exponent - low)
        )
        return _short(mantissa, low)

    def minus(self, other: Exact) -> Exact:
        """The difference."""
        return self.plus(Exact(-other.mantissa, other.exponent))

    def to_float(self) -> float:
        """The nearest float."""
        try:
            if self.exponent >= 0:
                return float(self.mantissa << self.exponent)
            return self.mantissa / (1 << -self.exponent)  # correctly rounded, for any size
        except OverflowError:
            return math.inf if self.mantissa > 0 else -math.inf


ZERO = Exact(0, 0)


def _short(mantissa: int, exponent: int) -> Exact:
    """Without factors of two in the mantissa, which would grow with every product."""
    if mantissa == 0:
        return ZERO
    twos = (mantissa & -mantissa).bit_length() - 1
    return Exact(mantissa >> twos, exponent + twos)


def exact_sum(values: list[float]) -> float:
    """The sum, rounded once; what floats say where one is infinite or NaN."""
    if not all(map(math.isfinite, values)):
        return sum(values)
    return math.fsum(values)


def ulps(a: float, b: float, dtype: str) -> float:
    """How many units in the last place of `dtype` lie between two numbers."""
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    size = max(abs(a), abs(b))
    unit = math.ulp(size) * (2.0**29 if dtype == "float32" else 1.0)
    return abs(a - b) / max(unit, 2.0**-149 if dtype == "float32" else 5e-324)
