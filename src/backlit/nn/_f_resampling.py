"""Images of another size: interpolation and what goes by another name for it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit._C import _nn

from ._f_pooling import adaptive_avg_pool2d, adaptive_avg_pool3d

if TYPE_CHECKING:
    from backlit import Tensor

pixel_shuffle: Any = bl.pixel_shuffle
pixel_unshuffle: Any = bl.pixel_unshuffle
channel_shuffle: Any = bl.channel_shuffle
native_channel_shuffle: Any = bl.native_channel_shuffle

_DIMS = {"linear": 3, "bilinear": 4, "trilinear": 5}
# (mode, dimensions of the input) -> its function; those of `_PLAIN` take no align_corners.
_PLAIN: dict[Any, Any] = {
    ("nearest", 3): _nn.upsample_nearest1d,
    ("nearest", 4): _nn.upsample_nearest2d,
    ("nearest", 5): _nn.upsample_nearest3d,
    ("nearest-exact", 3): _nn._upsample_nearest_exact1d,
    ("nearest-exact", 4): _nn._upsample_nearest_exact2d,
    ("nearest-exact", 5): _nn._upsample_nearest_exact3d,
}
_WEIGHTED: dict[Any, Any] = {
    ("linear", 3): _nn.upsample_linear1d,
    ("bilinear", 4): _nn.upsample_bilinear2d,
    ("trilinear", 5): _nn.upsample_trilinear3d,
    ("bicubic", 4): _nn.upsample_bicubic2d,
}
_SMOOTH: dict[Any, Any] = {
    ("bilinear", 4): _nn._upsample_bilinear2d_aa,
    ("bicubic", 4): _nn._upsample_bicubic2d_aa,
}


def _per_dimension(what: str, letter: str, value: Any, input: Tensor) -> list[Any]:
    dims = input.dim() - 2
    if not isinstance(value, (list, tuple)):
        return [value] * dims
    if len(value) != dims:
        shown = f"{what} of {value}" if what == "output size" else f"{what} of shape {value}"
        name = "output" if what == "output size" else what
        raise ValueError(
            f"Input and {name} must have the same number of spatial dimensions, but got input with "
            f"spatial dimensions of {list(input.shape[2:])} and {shown}. Please provide input "
            f"tensor in (N, C, d1, d2, ...,dK) format and {what} in "
            f"({letter}1, {letter}2, ...,{letter}K) format."
        )
    return list(value)


def _target(
    input: Tensor, size: Any, scale_factor: Any, recompute: bool | None, mode: str
) -> tuple[list[int], list[float | None]]:
    """The sizes of the result, and the factors by which places are found (None: by the sizes)."""
    none: list[float | None] = [None] * (input.dim() - 2)
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        sizes = _per_dimension("output size", "o", size, input)
        if isinstance(size, (list, tuple)) and not all(isinstance(n, int) for n in size):
            raise TypeError(
                "expected size to be one of int or Tuple[int] or Tuple[int, int] or "
                f"Tuple[int, int, int], but got size with types {[type(n) for n in size]}"
            )
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return sizes, none
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    factors = _per_dimension("scale_factor", "s", scale_factor, input)
    pairs = zip(input.shape[2:], factors, strict=True)
    sizes = [math.floor(n * factor) if recompute else int(n * factor) for n, factor in pairs]
    return sizes, none if recompute or mode == "area" else [float(f) for f in factors]


def _refuse(input: Tensor, mode: str) -> NotImplementedError:
    dims = input.dim()
    if dims in (3, 4, 5) and mode in _DIMS:
        return NotImplementedError(f"Got {dims}D input, but {mode} mode needs {_DIMS[mode]}D input")
    return NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {dims}D) for the modes: "
        "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact "
        f"(got {mode})"
    )


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """The input in another size, given by `size` or by `scale_factor`. (N, C, *).

    Modes: nearest, nearest-exact, area (the mean of what an output covers); linear (N, C, L),
    bilinear and bicubic (N, C, H, W), trilinear (N, C, D, H, W). With `align_corners` the centres
    of the corner elements meet, else the outer edges. `antialias` widens the kernel of bilinear and
    bicubic where the image becomes smaller.

    >>> functional.interpolate(backlit.tensor([[[1.0, 3.0]]]), scale_factor=2, mode="linear")
    tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    """
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: "
            "linear | bilinear | bicubic | trilinear"
        )
    sizes, factors = _target(input, size, scale_factor, recompute_scale_factor, mode)
    key = mode, input.dim()
    if antialias and key not in _SMOOTH and key != ("lanczos", 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and "
            "requires a 4-D tensor as input"
        )
    if mode == "lanczos":
        raise NotImplementedError("interpolate: mode 'lanczos' is not implemented in backlit.")
    if antialias:
        return _SMOOTH[key](input, sizes, bool(align_corners), *factors)
    if key in _PLAIN:
        return _PLAIN[key](input, sizes, *factors)
    if key in _WEIGHTED:
        return _WEIGHTED[key](input, sizes, bool(align_corners), *factors)
    if mode == "area" and input.dim() == 3:
        return bl.adaptive_avg_pool1d(input, sizes)
    if mode == "area" and input.dim() == 4:
        return adaptive_avg_pool2d(input, sizes)
    if mode == "area" and input.dim() == 5:
        return adaptive_avg_pool3d(input, sizes)
    raise _refuse(input, mode)


def _deprecated(name: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.",
        stacklevel=3,
    )


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """`interpolate` by its former name."""
    _deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode "nearest", by its former name."""
    _deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode "bilinear" and aligned corners, by its former name."""
    _deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
