"""The batching rules of layers, losses and attention: see `_batching`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from .. import _C
from ._batched import BatchedTensor, is_batched, values_at
from ._batching import Call, align, looped, rule

_torch = _C._operations["torch"]
_nn = _C._operations["nn"]


# --- layers over images: (N, C, *spatial), or (C, *spatial) ---


def _spatial(c: Call) -> int:
    """How many dimensions the kernel has: max_pool2d -> 2."""
    found = re.search(r"(\d)d", c.operation.name)
    return int(found[1]) if found else 2


def _folded(c: Call, names: tuple[str, ...], ranks: int) -> Any:
    """The samples' N dimensions as one; samples without one have the batch in its place."""
    if c.rank(names[0]) == ranks - 1:
        return c.again(**{name: c.values(name) for name in names})
    if c.rank(names[0]) != ranks:
        return looped(c)
    n = c[names[0]].shape[0]
    if c.size == 0 or n == 0:
        return looped(c)
    found = c.again(**{name: c.values(name).flatten(0, 1) for name in names})
    return _map(lambda t: t.unflatten(0, (c.size, n)), found)


def _map(change: Callable[[Any], Any], result: Any) -> Any:
    return tuple(map(change, result)) if isinstance(result, tuple) else change(result)


@rule(
    "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d "
    "max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices "
    "max_pool3d_with_indices adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d "
    "reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d "
    "replication_pad3d nn.unfold"
)
def _image(c: Call) -> Any:
    return _folded(c, ("input",), _spatial(c) + 2)


@rule(
    "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d "
    "_upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d "
    "upsample_trilinear3d upsample_bicubic2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa"
)
def _upsampled(c: Call) -> Any:
    return _folded(c, ("input",), _spatial(c) + 2) if c.rank() == _spatial(c) + 2 else looped(c)


@rule("nn.fold")
def _columns(c: Call) -> Any:
    return _folded(c, ("input",), 3)


@rule("_max_unpool2d _max_unpool3d")
def _unpooled(c: Call) -> Any:
    return _folded(c, ("input", "indices"), _spatial(c) + 2)


@rule("channel_shuffle")
def _shuffled(c: Call) -> Any:
    return _folded(c, ("input",), c.rank()) if c.rank() > 2 else looped(c)


@rule("pad")
def _pad(c: Call) -> Any:
    return c.again(input=c.value()) if c["mode"] == "constant" else looped(c)


@rule("conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d")
def _convolution(c: Call) -> Any:
    if not c.has_batch("weight", "bias"):
        return _folded(c, ("input",), _spatial(c) + 2)
    x, w, b = (c.values(name) for name in ("input", "weight", "bias"))
    plain = c.rank() == _spatial(c) + 2 and c.rank("weight") == c.rank()
    if not plain or 0 in (c.size, c["input"].shape[0]):
        return looped(c)
    # each sample's channels are groups of their own
    x = x.transpose(0, 1).flatten(1, 2)  # (N, B C, *spatial)
    groups = c["groups"] * c.size
    y = c.again(
        input=x, weight=w.flatten(0, 1), bias=None if b is None else b.flatten(), groups=groups
    )
    return y.unflatten(1, (c.size, y.shape[1] // c.size)).transpose(0, 1)


@rule("batch_norm")
def _batch_norm(c: Call) -> Any:
    statistics, size = ("running_mean", "running_var"), c.size
    if c["training"] and not c.has_batch(*statistics) and c["running_mean"] is not None:
        raise RuntimeError(
            "Batch norm got a batched tensor as input while the running_mean or running_var, which "
            "will be updated in place, were not batched. Use track_running_stats=False, "
            "eval(), or another normalisation."
        )
    if c.rank() < 2 or c.has_batch(*statistics) or size == 0:
        return looped(c)
    x = c.values().transpose(0, 1).flatten(1, 2)  # (N, B C, *spatial)

    def channels(name: str) -> Any:
        t = c[name]
        if t is None:
            return None
        return values_at(t, c.level).flatten()

    names = ("weight", "bias", *statistics)
    y = c.again(input=x, **{name: channels(name) for name in names})
    return y.unflatten(1, (size, y.shape[1] // size)).transpose(0, 1)


@rule("layer_norm")
def _layer_norm(c: Call) -> Any:
    if not c.has_batch("weight", "bias"):
        return c.again(input=c.value())
    y = c.again(input=c.values(), weight=None, bias=None)
    for name, apply in (("weight", "mul"), ("bias", "add")):
        t = c[name]
        if t is None:
            continue
        if is_batched(t, c.level):
            gap = c.rank() - t.dim()
            t = t._value.reshape(c.size, *(1,) * gap, *t.shape)
        y = getattr(y, apply)(t)
    return y


# --- losses ---


@rule(
    "mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy "
    "binary_cross_entropy_with_logits"
)
def _loss(c: Call) -> Any:
    """Element by element; then each sample's mean or sum."""
    tensors = c.tensors()
    if c["input"].shape != c["target"].shape:
        return looped(c)
    c.slots.update({n: BatchedTensor(c.values(n), c.level) for n in ("input", "target")})
    values = dict(zip(tensors, align(map(c.slots.get, tensors), c.level), strict=True))
    losses = c.again(**values, reduction="none")
    if c["reduction"] == "none":
        return losses
    return getattr(losses.reshape(c.size, math.prod(losses.shape[1:])), c["reduction"])(1)


@rule("cross_entropy nll_loss")
def _classes(c: Call) -> Any:
    """Of whole numbers, and without weights: all samples are one batch."""
    x, target = c["input"], c["target"]
    plain = target.dim() == x.dim() - 1 and not target.is_floating_point()
    if c["weight"] is not None or not plain or c.size == 0 or 0 in x.shape:
        return looped(c)
    single = x.dim() == 1
    inputs = c.values() if single else c.values().flatten(0, 1)
    targets = c.values("target")
    losses = c.again(
        input=inputs, target=targets if single else targets.flatten(0, 1), reduction="none"
    ).reshape(targets.shape)
    if c["reduction"] == "none":
        return losses
    rows = losses.reshape(c.size, -1)
    if c["reduction"] == "sum":
        return rows.sum(1)
    counted = targets.reshape(c.size, -1) != c["ignore_index"]
    return rows.sum(1) / counted.sum(1)


# --- attention ---


@rule("scaled_dot_product_attention")
def _attention(c: Call) -> Any:
    if c["is_causal"] or c["attn_mask"] is None:
        q, k, v = align((c["query"], c["key"], c["value"]), c.level)
        return c.again(query=q, key=k, value=v)
    return looped(c)
