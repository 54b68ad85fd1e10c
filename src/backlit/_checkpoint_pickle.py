"""The pickle inside a checkpoint: tensors by reference to storages, names as PyTorch writes them.

Reading never runs code that the file chose. A pickle names the functions that rebuild its objects;
the reader here knows a short list of them, refuses every other name, and hands out wrappers, so
that a file can call what is on the list and cannot change it.
"""

from __future__ import annotations

import functools
import pickle
import pickletools
import sys
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import IO, Any, ClassVar, NamedTuple

from . import _C, serialization
from ._legacy import KINDS


def _plain(dtype: Any) -> str:
    return str(dtype).rpartition(".")[2]


# PyTorch's storage class of each dtype: `FloatTensor` lies in a `FloatStorage`.
_STORAGES = {name.replace("Tensor", "Storage"): kind.dtype for name, kind in KINDS.items()}
_STORAGE_NAMES = {dtype: name for name, dtype in _STORAGES.items()}
_DTYPES = {_plain(dtype): dtype for dtype in _STORAGE_NAMES}


class Storage(NamedTuple):
    """The bytes of one storage (a uint8 tensor) and the dtype of its elements."""

    memory: _C.Tensor
    dtype: Any


# --- writing ---


class _Global:
    """A name that the pickle refers to; it need not exist here."""

    def __init__(self, module: str, name: str) -> None:
        self.text = f"{module}\n{name}\n"

    def __call__(self) -> None:
        raise TypeError("a name for the reader of the file")


@functools.cache
def _name(module: str, name: str) -> _Global:
    return _Global(module, name)


# The one in Python: that in C writes no name that it cannot import.
_PythonPickler: Any = pickle._Pickler  # type: ignore[attr-defined]


class Pickler(_PythonPickler):
    """Writes an object; `storages` gets the storages of its tensors in the order of their keys."""

    dispatch: ClassVar[dict[Any, Any]] = dict(_PythonPickler.dispatch)

    def __init__(self, file: IO[bytes], protocol: int, legacy: bool = False) -> None:
        super().__init__(file, protocol)
        self.storages: list[Storage] = []
        self._legacy = legacy
        self._keys: dict[tuple[int, int], str] = {}

    def persistent_id(self, obj: Any) -> tuple[Any, ...] | None:
        if not isinstance(obj, Storage):
            return None
        address = (obj.memory.data_ptr(), obj.memory.numel())
        key = self._keys.get(address)
        if key is None:
            key = self._keys[address] = str(len(self.storages))
            self.storages.append(obj)
        elif self.storages[int(key)].dtype != obj.dtype:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different "
                f"types. Got {self.storages[int(key)].dtype} and {obj.dtype}; save a clone() of one"
            )
        kind = _name("torch", _STORAGE_NAMES[obj.dtype])
        count = obj.memory.numel() // obj.dtype.itemsize
        return ("storage", kind, key, "cpu", count, *([None] if self._legacy else []))

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, _C.Tensor):
            return _reduce_tensor(obj)
        return NotImplemented

    def _save_global_name(self, obj: _Global) -> None:
        self.write(pickle.GLOBAL + obj.text.encode())
        self.memoize(obj)

    def _save_dtype(self, obj: Any) -> None:
        self.save(_name("torch", _plain(obj)))

    def _save_size(self, obj: Any) -> None:
        self.save_reduce(_name("torch", "Size"), (tuple(obj),), obj=obj)

    def _save_device(self, obj: Any) -> None:
        self.save_reduce(_name("torch", "device"), (str(obj),), obj=obj)

    dispatch[_Global] = _save_global_name
    dispatch[_C.dtype] = _save_dtype
    dispatch[_C.Size] = _save_size
    dispatch[_C.device] = _save_device


