"""DLPack: tensors to and from other libraries without a copy."""

from __future__ import annotations

from .._settings import from_dlpack as from_dlpack, to_dlpack as to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
