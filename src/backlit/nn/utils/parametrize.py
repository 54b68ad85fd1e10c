"""Parameters and buffers computed from others: `register_parametrization` and what belongs to it.

A parametrized module gets a class of its own, in which the tensor is a property; what is trained
lies in `module.parametrizations[name]` as `original` (or `original0`, `original1`, ...).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit import Tensor

from .._containers import ModuleDict, ModuleList
from .._module import Module
from ..parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable

_cache_depth = 0
_cache: dict[tuple[int, str], Tensor | None] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Inside of it, every parametrized tensor is computed once.

    >>> layer = register_parametrization(backlit.nn.Linear(2, 2), "weight", backlit.nn.Tanh())
    >>> with cached():
    ...     layer.weight is layer.weight
    True
    """
    global _cache_depth
    _cache_depth += 1
    try:
        yield
    finally:
        _cache_depth -= 1
        if not _cache_depth:
            _cache.clear()


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _check_alike(result: Any, given: Tensor, what: str) -> None:
    """A parametrization keeps dtype and shape, so that the module can go on as before."""
    if not isinstance(result, Tensor):
        raise ValueError(f"{what} must return a tensor. Got {type(result).__name__}.")
    for name in ("dtype", "shape"):
        mine, theirs = getattr(result, name), getattr(given, name)
        if mine != theirs:
            raise ValueError(
                f"{what} may not change the {name} of the tensor, unless `unsafe` flag is enabled."
                f"\n{name} before: {theirs}\n{name} after: {mine}"
            )


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, one after the other, and what they start from."""

    original: Tensor
    unsafe: bool

    def __init__(self, modules: Iterable[Module], original: Tensor, unsafe: bool = False) -> None:
        listed = list(modules)
        if not listed:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(listed)
        self.unsafe = unsafe
        with bl.no_grad():
            start = self._start_of(original)
        self.is_tensor = isinstance(start, Tensor)
        self.ntensors = 1 if self.is_tensor else len(start)
        if isinstance(start, Tensor):
            if start.dtype != original.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\nright_inverse(original).dtype: "
                    f"{start.dtype}"
                )
            original.data = start.data  # the optimizer knows this object
            _register(self, "original", original)
        else:
            for i, tensor in enumerate(start):
                if isinstance(original, Parameter):
                    tensor = Parameter(tensor, original.requires_grad)
                _register(self, f"original{i}", tensor)
        if not unsafe:
            _check_alike(self(), original, "Registering a parametrization")

    def _start_of(self, value: Any) -> Tensor | Sequence[Tensor]:
        """What the parametrizations make `value` from, where they can tell."""
        for module in reversed(list(self)):
            if not hasattr(module, "right_inverse"):
                continue
            try:
                value = module.right_inverse(value)
            except NotImplementedError:
                continue
        if not isinstance(value, (Tensor, Sequence)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(value).__name__}"
            )
        return value

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Sets the originals so that the parametrized tensor becomes `value`."""
        with bl.no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                value = module.right_inverse(value)
            values = [value] if self.is_tensor else list(value)
            if len(values) != self.ntensors:
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors of length "
                    f"{self.ntensors}. Got a sequence of length {len(values)}."
                )
            for original, tensor in zip(self._originals(), values, strict=True):
                if not isinstance(tensor, Tensor):
                    raise ValueError(
                        f"`right_inverse` should return a tensor. Got {type(tensor).__name__}"
                    )
                original.data = tensor.data

    def forward(self) -> Tensor:
        first, *rest = self
        value: Tensor = first(*self._originals())
        for module in rest:
            value = module(value)
        return value


def _own_class(module: Module) -> None:
    """Gives the module a class of its own, for the properties."""
    cls = type(module)

    def refuse(self: Any) -> Any:
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through state_dict(). "
            "Save module.state_dict() instead of the module."
        )

    def deepcopy(self: Any, memo: dict[int, Any]) -> Any:
        known = memo.get(id(self))
        if known is not None:
            return known
        made = self.__new__(type(self))
        memo[id(self)] = made
        made.__dict__ = copy.deepcopy(self.__dict__, memo)
        # properties can be removed from the copy alone
        made.__class__ = type(type(self).__name__, (cls,), dict(vars(type(self))))
        return made

    members = {"__getstate__": refuse, "__deepcopy__": deepcopy, "__module__": cls.__module__}
    own: Any = type(f"Parametrized{cls.__name__}", (cls,), members)
    module.__class__ = own


def _add_property(module: Module, name: str) -> None:
    def get(self: Any) -> Tensor:
        made: Tensor
        if not _cache_depth:
            made = self.parametrizations[name]()
            return made
        key = (id(self), name)
        found = _cache.get(key)
        if found is None:
            found = _cache[key] = self.parametrizations[name]()
        return found

    def set_(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get, set_))


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module has parametrizations (of that tensor)."""
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """From now on `module.tensor_name` is `parametrization(original)`.

    Several parametrizations of one tensor are applied one after the other. With a method
    `right_inverse`, the tensor keeps its value, and may be assigned to. `unsafe` allows another
    dtype and shape. Raises ValueError where the module has no such tensor.

        >>> class Symmetric(backlit.nn.Module):
        ...     def forward(self, x):
        ...         return x.triu() + x.triu(1).T
        >>> layer = register_parametrization(backlit.nn.Linear(2, 2), "weight", Symmetric())
        >>> bool((layer.weight == layer.weight.T).all())
        True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        known: Any = module.parametrizations[tensor_name]
        if not unsafe:
            before = getattr(module, tensor_name)
            _check_alike(parametrization(before), before, "Registering a parametrization")
        known.append(parametrization)
        known.unsafe |= unsafe
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    original = getattr(module, tensor_name)
    made = ParametrizationList([parametrization], original, unsafe=unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _own_class(module)
        module.parametrizations = ModuleDict()
    _add_property(module, tensor_name)
    module.parametrizations[tensor_name] = made
    return module


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """The tensor becomes a plain one: with its present value, or with that of its original.

    Raises ValueError where it is not parametrized, or where several originals would be left.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    table: Any = module.parametrizations
    parametrizations = table[tensor_name]
    with bl.no_grad():
        value = getattr(module, tensor_name)
    if parametrizations.is_tensor:
        kept = parametrizations.original
        if leave_parametrized:
            kept.data = value.data
    elif leave_parametrized:
        trained = any(t.requires_grad for t in parametrizations._originals())
        kept = Parameter(value) if trained else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del table[tensor_name]
    _register(module, tensor_name, kept)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        plain: Any = type(module).__bases__[0]
        module.__class__ = plain
    return module


def type_before_parametrizations(module: Module) -> type:
    """The module's class without parametrizations."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Gives `to_module` copies of the parametrizations and parameters of `from_module`."""
    if not is_parametrized(from_module):
        return to_module
    table: Any = from_module.parametrizations
    for name in [tensor_name] if tensor_name else list(table):
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        for parametrization in table[name]:
            register_parametrization(to_module, name, copy.deepcopy(parametrization), unsafe=True)
        made: Any = to_module.parametrizations
        for mine, theirs in zip(made[name]._originals(), table[name]._originals(), strict=True):
            mine.data = theirs.detach().clone()
    return to_module
