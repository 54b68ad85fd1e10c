"""Forward mode: tensors that carry a tangent, the derivative in one direction.

Example:
    >>> import backlit as torch
    >>> import backlit.autograd.forward_ad as forward_ad
    >>> with forward_ad.dual_level():
    ...     x = forward_ad.make_dual(torch.tensor(2.0), torch.tensor(1.0))
    ...     forward_ad.unpack_dual(x**3)
    UnpackedDualTensor(primal=tensor(8.), tangent=tensor(12.))
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, NamedTuple

from .. import _C
from ..func._duals import DualLevel, DualTensor

_levels: list[DualLevel] = []


class UnpackedDualTensor(NamedTuple):
    """A tensor, and its tangent or None."""

    primal: Any
    tangent: Any


def enter_dual_level() -> int:
    """Begin to take tangents; gives the number of the level, which is 0.

    Raises:
        RuntimeError: inside another one; `torch.func.jvp` nests.
    """
    if _levels:
        raise RuntimeError(
            "Nested forward mode AD is not supported at the moment. torch.func.jvp nests."
        )
    _levels.append(DualLevel())
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Forget the tangents of the level.

    Raises:
        RuntimeError: if there is none, or it has another number.
    """
    if not _levels:
        raise RuntimeError("Dual level must be a positive number. There is no open level.")
    if level not in (None, 0):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This "
            "is not supported."
        )
    _levels.pop().open = False


class dual_level:
    """A context in which tensors may carry tangents.

    Raises:
        RuntimeError: inside another one; `torch.func.jvp` nests.
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        exit_dual_level()


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """The tensor with a tangent of the same shape and dtype.

    Raises:
        RuntimeError: outside `dual_level`, or if shapes do not fit.
        ValueError: if one of them does not hold floating-point or complex numbers.
    """
    if not _levels:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    for what, t in (("primal", tensor), ("tangent", tangent)):
        if not (t.is_floating_point() or t.is_complex()):
            raise ValueError(f"Expected {what} to be floating point or complex, but got: {t.dtype}")
    if isinstance(tensor, _C.Tensor) and tensor.shape != tangent.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original "
            f"Tensor, this is not supported. Tensor is of size {list(tensor.shape)} while the "
            f"given forward gradient is of size {list(tangent.shape)}."
        )
    if type(tensor) is DualTensor:
        tensor = tensor._primal
    return DualTensor(tensor.view_as(tensor), tangent, _levels[-1])


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """The tensor and its tangent; None if it has none, or its level is over."""
    if not _levels or type(tensor) is not DualTensor:
        primal = tensor._primal if type(tensor) is DualTensor else tensor
        return UnpackedDualTensor(primal, None)
    tangent = tensor._tangent if tensor._level.open else None
    return UnpackedDualTensor(tensor._primal, tangent)
