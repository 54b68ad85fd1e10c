"""The part of Tensor's interface that is written in Python."""

from __future__ import annotations

from . import _C, _legacy
from .autograd import _hooks
from ._tensor_str import tensor_format

_C.Tensor.__format__ = tensor_format
_hooks.attach()


def _real(self: _C.Tensor) -> _C.Tensor:
    """The real part: the tensor itself."""
    return self


_C.Tensor.real = property(_real)
_C.Tensor.imag = property(_C.imag, doc="The imaginary part: refused, without complex numbers.")

_C.Tensor.type = _legacy.tensor_type
_C.Tensor.new = _legacy.new
_C.Tensor.layout = property(lambda self: _legacy.strided, doc="torch.strided: the one layout.")
