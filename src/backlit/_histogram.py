"""Counts of elements per bin: histogram."""

from __future__ import annotations

import math
from typing import Any

from . import _C, _return_types


def histogram(
    input: _C.Tensor,
    bins: int | _C.Tensor,
    *,
    range: Any = None,
    weight: _C.Tensor | None = None,
    density: bool = False,
) -> Any:
    """How many elements, or what weight, each bin holds, and the edges of the bins.

    `bins` is their number, over `range` or what the elements span, or the rising edges themselves.
    The last bin includes its right edge. The result has no gradient.

    Example:
        >>> import backlit as torch
        >>> torch.histogram(torch.tensor([1.0, 2.0, 1.0]), bins=2).hist
        tensor([2., 1.])
    """
    x = input.detach().flatten()
    if not x.is_floating_point():
        kind = {_C.uint8: "Byte", _C.int8: "Char", _C.int16: "Short", _C.int32: "Int"}
        raise NotImplementedError(
            f"\"histogramdd\" not implemented for '{kind.get(x.dtype, 'Long')}'"
        )
    edges = _given_edges(x, bins) if isinstance(bins, _C.Tensor) else _even_edges(x, bins, range)
    count = edges.numel() - 1
    if count < 1:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {count} for dimension 0")
    weights = _C.ones_like(x) if weight is None else _checked(input, weight).flatten()
    inside = (x >= edges[0]) & (x <= edges[-1])
    index = _C.searchsorted(edges, x[inside], right=True).sub(1).clamp(max=count - 1)
    hist = _C.bincount(index, weights[inside], count).to(x.dtype)
    if density:
        hist = hist / hist.sum() / _C.diff(edges)
    return _return_types.make("histogram", "hist bin_edges", (hist, edges))


def _even_edges(x: _C.Tensor, bins: int, range: Any) -> _C.Tensor:
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if range is not None:
        if len(range) != 2:
            raise RuntimeError(
                "torch.histogramdd: for a 1-dimensional histogram range should have 2 elements, "
                f"but got {len(range)}"
            )
        low, high = map(float, range)
    else:
        low, high = (x.min().item(), x.max().item()) if x.numel() else (0.0, 1.0)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(
            f"torch.histogramdd: dimension 0's range [{low:g}, {high:g}] is not finite"
        )
    if low > high:
        raise RuntimeError(
            f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for "
            "dimension 0"
        )
    if low == high:
        low, high = low - 0.5, high + 0.5
    return _C.linspace(low, high, bins + 1, dtype=x.dtype)


def _given_edges(x: _C.Tensor, edges: _C.Tensor) -> _C.Tensor:
    if edges.dim() != 1:
        raise RuntimeError(
            f"torch.histogramdd: bins tensor should have one dimension, but got {edges.dim()} "
            "dimensions in the bins tensor for dimension 0"
        )
    if edges.numel() == 0:
        raise RuntimeError(
            "torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in "
            "the bins tensor for dimension 0"
        )
    if edges.dtype != x.dtype:
        raise RuntimeError(
            "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got "
            f"input with dtype {_c_name(x)} and bins for dimension 0 with dtype {_c_name(edges)}"
        )
    return edges.detach().clone()


def _checked(x: _C.Tensor, weight: _C.Tensor) -> _C.Tensor:
    if weight.shape != x.shape:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the "
            "input tensor excluding its innermost dimension, but got input with shape "
            f"[{x.numel()}, 1] and weight with shape {list(weight.shape)}"
        )
    if weight.dtype != x.dtype:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor "
            "should have the same dtype, but got "
            f"input({_c_name(x)}), and weight({_c_name(weight)})"
        )
    return weight.detach()


def _c_name(x: _C.Tensor) -> str:
    return {_C.float32: "float", _C.float64: "double"}.get(x.dtype, str(x.dtype))
