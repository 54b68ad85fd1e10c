"""The three transforms that `fft.py` is made of, with derivatives of any order.

The numbers come from NumPy's pocketfft: any length, float32 kept. A transform is linear, so the
gradient of one is another: that of a complex transform is the one in the other direction.
"""

from __future__ import annotations

from typing import Any

from . import _C
from .autograd.function import Function

# How a result is scaled: not at all, by 1/√n, by 1/n; NumPy's names of the direction's norms.
_SCALES = {
    "none": ("backward", "forward"),
    "root": ("ortho", "ortho"),
    "n": ("forward", "backward"),
}


def _numpy() -> Any:
    import numpy

    return numpy


def _run(name: str, x: _C.Tensor, scale: str, **options: Any) -> _C.Tensor:
    """`numpy.fft.name` in the precision of x."""
    inverse = name.startswith("i")
    found = getattr(_numpy().fft, name)(x.numpy(), norm=_SCALES[scale][inverse], **options)
    real = found.dtype.kind == "f"
    dtype = x.dtype.to_real() if real else x.dtype.to_complex()
    kind = str(dtype).rpartition(".")[2]
    return _C.from_numpy(_numpy().ascontiguousarray(found, dtype=kind))  # NumPy 1 widens


class FftC2C(Function):
    """Complex to complex over `dims`."""

    @staticmethod
    def forward(ctx: Any, x: _C.Tensor, dims: tuple[int, ...], scale: str, forward: bool) -> Any:
        ctx.dims, ctx.scale, ctx.direction = dims, scale, forward
        return _run("fftn" if forward else "ifftn", x.detach(), scale, axes=dims)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return FftC2C.apply(grads[0], ctx.dims, ctx.scale, not ctx.direction), None, None, None


class FftR2C(Function):
    """Real to complex over one dimension: the frequencies that are not negative."""

    @staticmethod
    def forward(ctx: Any, x: _C.Tensor, dim: int, scale: str) -> Any:
        ctx.dim, ctx.scale, ctx.n = dim, scale, x.shape[dim]
        return _run("rfft", x.detach(), scale, axis=dim)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        g = resized(grads[0], ctx.dim, ctx.n)
        return _C.real(FftC2C.apply(g, (ctx.dim,), ctx.scale, False)), None, None


class FftC2R(Function):
    """Complex to real over one dimension, to length n: the inverse of `FftR2C`."""

    @staticmethod
    def forward(ctx: Any, x: _C.Tensor, dim: int, scale: str, n: int) -> Any:
        ctx.dim, ctx.scale, ctx.n, ctx.length = dim, scale, n, x.shape[dim]
        return _run("irfft", x.detach(), scale, axis=dim, n=n)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        g = FftR2C.apply(grads[0], ctx.dim, ctx.scale)
        # a frequency with a mirror image counts twice; what lies beyond n counts not at all
        count = [1.0] + [2.0] * (ctx.n - g.shape[ctx.dim]) + [1.0] * (1 - ctx.n % 2)
        shape = [1] * g.dim()
        shape[ctx.dim] = g.shape[ctx.dim]
        weight = _C.tensor(count[: g.shape[ctx.dim]], dtype=g.dtype.to_real()).reshape(shape)
        return resized(g * weight, ctx.dim, ctx.length), None, None, None


def resized(x: _C.Tensor, dim: int, n: int) -> _C.Tensor:
    """x with n elements along dim: cut off, or followed by zeros."""
    size = x.shape[dim]
    if n <= size:
        return x if n == size else x.narrow(dim, 0, n)
    shape = list(x.shape)
    shape[dim] = n - size
    return _C.cat([x, _C.zeros(shape, dtype=x.dtype)], dim)
