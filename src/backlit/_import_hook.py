"""`import torch` gives backlit: a finder that answers for `torch` and everything below it.

`torch.nn` becomes the very module `backlit.nn`, so both names share one set of classes. The real
PyTorch is never loaded, installed or not. A name that backlit does not have is told by its PyTorch
name: a module when it is imported, and ``from torch import x`` by `explain_import_error`, because
Python words that message itself.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_OURS = __name__.partition(".")[0]
_THEIRS = "torch"
_SIDES = {"safetensors.torch": "safetensors"}  # PyTorch sides of other packages, and ours


def _ours(name: str) -> str:
    return _OURS + name[len(_THEIRS) :]


def _theirs(name: str) -> str:
    return _THEIRS + name[len(_OURS) :]


def _belongs(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


class _Loader:
    """Hands out a module that is loaded already under its own name."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has just replaced it


class Finder:
    """The entry in ``sys.meta_path``."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if not _belongs(name, _THEIRS) and name not in _SIDES:
            return None
        ours = f"{_OURS}.{_SIDES[name]}" if name in _SIDES else _ours(name)
        try:
            module = importlib.import_module(ours)
        except ModuleNotFoundError as error:
            if error.name is None or not _belongs(ours, error.name):
                raise  # something that our module needs is missing, not our module
            raise ModuleNotFoundError(
                f"No module named '{name}' - backlit does not provide {name}", name=name
            ) from None
        loader: Any = _Loader(module)
        return ModuleSpec(name, loader, is_package=hasattr(module, "__path__"))


def install() -> None:
    """Answer ``import torch`` with backlit from now on.

    Raises:
        RuntimeError: if the real PyTorch is loaded already.
    """
    loaded = sys.modules.get(_THEIRS)
    if loaded is not None and loaded is not sys.modules[_OURS]:
        raise RuntimeError(
            "backlit: `torch` is imported already, and it is PyTorch. Install the import hook "
            "before the first `import torch`."
        )
    if Finder not in sys.meta_path:
        sys.meta_path.insert(0, Finder)


def uninstall() -> None:
    """Undo `install`; forget the modules known as `torch`."""
    if Finder in sys.meta_path:
        sys.meta_path.remove(Finder)
    for name in [n for n in sys.modules if _belongs(n, _THEIRS)]:
        if sys.modules[name] is sys.modules.get(_ours(name)):
            del sys.modules[name]


def explain_import_error(error: BaseException | None) -> None:
    """Reword Python's "cannot import name 'x' from 'backlit'" in `error` and in what caused it."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ImportError):
            _reword(error)
        error = error.__cause__ or error.__context__


def _reword(error: ImportError) -> None:
    module, text = error.name or "", str(error.msg)
    start = "cannot import name '"
    if not _belongs(module, _OURS) or not text.startswith(start):
        return
    missing = text[len(start) :].partition("'")[0]
    where = _theirs(module)
    hint = _similar(missing, sys.modules.get(module))
    error.msg = (
        f"cannot import name '{missing}' from '{where}' - backlit does not provide "
        f"{where}.{missing}{hint}"
    )
    error.args = (error.msg,)


def _similar(missing: str, module: ModuleType | None) -> str:
    import difflib

    names = [n for n in dir(module) if not n.startswith("_")]
    close = difflib.get_close_matches(missing, names, n=3)
    return f" (similar names it has: {', '.join(close)})" if close else ""
