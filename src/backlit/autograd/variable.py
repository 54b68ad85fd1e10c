"""`Variable` of old code: since PyTorch 0.4 a tensor by another name."""

from __future__ import annotations

from typing import Any

from .. import _C


class _VariableType(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _C.Tensor)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, _C.Tensor)


class Variable(metaclass=_VariableType):
    """``Variable(t, requires_grad=False)``: a tensor that shares `t`'s memory, as old code expects.

    ``isinstance(x, Variable)`` is true for every tensor.

    Example:
        >>> import backlit as torch
        >>> torch.autograd.Variable(torch.Tensor([1.0]), requires_grad=True)
        tensor([1.], requires_grad=True)
    """

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        if data is None:
            data = _C.tensor([])
        if not isinstance(data, _C.Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(bool(requires_grad))
