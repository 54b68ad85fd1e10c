"""torch.special: the functions of that namespace, as the registry lists them.

Example:
    >>> import backlit as torch
    >>> torch.special.entr(torch.tensor([0.5, 1.0]))
    tensor([0.3466, -0.0000])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _C as _C, _namespace as _namespace

globals().update(_C._operations["special"])

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:
    __getattr__ = _namespace.missing_attribute(__name__)
