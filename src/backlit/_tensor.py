"""The part of Tensor's interface that is written in Python."""

from __future__ import annotations

from . import _C
from ._tensor_str import tensor_format

_C.Tensor.__format__ = tensor_format
