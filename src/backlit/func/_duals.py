"""Forward mode: a tensor that carries its tangent.

An operation on duals is differentiated where it stands, by `jvp`'s product: the operation alone is
recorded, its backward run is a linear function of the incoming gradient, and the derivative of that
function in the direction of the tangents is the tangent of the result. So every operation with a
gradient has a tangent, and there is no second formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from .. import _C
from ._batched import rebuilt
from ._carriers import Carrier

_Tensor = _C.Tensor


class DualLevel:
    """One stretch of forward mode."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = True


class DualTensor(Carrier):
    """A tensor and its tangent."""

    __slots__ = ("_level", "_primal", "_tangent")

    def __init__(self, primal: Any, tangent: Any, level: DualLevel) -> None:
        self._primal = primal
        self._tangent = tangent
        self._level = level

    _form = property(lambda self: self._primal)
    requires_grad = property(lambda self: self._primal.requires_grad)
    is_leaf = property(lambda self: self._primal.is_leaf)
    grad_fn = property(lambda self: self._primal.grad_fn)

    def __repr__(self, **kwargs: Any) -> str:
        tangent = f", tangent={self._tangent!r})" if self._level.open else ")"
        return repr(self._primal).removesuffix(")") + tangent

    def detach(self) -> Any:
        """Without history; the tangent stays, as in PyTorch."""
        return DualTensor(self._primal.detach(), self._tangent.detach(), self._level)

    def requires_grad_(self, requires_grad: bool = True) -> NoReturn:
        refuse_in_place("requires_grad_")

    def backward(self, *args: Any, **kwargs: Any) -> None:
        self._primal.backward(*args, **kwargs)

    def item(self) -> Any:
        return self._primal.item()

    def tolist(self) -> Any:
        return self._primal.tolist()

    def __bool__(self) -> bool:
        return bool(self._primal)

    def __float__(self) -> float:
        return float(self._primal)

    def __int__(self) -> int:
        return int(self._primal)

    def __index__(self) -> int:
        return int(self._primal.__index__())

    def __contains__(self, value: Any) -> bool:
        return value in self._primal


def holds_dual(tree: Any) -> bool:
    if type(tree) is DualTensor:
        return True
    if isinstance(tree, (tuple, list)):
        return any(holds_dual(item) for item in tree)
    return isinstance(tree, dict) and any(holds_dual(item) for item in tree.values())


def refuse_in_place(name: str) -> NoReturn:
    raise NotImplementedError(
        f"forward_ad: {name} on a dual tensor, or with one, changes a tensor in place, which is "
        "not provided. Use the operation that gives a new tensor."
    )


def call(function: Callable[..., Any], args: Any, kwargs: Any, name: str = "") -> Any:
    """The result of a function of duals, its tensors with their tangents."""
    if kwargs.get("out") is not None:
        refuse_in_place("out=")
    if name.endswith("_") and not name.startswith("_"):
        refuse_in_place(name)
    duals: list[DualTensor] = []
    _collect((args, kwargs), duals)
    live = [d for d in duals if d._level.open]
    if not live:
        args, kwargs = _replaced((args, kwargs), {id(d): d._primal for d in duals})
        return function(*args, **kwargs)
    return _pushed(function, args, kwargs, duals, live)


def _pushed(
    function: Any, args: Any, kwargs: Any, duals: list[DualTensor], live: list[DualTensor]
) -> Any:
    from ._derivatives import Pushforward

    level = live[0]._level
    results: list[Any] = []

    def run(*primals: Any) -> tuple[Any, ...]:
        chosen = {id(d): d._primal for d in duals}
        chosen.update({id(d): p for d, p in zip(live, primals, strict=True)})
        given, named = _replaced((args, kwargs), chosen)
        results.append(function(*given, **named))
        found: list[Any] = []
        _differentiable(results[0], found)
        return tuple(found)

    outputs, tangents = Pushforward(run, [d._primal for d in live])([d._tangent for d in live])
    pairs = iter(zip(outputs, tangents, strict=True))

    def carried(item: Any) -> Any:
        if _has_derivative(item):
            primal, tangent = next(pairs)
            return primal if tangent is None else DualTensor(primal, tangent, level)
        if isinstance(item, tuple):
            items = [carried(part) for part in item]
            return tuple(items) if type(item) is tuple else rebuilt(item, items)
        return [carried(part) for part in item] if isinstance(item, list) else item

    return carried(results[0])


def _has_derivative(item: Any) -> bool:
    return isinstance(item, _Tensor) and (item.dtype.is_floating_point or item.dtype.is_complex)


def _differentiable(tree: Any, found: list[Any]) -> None:
    if _has_derivative(tree):
        found.append(tree)
    elif isinstance(tree, (tuple, list)):
        for item in tree:
            _differentiable(item, found)


def _collect(tree: Any, found: list[DualTensor]) -> None:
    if type(tree) is DualTensor:
        if all(tree is not other for other in found):
            found.append(tree)
    elif isinstance(tree, (tuple, list, dict)):
        for item in tree.values() if isinstance(tree, dict) else tree:
            _collect(item, found)


def _replaced(tree: Any, chosen: dict[int, Any]) -> Any:
    if type(tree) is DualTensor:
        return chosen[id(tree)]
    if type(tree) in (tuple, list):
        return type(tree)(_replaced(item, chosen) for item in tree)
    if type(tree) is dict:
        return {name: _replaced(item, chosen) for name, item in tree.items()}
    return tree
