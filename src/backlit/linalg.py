"""torch.linalg: the functions of that namespace, as the registry lists them.

Example:
    >>> import backlit as torch
    >>> torch.linalg.vector_norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _C as _C, _namespace as _namespace

globals().update(_C._operations["linalg"])

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:
    __getattr__ = _namespace.missing_attribute(__name__)
