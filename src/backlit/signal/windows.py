"""Window functions. `M` is the number of values.

With `sym` a window is symmetric; without, it is the first M values of the symmetric one of length
M + 1, so that repeating it is periodic. The dtype is float32 or float64.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import backlit as bl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from backlit import Tensor

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]

_NUTTALL = [0.3635819, 0.4891775, 0.1365995, 0.0106411]


def _window(
    name: str,
    size: int,
    options: dict[str, Any],
    bounds: Callable[[], tuple[float, float]],
    formula: Callable[[Tensor], Tensor],
) -> Tensor:
    """`formula` of `size` values, the first two of which are `bounds`' start and start + step."""
    options = _checked(name, size, **options)
    if size == 0:
        return bl.empty(0, **options)
    start, step = bounds()
    return formula(bl.linspace(start, start + (size - 1) * step, size, **options))


def _checked(
    name: str,
    size: int,
    *,
    dtype: Any = None,
    layout: Any = bl.strided,
    device: Any = None,
    requires_grad: bool = False,
) -> dict[str, Any]:
    dtype = bl.get_default_dtype() if dtype is None else dtype
    if size < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={size}")
    if layout is not bl.strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (bl.float32, bl.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return {"dtype": dtype, "device": device, "requires_grad": requires_grad}


def _period(M: int, sym: bool) -> int:
    """The number of steps from the first value to where the window would end."""
    return M - 1 if sym and M > 1 else M


def general_cosine(M: int, *, a: Iterable[float], sym: bool = True, **options: Any) -> Tensor:
    """w[n] = Σᵢ (-1)^i a[i] cos(2π i n / N), with N = M - 1, or M without `sym`.

    Example:
        >>> import backlit as torch
        >>> torch.signal.windows.general_cosine(3, a=[0.5, 0.5])
        tensor([0., 1., 0.])
    """

    def bounds() -> tuple[float, float]:
        if not isinstance(a, (list, tuple)):
            raise TypeError("Coefficients must be a list/tuple")
        if not a:
            raise ValueError("Coefficients cannot be empty")
        return 0.0, 2 * math.pi / _period(M, sym)

    def formula(angle: Tensor) -> Tensor:
        if M == 1:
            return bl.ones_like(angle)
        terms = [(-1) ** i * c * (i * angle).cos() for i, c in enumerate(a)]
        return bl.stack(terms).sum(0)

    return _window("general_cosine", M, options, bounds, formula)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, **options: Any) -> Tensor:
    """w[n] = alpha - (1 - alpha) cos(2π n / N)."""
    return general_cosine(M, a=[alpha, 1.0 - alpha], sym=sym, **options)


def hamming(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """w[n] = 0.54 - 0.46 cos(2π n / N)."""
    return general_hamming(M, sym=sym, **options)


def hann(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """w[n] = (1 - cos(2π n / N)) / 2.

    Example:
        >>> import backlit as torch
        >>> torch.signal.windows.hann(4, sym=False)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return general_hamming(M, alpha=0.5, sym=sym, **options)


def blackman(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """w[n] = 0.42 - 0.5 cos(2π n / N) + 0.08 cos(4π n / N)."""
    _checked("blackman", M, **options)
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, **options)


def nuttall(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """The minimum four-term cosine sum of Nuttall (1981)."""
    return general_cosine(M, a=_NUTTALL, sym=sym, **options)


def bartlett(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """w[n] = 1 - |2 n / N - 1|: a triangle."""

    def formula(k: Tensor) -> Tensor:
        return bl.ones_like(k) if M == 1 else 1 - k.abs()

    return _window("bartlett", M, options, lambda: (-1.0, 2 / _period(M, sym)), formula)


def cosine(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """w[n] = sin(π (n + 1/2) / M), with M + 1 instead of M without `sym`."""
    step = math.pi / (M if sym or M <= 1 else M + 1) if M else 0.0
    return _window("cosine", M, options, lambda: (0.5 * step, step), lambda k: k.sin())


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, **options: Any
) -> Tensor:
    """w[n] = exp(-|n - center| / tau); the centre is N / 2 unless given."""

    def bounds() -> tuple[float, float]:
        if tau <= 0:
            raise ValueError(f"Tau must be positive, got: {tau} instead.")
        if sym and center is not None:
            raise ValueError("Center must be None for symmetric windows")
        middle = _middle(M, sym) if center is None else center
        return -middle / tau, 1 / tau

    return _window("exponential", M, options, bounds, lambda k: (-k.abs()).exp())


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Any) -> Tensor:
    """w[n] = exp(-((n - N / 2) / std)² / 2)."""

    def bounds() -> tuple[float, float]:
        if std <= 0:
            raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
        step = 1 / (std * math.sqrt(2))
        return -_middle(M, sym) * step, step

    return _window("gaussian", M, options, bounds, lambda k: (-(k**2)).exp())


def _middle(M: int, sym: bool) -> float:
    return (M if not sym and M > 1 else M - 1) / 2


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Any) -> Tensor:
    """w[n] = I₀(beta sqrt(1 - (2 n / N - 1)²)) / I₀(beta)."""

    def bounds() -> tuple[float, float]:
        if beta < 0:
            raise ValueError(f"beta must be non-negative, got: {beta} instead.")
        return -float(beta), 2.0 * beta / _period(M, sym)

    def formula(k: Tensor) -> Tensor:
        if M == 1:
            return bl.ones_like(k)
        inside = (beta * beta - k**2).clamp(min=0)  # the last value may be just past beta
        return bl.i0(inside.sqrt()) / bl.i0(bl.tensor(float(beta), dtype=k.dtype))

    return _window("kaiser", M, options, bounds, formula)
