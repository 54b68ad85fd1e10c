"""Functions of `nn.functional` that pick rows of a matrix by index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import backlit as bl
from backlit._C import _embedding_bag, _nn

if TYPE_CHECKING:
    from backlit import Tensor

_embedding = _nn.embedding


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of `weight` by index; the row `padding_idx` gets no gradient."""
    _refuse_sparse("embedding", sparse)
    if padding_idx is not None:
        rows = weight.size(0)
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= rows
    if max_norm is not None:
        _limit_norms(weight, input, max_norm, norm_type)
    if scale_grad_by_freq:
        return _embedding(input, weight, padding_idx, scale_grad_by_freq)
    return (
        _embedding(input, weight) if padding_idx is None else _embedding(input, weight, padding_idx)
    )


def _refuse_sparse(name: str, sparse: bool) -> None:
    if sparse:
        raise NotImplementedError(
            f"{name}: sparse gradients are not implemented. Got sparse=True. Try leaving it out."
        )


def _limit_norms(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    """Shorten the rows of `weight` that `input` names to max_norm, in place."""
    with bl.no_grad():
        used = input.reshape(-1).unique()
        picked = weight[used]
        length = picked.norm(norm_type, 1, True)
        scale = bl.where(length > max_norm, max_norm / (length + 1e-7), bl.ones_like(length))
        weight[used] = picked * scale


_BAG_MODES = {"sum": 0, "mean": 1, "max": 2}


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sums, means or maxima of rows of `weight`, bag by bag, without a tensor of the rows.

    input (B, N) are B bags of N indices; input (N) is cut into bags at `offsets` (B), whose last
    entry is the end with include_last_offset. Gives (B, width), 0 for a bag without indices.
    `per_sample_weights`, in the shape of input, multiply the rows of a sum. Indices `padding_idx`
    do not count. Raises ValueError for other shapes, RuntimeError for indices out of range.

        >>> w = backlit.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        >>> embedding_bag(backlit.tensor([[0, 2], [1, 1]]), w, mode="sum")
        tensor([[6., 8.],
                [6., 8.]])
    """
    _check_bags(input, weight, offsets, mode, scale_grad_by_freq, sparse, per_sample_weights)
    if input.dim() == 2:
        if input.numel():
            offsets = bl.arange(0, input.numel(), input.size(1))
        else:
            offsets = bl.zeros(input.size(0), dtype=bl.int64)
        include_last_offset, input = False, input.reshape(-1)
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights.reshape(-1)
    if max_norm is not None:
        _limit_norms(weight, input, max_norm, norm_type)
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            f"for mode='sum' (got mode='{mode}')."
        )
    return _embedding_bag(
        weight,
        input,
        offsets,  # type: ignore[arg-type]  # without offsets the input has two dimensions
        scale_grad_by_freq,
        _BAG_MODES[mode],
        per_sample_weights,
        include_last_offset,
        padding_idx,
    )


def _check_bags(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None,
    mode: str,
    scale_grad_by_freq: bool,
    sparse: bool,
    per_sample_weights: Tensor | None,
) -> None:
    if per_sample_weights is not None and input.shape != per_sample_weights.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then "
            f"it must have the same shape as the input ({input.shape})"
        )
    if weight.dim() != 2:
        raise ValueError(
            f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}"
        )
    if input.dim() not in (1, 2):
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}"
        )
    if input.dim() == 2 and offsets is not None:
        raise ValueError(
            "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of "
            f"fixed length sequences. However, found offsets of type {type(offsets)}"
        )
    if input.dim() == 1 and offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets is not None and offsets.dim() != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    if mode not in _BAG_MODES:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    _refuse_sparse("embedding_bag", sparse)
