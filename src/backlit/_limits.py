"""What a dtype can hold: `finfo` and `iinfo`; what messages call it."""

from __future__ import annotations

from typing import Any

from . import _C

# dtype: bits, digits of the significand, digits of a decimal that survive
_FLOATS = {
    _C.float16: (16, 11, 3),
    _C.bfloat16: (16, 8, 2),
    _C.float32: (32, 24, 6),
    _C.float64: (64, 53, 15),
}
_INTEGERS = {_C.uint8: 8, _C.int8: 8, _C.int16: 16, _C.int32: 32, _C.int64: 64}


def scalar_name(x: Any) -> str:
    """What PyTorch's messages call the dtype of a tensor: Float, Long."""
    name: str = x.type().rpartition(".")[2]
    return name.removesuffix("Tensor")


def _as_dtype(type: Any) -> Any:
    """The dtype that Python's float, int or bool stand for; other objects as they are."""
    return _C.promote_types(type, type) if type in (float, int, bool, complex) else type


class _Limits:
    """Equal when of the same dtype; immutable by convention."""

    bits: int
    dtype: str

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.dtype == getattr(other, "dtype", None)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((type(self), self.dtype))


class finfo(_Limits):
    """Limits of a floating dtype; of the default dtype when none is given.

    Example:
        >>> import backlit as torch
        >>> torch.finfo(torch.float32).eps
        1.1920928955078125e-07
    """

    def __init__(self, type: Any = None) -> None:
        known = _C.get_default_dtype() if type is None else _as_dtype(type)
        if not isinstance(known, _C.dtype):
            raise TypeError(
                f"finfo(): argument 'type' (position 1) must be torch.dtype, not "
                f"{known.__class__.__name__}"
            )
        known = known.to_real() if known.is_complex else known
        if known not in _FLOATS:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
                "'torch.finfo'"
            )
        self.bits, significand, decimals = _FLOATS[known]
        exponent = 2 ** (self.bits - significand - 1)
        self.eps = 2.0 ** (1 - significand)
        self.max = (2.0 - self.eps) * 2.0 ** (exponent - 1)
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0 ** (2 - exponent)
        self.resolution = float(f"1e-{decimals}")
        self.dtype = str(known).removeprefix("torch.")

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        numbers = ", ".join(f"{name}={getattr(self, name):g}" for name in names)
        return f"finfo({numbers}, dtype={self.dtype})"


class iinfo(_Limits):
    """Limits of an integer dtype.

    Example:
        >>> import backlit as torch
        >>> torch.iinfo(torch.int8).max
        127
    """

    def __init__(self, type: Any) -> None:
        type = _as_dtype(type)
        if not isinstance(type, _C.dtype):
            raise TypeError(
                f"iinfo(): argument 'type' (position 1) must be torch.dtype, not "
                f"{type.__class__.__name__}"
            )
        if type.is_floating_point or type.is_complex:
            raise TypeError(
                "torch.iinfo() requires an integer input type. Use torch.finfo to handle "
                "'torch.iinfo'"
            )
        if type not in _INTEGERS:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        self.bits = _INTEGERS[type]
        signed = type.is_signed
        self.max = 2 ** (self.bits - signed) - 1
        self.min = -self.max - 1 if signed else 0
        self.dtype = str(type).removeprefix("torch.")

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


for _kind in (finfo, iinfo):
    setattr(_C, _kind.__name__, _kind)
