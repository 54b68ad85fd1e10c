"""Python's operators on batched tensors, and the doors by which the core hands over calls."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

from .. import _C
from ..autograd import function
from . import (
    _batching_nn as _batching_nn,
    _batching_rules as _batching_rules,
)
from ._batched import BatchedTensor, innermost, is_batched
from ._batching import align, call, refuse_in_place
from ._batching_functions import apply
from ._batching_gradients import engine_run
from ._batching_index import get_item, set_item

_Tensor = _C.Tensor
_matmul = _C._operations["torch"]["matmul"]

_ELEMENTWISE = [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "and_",
    "or_",
    "xor",
    "lshift",
    "rshift",
]
_COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge"]
_UNARY = ["neg", "abs", "invert"]


def _applied(function: Callable[..., Any], *operands: Any) -> Any:
    level = innermost(operands)
    assert level is not None
    y = function(*align(operands, level))
    return BatchedTensor(y, level) if isinstance(y, _Tensor) else y


def _forward(function: Callable[..., Any]) -> Any:
    return lambda self, *others: _applied(function, self, *others)


def _reflected(function: Callable[..., Any]) -> Any:
    return lambda self, other: _applied(function, other, self)


def _in_place(function: Callable[..., Any]) -> Any:
    def change(self: Any, other: Any) -> Any:
        level = innermost((self, other))
        assert level is not None
        if not is_batched(self, level):
            refuse_in_place("add_", self, (other,), level)
        function(*align((self, other), level, self.dim()))
        return self

    return change


def _refuse_in_place(x: Any, other: Any) -> NoReturn:
    refuse_in_place("add_", x, (other,), other._level)


def _attach() -> None:
    for name in _ELEMENTWISE:
        plain = name.removesuffix("_")
        operation = getattr(operator, name)
        setattr(BatchedTensor, f"__{plain}__", _forward(operation))
        setattr(BatchedTensor, f"__r{plain}__", _reflected(operation))
        setattr(BatchedTensor, f"__i{plain}__", _in_place(getattr(operator, f"i{plain}")))
    for name in (*_COMPARISONS, *_UNARY):
        setattr(BatchedTensor, f"__{name}__", _forward(getattr(operator, name)))
    parts: dict[str, Any] = {
        "__pos__": lambda self: _applied(operator.pos, self),
        "__matmul__": lambda self, other: _matmul(self, other),
        "__rmatmul__": lambda self, other: _matmul(other, self),
        "__getitem__": get_item,
        "__setitem__": set_item,
        "_call": staticmethod(call),
        "_get_item": staticmethod(get_item),
        "_set_item": staticmethod(set_item),
        "_refuse_in_place": staticmethod(_refuse_in_place),
        "_engine_run": staticmethod(engine_run),
    }
    for name, part in parts.items():
        setattr(BatchedTensor, name, part)
    _C._set_batched_type(BatchedTensor)
    function._apply_batched = apply


_attach()
