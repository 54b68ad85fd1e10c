"""Batch normalisation with fixed statistics as part of the layer before it."""

from __future__ import annotations

import copy
from typing import Any

import backlit as bl
from backlit import Tensor

from ..parameter import Parameter


def _scale_and_shift(
    bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None, bn_b: Tensor | None
) -> tuple[Tensor, Tensor]:
    """(s, t) with batch_norm(x) = s x + t per channel."""
    scale = (bn_rv + bn_eps).rsqrt() * (bl.ones_like(bn_rm) if bn_w is None else bn_w)
    return scale, (0 if bn_b is None else bn_b) - bn_rm * scale


def _fused(
    weight: Parameter, bias: Parameter | None, scale: Tensor, shift: Tensor, dim: int
) -> tuple[Parameter, Parameter]:
    sizes = [1] * weight.dim()
    sizes[dim] = -1
    new_bias = shift if bias is None else bias * scale + shift
    trained = weight.requires_grad if bias is None else bias.requires_grad
    return (
        Parameter((weight * scale.reshape(sizes)).to(weight.dtype), weight.requires_grad),
        Parameter(new_bias.to(weight.dtype), trained),
    )


def fuse_conv_bn_weights(
    conv_w: Parameter,
    conv_b: Parameter | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a convolution that does what it and the normalisation did."""
    scale, shift = _scale_and_shift(bn_rm, bn_rv, bn_eps, bn_w, bn_b)
    return _fused(conv_w, conv_b, scale, shift, 1 if transpose else 0)


def fuse_linear_bn_weights(
    linear_w: Parameter,
    linear_b: Parameter | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a linear layer that does what it and the normalisation did."""
    return _fused(linear_w, linear_b, *_scale_and_shift(bn_rm, bn_rv, bn_eps, bn_w, bn_b), 0)


def _check_evaluation(layer: Any, bn: Any) -> None:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A copy of `conv` that does what `bn(conv(x))` does; both in evaluation mode.

    Raises AssertionError in training, and without running statistics.
    """
    _check_evaluation(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight,
        fused.bias,
        bn.running_mean,
        bn.running_var,
        bn.eps,
        bn.weight,
        bn.bias,
        transpose,
    )
    return fused


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A copy of `linear` that does what `bn(linear(x))` does; both in evaluation mode.

    Raises AssertionError in training, and where the numbers of features differ.
    """
    _check_evaluation(linear, bn)
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1"
        )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused
