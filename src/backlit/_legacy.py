"""The names of old code: the `FloatTensor` family, `Tensor.type`, `Tensor.new`."""

from __future__ import annotations

import sys
from typing import Any

from . import _C

_KINDS = {
    "HalfTensor": "float16",
    "BFloat16Tensor": "bfloat16",
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
    "ComplexFloatTensor": "complex64",
    "ComplexDoubleTensor": "complex128",
    "LongTensor": "int64",
    "IntTensor": "int32",
    "ShortTensor": "int16",
    "CharTensor": "int8",
    "ByteTensor": "uint8",
    "BoolTensor": "bool",
}


class tensortype(type):
    """The type of `FloatTensor` and its family: constructors that know their tensors."""

    dtype: Any
    is_cuda = False
    is_sparse = False

    def __call__(cls, *args: Any, device: Any = None, **kwargs: Any) -> _C.Tensor:
        if device is not None:
            _C.device(device)
        if "data" in kwargs:
            args += (kwargs.pop("data"),)
        if kwargs:
            raise TypeError("new() received an invalid combination of arguments")
        return _C._legacy_tensor(cls.dtype, args)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _C.Tensor) and instance.dtype is cls.dtype

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


KINDS: dict[str, Any] = {
    name: tensortype(name, (), {"dtype": getattr(_C, dtype), "__module__": "torch"})
    for name, dtype in _KINDS.items()
}
_BY_DTYPE = {kind.dtype: kind for kind in KINDS.values()}


def _dtype_of(kind: Any) -> Any:
    """The dtype that a dtype, a tensor type or the name of one stands for."""
    if isinstance(kind, _C.dtype):
        return kind
    if isinstance(kind, tensortype):
        return kind.dtype
    if kind is _C.Tensor:
        return _C.get_default_dtype()
    if isinstance(kind, type):
        kind = kind.__name__
    if not isinstance(kind, str):
        raise TypeError("dtype must be a type, str, or dtype object")
    name = kind.removeprefix("torch.")
    if name == "Tensor":
        return _C.get_default_dtype()
    if name not in KINDS or name == kind:
        raise ValueError(f"invalid type: '{kind}'")
    return KINDS[name].dtype


def tensor_type(
    self: _C.Tensor, dtype: Any = None, non_blocking: bool = False, **kwargs: Any
) -> Any:
    """The name of the tensor's type; with `dtype`, the tensor converted to it."""
    if dtype is None:
        return f"torch.{_BY_DTYPE[self.dtype].__name__}"
    return self.to(_dtype_of(dtype), non_blocking)


def new(self: _C.Tensor, *args: Any, device: Any = None) -> _C.Tensor:
    """A tensor of the same dtype from sizes or data, as the `FloatTensor` family makes them."""
    if device is not None:
        _C.device(device)
    return _C._legacy_tensor(self.dtype, args)


def set_default_tensor_type(t: Any) -> None:
    """Set the default dtype by a tensor type or its name."""
    if isinstance(t, str):
        kind = KINDS.get(t.removeprefix("torch."))
        if kind is None:
            raise TypeError(f"invalid type object: {t!r} names no tensor type")
        t = kind
    if not isinstance(t, tensortype):
        raise TypeError("invalid type object: only tensor types are supported as the default type")
    _C.set_default_dtype(t.dtype)


def typename(obj: Any, /) -> str:
    """The name of an object's type, `torch.FloatTensor` for a tensor."""
    if isinstance(obj, _C.Tensor):
        return str(obj.type())
    module = getattr(obj, "__module__", "") or ""
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    if name is None:
        module, name = type(obj).__module__ or "", type(obj).__qualname__
    return name if module in ("", "builtins", "__builtin__") else f"{module}.{name}"


class _Word:
    """A name without a value: `torch.strided`, `torch.contiguous_format`."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class layout(_Word):
    """How elements lie in memory: `torch.strided` is the one way."""

    __slots__ = ()


class memory_format(_Word):
    """The order of dimensions in memory: `torch.contiguous_format`, `torch.channels_last`, ..."""

    __slots__ = ()


strided = layout("strided")
WORDS: dict[str, Any] = {
    "layout": layout,
    "memory_format": memory_format,
    "strided": strided,
    "contiguous_format": memory_format("contiguous_format"),
    "preserve_format": memory_format("preserve_format"),
    "channels_last": memory_format("channels_last"),
    "channels_last_3d": memory_format("channels_last_3d"),
}
for _word in WORDS.values():
    if isinstance(_word, _Word):
        setattr(sys.modules[__name__], _word._name, _word)
