"""Tensors that a module registers when they are assigned to it: Parameter and Buffer.

Those of lazy modules have no shape until the first call gives them one (`materialize`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import backlit as bl
from backlit import _C, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]


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


class UninitializedTensorMixin:
    """A tensor without a shape: every operation refuses it until `materialize` gives it one."""

    cls_to_become: type
    data: Tensor
    requires_grad: bool

    def materialize(self, shape: Sequence[int], device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary tensor of this shape, with undefined elements."""
        dtype = self.data.dtype if dtype is None else dtype
        self.data = bl.empty(shape, device=device, dtype=dtype)
        self.__class__ = self.cls_to_become  # type: ignore[assignment]

    @property
    def shape(self) -> NoReturn:
        """Not known yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes."
        )

    def share_memory_(self) -> NoReturn:
        """Not possible without memory."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to "
            "initialize the parameters before calling `module.share_memory()`."
        )

    def _like(self, data: Tensor) -> Any:
        """The same, with the dtype of `data`."""
        return type(self)(self.requires_grad, dtype=data.dtype)  # type: ignore[call-arg]

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return memo.setdefault(id(self), self._like(self.data))

    def __reduce_ex__(self, protocol: Any) -> tuple[type, tuple[Any, ...]]:
        return type(self), (self.requires_grad, None, self.data.dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer has no shape yet.

    >>> is_lazy(UninitializedParameter())
    True
    """
    return isinstance(param, UninitializedTensorMixin)


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter of a lazy module before the module's first call.

    Reading its shape raises RuntimeError, using it in an operation ValueError.

        >>> weight = UninitializedParameter()
        >>> weight.materialize((2, 3))
        >>> weight.shape
        torch.Size([2, 3])
    """

    cls_to_become = Parameter

    def __new__(
        cls, requires_grad: bool = True, device: Any = None, dtype: Any = None
    ) -> UninitializedParameter:
        _C._set_shapeless_type(UninitializedTensorMixin)
        data = bl.empty(0, device=device, dtype=dtype)
        return Tensor._make_subclass(cls, data, requires_grad)


class UninitializedBuffer(UninitializedTensorMixin, Buffer):  # type: ignore[misc]
    """A buffer of a lazy module before the module's first call; a tensor after it."""

    cls_to_become = Tensor

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> UninitializedBuffer:
        _C._set_shapeless_type(UninitializedTensorMixin)
        data = bl.empty(0, device=device, dtype=dtype)
        buffer = Tensor._make_subclass(cls, data, requires_grad)
        buffer.persistent = persistent
        return buffer

    def _like(self, data: Tensor) -> Any:
        persistent = self.persistent  # type: ignore[attr-defined]
        return type(self)(self.requires_grad, dtype=data.dtype, persistent=persistent)

    def __reduce_ex__(self, protocol: Any) -> tuple[type, tuple[Any, ...]]:
        cls, arguments = super().__reduce_ex__(protocol)
        return cls, (*arguments, self.persistent)  # type: ignore[attr-defined]


def _of_data(name: str) -> Callable[..., Any]:
    """A method that says or changes something of the tensor that needs no shape."""
    return lambda self, *args, **kwargs: getattr(self.data, name)(*args, **kwargs)


def _converting(name: str) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: self._like(getattr(self.data, name)(*args, **kwargs))


def _refusing(name: str) -> Callable[..., Any]:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {name}. This error happens when you "
            "are using a `LazyModule` or explicitly manipulating "
            f"`torch.nn.parameter.{type(self).__name__}` objects. When using LazyModules Call "
            "`forward` with a dummy batch to initialize the parameters before calling torch "
            "functions"
        )

    return refuse


_OF_DATA = ("size", "is_complex", "is_floating_point", "get_device", "copy_")
_CONVERTING = ("to", "half", "bfloat16", "float", "double", "char", "short", "int", "long", "cpu")


def _method(name: str) -> Callable[..., Any]:
    make = _of_data if name in _OF_DATA else _converting if name in _CONVERTING else _refusing
    return make(name)


for _name in set(dir(Tensor)) - set(dir(UninitializedTensorMixin)):
    # operators are looked up on the type, the rest so that each way to call it refuses alike
    _public = not _name.startswith("_") or _name.endswith("__")
    if _public and callable(getattr(Tensor, _name)):
        setattr(UninitializedTensorMixin, _name, _method(_name))


def _rebuild_parameter(data: Tensor, requires_grad: bool) -> Parameter:
    return Parameter(data, requires_grad)


def _rebuild_buffer(data: Tensor, persistent: bool) -> Buffer:
    return Buffer(data, persistent=persistent)
