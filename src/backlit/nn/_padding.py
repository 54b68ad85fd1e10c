"""Padding layers. Sizes are pairs (before, after) from the last dimension on, or one for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from . import functional as F
from ._module import Module

if TYPE_CHECKING:
    from backlit import Tensor


class _Pad(Module):
    """Pads the last `_dims` dimensions by `_mode`."""

    _dims: ClassVar[int]
    _mode: ClassVar[str]

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        self.padding: Any = (
            (padding,) * (2 * self._dims) if isinstance(padding, int) else tuple(padding)
        )

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPadNd(_Pad):
    _mode = "constant"

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """`value` before and after the last dimension; negative sizes cut off.

    >>> ConstantPad1d((1, 2), 0.5)(backlit.ones(2))
    tensor([0.5000, 1.0000, 1.0000, 0.5000, 0.5000])
    """

    _dims = 1


class ConstantPad2d(_ConstantPadNd):
    """`value` around the last two dimensions (left, right, top, bottom); negative sizes cut off."""

    _dims = 2


class ConstantPad3d(_ConstantPadNd):
    """`value` around the last three dimensions; negative sizes cut off."""

    _dims = 3


class _ZeroPad(_ConstantPadNd):
    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """Zeros before and after the last dimension; negative sizes cut off."""

    _dims = 1


class ZeroPad2d(_ZeroPad):
    """Zeros around the last two dimensions (left, right, top, bottom); negative sizes cut off."""

    _dims = 2


class ZeroPad3d(_ZeroPad):
    """Zeros around the last three dimensions; negative sizes cut off."""

    _dims = 3


class _ReflectionPadNd(_Pad):
    _mode = "reflect"


class ReflectionPad1d(_ReflectionPadNd):
    """The tensor mirrored at its border elements. (N, C, W) or (C, W).

    >>> ReflectionPad1d(2)(backlit.arange(4.0).view(1, 4))
    tensor([[2., 1., 0., 1., 2., 3., 2., 1.]])
    """

    _dims = 1


class ReflectionPad2d(_ReflectionPadNd):
    """The tensor mirrored at its border elements. (N, C, H, W) or (C, H, W)."""

    _dims = 2


class ReflectionPad3d(_ReflectionPadNd):
    """The tensor mirrored at its border elements. (N, C, D, H, W) or (C, D, H, W)."""

    _dims = 3


class _ReplicationPadNd(_Pad):
    _mode = "replicate"


class ReplicationPad1d(_ReplicationPadNd):
    """Border elements repeated outwards. (N, C, W) or (C, W).

    >>> ReplicationPad1d(2)(backlit.arange(3.0).view(1, 3))
    tensor([[0., 0., 0., 1., 2., 2., 2.]])
    """

    _dims = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Border elements repeated outwards. (N, C, H, W) or (C, H, W)."""

    _dims = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Border elements repeated outwards. (N, C, D, H, W) or (C, D, H, W)."""

    _dims = 3


class _CircularPadNd(_Pad):
    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (self._dims + 1, self._dims + 2):
            raise ValueError(
                f"expected {self._dims + 1}D or {self._dims + 2}D input (got {input.dim()}D input)"
            )
        return super().forward(input)


class CircularPad1d(_CircularPadNd):
    """Elements from the other end. (N, C, W) or (C, W).

    >>> CircularPad1d((2, 1))(backlit.arange(3.0).view(1, 3))
    tensor([[1., 2., 0., 1., 2., 0.]])
    """

    _dims = 1


class CircularPad2d(_CircularPadNd):
    """Elements from the other side. (N, C, H, W) or (C, H, W)."""

    _dims = 2


class CircularPad3d(_CircularPadNd):
    """Elements from the other side. (N, C, D, H, W) or (C, D, H, W)."""

    _dims = 3
