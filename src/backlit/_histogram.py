"""Counts of elements per bin: histogram, and of points per box: histogramdd."""

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
    if range is not None and len(range) != 2:
        raise _wrong_range(1, len(range))
    points = input.detach().reshape(-1, 1)
    weights = None if weight is None else _checked(input, weight, [input.numel(), 1])
    hist, (edges,) = _counted(points, [bins], range, weights, density)
    return _return_types.make("histogram", "hist bin_edges", (hist, edges))


def histogramdd(
    input: _C.Tensor,
    bins: Any,
    *,
    range: Any = None,
    weight: _C.Tensor | None = None,
    density: bool = False,
) -> Any:
    """How many points, the rows of `input`, or what weight, each box holds, and the boxes' edges.

    (*, N) -> (bins of dimension 0, ..., of N - 1). `bins` is a number of them, or a list with a
    number or the rising edges for each dimension; `range` has the ends of each dimension in turn.

    Example:
        >>> import backlit as torch
        >>> torch.histogramdd(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), 2).hist
        tensor([[0., 1.],
                [1., 0.]])
    """
    if input.dim() < 2:
        raise RuntimeError(
            "torch.histogramdd: input tensor should have at least 2 dimensions, but got "
            f"{input.dim()}"
        )
    dims = input.shape[-1]
    listed = [bins] * dims if isinstance(bins, int) else list(bins)
    if len(listed) != dims:
        raise RuntimeError(
            "histogramdd: The size of bins must be equal to the innermost dimension of the input."
        )
    if range is not None and len(range) != 2 * dims:
        raise _wrong_range(dims, len(range))
    weights = None if weight is None else _checked(input[..., 0], weight, list(input.shape))
    found = _counted(input.detach().reshape(-1, dims), listed, range, weights, density)
    return _return_types.make("histogramdd", "hist bin_edges", found)


def _wrong_range(dims: int, given: int) -> RuntimeError:
    return RuntimeError(
        f"torch.histogramdd: for a {dims}-dimensional histogram range should have {2 * dims} "
        f"elements, but got {given}"
    )


def _counted(
    points: _C.Tensor, bins: list[Any], ends: Any, weight: _C.Tensor | None, density: bool
) -> tuple[_C.Tensor, tuple[_C.Tensor, ...]]:
    """The histogram of points (M, N), and the edges of each of the N dimensions."""
    if not points.is_floating_point():
        kind = {_C.uint8: "Byte", _C.int8: "Char", _C.int16: "Short", _C.int32: "Int"}
        raise NotImplementedError(
            f"\"histogramdd\" not implemented for '{kind.get(points.dtype, 'Long')}'"
        )
    count, flat = 1, _C.zeros(points.shape[0], dtype=_C.int64)
    inside = _C.ones(points.shape[0], dtype=_C.bool)
    edges = []
    for d, wanted in enumerate(bins):
        x = points[:, d].contiguous()
        own = None if ends is None else ends[2 * d : 2 * d + 2]
        edge = (_given_edges if isinstance(wanted, _C.Tensor) else _even_edges)(x, wanted, own, d)
        size = edge.numel() - 1
        if size < 1:
            raise _too_few(size, d)
        index = _C.searchsorted(edge, x, right=True).sub(1).clamp(max=size - 1)
        inside &= (x >= edge[0]) & (x <= edge[-1])
        flat, count = flat * size + index, count * size
        edges.append(edge)
    weights = _C.ones_like(points[:, 0]) if weight is None else weight.flatten()
    hist = _C.bincount(flat[inside], weights[inside], count).to(points.dtype)
    hist = hist.view([edge.numel() - 1 for edge in edges])
    if density:
        hist = hist / hist.sum()
        for d, edge in enumerate(edges):
            hist = hist / _C.diff(edge).view([-1] + [1] * (len(edges) - d - 1))
    return hist, tuple(edges)


def _too_few(bins: int, dim: int) -> RuntimeError:
    return RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension {dim}")


def _even_edges(x: _C.Tensor, bins: int, ends: Any, dim: int) -> _C.Tensor:
    if bins <= 0:
        raise _too_few(bins, dim)
    if ends is not None:
        low, high = map(float, ends)
    else:
        low, high = (x.min().item(), x.max().item()) if x.numel() else (0.0, 1.0)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(
            f"torch.histogramdd: dimension {dim}'s range [{low:g}, {high:g}] is not finite"
        )
    if low > high:
        raise RuntimeError(
            f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for "
            f"dimension {dim}"
        )
    if low == high:
        low, high = low - 0.5, high + 0.5
    return _C.linspace(low, high, bins + 1, dtype=x.dtype)


def _given_edges(x: _C.Tensor, edges: _C.Tensor, ends: Any, dim: int) -> _C.Tensor:
    if edges.dim() != 1:
        raise RuntimeError(
            f"torch.histogramdd: bins tensor should have one dimension, but got {edges.dim()} "
            f"dimensions in the bins tensor for dimension {dim}"
        )
    if edges.numel() == 0:
        raise RuntimeError(
            "torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in "
            f"the bins tensor for dimension {dim}"
        )
    if edges.dtype != x.dtype:
        raise RuntimeError(
            "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got "
            f"input with dtype {_c_name(x)} and bins for dimension {dim} with dtype "
            f"{_c_name(edges)}"
        )
    return edges.detach().clone()


def _checked(x: _C.Tensor, weight: _C.Tensor, shape: list[int]) -> _C.Tensor:
    """The weights of the points x, of which the input has the given shape."""
    if weight.shape != x.shape:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the "
            "input tensor excluding its innermost dimension, but got input with shape "
            f"{shape} and weight with shape {list(weight.shape)}"
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
