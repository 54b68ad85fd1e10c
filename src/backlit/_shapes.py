"""Functions of shapes: broadcast_shapes, unravel_index."""

from __future__ import annotations

from collections.abc import Sequence

from . import _C


def broadcast_shapes(*shapes: int | Sequence[int]) -> _C.Size:
    """The shape that tensors of these shapes broadcast to.

    Example:
        >>> import backlit as torch
        >>> torch.broadcast_shapes((2, 1), 3)
        torch.Size([2, 3])
    """
    common: list[int] = []
    for number, shape in enumerate(shapes):
        sizes = (shape,) if isinstance(shape, int) else tuple(shape)
        if any(size < 0 for size in sizes):
            raise ValueError("Attempting to broadcast a dimension with negative length!")
        common = [1] * (len(sizes) - len(common)) + common
        for back, size in enumerate(reversed(sizes), start=1):
            if common[-back] == 1:
                common[-back] = size
            elif size not in (1, common[-back]):
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {size} at {-back}! Mismatching "
                    f"argument at index {number} had {sizes}; but expected shape should be "
                    f"broadcastable to {common}"
                )
    return _C.Size(common)


def unravel_index(indices: _C.Tensor, shape: int | Sequence[int]) -> tuple[_C.Tensor, ...]:
    """The coordinates of positions in a flattened tensor of that shape, one tensor per dimension.

    Example:
        >>> import backlit as torch
        >>> torch.unravel_index(torch.tensor([4, 1]), (3, 2))
        (tensor([2, 0]), tensor([0, 1]))
    """
    if indices.is_floating_point() or indices.dtype == _C.bool:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(not isinstance(size, int) for size in sizes):
        raise TypeError(f"expected 'shape' sequence to contain only ints, but got {sizes}")
    if any(size < 0 for size in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    coordinates = []
    rest = indices.to(_C.int64)
    for size in reversed(sizes):
        coordinates.append(rest % size)
        rest = rest.div(size, rounding_mode="floor")
    return tuple(reversed(coordinates))
