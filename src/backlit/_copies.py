"""Copies of tensors as Python makes them: `copy.copy`, `copy.deepcopy`, `pickle`."""

from __future__ import annotations

import copy
from typing import Any

from . import _C


def shallow(self: _C.Tensor) -> _C.Tensor:
    """`copy.copy`: a new leaf over the same memory, of the same class, with the same attributes."""
    copied = _C.Tensor._make_subclass(type(self), self.data, self.requires_grad)
    _adopt(copied, getattr(self, "__dict__", None))
    return copied


def _adopt(tensor: _C.Tensor, attributes: dict[str, Any] | None) -> None:
    for name, value in (attributes or {}).items():
        setattr(tensor, name, value)


def _copied_storage(tensor: _C.Tensor, memo: dict[int, Any]) -> _C.Tensor:
    """The bytes of the tensor's storage, copied once per deepcopy: views stay views of one."""
    source = _C._storage_bytes(tensor)
    known = memo.setdefault("backlit.storages", {})  # type: ignore[call-overload]
    key = (source.data_ptr(), source.numel())
    if key not in known:
        # the source is kept, so that its address is not given out again
        known[key] = (source, source.clone())
    copied: _C.Tensor = known[key][1]
    return copied


def deep(self: _C.Tensor, memo: dict[int, Any]) -> _C.Tensor:
    """`copy.deepcopy`: memory, gradient and attributes copied; for leaves."""
    if id(self) in memo:
        known: _C.Tensor = memo[id(self)]
        return known
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment.  If you were attempting to deepcopy a module, this may be "
            "because of a torch.nn.utils.weight_norm usage, see "
            "https://github.com/pytorch/pytorch/pull/103001"
        )
    copied = _C._storage_view(
        _copied_storage(self, memo),
        self.dtype,
        tuple(self.shape),
        self.stride(),
        self.storage_offset(),
    )
    if type(self) is not _C.Tensor or self.requires_grad:
        copied = _C.Tensor._make_subclass(type(self), copied, self.requires_grad)
    memo[id(self)] = copied
    if self.is_leaf and self.grad is not None:
        copied.grad = copy.deepcopy(self.grad, memo)
    _adopt(copied, copy.deepcopy(getattr(self, "__dict__", None), memo))
    return copied


def rebuild(
    data: bytes, dtype: Any, sizes: tuple[int, ...], strides: tuple[int, ...], requires_grad: bool
) -> _C.Tensor:
    """The tensor that `reduce` took apart."""
    memory = (
        _C.frombuffer(bytearray(data), dtype=_C.uint8).clone()
        if data
        else _C.empty(0, dtype=_C.uint8)
    )
    tensor = _C._storage_view(memory, dtype, sizes, strides, 0)
    return tensor.requires_grad_() if requires_grad else tensor


def rebuild_subclass(cls: type, parts: tuple[Any, ...], attributes: dict[str, Any]) -> _C.Tensor:
    """The same for a tensor of another class, or one with attributes of its own."""
    tensor = rebuild(*parts)
    if cls is not _C.Tensor:
        tensor = _C.Tensor._make_subclass(cls, tensor.detach(), tensor.requires_grad)
    _adopt(tensor, attributes)
    return tensor


def reduce(self: _C.Tensor, protocol: Any) -> tuple[Any, ...]:
    """`pickle`: the bytes from the first element to the last, with sizes and strides.

    Tensors that look at one memory are separate ones after unpickling.
    """
    strides = self.stride()
    data = b""
    if self.numel():
        span = sum((n - 1) * step for n, step in zip(self.shape, strides, strict=True)) + 1
        whole = _C._storage_bytes(self)
        start, item = self.storage_offset(), self.element_size()
        data = memoryview(whole)[start * item : (start + span) * item].tobytes()
    parts = (data, self.dtype, tuple(self.shape), strides, self.requires_grad)
    attributes = getattr(self, "__dict__", None)
    if type(self) is _C.Tensor and not attributes:
        return rebuild, parts
    return rebuild_subclass, (type(self), parts, dict(attributes or {}))
