"""Tensors that carry a batch: what a function sees inside `vmap`.

A `BatchedTensor` looks like one sample: shape, dtype and methods are those of the sample's tensor.
It holds the tensor of all samples, with the batch in dimension 0, and the level of the `vmap` that
the batch belongs to; of nested ones the innermost is on the outside.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from .. import _C
from ._carriers import Carrier

_Tensor = _C.Tensor


class Level:
    """One running `vmap`."""

    __slots__ = ("depth", "randomness", "size")

    def __init__(self, depth: int, size: int, randomness: str) -> None:
        self.depth = depth
        self.size = size
        self.randomness = randomness


class _Running(threading.local):
    """The levels of this thread, from the outermost to the innermost."""

    def __init__(self) -> None:
        self.levels: list[Level] = []


_running = _Running()


def levels() -> list[Level]:
    return _running.levels


@contextmanager
def using_levels(chosen: list[Level]) -> Iterator[None]:
    """Inside, `chosen` are the levels that run."""
    before = _running.levels
    _running.levels = chosen
    handed = _C._hand_draws_to_vmap(bool(chosen))
    try:
        yield
    finally:
        _running.levels = before
        _C._hand_draws_to_vmap(handed)


@contextmanager
def new_level(size: int, randomness: str) -> Iterator[Level]:
    level = Level(len(_running.levels), size, randomness)
    with using_levels([*_running.levels, level]):
        yield level


class BatchedTensor(Carrier):
    """One sample's tensor for all samples at once; see the module."""

    __slots__ = ("_level", "_value")

    def __init__(self, value: Any, level: Level) -> None:
        self._value = value
        self._level = level

    _form = property(lambda self: sample_of(self))

    @property
    def shape(self) -> Any:
        return _C.Size(self._value.shape[1:])

    def dim(self) -> int:
        return int(self._value.dim() - 1)

    dtype = property(lambda self: self._value.dtype)

    def __repr__(self, **kwargs: Any) -> str:
        inner = "\n".join("    " + line for line in repr(self._value).splitlines())
        return f"BatchedTensor(lvl={self._level.depth + 1}, bdim=0, value=\n{inner}\n)"

    # --- the graph is that of the tensor of all samples ---

    requires_grad = property(
        lambda self: self._value.requires_grad,
        lambda self, on: setattr(self._value, "requires_grad", on),
    )
    is_leaf = property(lambda self: self._value.is_leaf)
    grad_fn = property(lambda self: self._value.grad_fn)
    data = property(lambda self: BatchedTensor(self._value.data, self._level))

    def requires_grad_(self, requires_grad: bool = True) -> BatchedTensor:
        self._value.requires_grad_(requires_grad)
        return self

    def detach(self) -> BatchedTensor:
        return BatchedTensor(self._value.detach(), self._level)

    def backward(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use "
            "functorch.grad or functorch.vjp instead or call backward() outside of functorch "
            "transforms."
        )

    # --- what needs the value of one sample ---

    def item(self) -> NoReturn:
        raise RuntimeError(
            "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over "
            "calling .item() on a Tensor, please try to rewrite what you're doing with other "
            "operations."
        )

    def _as_number(self) -> NoReturn:
        self.item()

    __float__ = __int__ = __index__ = __complex__ = _as_number

    def __contains__(self, value: Any) -> NoReturn:
        self.item()

    def __bool__(self) -> NoReturn:
        refuse_control_flow()


def refuse_control_flow() -> NoReturn:
    raise RuntimeError(
        "vmap: It looks like you're attempting to use a Tensor in some data-dependent control "
        "flow. We don't support that yet, please use torch.where, or call the function once for "
        "each sample."
    )


def sample_of(t: Any) -> Any:
    """A plain tensor with the shape, strides and dtype of one sample: the first, or zeros."""
    if type(t) is not BatchedTensor:
        return t
    values = sample_of(t._value)
    return values.select(0, 0) if t._level.size else values.new_zeros(values.shape[1:])


def innermost(tree: Any) -> Level | None:
    """The innermost level of the tensors in nested tuples, lists and dictionaries."""
    if type(tree) is BatchedTensor:
        return tree._level
    found: Level | None = None
    if isinstance(tree, (tuple, list, dict)):
        for item in tree.values() if isinstance(tree, dict) else tree:
            kind = type(item)
            if kind is BatchedTensor:
                level = item._level
            elif kind is _Tensor or kind is int or not isinstance(item, (tuple, list, dict)):
                continue
            else:
                level = innermost(item)
            if level is not None and (found is None or level.depth > found.depth):
                found = level
    return found


def is_batched(t: Any, level: Level) -> bool:
    return type(t) is BatchedTensor and t._level is level


def value_at(t: Any, level: Level) -> Any:
    """The tensor of all samples, or what is the same for all of them."""
    return t._value if type(t) is BatchedTensor and t._level is level else t


def spread(t: Any, size: int) -> Any:
    """The same tensor for each sample: a batch that takes no memory."""
    return t.unsqueeze(0).expand(size, *t.shape)


def values_at(t: Any, level: Level) -> Any:
    """The tensor of all samples."""
    return t._value if is_batched(t, level) else spread(t, level.size)


def wrap(tree: Any, level: Level) -> Any:
    """The tensors of a result, each the batch of all samples, as batched tensors."""
    if isinstance(tree, _Tensor):
        return BatchedTensor(tree, level)
    if isinstance(tree, tuple):
        items = [wrap(item, level) for item in tree]
        # named results are made of one sequence, or, as Python's own, of the items
        return tuple(items) if type(tree) is tuple else rebuilt(tree, items)
    if isinstance(tree, list):
        return [wrap(item, level) for item in tree]
    return tree


def rebuilt(like: Any, items: list[Any]) -> Any:
    """A named tuple of the class of another one."""
    make = getattr(type(like), "_make", None)
    return make(items) if make else type(like)(items)


def lifted(t: Any, chosen: list[Level]) -> Any:
    """The tensor with a batch at each of the levels; where it had none, the same for all."""
    if not chosen:
        return t
    level = chosen[-1]
    value = lifted(t._value if is_batched(t, level) else t, chosen[:-1])
    return BatchedTensor(value if is_batched(t, level) else spread(value, level.size), level)


def at_bottom(t: Any, change: Any) -> Any:
    """The tensor with `change` applied to the plain tensor that holds its numbers."""
    if type(t) is not BatchedTensor:
        return change(t)
    return BatchedTensor(at_bottom(t._value, change), t._level)


def bottom(t: Any) -> Any:
    """The plain tensor that holds the numbers."""
    while type(t) is BatchedTensor:
        t = t._value
    return t
