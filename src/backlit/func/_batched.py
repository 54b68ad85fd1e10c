"""Tensors that carry a batch: what a function sees inside `vmap`.

A `BatchedTensor` looks like one sample: shape, dtype and methods are those of the sample's tensor.
It holds the tensor of all samples, with the batch in dimension 0, and the level of the `vmap` that
the batch belongs to; of nested ones the innermost is on the outside. It is no `Tensor` for the
core, so every call with one is handed to `_batching.call`, and none computes with one by mistake.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any, NoReturn

from .. import _C

_Tensor = _C.Tensor
_Operation = type(_Tensor.sum)


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


class BatchedTensor:
    """One sample's tensor for all samples at once; see the module."""

    __slots__ = ("__weakref__", "_level", "_value")

    def __init__(self, value: Any, level: Level) -> None:
        self._value = value
        self._level = level

    # isinstance(x, Tensor) is true, as the function expects of its arguments
    __class__ = property(lambda self: _Tensor)  # type: ignore[assignment]
    __hash__ = object.__hash__

    @property
    def shape(self) -> Any:
        return _C.Size(self._value.shape[1:])

    @property
    def ndim(self) -> int:
        return int(self._value.dim() - 1)

    def dim(self) -> int:
        return int(self._value.dim() - 1)

    ndimension = dim

    def numel(self) -> int:
        return int(sample_of(self).numel())

    nelement = numel

    def size(self, dim: Any = None) -> Any:
        return sample_of(self).size(dim)

    def __len__(self) -> int:
        return len(sample_of(self))

    def __iter__(self) -> Iterator[Any]:
        if self.dim() == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))  # type: ignore[attr-defined]

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

    # --- views that are attributes ---

    @property
    def T(self) -> Any:
        return self.permute(*reversed(range(self.dim())))  # type: ignore[attr-defined]

    @property
    def mT(self) -> Any:
        return self.transpose(-2, -1)  # type: ignore[attr-defined]

    @property
    def H(self) -> Any:
        return self.transpose(0, 1).conj()  # type: ignore[attr-defined]

    @property
    def mH(self) -> Any:
        return self.mT.conj()

    real = property(lambda self: _C._operations["torch"]["real"](self))
    imag = property(lambda self: _C._operations["torch"]["imag"](self))

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

    def data_ptr(self) -> NoReturn:
        raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")

    def tolist(self) -> NoReturn:
        self.data_ptr()

    def numpy(self, *, force: bool = False) -> NoReturn:
        self.data_ptr()

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.data_ptr()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise NotImplementedError("Cannot access storage of BatchedTensorImpl")


def refuse_control_flow() -> NoReturn:
    raise RuntimeError(
        "vmap: It looks like you're attempting to use a Tensor in some data-dependent control "
        "flow. We don't support that yet, please use torch.where, or call the function once for "
        "each sample."
    )


def _of_sample(name: str) -> Any:
    def method(self: BatchedTensor, *args: Any, **kwargs: Any) -> Any:
        return getattr(sample_of(self), name)(*args, **kwargs)

    return method


def _attach_methods() -> None:
    """The operations that are methods of Tensor, and its methods that are written with them."""
    for name, part in vars(_Tensor).items():
        written = isinstance(part, FunctionType) and not name.startswith("__")
        if name not in vars(BatchedTensor) and (isinstance(part, _Operation) or written):
            setattr(BatchedTensor, name, part)
    for name in [
        "dim_order",
        "element_size",
        "get_device",
        "is_complex",
        "is_conj",
        "is_contiguous",
        "is_floating_point",
        "is_inference",
        "is_neg",
        "is_pinned",
        "is_same_size",
        "is_shared",
        "is_signed",
        "storage_offset",
        "stride",
    ]:
        setattr(BatchedTensor, name, _of_sample(name))
    for name in [
        "device",
        "dtype",
        "is_cpu",
        "is_cuda",
        "is_meta",
        "is_nested",
        "is_quantized",
        "is_sparse",
        "itemsize",
        "layout",
    ]:
        setattr(BatchedTensor, name, property(lambda self, name=name: getattr(self._value, name)))
    for name in ("grad", "_base", "_backward_hooks"):
        setattr(BatchedTensor, name, property(lambda self: None))


_attach_methods()


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
