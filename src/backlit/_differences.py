"""Estimates of derivatives from samples: gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import _C

_NAME = "torch.gradient"


def gradient(
    input: _C.Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1
) -> tuple[_C.Tensor, ...]:
    """Derivatives along each dimension: central differences, one-sided ones at the ends.

    `spacing` is the distance of samples, one number per dimension, or their coordinates.

    Example:
        >>> import backlit as torch
        >>> torch.gradient(torch.tensor([1.0, 2.0, 4.0, 7.0]))
        (tensor([1.0000, 1.5000, 2.5000, 3.0000]),)
    """
    spacing = 1 if spacing is None else spacing
    _check_spacing_type(input, spacing)
    dims = _dims(input, dim)
    if isinstance(spacing, (tuple, list)):
        _check_count(input, len(spacing), dim, len(dims))
        spacings = list(spacing)
    else:
        spacings = [spacing] * len(dims)
    _check_samples(input, dims, edge_order)
    return tuple(_along(input, d, h, edge_order) for d, h in zip(dims, spacings, strict=True))


def _along(x: _C.Tensor, dim: int, spacing: Any, edge_order: int) -> _C.Tensor:
    if isinstance(spacing, _C.Tensor):
        if spacing.dim() != 1:
            raise RuntimeError(
                f"{_NAME} expected each element of spacing to have one dimension, "
                f"but got an element with {spacing.dim()} dimensions!"
            )
        return _uneven(x, dim, spacing, edge_order)
    return _even(x, dim, spacing, edge_order)


def _even(x: _C.Tensor, dim: int, h: Any, edge_order: int) -> _C.Tensor:
    n = x.size(dim)

    def at(start: int, length: int = 1) -> _C.Tensor:
        return x.narrow(dim, start, length)

    inside = (at(2, n - 2) - at(0, n - 2)) / (2 * h)
    if edge_order == 1:
        first, last = (at(1) - at(0)) / h, (at(n - 1) - at(n - 2)) / h
    else:
        first = (-1.5 * at(0) + 2 * at(1) - 0.5 * at(2)) / h
        last = (1.5 * at(n - 1) - 2 * at(n - 2) + 0.5 * at(n - 3)) / h
    return _C.cat([first, inside, last], dim)


def _uneven(x: _C.Tensor, dim: int, coordinates: _C.Tensor, edge_order: int) -> _C.Tensor:
    n = x.size(dim)
    sizes = [-1 if d == dim else 1 for d in range(x.dim())]
    steps = _C.diff(coordinates)

    def at(start: int, length: int = 1) -> _C.Tensor:
        return x.narrow(dim, start, length)

    def step(start: int, length: int = 1) -> _C.Tensor:
        return steps.narrow(0, start, length).reshape(sizes)

    h, k = step(0, n - 2), step(1, n - 2)  # before and after each inner sample
    inside = (
        at(0, n - 2) * (-k / (h * (h + k)))
        + at(1, n - 2) * ((k - h) / (h * k))
        + at(2, n - 2) * (h / (k * (h + k)))
    )
    if edge_order == 1:
        first = (at(1) - at(0)) / step(0)
        last = (at(n - 1) - at(n - 2)) / step(n - 2)
    else:
        h, k = step(0), step(1)
        first = (
            at(0) * (-(2 * h + k) / (h * (h + k)))
            + at(1) * ((h + k) / (h * k))
            + at(2) * (-h / (k * (h + k)))
        )
        h, k = step(n - 3), step(n - 2)
        last = (
            at(n - 3) * (k / (h * (h + k)))
            + at(n - 2) * (-(h + k) / (h * k))
            + at(n - 1) * ((h + 2 * k) / (k * (h + k)))
        )
    return _C.cat([first, inside, last], dim)


def _dims(x: _C.Tensor, dim: Any) -> list[int]:
    if dim is None:
        return list(range(x.dim()))
    given = [dim] if isinstance(dim, int) else list(dim)
    dims: list[int] = []
    for d in given:
        if not -x.dim() <= d < x.dim():
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-x.dim()}, "
                f"{x.dim() - 1}], but got {d})"
            )
        if d % x.dim() in dims:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
        dims.append(d % x.dim())
    return dims


def _check_spacing_type(x: _C.Tensor, spacing: Any) -> None:
    parts: Sequence[Any] = spacing if isinstance(spacing, (tuple, list)) else [spacing]
    lone = isinstance(spacing, _C.Tensor) and spacing.dim() > 0
    if lone or not all(isinstance(part, (int, float, _C.Tensor)) for part in parts):
        raise TypeError(
            "gradient() received an invalid combination of arguments - got "
            f"({type(x).__name__}, spacing={type(spacing).__name__}), but expected a number, "
            "a list of numbers, or a list of tensors as spacing"
        )


def _check_count(x: _C.Tensor, count: int, dim: Any, dims: int) -> None:
    if count == dims:
        return
    if dim is None:
        raise RuntimeError(
            f"{_NAME} expected spacing to be unspecified, a scalar, or a list of length equal to "
            f"'self.dim() = {x.dim()}', since dim argument was not given, but got a list of "
            f"length {count}"
        )
    raise RuntimeError(
        f"{_NAME} expected spacing to be unspecified, a scalar or it's spacing and dim arguments "
        f"to have the same length, but got a spacing argument of length {count} and a dim "
        f"argument of length {dims}."
    )


def _check_samples(x: _C.Tensor, dims: list[int], edge_order: int) -> None:
    if x.dtype == _C.uint8:
        raise RuntimeError(f"{_NAME} does not support uint8 input.")
    if edge_order not in (1, 2):
        raise RuntimeError(f"{_NAME} only supports edge_order=1 and edge_order=2.")
    if any(x.size(d) < edge_order + 1 for d in dims):
        raise RuntimeError(f"{_NAME} expected each dimension size to be at least edge_order+1")