def _reduce_tensor(t: _C.Tensor) -> tuple[Any, ...]:
    from .nn.parameter import Parameter

    state = dict(getattr(t, "__dict__", None) or {})
    if type(t) is Parameter:
        parts: tuple[Any, ...] = (t.detach(), t.requires_grad, OrderedDict())
        if not state:
            return _name("torch._utils", "_rebuild_parameter"), parts
        return _name("torch._utils", "_rebuild_parameter_with_state"), (*parts, state)
    rebuild = _name("torch._utils", "_rebuild_tensor_v2")
    arguments: tuple[Any, ...] = (
        Storage(_C._storage_bytes(t), t.dtype),
        t.storage_offset(),
        tuple(t.shape),
        t.stride(),
        t.requires_grad,
        OrderedDict(),
    )
    if type(t) is _C.Tensor and not state:
        return rebuild, arguments
    kind = _name("torch", "Tensor") if type(t) is _C.Tensor else type(t)
    return _name("torch._tensor", "_rebuild_from_type_v2"), (rebuild, kind, arguments, state)


# --- reading ---


def damaged(what: str) -> pickle.UnpicklingError:
    """The error for a pickle that no `torch.save` writes."""
    return pickle.UnpicklingError(f"Weights only load failed. The file is damaged: {what}")


def refused(what: str) -> pickle.UnpicklingError:
    """The error for a name that the file may not use."""
    return pickle.UnpicklingError(
        f"Weights only load failed. The file refers to {what}, which is not on the list of what a "
        "file may call, and loading never runs code that a file brings. If you know it and trust "
        "it, allow it with torch.serialization.add_safe_globals([...]), or within "
        "torch.serialization.safe_globals([...])"
    )


class _Allowed:
    """Something the file may call; opaque, so that a pickle cannot set attributes of it."""

    __slots__ = ("_call",)
    _call: Callable[..., Any]

    def __init__(self, call: Callable[..., Any]) -> None:
        object.__setattr__(self, "_call", call)

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __setattr__(self, name: str, value: Any) -> None:
        raise damaged("it tries to change a function")


class _Word:
    """A class that the file may name and not call."""

    __slots__ = ("kind",)
    kind: type

    def __init__(self, kind: type) -> None:
        object.__setattr__(self, "kind", kind)

    __setattr__ = _Allowed.__setattr__


def _rebuild_tensor(
    storage: Any,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    requires_grad: bool = False,
    hooks: Any = None,
    metadata: Any = None,
) -> _C.Tensor:
    if not isinstance(storage, Storage) or metadata:
        raise damaged("a tensor's record")
    tensor = _C._storage_view(storage.memory, storage.dtype, size, stride, offset)
    return tensor.requires_grad_(bool(requires_grad)) if requires_grad else tensor


def _rebuild_parameter(
    data: _C.Tensor, requires_grad: bool, hooks: Any, state: dict[str, Any] | None = None
) -> _C.Tensor:
    from .nn.parameter import Parameter

    if not isinstance(data, _C.Tensor):
        raise damaged("a parameter's record")
    parameter = Parameter(data, requires_grad)
    return _with_attributes(parameter, state)


def _rebuild_from_type(
    rebuild: Any, kind: Any, arguments: tuple[Any, ...], state: Any
) -> _C.Tensor:
    tensor = rebuild(*arguments)
    kind = kind.kind if isinstance(kind, _Word) else kind
    if isinstance(kind, type) and issubclass(kind, _C.Tensor) and kind is not _C.Tensor:
        tensor = _C.Tensor._make_subclass(kind, tensor.detach(), tensor.requires_grad)
    return _with_attributes(tensor, state)


