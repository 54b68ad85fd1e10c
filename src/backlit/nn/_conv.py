"""Convolutions and transposed convolutions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import backlit as bl

from . import functional as F, init
from ._module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backlit import Tensor

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def _per_dimension(value: Any, dims: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) else (value,) * dims


class _ConvNd(Module):
    """What all of them share: the checked arguments, `weight` and `bias`, their first values."""

    _dims: int
    transposed = False
    weight: Parameter
    bias: Parameter | None

    def _make(
        self,
        channels: tuple[int, int],
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        options: dict[str, Any],
    ) -> None:
        self.in_channels, self.out_channels = channels
        dims = self._dims
        self.kernel_size = _per_dimension(kernel_size, dims)
        self.stride = _per_dimension(stride, dims)
        same_word = isinstance(padding, str) and not self.transposed
        self.padding = padding if same_word else _per_dimension(padding, dims)
        self.dilation = _per_dimension(dilation, dims)
        self.output_padding = _per_dimension(output_padding, dims)
        self.groups, self.padding_mode = groups, padding_mode
        self._check()
        self.weight = Parameter(bl.empty(self._weight_shape(), **options))
        if bias:
            self.bias = Parameter(bl.empty(self.out_channels, **options))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _weight_shape(self) -> tuple[int, ...]:
        channels = self.out_channels, self.in_channels
        first, second = channels[::-1] if self.transposed else channels
        return first, second // self.groups, *self.kernel_size

    def _check(self) -> None:
        if self.groups <= 0:
            raise ValueError("groups must be a positive integer")
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        if self.out_channels % self.groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(
                    f"Invalid padding string {self.padding!r}, should be one of {{'same', 'valid'}}"
                )
            if self.padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in _PADDING_MODES:
            raise ValueError(
                "padding_mode must be one of {'zeros', 'replicate', 'reflect', 'circular'}, "
                f"but got padding_mode='{self.padding_mode}'"
            )

    def reset_parameters(self) -> None:
        """Draw new weights: uniform in ±1 / sqrt(elements of the kernels of one output)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (usual,) * len(value):
                text += f", {name}={value}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _Conv(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = {"device": device, "dtype": dtype}
        channels = (in_channels, out_channels)
        self._make(
            channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            options,
        )

    def _around(self) -> list[int]:
        """What `F.pad` takes: before and after each dimension, the last one first."""
        pairs = []
        for size, dilation, padding in zip(
            self.kernel_size, self.dilation, self._paddings(), strict=False
        ):
            total = dilation * (size - 1)
            pairs.append([total // 2, total - total // 2] if padding is None else [padding] * 2)
        return [amount for pair in reversed(pairs) for amount in pair]

    def _paddings(self) -> Sequence[int | None]:
        if isinstance(self.padding, str):
            return (None if self.padding == "same" else 0,) * self._dims
        return self.padding

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._around(), mode=self.padding_mode)
            padding = 0
        run = getattr(bl, f"conv{self._dims}d")
        return run(  # type: ignore[no-any-return]
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class _ConvTransposeNd(_ConvNd):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        options = {"device": device, "dtype": dtype}
        channels = (in_channels, out_channels)
        self._make(
            channels,
            kernel_size,
            stride,
            padding,
            dilation,
            output_padding,
            groups,
            bias,
            padding_mode,
            options,
        )

    def _output_padding(
        self, input: Tensor, output_size: Sequence[int] | None
    ) -> tuple[int, ...] | list[int]:
        """What makes the output that large: the convolution gives several sizes one input size."""
        dims = self._dims
        if output_size is None:
            return self.output_padding
        wanted = list(output_size)
        if len(wanted) == input.dim():
            wanted = wanted[-dims:]
        if len(wanted) != dims:
            raise ValueError(
                f"ConvTranspose{dims}D: for {input.dim()}D input, output_size must have {dims} "
                f"or {input.dim()} elements (got {len(wanted)})"
            )
        sizes = input.shape[-dims:]
        least = [
            (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1
            for size, stride, padding, dilation, kernel in zip(
                sizes, self.stride, self.padding, self.dilation, self.kernel_size, strict=True
            )
        ]
        most = [size + stride - 1 for size, stride in zip(least, self.stride, strict=True)]
        if any(
            not low <= size <= high for low, size, high in zip(least, wanted, most, strict=True)
        ):
            raise ValueError(
                f"requested an output size of {wanted}, but valid sizes range from {least} to "
                f"{most} (for an input of {sizes})"
            )
        return [size - low for size, low in zip(wanted, least, strict=True)]

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        run = getattr(bl, f"conv_transpose{self._dims}d")
        return run(  # type: ignore[no-any-return]
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self._output_padding(input, output_size),
            self.groups,
            self.dilation,
        )


class Conv1d(_Conv):
    """A convolution over sequences. (N, C, L) or (C, L) -> (N, O, L') or (O, L').

    `weight` is (O, C / groups, K). L' = (L + 2 padding - dilation (K - 1) - 1) // stride + 1.

        >>> Conv1d(2, 4, 3)(backlit.zeros(1, 2, 10)).shape
        torch.Size([1, 4, 8])
    """

    _dims = 1


class Conv2d(_Conv):
    """A convolution over images. (N, C, H, W) or (C, H, W) -> (N, O, H', W') or (O, H', W').

    `weight` is (O, C / groups, KH, KW). The sizes follow as in `Conv1d`, for each dimension;
    `padding` may be "same", which keeps them, or "valid", which is none. `padding_mode` says what
    the padding is filled with: "zeros", "reflect", "replicate" or "circular".

        >>> Conv2d(1, 6, 5, padding="same")(backlit.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 6, 28, 28])
    """

    _dims = 2


class Conv3d(_Conv):
    """A convolution over volumes. (N, C, D, H, W) or (C, D, H, W); sizes as in `Conv1d`.

    >>> Conv3d(1, 2, 3, stride=2)(backlit.zeros(1, 1, 9, 9, 9)).shape
    torch.Size([1, 2, 4, 4, 4])
    """

    _dims = 3


class ConvTranspose1d(_ConvTransposeNd):
    """The transpose of a convolution over sequences. (N, C, L) or (C, L).

    `weight` is (C, O / groups, K).
    L' = (L - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.

        >>> ConvTranspose1d(4, 2, 3)(backlit.zeros(1, 4, 8)).shape
        torch.Size([1, 2, 10])
    """

    _dims = 1


class ConvTranspose2d(_ConvTransposeNd):
    """The transpose of a convolution over images. (N, C, H, W) or (C, H, W).

    With a stride, inputs of several sizes have outputs of one size in `Conv2d`, so the way back is
    open: `output_size` chooses one of them in a call, `output_padding` once for all.

        >>> up = ConvTranspose2d(1, 1, 3, stride=2)
        >>> up(backlit.zeros(1, 1, 4, 4), output_size=[10, 10]).shape
        torch.Size([1, 1, 10, 10])
    """

    _dims = 2


class ConvTranspose3d(_ConvTransposeNd):
    """The transpose of a convolution over volumes. (N, C, D, H, W) or (C, D, H, W).

    >>> ConvTranspose3d(1, 2, 3)(backlit.zeros(1, 1, 4, 4, 4)).shape
    torch.Size([1, 2, 6, 6, 6])
    """

    _dims = 3
