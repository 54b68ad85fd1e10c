"""Orthogonal polynomials and Bessel functions of `torch.special`, written on tensors.

Each polynomial is its recurrence, p[k + 1] of p[k] and p[k - 1], from p[0] = 1; so it has a
derivative by x, where PyTorch's have none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from . import _C

Tensor = _C.Tensor


class _Family(NamedTuple):
    """p[1], and p[k + 1] from x, k, p[k] and p[k - 1]."""

    first: Callable[[Any], Any]
    following: Callable[[Any, int, Any, Any], Any]


def _chebyshev(first: Callable[[Any], Any]) -> _Family:
    return _Family(first, lambda x, k, p, before: 2 * x * p - before)


def _legendre_step(x: Any, k: int, p: Any, before: Any) -> Any:
    return ((2 * k + 1) * x * p - k * before) / (k + 1)


def _laguerre_step(x: Any, k: int, p: Any, before: Any) -> Any:
    return ((2 * k + 1 - x) * p - k * before) / (k + 1)


_FAMILIES = {
    "chebyshev_polynomial_t": _chebyshev(lambda x: x),
    "chebyshev_polynomial_u": _chebyshev(lambda x: 2 * x),
    "chebyshev_polynomial_v": _chebyshev(lambda x: 2 * x - 1),
    "chebyshev_polynomial_w": _chebyshev(lambda x: 2 * x + 1),
    "hermite_polynomial_h": _Family(
        lambda x: 2 * x, lambda x, k, p, before: 2 * x * p - 2 * k * before
    ),
    "hermite_polynomial_he": _Family(lambda x: x, lambda x, k, p, before: x * p - k * before),
    "laguerre_polynomial_l": _Family(lambda x: 1 - x, _laguerre_step),
    "legendre_polynomial_p": _Family(lambda x: x, _legendre_step),
}
_WORDS = {
    "chebyshev_polynomial_t": "Chebyshev polynomial of the first kind, Tₙ(x).",
    "chebyshev_polynomial_u": "Chebyshev polynomial of the second kind, Uₙ(x).",
    "chebyshev_polynomial_v": "Chebyshev polynomial of the third kind, Vₙ(x).",
    "chebyshev_polynomial_w": "Chebyshev polynomial of the fourth kind, Wₙ(x).",
    "hermite_polynomial_h": "Physicist's Hermite polynomial, Hₙ(x).",
    "hermite_polynomial_he": "Probabilist's Hermite polynomial, Heₙ(x).",
    "laguerre_polynomial_l": "Laguerre polynomial, Lₙ(x).",
    "legendre_polynomial_p": "Legendre polynomial, Pₙ(x).",
}


def _operands(name: str, x: Any, n: Any) -> tuple[Tensor, Any]:
    """x as a floating tensor of the result's dtype; n as an int or a tensor of ints."""
    if not isinstance(x, Tensor) and not isinstance(n, Tensor):
        raise TypeError(
            f"special_{name}() received an invalid combination of arguments - got "
            f"({type(x).__name__}, {type(n).__name__}), but expected one of:\n"
            " * (Tensor x, Tensor|Number n)\n * (Number x, Tensor n)"
        )
    dtype = _C.result_type(x, n)
    if not dtype.is_floating_point:
        dtype = _C.get_default_dtype()
    if dtype not in (_C.float32, _C.float64):
        kind = _C.zeros((), dtype=dtype).type().rpartition(".")[2].removesuffix("Tensor")
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{kind}'")
    x = x.to(dtype) if isinstance(x, Tensor) else _C.full((), x, dtype=dtype)
    return x, (n.to(_C.int64) if isinstance(n, Tensor) else int(n))


def _evaluate(family: _Family, x: Tensor, n: Any) -> Tensor:
    """pₙ(x) for an int or for each of a tensor of them; 0 for a negative one."""
    if isinstance(n, int):
        return _at(family, x, n)
    result = _C.zeros_like(x * n)
    before, p = _C.ones_like(x), family.first(x)
    for k in range(int(n.max()) + 1 if n.numel() else 0):
        result = _C.where(n == k, before, result)
        before, p = p, family.following(x, k + 1, p, before)
    return result


def _at(family: _Family, x: Tensor, n: int) -> Tensor:
    if n < 0:
        return _C.zeros_like(x)
    before, p = _C.ones_like(x), family.first(x)
    if n == 0:
        return before
    for k in range(1, n):
        before, p = p, family.following(x, k, p, before)
    return p


def _made(name: str, family: _Family, shifted: bool) -> Callable[..., Tensor]:
    public = f"shifted_{name}" if shifted else name

    def polynomial(x: Any, n: Any, *, out: Tensor | None = None) -> Tensor:
        x, degree = _operands(public, x, n)
        result = _evaluate(family, 2 * x - 1 if shifted else x, degree)
        return result if out is None else out.copy_(result)

    polynomial.__name__ = polynomial.__qualname__ = public
    moved = " at 2x - 1" if shifted else ""
    polynomial.__doc__ = (
        f"{_WORDS[name].removesuffix('.')}{moved}, for float32 and float64.\n\n"
        "    `n`, a number or a tensor, is cut to a whole number; for a negative one the result "
        "is 0."
    )
    return polynomial


POLYNOMIALS: dict[str, Callable[..., Tensor]] = {}
for _name, _family in _FAMILIES.items():
    POLYNOMIALS[_name] = _made(_name, _family, False)
    if _name.startswith("chebyshev"):
        POLYNOMIALS[f"shifted_{_name}"] = _made(_name, _family, True)


# ---- Bessel functions


def spherical_bessel_j0(x: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sin(x) / x, 1 at 0 and 0 at infinity."""
    x = x.detach() / 1.0
    y = _C.where(x.isinf(), _C.zeros_like(x), (x / math.pi).sinc())
    return y if out is None else out.copy_(y)


# exp(-x (cosh t - 1)) is below float64's rounding where the exponent is below this
_NOTHING_LEFT = 40.0
_STEPS = 100
_EULER = 0.57721566490153286061
_TINY = 1e-8  # where the first term of the series at 0 is all that float64 sees


def _scaled_k(order: int, input: Tensor) -> Tensor:
    """exp(x) K(x), the integral of exp(-x (cosh t - 1)) cosh(order t) over t > 0.

    The trapezoidal rule converges exponentially, as the integrand is analytic near the real line.
    """
    x = input.detach().double().clamp(min=_TINY)
    step = (1 + _NOTHING_LEFT / x).acosh() / _STEPS
    total = _C.full_like(x, 0.5)
    for k in range(1, _STEPS + 1):
        t = k * step
        half = (t / 2).sinh()
        decay = (-2 * x * half * half).exp()  # cosh t - 1 = 2 sinh² (t/2)
        total += decay * t.cosh() if order == 1 else decay
    return total * step


def _modified_k(order: int, scaled: bool, input: Tensor, out: Tensor | None) -> Tensor:
    dtype = input.dtype if input.is_floating_point() else _C.get_default_dtype()
    x = input.detach().double()
    near = (1 / x if order == 1 else -(x / 2).log() - _EULER) * (x.exp() if scaled else 1)
    far = _scaled_k(order, x) * (1 if scaled else (-x).exp())
    y = _C.where(x < _TINY, near, far)
    y = _C.where(x.isinf(), _C.zeros_like(y), y)
    y = _C.where(x == 0, _C.full_like(y, math.inf), y)
    y = _C.where(x < 0, _C.full_like(y, math.nan), y).to(dtype)
    return y if out is None else out.copy_(y)


def modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Modified Bessel function of the second kind, K₀(x)."""
    return _modified_k(0, False, input, out)


def modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Modified Bessel function of the second kind, K₁(x)."""
    return _modified_k(1, False, input, out)


def scaled_modified_bessel_k0(x: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(x) K₀(x)."""
    return _modified_k(0, True, x, out)


def scaled_modified_bessel_k1(x: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(x) K₁(x)."""
    return _modified_k(1, True, x, out)
