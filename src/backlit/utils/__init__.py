"""Data loading, checkpointing, and the exchange of tensors with other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _namespace

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:
    __getattr__ = _namespace.missing_attribute(
        __name__, frozenset({"_pytree", "checkpoint", "data", "dlpack"})
    )
