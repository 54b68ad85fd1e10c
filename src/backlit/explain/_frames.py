"""Names of tensors in the frames of the user's program, nearest frame first."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import FrameType, FunctionType, ModuleType
from typing import Any

from . import _engine
from ._engine import Tensor

_PACKAGE = __name__.partition(".")[0]
_FOLDER = os.path.dirname(os.path.dirname(__file__)) + os.sep
_MOST_ITEMS = 10_000  # of one list or dict that is looked into

Key = tuple[int, int]  # a node of the engine and the number of its output; a constant and -1


class Names:
    """Tensors of the program by what they are: an output of a node, or a constant.

    Attributes:
        found: names by key.
        tensors: the named tensors by key, which keeps them alive and gives their values.
        modules: the paths of the modules that hold parameters.
    """

    def __init__(self) -> None:
        self.found: dict[Key, str] = {}
        self.tensors: dict[Key, Tensor] = {}
        self.owners: dict[Key, str] = {}  # of a parameter: the path of its module
        self._modules: set[int] = set()
        self._alive: list[Any] = []  # an unused leaf's node would go, and another take its id

    def add(self, name: str, t: Tensor, owner: str = "") -> None:
        node = _engine.node_of(t) if t.requires_grad else t
        key = (id(node), t.output_nr if t.requires_grad else -1)
        if key not in self.found:
            self._alive.append(node)
            self.found[key], self.tensors[key] = name, t
            if owner:
                self.owners[key] = owner

    def add_frame(self, variables: Mapping[str, Any]) -> None:
        """All tensors that the variables hold, directly or one level down."""
        items = [(k, v) for k, v in variables.items() if not k.startswith("__")]
        for name, value in items:
            if isinstance(value, Tensor):
                self.add(name, value)
        roots = [(n, v) for n, v in items if _is_module(v)]
        for name, module in roots:
            self._add_module(name, "" if len(roots) == 1 else name, module)
        for name, value in items:
            for suffix, t in _inside(value):
                self.add(name + suffix, t)

    def _add_module(self, variable: str, prefix: str, module: Any) -> None:
        if id(module) in self._modules:
            return
        self._modules.add(id(module))
        for path, t in (*module.named_parameters(), *module.named_buffers()):
            full = f"{prefix}.{path}" if prefix else path
            if not full[0].isalpha():  # of a Sequential: its variable comes first
                full = f"{variable}.{full}"
            self.add(full, t, full.rpartition(".")[0])


def user_frames() -> Iterator[FrameType]:
    """The frames of the program that called, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _ours(frame):
        frame = frame.f_back
    while frame is not None:
        if not _ours(frame):
            yield frame
        frame = frame.f_back


def names_in(scopes: Iterable[Mapping[str, Any]]) -> Names:
    """The names that hold in these scopes, innermost first."""
    names = Names()
    for variables in scopes:
        names.add_frame(variables)
    return names


def scopes_of(frames: Iterable[FrameType]) -> Iterator[Mapping[str, Any]]:
    """The variables of each frame; those of its module after them, once per module."""
    seen: set[int] = set()
    for frame in frames:
        for variables in (frame.f_locals, frame.f_globals):
            if id(variables) not in seen:
                seen.add(id(variables))
                yield variables


def _ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_FOLDER)


def _is_module(value: Any) -> bool:
    nn = sys.modules.get(f"{_PACKAGE}.nn")
    return nn is not None and isinstance(value, nn.Module)


def _inside(value: Any) -> Iterator[tuple[str, Tensor]]:
    """Tensors in a list, a tuple, a dict, or in the attributes of an object."""
    if isinstance(value, (list, tuple)):
        pairs: Iterable[tuple[str, Any]] = ((f"[{i}]", v) for i, v in enumerate(value))
    elif isinstance(value, dict):
        pairs = ((f"[{k!r}]", v) for k, v in value.items())
    elif _is_closed(value):
        return
    else:
        pairs = ((f".{k}", v) for k, v in getattr(value, "__dict__", {}).items())
    for _, (suffix, item) in zip(range(_MOST_ITEMS), list(pairs), strict=False):
        if isinstance(item, Tensor):
            yield suffix, item


def _is_closed(value: Any) -> bool:
    """Is it none of the user's own objects, or one that is looked into elsewhere?"""
    if isinstance(value, (type, ModuleType, FunctionType, Tensor)) or _is_module(value):
        return True
    return type(value).__module__.partition(".")[0] in ("builtins", _PACKAGE)
