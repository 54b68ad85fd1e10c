"""Images at given places: `grid_sample`, and the places of an affine map.

All of it is recorded operations on whole tensors, so that it differentiates to any order.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import backlit as bl

if TYPE_CHECKING:
    from backlit import Tensor


def _warn_of_corners() -> None:
    warnings.warn(
        "Default grid_sample and affine_grid behavior has changed to align_corners=False since "
        "1.3.0. Please specify align_corners=True if the old behavior is desired. See the "
        "documentation of grid_sample for details.",
        stacklevel=3,
    )


def _check_modes(mode: str, padding_mode: str) -> None:
    name = "nn.functional.grid_sample()"
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"{name}: expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            f"{name}: expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )


def _check_sizes(input: Tensor, grid: Tensor, mode: str) -> None:
    sizes = f"input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.dim() == 0 or grid.dim() == 0 or input.size(0) != grid.size(0):
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got {sizes}"
        )
    if grid.size(-1) != input.dim() - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {input.dim() - 2} in last dimension, but "
            f"got grid with sizes {list(grid.shape)}"
        )
    if input.dim() not in (4, 5) or input.dim() != grid.dim():
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but "
            f"got {sizes}"
        )
    for dim in range(2, input.dim()):
        if input.size(dim) == 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input "
                f"has sizes {list(input.shape)} with dimension {dim} being empty"
            )
    if mode == "bicubic" and input.dim() != 4:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if not input.is_floating_point():
        kernel = "grid_sampler_2d_cpu_kernel_impl" if input.dim() == 4 else "grid_sampler3d_cpu"
        kind = str(input.dtype).rpartition(".")[2]
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{kind}'")
    if input.dtype != grid.dtype:
        raise RuntimeError(
            "grid_sampler(): expected input and grid to have the same dtype, but got "
            f"{input.dtype} and {grid.dtype}"
        )


def _inside(place: Tensor, size: int) -> Tensor:
    """The nearest place in [0, size - 1]; no gradient from outside, nor from the border."""
    low = bl.where(place > 0, place, 0.0)
    return bl.where(low < size - 1, low, float(size - 1))


def _reflected(place: Tensor, size: int, align_corners: bool) -> Tensor:
    """Mirrored at the centres of the outer elements, or at their edges, as often as it takes."""
    start, span = (0.0, size - 1.0) if align_corners else (-0.5, float(size))
    if span == 0:
        return place * 0
    distance = (place - start).abs()
    turns = (distance.detach() / span).floor()
    rest = distance - turns * span
    return bl.where(turns % 2 == 0, rest, span - rest) + start


def _padded(place: Tensor, size: int, padding_mode: str, align_corners: bool) -> Tensor:
    if padding_mode == "border":
        return _inside(place, size)
    if padding_mode == "reflection":
        return _inside(_reflected(place, size, align_corners), size)
    return place


Index = Sequence["Tensor"]


def _reader(input: Tensor) -> Callable[[Index, Tensor], Tensor]:
    """A function of whole places along each axis and of weights: weighted elements.

    0 outside. (N, C, *sizes), places and weights (N, P) -> (N, C, P).
    """
    flat, sizes = input.flatten(2), input.shape[2:]

    def read(places: Index, weight: Tensor) -> Tensor:
        inside = bl.ones_like(weight, dtype=bl.bool)
        index = bl.zeros_like(weight, dtype=bl.int64)
        for place, size in zip(places, sizes, strict=True):
            here = (place >= 0) & (place < size)  # false for nan
            index = index * size + bl.where(here, place, 0.0).long()
            inside = inside & here
        index = bl.where(inside, index, 0)
        shape = (-1, flat.size(1), -1)
        values = flat.gather(2, index.unsqueeze(1).expand(shape)) * weight.unsqueeze(1)
        return bl.where(inside.unsqueeze(1).expand(shape), values, 0.0)

    return read


def _between(input: Tensor, places: Index) -> Tensor:
    """Linear along each axis."""
    read = _reader(input)
    floors = [place.detach().floor() for place in places]
    rests = [place - floor for place, floor in zip(places, floors, strict=True)]
    total: Tensor | None = None
    for corner in itertools.product((0, 1), repeat=len(places)):
        weight: Tensor | None = None
        for side, rest in zip(corner, rests, strict=True):
            part = rest if side else 1 - rest
            weight = part if weight is None else weight * part
        assert weight is not None
        term = read([floor + side for floor, side in zip(floors, corner, strict=True)], weight)
        total = term if total is None else total + term
    assert total is not None
    return total


def _cubic_weights(t: Tensor) -> list[Tensor]:
    """Keys' cubic convolution of the four neighbours of a place t after the second."""
    a = -0.75

    def near(x: Tensor) -> Tensor:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Tensor) -> Tensor:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _cubic(input: Tensor, places: Index, padding_mode: str, align_corners: bool) -> Tensor:
    """Cubic along both axes; neighbours beyond the border are padded one by one."""
    read = _reader(input)
    floors = [place.detach().floor() for place in places]
    weights = [_cubic_weights(p - floor) for p, floor in zip(places, floors, strict=True)]
    total: Tensor | None = None
    for i, j in itertools.product(range(4), repeat=2):
        near = [
            _padded(floor + k - 1, size, padding_mode, align_corners)
            for floor, k, size in zip(floors, (i, j), input.shape[2:], strict=True)
        ]
        term = read(near, weights[0][i] * weights[1][j])
        total = term if total is None else total + term
    assert total is not None
    return total


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The image at the places of `grid`. (N, C, H, W), (N, h, w, 2) -> (N, C, h, w), or in 3-D.

    A place is (x, y) or (x, y, z), from -1 to 1 between the edges of the image, or with
    `align_corners` between the centres of its outer elements. Modes: bilinear, nearest, bicubic
    (2-D). Outside there are zeros, the border, or the reflection of the image.

    >>> image = backlit.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> functional.grid_sample(image, backlit.zeros(1, 1, 1, 2), align_corners=False)
    tensor([[[[2.5000]]]])
    """
    _check_modes(mode, padding_mode)
    if align_corners is None:
        _warn_of_corners()
        align_corners = False
    _check_sizes(input, grid, mode)
    sizes = list(input.shape[2:])
    places = []
    for size, given in zip(sizes, reversed(grid.flatten(1, -2).unbind(-1)), strict=True):
        scaled = (given + 1) / 2 * (size - 1) if align_corners else ((given + 1) * size - 1) / 2
        if mode != "bicubic":
            scaled = _padded(scaled, size, padding_mode, align_corners)
        places.append(scaled)
    if mode == "bilinear":
        found = _between(input, places)
    elif mode == "bicubic":
        found = _cubic(input, places, padding_mode, align_corners)
    else:  # the grid's gradient is 0
        nowhere = bl.zeros_like(places[0], dtype=bl.bool)
        one = bl.where(nowhere, sum(places[1:], places[0]), 0.0) + 1
        found = _reader(input)([place.detach().round() for place in places], one)
    return found.reshape(*input.shape[:2], *grid.shape[1:-1])


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Places for `grid_sample`: those of an even grid, moved by affine maps.

    (N, 2, 3) with size (N, C, H, W) -> (N, H, W, 2); (N, 3, 4) with (N, C, D, H, W) -> 3-D.

    >>> functional.affine_grid(backlit.eye(2, 3).unsqueeze(0), (1, 1, 1, 2), align_corners=False)
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])
    """
    if align_corners is None:
        _warn_of_corners()
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    dims = len(size) - 2
    if dims not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {size}."
        )
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (dims, dims + 1):
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size "
            f"{size}. Got {theta.shape}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    if align_corners and min(size[2:]) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when "
            "align_corners=True. This is not an intended use case of affine_grid. See the "
            "documentation of affine_grid for details.",
            stacklevel=2,
        )
    axes = []
    for n in size[2:]:
        places = bl.linspace(-1, 1, n, dtype=theta.dtype) if n > 1 else bl.zeros(1).to(theta.dtype)
        axes.append(places if align_corners else places * ((n - 1) / n))
    columns = [*reversed(bl.meshgrid(*axes, indexing="ij")), bl.ones(tuple(size[2:]))]
    base = bl.stack([column.to(theta.dtype) for column in columns], -1)
    grids = base.view(1, -1, dims + 1).expand(size[0], -1, -1).bmm(theta.transpose(1, 2))
    return grids.view(size[0], *size[2:], dims)
