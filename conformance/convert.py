"""PyTorch's values and functions as backlit's."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import torch

import backlit

FLOATS = (torch.float32, torch.float64)


class Untranslatable(Exception):
    """The sample uses something that only PyTorch has: a dtype, a device, a layout."""


class Translation:
    """One sample's values for backlit. Tensors that share memory in PyTorch share it here."""

    def __init__(self) -> None:
        self.leaves: list[tuple[torch.Tensor, Any]] = []  # pairs that require grad
        self._tensors: dict[int, Any] = {}  # by id of PyTorch's
        self._memory: dict[int, tuple[torch.Tensor, Any]] = {}  # by address; keeps it alive

    def __call__(self, value: Any) -> Any:
        """The same value."""
        if isinstance(value, torch.Tensor):
            if id(value) not in self._tensors:
                self._tensors[id(value)] = self._tensor(value)
            return self._tensors[id(value)]
        if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
            items = [self(item) for item in value]
            return type(value)(items) if type(value) in (list, tuple) else tuple(items)
        if isinstance(value, torch.Size):
            return tuple(value)
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        if isinstance(value, slice):
            return slice(*(self(part) for part in (value.start, value.stop, value.step)))
        if isinstance(value, (torch.dtype, torch.memory_format, torch.layout)):
            return _named(str(value).rpartition(".")[2])
        if isinstance(value, torch.device):
            return str(value)
        if type(value).__module__.startswith("torch"):
            raise Untranslatable(f"{type(value).__name__}")
        if isinstance(value, types.FunctionType):
            return rebound(value)
        return value

    def _tensor(self, value: torch.Tensor) -> Any:
        if value.layout != torch.strided or value.is_neg():
            raise Untranslatable(f"a {value.dtype} tensor of layout {value.layout}")
        if value.device.type != "cpu":
            raise Untranslatable(f"a tensor on {value.device}")
        _named(str(value.dtype).rpartition(".")[2])
        if isinstance(value, torch.nn.Parameter):
            value = value.detach().requires_grad_(value.requires_grad)
        memory = value.detach().resolve_conj()  # backlit conjugates at once
        try:
            base = self._base(memory)
            mine = base.as_strided(tuple(memory.shape), memory.stride(), memory.storage_offset())
        except RuntimeError as error:
            raise Untranslatable(str(error)) from error
        if value.requires_grad:
            mine.requires_grad_()
            self.leaves.append((value, mine))
        return mine

    def _base(self, value: torch.Tensor) -> Any:
        """All of the memory that a tensor shows a part of, copied."""
        address = value.untyped_storage().data_ptr()
        if address not in self._memory or self._memory[address][0].dtype != value.dtype:
            whole = torch.empty(0, dtype=value.dtype).set_(value.untyped_storage())
            self._memory[address] = (whole, backlit.from_numpy(whole.clone().numpy()))
        return self._memory[address][1]


def _named(name: str) -> Any:
    found = getattr(backlit, name, None)
    if found is None:
        raise Untranslatable(name)
    return found


def rebound(function: types.FunctionType) -> Callable[..., Any]:
    """A Python function whose global `torch` is backlit: how the database wraps some operations."""
    scope = {**function.__globals__, "torch": backlit, "wrapper_set_seed": _seeded}
    closure = function.__closure__
    if closure is not None:
        cells = [_cell(cell.cell_contents) for cell in closure]
        closure = tuple(cells)
    copy = types.FunctionType(
        function.__code__, scope, function.__name__, function.__defaults__, closure
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _cell(content: Any) -> types.CellType:
    if isinstance(content, types.FunctionType) and content.__module__.startswith("torch.testing"):
        content = rebound(content)
    return types.CellType(content)


def _seeded(operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    backlit.manual_seed(42)
    return operation(*args, **kwargs)


def counterpart(op: Any) -> Callable[..., Any] | None:
    """What backlit has for an entry of the database; None where there is nothing of the name."""
    function = op.op
    if isinstance(function, types.FunctionType) and function.__module__.startswith("torch.testing"):
        needed = op.name.split(".")[0]
        if not hasattr(backlit, needed) and not _is_method(op.name):
            return None
        return rebound(function)
    found: Any = backlit
    for part in op.name.split("."):
        try:
            found = getattr(found, part)
        except (AttributeError, NotImplementedError):
            found = None
            break
    if callable(found):
        return found
    method = getattr(backlit.Tensor, op.name, None)
    return method if callable(method) else None


def _is_method(name: str) -> bool:
    return hasattr(backlit.Tensor, name) or hasattr(backlit.Tensor, name + "_")
