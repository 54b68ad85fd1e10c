"""Pooling as functions: windows of one to three dimensions, of a fixed size or a fixed number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import backlit as bl
from backlit._C import _nn

if TYPE_CHECKING:
    from backlit import Tensor

Size: TypeAlias = int | Sequence[int]
PartialSize: TypeAlias = int | Sequence[int | None]

avg_pool1d: Any = bl.avg_pool1d
avg_pool2d = _nn.avg_pool2d
avg_pool3d = _nn.avg_pool3d
adaptive_avg_pool1d: Any = bl.adaptive_avg_pool1d
max_pool1d_with_indices: Any = bl.max_pool1d_with_indices
max_pool2d_with_indices = _nn.max_pool2d_with_indices
max_pool3d_with_indices = _nn.max_pool3d_with_indices


def max_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window. (N, C, L) or (C, L).

    With `return_indices` also where it stands along L.

    >>> functional.max_pool1d(backlit.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    pool = max_pool1d_with_indices if return_indices else bl.max_pool1d
    return pool(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window. (N, C, H, W) or (C, H, W).

    With `return_indices` also its place in the plane, h * W + w.
    """
    pool = max_pool2d_with_indices if return_indices else bl.max_pool2d
    return pool(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window. (N, C, D, H, W) or (C, D, H, W).

    With `return_indices` also its place in the volume, (d * H + h) * W + w.
    """
    pool = max_pool3d_with_indices if return_indices else bl.max_pool3d
    return pool(input, kernel_size, stride, padding, dilation, ceil_mode)


def _sizes(output_size: PartialSize, input: Tensor, dims: int) -> list[int]:
    """One size per dimension; None is that of the input."""
    if isinstance(output_size, int):
        return [output_size] * dims
    if input.dim() <= len(output_size):
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    given = input.shape[-len(output_size) :] if output_size else ()
    return [n if size is None else size for size, n in zip(output_size, given, strict=True)]


def adaptive_avg_pool2d(input: Tensor, output_size: PartialSize) -> Tensor:
    """Averages of windows that make a result of `output_size`. (N, C, H, W) or (C, H, W).

    >>> functional.adaptive_avg_pool2d(backlit.arange(16.0).view(1, 4, 4), 2)
    tensor([[[ 2.5000,  4.5000],
             [10.5000, 12.5000]]])
    """
    return _nn.adaptive_avg_pool2d(input, _sizes(output_size, input, 2))


def adaptive_avg_pool3d(input: Tensor, output_size: PartialSize) -> Tensor:
    """Averages of windows that make a result of `output_size`. (N, C, D, H, W) or (C, D, H, W)."""
    return _nn.adaptive_avg_pool3d(input, _sizes(output_size, input, 3))


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Size, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d`, and where along L the elements stand."""
    return bl.adaptive_max_pool1d(input, output_size)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: PartialSize, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d`, and the places of the elements in the plane."""
    return _nn.adaptive_max_pool2d(input, _sizes(output_size, input, 2))


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: PartialSize, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d`, and the places of the elements in the volume."""
    return _nn.adaptive_max_pool3d(input, _sizes(output_size, input, 3))


def _values(found: tuple[Tensor, Tensor], return_indices: bool) -> Any:
    return found if return_indices else found[0]


def adaptive_max_pool1d(input: Tensor, output_size: Size, return_indices: bool = False) -> Any:
    """The largest elements of `output_size` windows. (N, C, L) or (C, L)."""
    return _values(adaptive_max_pool1d_with_indices(input, output_size), return_indices)


def adaptive_max_pool2d(
    input: Tensor, output_size: PartialSize, return_indices: bool = False
) -> Any:
    """The largest elements of windows that make a result of `output_size`. (N, C, H, W)."""
    return _values(adaptive_max_pool2d_with_indices(input, output_size), return_indices)


def adaptive_max_pool3d(
    input: Tensor, output_size: PartialSize, return_indices: bool = False
) -> Any:
    """The largest elements of windows that make a result of `output_size`. (N, C, D, H, W)."""
    return _values(adaptive_max_pool3d_with_indices(input, output_size), return_indices)