def _with_attributes(tensor: _C.Tensor, state: Any) -> _C.Tensor:
    if state is not None and not isinstance(state, dict):
        raise damaged("a tensor's attributes")
    for name, value in (state or {}).items():
        setattr(tensor, str(name), value)
    return tensor


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How protocol 2 writes bytes."""
    if encoding != "latin1":
        raise refused(f"the encoding {encoding!r}")
    return text.encode("latin1")


@functools.cache
def _allowed() -> dict[tuple[str, str], Any]:
    """(module, name) in the file -> what stands for it."""
    from .nn.parameter import Parameter

    calls: dict[tuple[str, str], Callable[..., Any]] = {
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
        ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
        ("torch._utils", "_rebuild_parameter_with_state"): _rebuild_parameter,
        ("torch._tensor", "_rebuild_from_type_v2"): _rebuild_from_type,
        ("torch", "Size"): _C.Size,
        ("torch", "device"): _C.device,
        ("collections", "OrderedDict"): OrderedDict,
        ("collections", "Counter"): Counter,
        ("collections", "defaultdict"): _default_dict,
        ("_codecs", "encode"): _encode,
        ("builtins", "set"): set,
        ("builtins", "frozenset"): frozenset,
        ("builtins", "bytearray"): _bytearray,
        ("builtins", "complex"): complex,
        ("builtins", "slice"): slice,
    }
    known: dict[tuple[str, str], Any] = {
        **{name: _Allowed(call) for name, call in calls.items()},
        **{("torch", name): dtype for name, dtype in _DTYPES.items()},
        **{("torch", name): dtype for name, dtype in _STORAGES.items()},
        ("torch", "Tensor"): _Word(_C.Tensor),
        ("torch.nn.parameter", "Parameter"): _Word(Parameter),
        **{("builtins", kind.__name__): _Word(kind) for kind in _FACTORIES},
    }
    return known


# What a defaultdict may start from.
_FACTORIES = (dict, list, int, float, str, tuple, bool)


def _default_dict(factory: Any = None, *rest: Any) -> Any:
    if factory is not None and not (isinstance(factory, _Word) and factory.kind in _FACTORIES):
        raise refused("a defaultdict whose default is not a plain type")
    return defaultdict(None if factory is None else factory.kind, *rest)


def _bytearray(content: Any = b"", *encoding: str) -> bytearray:
    if not isinstance(content, (bytes, str)):  # a number would be a size to allocate
        raise damaged("a bytearray's record")
    return bytearray(content, *encoding)  # type: ignore[arg-type]


def _by_user(module: str, name: str) -> Any:
    """What the user allowed under this name, or None."""
    for entry in serialization.get_safe_globals():
        thing, path = entry if isinstance(entry, tuple) else (entry, None)
        if (path or f"{thing.__module__}.{thing.__qualname__}") == f"{module}.{name}":
            return thing if isinstance(thing, type) else _Allowed(thing)
    return None


def _loaded_module_class(module: str, name: str) -> Any:
    """An nn.Module class that this program has imported already, or None."""
    from .nn import Module

    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        return None
    own = module.startswith("backlit.nn.")  # a module's dicts of hooks
    return found if own or issubclass(found, Module) else None


class Unpickler(pickle.Unpickler):
    """Reads an object; `storage_of(dtype, key, location, count)` gives its storages."""

    def __init__(
        self, file: IO[bytes], storage_of: Callable[..., Storage], weights_only: bool, encoding: str
    ) -> None:
        super().__init__(file, encoding=encoding)
        self._storage_of = storage_of
        self._weights_only = weights_only

    def persistent_load(self, saved_id: Any) -> Storage:
        if not isinstance(saved_id, tuple) or len(saved_id) < 5 or saved_id[0] != "storage":
            raise damaged(f"an unknown record, {str(saved_id)[:100]}")
        _, dtype, key, location, count = saved_id[:5]
        view = saved_id[5] if len(saved_id) > 5 else None
        if view is not None or not isinstance(dtype, _C.dtype) or not isinstance(count, int):
            raise damaged("a storage's record")
        return self._storage_of(dtype, str(key), str(location), count)

    def find_class(self, module: str, name: str) -> Any:
        module = "builtins" if module == "__builtin__" else module  # as protocol 2 calls it
        found = _allowed().get((module, name))
        if found is None:
            found = _by_user(module, name)
        if found is None and not self._weights_only:
            found = _loaded_module_class(module, name)
        if found is not None:
            return found
        raise refused(f"{module}.{name}")


def check_opcodes(data: bytes) -> None:
    """Refuse what no checkpoint needs and a hostile one could use to exhaust memory."""
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in ("EXT1", "EXT2", "EXT4", "INST", "OBJ"):
            raise refused(f"the pickle instruction {opcode.name}")
        if opcode.name in ("PUT", "LONG_BINPUT") and int(argument or 0) > len(data):
            raise damaged("the pickle's memo")
