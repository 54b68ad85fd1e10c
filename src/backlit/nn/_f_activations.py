"""Activations as functions. The elementwise formulas are C++ operations; here are the rest."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit._C import _nn
from backlit._limits import scalar_name

if TYPE_CHECKING:
    from backlit import Tensor

gelu = _nn.gelu
softplus = _nn.softplus
softsign = _nn.softsign
logsigmoid = _nn.logsigmoid
hardshrink = _nn.hardshrink
softshrink = _nn.softshrink
prelu = _nn.prelu

_relu, _silu, _mish = _nn.relu, _nn.silu, _nn.mish
_leaky_relu, _elu, _hardtanh = _nn.leaky_relu, _nn.elu, _nn.hardtanh
_hardswish, _hardsigmoid, _threshold = _nn.hardswish, _nn.hardsigmoid, _nn.threshold

# Klambauer et al. 2017: the fixed point of mean 0 and variance 1.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def _write(input: Tensor, fn: Any, *args: Any) -> Tensor:
    """`input` overwritten with `fn(input, *args)`; what backward needs of it is kept."""
    source = input.clone() if input.requires_grad else input
    return input.copy_(fn(source, *args))


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, x)."""
    return _write(input, _relu) if inplace else _relu(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x for x > 0, negative_slope * x otherwise."""
    if inplace:
        return _write(input, _leaky_relu, negative_slope)
    return _leaky_relu(input, negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x for x > 0, alpha * (exp(x) - 1) otherwise."""
    return _write(input, _elu, alpha) if inplace else _elu(input, alpha)


def _celu(input: Tensor, alpha: float) -> Tensor:
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    if not (input.is_floating_point() or input.is_complex()):
        raise NotImplementedError(f"\"elu_cpu\" not implemented for '{scalar_name(input)}'")
    return bl.where(input > 0, input, alpha * bl.expm1(input.clamp(max=0) / alpha))


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1))."""
    return _write(input, _celu, alpha) if inplace else _celu(input, alpha)


def _selu(input: Tensor) -> Tensor:
    return SELU_SCALE * _elu(input, SELU_ALPHA)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """The ELU whose scale and alpha keep mean 0 and variance 1."""
    return _write(input, _selu) if inplace else _selu(input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x)."""
    return _write(input, _silu) if inplace else _silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * tanh(softplus(x))."""
    return _write(input, _mish) if inplace else _mish(input)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """x limited to [min_val, max_val]."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if inplace:
        return _write(input, _hardtanh, min_val, max_val)
    return _hardtanh(input, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(0, x), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * relu6(x + 3) / 6."""
    return _write(input, _hardswish) if inplace else _hardswish(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """relu6(x + 3) / 6."""
    return _write(input, _hardsigmoid) if inplace else _hardsigmoid(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > threshold, `value` elsewhere."""
    if inplace:
        return _write(input, _threshold, threshold, value)
    return _threshold(input, threshold, value)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x))."""
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    return input.tanh()


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    return input - input.tanh()


def relu_(input: Tensor) -> Tensor:
    """In-place `relu`."""
    return relu(input, True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """In-place `leaky_relu`."""
    return leaky_relu(input, negative_slope, True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place `elu`."""
    return elu(input, alpha, True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place `celu`."""
    return celu(input, alpha, True)


def selu_(input: Tensor) -> Tensor:
    """In-place `selu`."""
    return selu(input, True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """In-place `hardtanh`."""
    return hardtanh(input, min_val, max_val, True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """In-place `threshold`."""
    return _write(input, _threshold, threshold, value)


def rrelu_(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False
) -> Tensor:
    """In-place `rrelu`."""
    return rrelu(input, lower, upper, training, True)


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """A leaky relu whose slope is drawn from [lower, upper] in training."""
    if lower > upper:
        raise RuntimeError(
            "Lower bound should be less than or equal to the upper bound. "
            f"Got lower={lower}, upper={upper}"
        )
    return (bl.rrelu_ if inplace else bl.rrelu)(input, lower, upper, training)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a * sigmoid(b), where a and b are the two halves of `input` along `dim`."""
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    size = input.size(dim)
    if size % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim % input.dim()} is size {size}"
        )
    half = size // 2
    return input.narrow(dim, 0, half) * input.narrow(dim, half, half).sigmoid()


def _implicit_dim(name: str, input: Tensor, stacklevel: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. "
        "Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if input.dim() in (0, 1, 3) else 1


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`."""
    if dim is None:
        dim = _implicit_dim("softmax", input, _stacklevel)
    return _nn.softmax(input, dim) if dtype is None else _nn.softmax(input, dim, dtype=dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """softmax(-x) along `dim`."""
    if dim is None:
        dim = _implicit_dim("softmin", input, _stacklevel)
    return softmax(-input, dim, dtype=dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """x - log(sum(exp(x))) along `dim`."""
    if dim is None:
        dim = _implicit_dim("log_softmax", input, _stacklevel)
    if dtype is None:
        return _nn.log_softmax(input, dim)
    return _nn.log_softmax(input, dim, dtype=dtype)


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A sample of the Gumbel-softmax; with `hard`, one-hot with the soft sample's gradient."""
    noise = -bl.empty_like(logits, requires_grad=False).exponential_().log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one = bl.zeros_like(logits, requires_grad=False).scatter_(dim, index, 1.0)
    return one - soft.detach() + soft
