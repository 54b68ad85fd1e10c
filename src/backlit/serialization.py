"""`torch.save` and `torch.load`: PyTorch's own .pt and .pth files, both ways, without running them.

A file is a zip archive with one pickle (`data.pkl`) and one entry per storage (`data/0`, ...), as
PyTorch has written it since 1.6, or the older sequence of pickles followed by the storages.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import IO, Any, TypeAlias, Union

_File: TypeAlias = Union[str, "os.PathLike[str]", IO[bytes]]
# Classes and functions that the user trusts: objects, or (object, name in the file).
_safe_globals: list[Any] = []


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Classes and functions that files may refer to from now on.

    Args:
        safe_globals: objects, or pairs (object, name that the file has for it).
    """
    _safe_globals.extend(safe_globals)


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` was given."""
    return list(_safe_globals)


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` was given."""
    _safe_globals.clear()


@contextlib.contextmanager
def safe_globals(safe_globals: list[Any]) -> Iterator[None]:
    """`add_safe_globals` for the time of a block."""
    before = get_safe_globals()
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        _safe_globals[:] = before


def _standard(pickle_module: Any, **arguments: Any) -> None:
    if getattr(pickle_module, "__name__", "pickle") != "pickle" or arguments:
        raise NotImplementedError(
            "torch.save and torch.load use the standard pickle module, without arguments of its "
            f"own; got {pickle_module!r}, {arguments}"
        )


# --- save ---


def save(
    obj: object,
    f: _File,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write an object with its tensors to a file that PyTorch and backlit can load.

    Tensors that share memory share it again after loading; of each storage all is written. A path
    is replaced only when the new file is complete.

    Args:
        obj: a tensor, a state_dict, or nested containers of them.
        f: a path, or a file object with `write`.
        pickle_module: for PyTorch's signature; only the standard `pickle`.
        pickle_protocol: as of `pickle.dump`.

    Raises:
        RuntimeError: the folder does not exist, or one memory is saved as two dtypes.
        pickle.PicklingError: the object holds something that cannot be pickled.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> save({"w": backlit.ones(2)}, file)
        >>> _ = file.seek(0)
        >>> load(file)
        {'w': tensor([1., 1.])}
    """
    _standard(pickle_module)
    from . import _checkpoint_files as files  # takes milliseconds that `import backlit` does not
    from ._files import written_beside

    write = files.write_zip if _use_new_zipfile_serialization else files.write_legacy
    if isinstance(f, (str, os.PathLike)):
        parent = os.path.dirname(os.path.abspath(f))
        if not os.path.isdir(parent):
            raise RuntimeError(f"Parent directory {parent} does not exist.")
        name = os.path.splitext(os.path.basename(f))[0]
        with written_beside(f) as file:
            write(obj, file, name or "archive", pickle_protocol)
    elif hasattr(f, "write"):
        write(obj, f, "archive", pickle_protocol)
    else:
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute; "
            f"got {type(f).__name__}"
        )


# --- load ---


def load(
    f: _File,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    encoding: str = "utf-8",
    **pickle_load_args: Any,
) -> Any:
    """Read what `torch.save` wrote, here or in PyTorch, without running code from the file.

    Args:
        f: a path, or a file object that can seek.
        map_location: where storages of other devices go: "cpu", a device, a dict or a function;
            needed for a file with CUDA tensors.
        weights_only: with False, objects of nn.Module classes that the program has imported are
            rebuilt too, from their attributes. Other classes and functions are never used, unless
            `torch.serialization.add_safe_globals` allowed them.
        mmap: accepted for a path; the file is read either way.
        encoding: of strings that Python 2 wrote.

    Raises:
        pickle.UnpicklingError: the file refers to something that is not allowed; it is named.
        RuntimeError: the file is damaged, or has tensors of a device that is not here.
        EOFError: the file is empty.
        ValueError: mmap is asked for, and `f` is not a path.
    """
    _standard(pickle_module, **pickle_load_args)
    from ._checkpoint_files import read

    only = weights_only is None or bool(weights_only)
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return read(file, map_location, only, encoding)
    if mmap:
        raise ValueError("f must be a file path in order to use the mmap argument. Try mmap=False.")
    if not hasattr(f, "seek") or not hasattr(f, "read"):
        raise AttributeError(
            f"{type(f).__name__!r} object has no attribute 'seek'. You can only torch.load from a "
            "file that is seekable. Please pre-load the data into a buffer like io.BytesIO and try "
            "to load from it instead."
        )
    return read(f, map_location, only, encoding)
