"""The weights of weight and spectral normalisation, as functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import backlit as bl

from .. import functional as F

if TYPE_CHECKING:
    from backlit import Tensor


def norm_except_dim(v: Tensor, dim: int | None) -> Tensor:
    """The norms of the slices v[..., i, ...] along `dim`, kept; of all of v where dim is None."""
    if dim is None or dim == -1:
        return v.norm()
    rest = [d for d in range(v.dim()) if d != dim % v.dim()]
    return v.norm(2, rest, keepdim=True) if rest else v.abs()


def weight_from(g: Tensor, v: Tensor, dim: int | None) -> Tensor:
    """g v / ‖v‖."""
    return v * (g / norm_except_dim(v, dim))


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """`dim` first, the others as one: (size of dim, rest)."""
    if dim != 0:
        weight = weight.permute(dim, *(d for d in range(weight.dim()) if d != dim))
    return weight.reshape(weight.size(0), -1)


def unit(x: Tensor, eps: float) -> Tensor:
    return F.normalize(x, dim=0, eps=eps)


def largest_singular_value(matrix: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """uᵀ W v for singular vectors that the gradient takes as constants."""
    return bl.dot(u, bl.mv(matrix, v))
