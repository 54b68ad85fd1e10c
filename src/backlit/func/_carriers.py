"""Objects that stand for a tensor and carry something with it: a batch, or a tangent.

They behave as a tensor of the same shape and dtype, and are none for the core: it hands every call
that holds one to `Carrier._call` (core/bind/carriers.cpp), so that nothing computes with one by
mistake. Operators, methods and attributes are those of Tensor; `_carrier_calls` decides who
computes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, NoReturn

from .. import _C

_Tensor = _C.Tensor
_Operation = type(_Tensor.sum)


class Carrier:
    """What all of them share; `_form` is a plain tensor of the same shape, strides and dtype."""

    __slots__ = ("__weakref__",)

    # isinstance(x, Tensor) is true, as functions expect of their arguments
    __class__ = property(lambda self: _Tensor)  # type: ignore[assignment]
    __hash__ = object.__hash__
    _form: Any
    _operate: Callable[..., Any]
    _operate_in_place: Callable[..., Any]

    @property
    def shape(self) -> Any:
        return self._form.shape

    @property
    def ndim(self) -> int:
        return self.dim()

    def dim(self) -> int:
        return int(self._form.dim())

    ndimension = dim

    def __len__(self) -> int:
        return len(self._form)

    def __iter__(self) -> Iterator[Any]:
        if self.dim() == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))  # type: ignore[attr-defined]

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

    def __matmul__(self, other: Any) -> Any:
        return _C._operations["torch"]["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _C._operations["torch"]["matmul"](other, self)

    def __pos__(self) -> Any:
        return _C._operations["torch"]["positive"](self)

    # --- what has no meaning for an object without memory of its own ---

    def data_ptr(self) -> NoReturn:
        raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")

    def tolist(self) -> Any:
        self.data_ptr()

    def numpy(self, *, force: bool = False) -> Any:
        self.data_ptr()

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.data_ptr()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise NotImplementedError(f"Cannot access storage of {type(self).__name__}Impl")


_OPERATORS = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift"]
_LOGIC = ["and", "or", "xor"]
_ALONE = ["eq", "ne", "lt", "le", "gt", "ge", "neg", "abs", "invert"]
# Asked of the form: no operation computes them.
_QUESTIONS = """
    dim_order element_size get_device is_complex is_conj is_contiguous is_floating_point
    is_inference is_neg is_pinned is_same_size is_shared is_signed nelement numel size
    storage_offset stride
"""
_FACTS = "device dtype is_cpu is_cuda is_meta is_nested is_quantized is_sparse itemsize layout"


def _forward(function: Callable[..., Any]) -> Any:
    return lambda self, *others: Carrier._operate(function, self, *others)


def _reflected(function: Callable[..., Any]) -> Any:
    return lambda self, other: Carrier._operate(function, other, self)


def _in_place(function: Callable[..., Any]) -> Any:
    return lambda self, other: Carrier._operate_in_place(function, self, other)


def _question(name: str) -> Any:
    def method(self: Carrier, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._form, name)(*args, **kwargs)

    return method


def _fact(name: str) -> property:
    return property(lambda self: getattr(self._form, name))


def _attach() -> None:
    """Tensor's methods that are operations, or are written with them; operators; questions."""
    for name, part in vars(_Tensor).items():
        written = isinstance(part, FunctionType) and not name.startswith("__")
        if name not in vars(Carrier) and (isinstance(part, _Operation) or written):
            setattr(Carrier, name, part)
    for name in _OPERATORS + _LOGIC:
        function = getattr(operator, f"__{name}__")
        setattr(Carrier, f"__{name}__", _forward(function))
        setattr(Carrier, f"__r{name}__", _reflected(function))
        setattr(Carrier, f"__i{name}__", _in_place(getattr(operator, f"__i{name}__")))
    for name in _ALONE:
        setattr(Carrier, f"__{name}__", _forward(getattr(operator, f"__{name}__")))
    for name in _QUESTIONS.split():
        setattr(Carrier, name, _question(name))
    for name in _FACTS.split():
        setattr(Carrier, name, _fact(name))
    for name in ("grad", "_base", "_backward_hooks"):
        setattr(Carrier, name, property(lambda self: None))


_attach()
