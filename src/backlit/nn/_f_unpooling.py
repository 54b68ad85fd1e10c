"""Pooling's relatives: its inverse, windows at random, power means, and sums over channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit import _C

from ._f_pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)

if TYPE_CHECKING:
    from backlit import Tensor

    from ._f_pooling import Size


def _as_list(value: Size, dims: int) -> list[int]:
    return [value] * dims if isinstance(value, int) else list(value)


def _unpooled_size(
    input: Tensor, dims: int, kernel: Size, stride: Size | None, padding: Size, output_size: Any
) -> list[int]:
    """The size that was pooled; several sizes give the same result, `output_size` chooses."""
    kernels = _as_list(kernel, dims)
    strides = kernels if stride is None else _as_list(stride, dims)
    if dims > 1 and input.dim() not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Input to max_unpooling{dims}d should be a {dims + 1}d or {dims + 2}d Tensor, but got "
            f"a tensor with {input.dim()} dimensions."
        )
    if dims == 3 and min(strides) <= 0:
        raise RuntimeError(f"strides should be greater than zero, but got stride: {strides}")
    axes = zip(input.shape[-dims:], kernels, strides, _as_list(padding, dims), strict=True)
    default = [(n - 1) * step + k - 2 * pad for n, k, step, pad in axes]
    if output_size is None:
        return default
    sizes = list(output_size)
    if len(sizes) == dims + 2:
        sizes = sizes[2:]
    if len(sizes) != dims:
        raise ValueError(
            f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it "
            f"has a length of '{len(sizes)}'"
        )
    for d, (size, usual, step) in enumerate(zip(sizes, default, strides, strict=True)):
        if not usual - step < size < usual + step:
            raise ValueError(
                f'invalid output_size "{output_size}" (dim {d} must be between {usual - step} and '
                f"{usual + step})"
            )
    return sizes


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Tensor:
    """Zeros, with the elements where `max_pool1d` found them. (N, C, L) or (C, L).

    >>> x = backlit.tensor([[1.0, 3.0, 2.0, 0.0]])
    >>> functional.max_unpool1d(*functional.max_pool1d(x, 2, return_indices=True), 2)
    tensor([[0., 3., 2., 0.]])
    """
    size = _unpooled_size(input, 1, kernel_size, stride, padding, output_size)
    return _C._max_unpool2d(input.unsqueeze(-1), indices.unsqueeze(-1), [*size, 1]).squeeze(-1)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Tensor:
    """Zeros, with the elements where `max_pool2d` found them. (N, C, H, W) or (C, H, W)."""
    size = _unpooled_size(input, 2, kernel_size, stride, padding, output_size)
    return _C._max_unpool2d(input, indices, size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Tensor:
    """Zeros, with the elements where `max_pool3d` found them. (N, C, D, H, W) or (C, D, H, W)."""
    size = _unpooled_size(input, 3, kernel_size, stride, padding, output_size)
    return _C._max_unpool3d(input, indices, size)


def _fractional(
    name: str,
    input: Tensor,
    dims: int,
    kernel_size: Size,
    output_size: Any,
    output_ratio: Any,
    samples: Tensor | None,
) -> tuple[Tensor, Tensor]:
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, Sequence) else [output_ratio] * dims
        pairs = zip(input.shape[-dims:], ratios, strict=True)
        output_size = [int(n * ratio) for n, ratio in pairs]
    if samples is None:
        count = 1 if input.dim() == dims + 1 else input.size(0)
        samples = bl.rand(count, input.size(-dims - 1), dims, dtype=input.dtype)
    pool = _C._fractional_max_pool2d if dims == 2 else _C._fractional_max_pool3d
    return pool(input, _as_list(kernel_size, dims), _as_list(output_size, dims), samples)


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Size,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool2d`, and the places of the elements in the plane."""
    return _fractional(
        "fractional_max_pool2d",
        input,
        2,
        kernel_size,
        output_size,
        output_ratio,
        _random_samples,
    )


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Size,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool3d`, and the places of the elements in the volume."""
    return _fractional(
        "fractional_max_pool3d",
        input,
        3,
        kernel_size,
        output_size,
        output_ratio,
        _random_samples,
    )


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Size,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The largest elements of windows at random steps. (N, C, H, W) or (C, H, W).

    A ratio such as 0.7 in place of a size: Graham 2014, "Fractional Max-Pooling".
    """
    found = fractional_max_pool2d_with_indices(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )
    return found if return_indices else found[0]


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Size,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The largest elements of windows at random steps. (N, C, D, H, W) or (C, D, H, W)."""
    found = fractional_max_pool3d_with_indices(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )
    return found if return_indices else found[0]


def _lp_pool(
    max_pool: Any,
    avg_pool: Any,
    input: Tensor,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None,
    ceil_mode: bool,
    count: int,
) -> Tensor:
    if norm_type == math.inf:
        return max_pool(input, kernel_size, stride, 0, 1, ceil_mode)
    mean = avg_pool(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return (mean.sign() * mean.abs().relu()).mul(count).pow(1.0 / norm_type)


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: int,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(Σ xᵖ)^(1/p) over each window. (N, C, L) or (C, L)."""
    return _lp_pool(
        max_pool1d, avg_pool1d, input, norm_type, kernel_size, stride, ceil_mode, kernel_size
    )


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(Σ xᵖ)^(1/p) over each window. (N, C, H, W) or (C, H, W).

    >>> functional.lp_pool2d(backlit.ones(1, 2, 2), 2, 2)
    tensor([[[2.]]])
    """
    height, width = _as_list(kernel_size, 2)
    return _lp_pool(
        max_pool2d, avg_pool2d, input, norm_type, kernel_size, stride, ceil_mode, height * width
    )


def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(Σ xᵖ)^(1/p) over each window. (N, C, D, H, W) or (C, D, H, W)."""
    depth, height, width = _as_list(kernel_size, 3)
    count = depth * height * width
    return _lp_pool(max_pool3d, avg_pool3d, input, norm_type, kernel_size, stride, ceil_mode, count)


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + alpha · mean of x² over `size` neighbouring channels)^beta. (N, C, *)."""
    if input.dim() < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality input (got {input.dim()} dimensions)"
        )
    if input.numel() == 0:
        return input
    squares = input.square().reshape(input.size(0), 1, input.size(1), -1)
    around = _C._nn.pad(squares, (0, 0, size // 2, (size - 1) // 2))
    means = avg_pool2d(around, (size, 1), stride=1).view(input.shape)
    return input / (means * alpha + k).pow(beta)
