"""Who computes a call that holds a carrier: forward mode, then `vmap`; and the doors of the core.

Tangents are on the outside of batches: an operation on both is differentiated as one on batches.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

from .. import _C
from ..autograd import function
from . import (
    _batching,
    _batching_functions,
    _batching_gradients,
    _batching_index,
    _batching_nn as _batching_nn,
    _batching_rules as _batching_rules,
    _duals,
)
from ._batched import BatchedTensor, innermost, is_batched
from ._carriers import Carrier

_Tensor = _C.Tensor


def _call(op: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if _duals.holds_dual((args, kwargs)):
        return _duals.call(op, args, kwargs, op.__name__)
    return _batching.call(op, args, kwargs)


def _operate(function: Callable[..., Any], *operands: Any) -> Any:
    if _duals.holds_dual(operands):
        return _duals.call(function, operands, {})
    level = innermost(operands)
    assert level is not None
    y = function(*_batching.align(operands, level))
    return BatchedTensor(y, level) if isinstance(y, _Tensor) else y


def _operate_in_place(function: Callable[..., Any], x: Any, other: Any) -> Any:
    if _duals.holds_dual((x, other)):
        _duals.refuse_in_place(function.__name__)
    level = innermost((x, other))
    assert level is not None
    if not is_batched(x, level):
        _batching.refuse_in_place("add_", x, (other,), level)
    function(*_batching.align((x, other), level, x.dim()))
    return x


def _refuse_in_place(x: Any, other: Any) -> NoReturn:
    """An operator that would write a carrier into a tensor."""
    if _duals.holds_dual(other):
        _duals.refuse_in_place("an operator")
    _batching.refuse_in_place("add_", x, (other,), other._level)


def _get_item(x: Any, index: Any) -> Any:
    if _duals.holds_dual((x, index)):
        return _duals.call(operator.getitem, (x, index), {})
    return _batching_index.get_item(x, index)


def _set_item(x: Any, index: Any, value: Any) -> None:
    if _duals.holds_dual((x, index, value)):
        _duals.refuse_in_place("an assignment")
    _batching_index.set_item(x, index, value)


def _apply(kind: Any, args: tuple[Any, ...]) -> Any:
    if _duals.holds_dual(args):
        return _duals.call(kind.apply, args, {})
    return _batching_functions.apply(kind, args)


def _attach() -> None:
    parts: dict[str, Any] = {
        "__getitem__": _get_item,
        "__setitem__": _set_item,
        "_call": staticmethod(_call),
        "_engine_run": staticmethod(_batching_gradients.engine_run),
        "_get_item": staticmethod(_get_item),
        "_operate": staticmethod(_operate),
        "_operate_in_place": staticmethod(_operate_in_place),
        "_refuse_in_place": staticmethod(_refuse_in_place),
        "_set_item": staticmethod(_set_item),
    }
    for name, part in parts.items():
        setattr(Carrier, name, part)
    _C._set_carrier_type(Carrier)
    function._apply_carriers = _apply


_attach()
