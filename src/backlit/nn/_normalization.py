"""Normalisation of each sample: LayerNorm, RMSNorm, GroupNorm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl

from . import functional as F, init
from ._module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from backlit import Tensor


def _shape(normalized_shape: Any) -> tuple[int, ...]:
    if isinstance(normalized_shape, int):
        return (normalized_shape,)
    return tuple(normalized_shape)


class _Affine(Module):
    """A normalisation with an optional trained scale and shift."""

    weight: Parameter | None
    bias: Parameter | None

    def _make(self, shape: Any, names: tuple[str, ...], kept: tuple[str, ...], kw: Any) -> None:
        for name in names:
            param = Parameter(bl.empty(shape, **kw)) if name in kept else None
            self.register_parameter(name, param)

    def reset_parameters(self) -> None:
        """Scale 1, shift 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self._parameters.get("bias") is not None:
            init.zeros_(self._parameters["bias"])  # type: ignore[arg-type]


def _kept(affine: bool, bias: bool) -> tuple[str, ...]:
    return (("weight", "bias") if bias else ("weight",)) if affine else ()


class LayerNorm(_Affine):
    """y = (x - mean) / sqrt(var + eps) * weight + bias over the last dimensions of each sample.

    >>> LayerNorm(4)(backlit.zeros(2, 4)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        kept = _kept(elementwise_affine, bias)
        options = {"device": device, "dtype": dtype}
        self._make(self.normalized_shape, ("weight", "bias"), kept, options)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(_Affine):
    """y = x / sqrt(mean(x²) + eps) * weight over the last dimensions of each sample."""

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        options = {"device": device, "dtype": dtype}
        kept = _kept(elementwise_affine, False)
        self._make(self.normalized_shape, ("weight",), kept, options)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(_Affine):
    """Normalises groups of channels of each sample. (N, C, *)."""

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        options = {"device": device, "dtype": dtype}
        self._make(num_channels, ("weight", "bias"), _kept(affine, bias), options)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """x / (k + alpha · mean of x² over `size` neighbouring channels)^beta. (N, C, *).

    >>> LocalResponseNorm(1, alpha=1.0)(backlit.ones(1, 1, 1))
    tensor([[[0.5946]]])
    """

    def __init__(
        self, size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1.0
    ) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(Module):
    """The Torch 7 form of `LocalResponseNorm`: raises NotImplementedError.

    PyTorch's sums over the window keep the first channel where it has left the window, so its
    values depend on the number of channels; a layer that says it computes this would mislead.
    """

    def __init__(self, size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1) -> None:
        raise NotImplementedError(
            "nn.CrossMapLRN2d: not implemented in backlit. Try nn.LocalResponseNorm."
        )
