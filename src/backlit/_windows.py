"""Window functions of the top level: those of `signal.windows`, periodic unless they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _C
from .signal import windows

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]

Tensor = _C.Tensor


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """w[n] = (1 - cos(2π n / N)) / 2, where N is `window_length`, less 1 unless `periodic`.

    Keywords: `dtype`, `layout`, `device`, `pin_memory`, `requires_grad`. Raises RuntimeError for a
    negative length and for a dtype that is not floating-point.

    Example:
        >>> import backlit as torch
        >>> torch.hann_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _made("hann_window", windows.hann, window_length, periodic, options)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    **options: Any,
) -> Tensor:
    """w[n] = alpha - beta cos(2π n / N), where N is `window_length`, less 1 unless `periodic`.

    Keywords and errors are those of `hann_window`.
    """
    sum_of_cosines, a = windows.general_cosine, [alpha, beta]
    return _made("hamming_window", sum_of_cosines, window_length, periodic, options, a=a)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """w[n] = 0.42 - 0.5 cos(2π n / N) + 0.08 cos(4π n / N), with N as in `hann_window`.

    Keywords and errors are those of `hann_window`.
    """
    return _made("blackman_window", windows.blackman, window_length, periodic, options)


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """w[n] = 1 - |2 n / N - 1|, with N as in `hann_window`.

    Keywords and errors are those of `hann_window`.
    """
    return _made("bartlett_window", windows.bartlett, window_length, periodic, options)


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any
) -> Tensor:
    """w[n] = I₀(beta sqrt(1 - (2 n / N - 1)²)) / I₀(beta), with N as in `hann_window`.

    Keywords and errors are those of `hann_window`.
    """
    return _made("kaiser_window", windows.kaiser, window_length, periodic, options, beta=beta)


def _made(
    name: str,
    window: Callable[..., Tensor],
    length: int,
    periodic: bool,
    options: dict[str, Any],
    **parameters: Any,
) -> Tensor:
    """The window; 16-bit numbers are rounded from float32."""
    if isinstance(length, bool) or not isinstance(length, int):
        kind = type(length).__name__
        raise TypeError(f"{name}(): argument 'window_length' (position 1) must be int, not {kind}")
    dtype = _C.empty(0, **options).dtype  # checks the keywords
    if not dtype.is_floating_point:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    if length < 0:
        raise RuntimeError(
            f"{name} requires non-negative window_length, got window_length={length}"
        )
    wide = _C.promote_types(dtype, _C.float32)
    w = window(length, sym=not periodic, dtype=wide, **parameters).to(dtype)
    return w.requires_grad_(bool(options.get("requires_grad")))
