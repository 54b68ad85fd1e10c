"""Safetensors files: names and tensors, nothing that could run. The calls of `safetensors.torch`.

The format is read and written by the `safetensors` package, imported when first used. A file is
written beside its target and renamed.

>>> import backlit as torch
>>> from backlit import safetensors
>>> data = safetensors.save({"weight": torch.arange(3)})
>>> safetensors.load(data)
{'weight': tensor([0, 1, 2])}
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import backlit as bl

from ._files import written_beside

# The format's names of element types, and ours.
_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
    "C64": "complex64",
}

Path = str | os.PathLike[str]


def save(tensors: Mapping[str, bl.Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a file that holds `tensors`, each of them contiguous and with its own memory.

    Raises:
        ValueError: for something that is not a tensor, or not contiguous.
        RuntimeError: for tensors that share memory (`save_model` keeps one of them).
        ImportError: without the safetensors package.
    """
    library = _library()
    _check(tensors)
    specs = {
        name: library.TensorSpec(
            dtype=str(t.dtype).rpartition(".")[2],
            shape=tuple(t.shape),
            data_ptr=t.data_ptr(),
            data_len=t.numel() * t.element_size(),
        )
        for name, t in tensors.items()
    }
    return bytes(library.serialize(specs, metadata=metadata and dict(metadata)))


def save_file(
    tensors: Mapping[str, bl.Tensor], filename: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a file that holds `tensors`; errors as of `save`, and the file is as before then."""
    data = save(tensors, metadata)
    with written_beside(filename) as file:
        file.write(data)


def load(data: bytes) -> dict[str, bl.Tensor]:
    """The tensors in the bytes of a file.

    Raises:
        safetensors.SafetensorError: if they are not those of a whole safetensors file.
        NotImplementedError: for an element type that backlit does not have.
    """
    return {name: _tensor(name, entry) for name, entry in _library().deserialize(data)}


def load_file(filename: Path, device: Any = "cpu") -> dict[str, bl.Tensor]:
    """The tensors in a file. Errors as of `load`; FileNotFoundError without the file."""
    bl.device(device)  # refuses what is not the CPU
    try:
        with open(filename, "rb") as file:
            return load(file.read())
    except FileNotFoundError:
        raise FileNotFoundError(f"No such file or directory: {os.fspath(filename)}") from None


def save_model(
    model: bl.nn.Module,
    filename: Path,
    metadata: Mapping[str, str] | None = None,
    force_contiguous: bool = True,
) -> None:
    """Write a module's state_dict. Of tied tensors the first name is kept, the others noted."""
    kept: dict[str, bl.Tensor] = {}
    first: dict[tuple[Any, ...], str] = {}
    notes = dict(metadata or {})
    for name, t in sorted(model.state_dict().items()):
        place = (t.data_ptr(), tuple(t.shape), t.stride(), t.dtype)
        if t.numel() and place in first:
            notes[name] = first[place]
            continue
        first[place] = name
        kept[name] = t.contiguous() if force_contiguous else t
    save_file(kept, filename, notes or None)


def load_model(
    model: bl.nn.Module, filename: Path, strict: bool = True, device: Any = "cpu"
) -> tuple[set[str], list[str]]:
    """Load a file of `save_model` into a module; the names that were missing, and unexpected.

    Raises:
        RuntimeError: for wrong shapes, and, if `strict`, for missing or unexpected names.
    """
    state = load_file(filename, device)
    own = model.state_dict()
    places = {t.data_ptr() for name, t in own.items() if name in state and t.numel()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    # a name tied to one that was loaded is loaded, too
    absent = {name for name in missing if own[name].data_ptr() not in places}
    if strict and (absent or unexpected):
        text = f"Error(s) in loading state_dict for {type(model).__name__}:"
        for what, names in (("Missing", absent), ("Unexpected", unexpected)):
            if names:
                listed = ", ".join(f'"{name}"' for name in sorted(names))
                text += f"\n    {what} key(s) in state_dict: {listed}"
        raise RuntimeError(text)
    return absent, list(unexpected)


def _library() -> Any:
    """The package; also called `safetensors`, but at the top."""
    try:
        import safetensors
    except ImportError as error:
        raise ImportError(
            "backlit.safetensors needs the safetensors package: pip install 'safetensors>=0.8'"
        ) from error
    return safetensors


def _check(tensors: Mapping[str, bl.Tensor]) -> None:
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    places: dict[int, set[str]] = {}
    for name, t in tensors.items():
        if not isinstance(t, bl.Tensor):
            raise ValueError(
                f"Key `{name}` is invalid, expected torch.Tensor but received {type(t)}"
            )
        if not t.is_contiguous():
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{name}` which is not allowed. "
                "Call .contiguous() on it, or, of several views, save the whole."
            )
        if t.numel():
            places.setdefault(t.untyped_storage().data_ptr(), set()).add(name)
    shared = [names for names in places.values() if len(names) > 1]
    if shared:
        raise RuntimeError(
            "Some tensors share memory, this will lead to duplicate memory on disk and potential "
            f"differences when loading them again: {shared}. Save one of them, or use save_model."
        )


def _tensor(name: str, entry: Mapping[str, Any]) -> bl.Tensor:
    dtype = getattr(bl, _DTYPES.get(entry["dtype"], ""), None)
    if dtype is None:
        raise NotImplementedError(
            f"backlit has no dtype for the elements of `{name}`, which are {entry['dtype']}"
        )
    if not entry["data"]:
        return bl.empty(entry["shape"], dtype=dtype)
    return bl.frombuffer(entry["data"], dtype=dtype).reshape(entry["shape"])
