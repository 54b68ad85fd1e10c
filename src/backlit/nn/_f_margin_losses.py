"""Losses that ask for a distance between what is right and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit._limits import scalar_name

from ._f_activations import logsigmoid
from ._f_losses import _reduce, check_reduction, legacy_reduction, pairwise_distance

if TYPE_CHECKING:
    from collections.abc import Callable

    from backlit import Tensor


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where t = 1, max(0, margin - x) where t = -1."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    far = (bl.full_like(input, margin, requires_grad=False) - input).clamp(min=0)
    far = far.masked_fill(target == 1, 0)
    near = bl.where(target == -1, bl.zeros_like(input), input)
    return _reduce(far + near, reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, -t (x1 - x2) + margin)."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return _reduce((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos where t = 1, max(0, cos - margin) where t = -1."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    if target.dim() > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if not input1.dim() == input2.dim() == target.dim() + 1:
        raise RuntimeError(
            f"{target.dim()}D target tensor expects {target.dim() + 1}D input tensors, but found "
            f"inputs with sizes {list(input1.shape)} and {list(input2.shape)}."
        )
    tiny = 1e-12  # keeps zero vectors finite
    squares = ((input1 * input1).sum(-1) + tiny) * ((input2 * input2).sum(-1) + tiny)
    cosine = (input1 * input2).sum(-1) / squares.sqrt()
    zero = bl.zeros_like(cosine)
    alike = bl.where(target == 1, 1 - cosine, zero)
    unlike = bl.where(target == -1, (cosine - margin).clamp(min=0), zero)
    return _reduce(alike + unlike, reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-t x))."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    loss = (-input * target).exp().log1p()
    if not input.is_floating_point() and loss.is_floating_point():
        raise RuntimeError(
            f"result type {scalar_name(loss)} can't be cast to the desired output type "
            f"{scalar_name(input)}. Try an input of {loss.dtype}."
        )
    if loss.shape != input.shape:
        raise RuntimeError(
            f"output with shape {list(input.shape)} doesn't match the broadcast shape "
            f"{list(loss.shape)}. Try a target of the input's shape."
        )
    return _reduce(loss.to(input.dtype), reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum over the other classes i of max(0, margin - x[t] + x[i])^p / classes."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    single = input.dim() < 2
    rows = input.reshape(1, -1) if single else input  # (N, C)
    _check_rows(input)
    count, classes = rows.shape
    if target.dim() > 1 or target.numel() != count or (not single and target.dim() == 0):
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input "
            f"samples (batch size). Expected target size [{count}], but got {list(target.shape)}. "
            f"Input has shape {list(input.shape)}."
        )
    if weight is not None and weight.numel() != classes:
        raise RuntimeError(
            f"inconsistent weight size, expected {classes} but got {list(weight.shape)}"
        )
    _check_floating("multi_margin_loss_cpu_kernel", input)
    _check_labels(target)
    if bl.any((target < 0) | (target >= classes)):
        raise RuntimeError("target out of range")
    index = target.reshape(-1, 1)  # (N, 1)
    gap = (margin - rows.gather(1, index) + rows).clamp(min=0)
    if p == 2:
        gap = gap * gap
    if weight is not None:
        gap = gap * weight[index]
    keep = bl.ones_like(rows, requires_grad=False).scatter_(1, index, 0.0)
    loss = (gap * keep).sum(1) / rows.size(1)
    if single and target.dim() == 0:
        loss = loss.reshape([])
    return _reduce(loss, reduction)


def _check_rows(input: Tensor) -> None:
    if input.dim() > 2 or 0 in input.shape[-1:]:
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(input.shape)}"
        )


def _check_labels(target: Tensor) -> None:
    if target.dtype != bl.int64:
        raise RuntimeError(
            f"expected scalar type Long but found {scalar_name(target)}. Try target.long()."
        )


def _check_floating(kernel: str, input: Tensor) -> None:
    if not input.is_floating_point():
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_name(input)}'")


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum over labels j and other classes i of max(0, 1 - (x[j] - x[i])) / classes.

    A row of `target` lists labels up to the first -1.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(reduction)
    rows = input.reshape(1, -1) if input.dim() < 2 else input  # (N, C)
    _check_rows(input)
    scalar = input.dim() == 0 and target.numel() == 1
    if target.shape != input.shape and not scalar:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    _check_floating("multilabel_margin_loss_forward_out_frame", input)
    _check_labels(target)
    if bl.any((target < -1) | (target >= rows.size(1))):
        raise RuntimeError("argument #2 'target' is out of range")
    listed = target.reshape(rows.shape)
    valid = (listed < 0).to(bl.int64).cumsum(1) == 0  # (N, C), up to the first -1
    safe = listed.clamp(min=0)
    marks = bl.zeros_like(rows, requires_grad=False)
    is_label = marks.scatter_add(1, safe, valid.to(rows.dtype)) > 0
    gap = (1 - rows.gather(1, safe).unsqueeze(2) + rows.unsqueeze(1)).clamp(min=0)  # (N, j, i)
    used = valid.unsqueeze(2) & ~is_label.unsqueeze(1)
    loss = gap.masked_fill(~used, 0).sum((1, 2)) / rows.size(1)
    if input.dim() < 2:
        loss = loss.reshape([])
    return _reduce(loss, reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(t log sigmoid(x) + (1 - t) log sigmoid(-x)), the mean over classes."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    classes = input.dim() - 1
    return _reduce(loss.sum(classes) / input.size(classes), reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + d(anchor, positive) - d(anchor, negative)) with the p-norm as d."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    _check_margin(margin)
    _check_dimensions(anchor, positive, negative)
    return _triplet(
        anchor,
        positive,
        negative,
        lambda a, b: pairwise_distance(a, b, p, eps),
        margin,
        swap,
        reduction,
    )


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of your own."""
    check_reduction(reduction)
    _check_margin(margin)
    _check_dimensions(anchor, positive, negative)
    distance = pairwise_distance if distance_function is None else distance_function
    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


def _check_dimensions(anchor: Tensor, positive: Tensor, negative: Tensor) -> None:
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {anchor.dim()}D, positive {positive.dim()}D, and "
            f"negative {negative.dim()}D inputs"
        )


def _check_margin(margin: float) -> None:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")


def _triplet(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Any,
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = bl.minimum(far, distance(positive, negative))
    return _reduce((margin + near - far).clamp(min=0), reduction)
