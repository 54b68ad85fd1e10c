"""Unfold takes images apart into windows, Fold adds windows up to images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import functional as F
from ._module import Module

if TYPE_CHECKING:
    from backlit import Tensor


class Fold(Module):
    """Images whose windows are added up. (N, C KH KW, windows) -> (N, C, H, W), with (H, W) =
    `output_size`; without the first dimension, one image.

        >>> Fold((4, 5), kernel_size=2)(backlit.ones(1, 4, 12)).shape
        torch.Size([1, 1, 4, 5])
    """

    def __init__(
        self,
        output_size: Any,
        kernel_size: Any,
        dilation: Any = 1,
        padding: Any = 0,
        stride: Any = 1,
    ) -> None:
        super().__init__()
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
            f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
        )


class Unfold(Module):
    """The windows of a convolution. (N, C, H, W) -> (N, C KH KW, windows).

    >>> Unfold(kernel_size=2)(backlit.ones(1, 1, 4, 5)).shape
    torch.Size([1, 4, 12])
    """

    def __init__(
        self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )
