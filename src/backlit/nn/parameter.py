"""Tensors that a module registers when they are assigned to it: Parameter and Buffer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Buffer", "Parameter"]


class Parameter(Tensor):
    """A tensor that a `Module` lists in `parameters()` once it is assigned as an attribute.

    It shares memory with `data` and is a leaf: gradients accumulate in `.grad`.

        >>> Parameter(backlit.zeros(2))
        Parameter containing:
        tensor([0., 0.], requires_grad=True)
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = bl.empty(0)
        elif not isinstance(data, Tensor):
            raise TypeError(
                f"Parameter: data must be a Tensor. Got {type(data).__name__}. "
                "Try Parameter(backlit.tensor(data))."
            )
        return Tensor._make_subclass(cls, data, requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        known = memo.get(id(self))
        if known is not None:
            return known
        copied = type(self)(self.data.clone(), self.requires_grad)
        memo[id(self)] = copied
        return copied

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _rebuild_parameter, (self.data, self.requires_grad)


class Buffer(Tensor):
    """A tensor that a `Module` registers as a buffer once it is assigned as an attribute.

    `persistent` says whether it belongs to the module's `state_dict`.

        >>> Buffer(backlit.ones(2))
        tensor([1., 1.])
    """

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        if data is None:
            data = bl.empty(0)
        buffer = Tensor._make_subclass(cls, data.detach(), data.requires_grad)
        buffer.persistent = persistent
        return buffer

    def __deepcopy__(self, memo: dict[int, Any]) -> Buffer:
        known = memo.get(id(self))
        if known is not None:
            return known
        copied = Buffer(self.data.clone(), persistent=getattr(self, "persistent", True))
        memo[id(self)] = copied
        return copied

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _rebuild_buffer, (self.data, getattr(self, "persistent", True))


def _rebuild_parameter(data: Tensor, requires_grad: bool) -> Parameter:
    return Parameter(data, requires_grad)


def _rebuild_buffer(data: Tensor, persistent: bool) -> Buffer:
    return Buffer(data, persistent=persistent)
