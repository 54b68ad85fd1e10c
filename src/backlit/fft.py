"""Discrete Fourier transforms: `torch.fft`.

    Xₖ = s Σⱼ xⱼ exp(-2πi jk / n),   inverse: xⱼ = s Σₖ Xₖ exp(2πi jk / n)

`norm` says what s is: ``"backward"`` (the default) 1 forward and 1/n inverse, ``"forward"`` the
other way round, ``"ortho"`` 1/√n in both directions. Inputs shorter than `n` (or `s`) are followed
by zeros, longer ones are cut off. All transforms are differentiable, to any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import _C
from ._fourier import FftC2C, FftC2R, FftR2C, resized

Tensor = _C.Tensor
_Ints = int | Sequence[int] | None

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "hfft2",
    "hfftn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]


# --- arguments ---


def _scale(norm: str | None, forward: bool) -> str:
    if norm == "ortho":
        return "root"
    if norm not in (None, "backward", "forward"):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    return "none" if (norm != "forward") == forward else "n"


def _floating(x: Tensor) -> Tensor:
    if x.dtype in (_C.float16, _C.bfloat16):
        name = "Half" if x.dtype == _C.float16 else "BFloat16"
        raise RuntimeError(f"Unsupported dtype {name}. Use .float() first.")
    wide = x.dtype.is_floating_point or x.dtype.is_complex
    return x if wide else x.to(_C.get_default_dtype())


def _complex(x: Tensor) -> Tensor:
    x = _floating(x)
    return x.to(x.dtype.to_complex())


def _real(x: Tensor, name: str) -> Tensor:
    if x.is_complex():
        kind = "ComplexFloat" if x.dtype == _C.complex64 else "ComplexDouble"
        raise RuntimeError(f"{name} expects a real input tensor, but got {kind}")
    return _floating(x)


def _checked(n: int) -> int:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return n


def _wrapped(x: Tensor, dim: int) -> int:
    rank = x.dim()
    if rank == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    if not -rank <= dim < rank:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], "
            f"but got {dim})"
        )
    return dim % rank


def _axes(x: Tensor, s: _Ints, dim: _Ints) -> tuple[list[int | None], tuple[int, ...]]:
    """The length along each transformed dimension (None: as it is), and the dimensions."""
    lengths = None if s is None else [s] if isinstance(s, int) else list(s)
    rank = x.dim()
    if dim is not None:
        given = [dim] if isinstance(dim, int) else list(dim)
        dims = tuple(_wrapped(x, d) for d in given)
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
        if lengths is not None and len(lengths) != len(dims):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
    elif lengths is None:
        dims = tuple(range(rank))
    else:
        if len(lengths) > rank:
            raise RuntimeError(
                f"Got shape with {len(lengths)} values but input tensor only has {rank} dimensions."
            )
        dims = tuple(range(rank - len(lengths), rank))
    if lengths is None:
        return [None] * len(dims), dims
    return [None if n == -1 else n for n in lengths], dims


def _fitted(x: Tensor, lengths: Sequence[int | None], dims: Sequence[int]) -> Tensor:
    for n, d in zip(lengths, dims, strict=True):
        x = resized(x, d, _checked(x.shape[d] if n is None else n))
    return x


def _into(y: Tensor, out: Tensor | None) -> Tensor:
    return y if out is None else out.resize_(y.shape).copy_(y)


# --- over several dimensions; one dimension is a special case ---


def _c2c(x: Tensor, dims: tuple[int, ...], norm: str | None, forward: bool) -> Tensor:
    y: Tensor = FftC2C.apply(x, dims, _scale(norm, forward), forward) if dims else x
    return y


def _complex_transform(x: Tensor, s: _Ints, dim: _Ints, norm: str | None, forward: bool) -> Tensor:
    lengths, dims = _axes(x, s, dim)
    _scale(norm, forward)
    return _c2c(_fitted(_complex(x), lengths, dims), dims, norm, forward)


def _from_real(
    name: str, x: Tensor, s: _Ints, dim: _Ints, norm: str | None, forward: bool
) -> Tensor:
    """rfftn, or ihfftn where not `forward`: half of the frequencies, which tell the others."""
    x = _real(x, name)
    lengths, dims = _axes(x, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    x = _fitted(x, lengths, dims)
    y: Tensor = FftR2C.apply(x, dims[-1], _scale(norm, forward))
    return _c2c(y if forward else y.conj(), dims[:-1], norm, forward)


def _to_real(name: str, x: Tensor, s: _Ints, dim: _Ints, norm: str | None, forward: bool) -> Tensor:
    """irfftn, or hfftn where `forward`."""
    lengths, dims = _axes(x, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    last = dims[-1]
    n = _checked(2 * (x.shape[last] - 1) if lengths[-1] is None else lengths[-1])
    x = _fitted(_complex(x), [*lengths[:-1], n // 2 + 1], dims)
    x = _c2c(x, dims[:-1], norm, forward)
    y: Tensor = FftC2R.apply(x.conj() if forward else x, last, _scale(norm, forward), n)
    return y


def fft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Any = None
) -> Tensor:
    """The transform along one dimension.

    Example:
        >>> import backlit as torch
        >>> torch.fft.fft(torch.tensor([1.0, 0.0, 0.0, 0.0]))
        tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
    """
    return _into(_complex_transform(input, n, _wrapped(input, dim), norm, True), out)


def ifft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Any = None
) -> Tensor:
    """The inverse of `fft`."""
    return _into(_complex_transform(input, n, _wrapped(input, dim), norm, False), out)


def rfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Any = None
) -> Tensor:
    """`fft` of real numbers: the n // 2 + 1 frequencies that are not negative."""
    return _into(_from_real("rfft", input, n, _wrapped(input, dim), norm, True), out)


def irfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Any = None
) -> Tensor:
    """The inverse of `rfft`: n real numbers, 2 (size - 1) unless given."""
    return _into(_to_real("irfft", input, n, _wrapped(input, dim), norm, False), out)


def hfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Any = None
) -> Tensor:
    """`fft` of a signal with x₋ⱼ = x̄ⱼ, given by its first half: n real frequencies."""
    return _into(_to_real("hfft", input, n, _wrapped(input, dim), norm, True), out)


def ihfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Any = None
) -> Tensor:
    """The inverse of `hfft`, from real frequencies."""
    return _into(_from_real("ihfft", input, n, _wrapped(input, dim), norm, False), out)


def fftn(
    input: Tensor, s: _Ints = None, dim: _Ints = None, norm: str | None = None, *, out: Any = None
) -> Tensor:
    """The transform along several dimensions, all unless given; `s` are their lengths."""
    return _into(_complex_transform(input, s, dim, norm, True), out)


def ifftn(
    input: Tensor, s: _Ints = None, dim: _Ints = None, norm: str | None = None, *, out: Any = None
) -> Tensor:
    """The inverse of `fftn`."""
    return _into(_complex_transform(input, s, dim, norm, False), out)


def rfftn(
    input: Tensor, s: _Ints = None, dim: _Ints = None, norm: str | None = None, *, out: Any = None
) -> Tensor:
    """`fftn` of real numbers: half of the frequencies along the last one of the dimensions."""
    return _into(_from_real("rfftn", input, s, dim, norm, True), out)


def irfftn(
    input: Tensor, s: _Ints = None, dim: _Ints = None, norm: str | None = None, *, out: Any = None
) -> Tensor:
    """The inverse of `rfftn`."""
    return _into(_to_real("irfftn", input, s, dim, norm, False), out)


def hfftn(
    input: Tensor, s: _Ints = None, dim: _Ints = None, norm: str | None = None, *, out: Any = None
) -> Tensor:
    """`hfft` along the last one of the dimensions, `fft` along the others."""
    return _into(_to_real("hfftn", input, s, dim, norm, True), out)


def ihfftn(
    input: Tensor, s: _Ints = None, dim: _Ints = None, norm: str | None = None, *, out: Any = None
) -> Tensor:
    """The inverse of `hfftn`."""
    return _into(_from_real("ihfftn", input, s, dim, norm, False), out)


def _over_two(transform: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The transform along two dimensions, the last two unless given."""

    def over_two(
        input: Tensor,
        s: _Ints = None,
        dim: _Ints = (-2, -1),
        norm: str | None = None,
        *,
        out: Any = None,
    ) -> Tensor:
        return transform(input, s, dim, norm, out=out)

    over_two.__name__ = over_two.__qualname__ = transform.__name__[:-1] + "2"
    over_two.__doc__ = f"`{transform.__name__}` along two dimensions, the last two unless given."
    return over_two


fft2, ifft2 = _over_two(fftn), _over_two(ifftn)
rfft2, irfft2 = _over_two(rfftn), _over_two(irfftn)
hfft2, ihfft2 = _over_two(hfftn), _over_two(ihfftn)


# --- frequencies ---


def fftfreq(
    n: int, d: float = 1.0, *, out: Any = None, dtype: Any = None, **options: Any
) -> Tensor:
    """The frequency of each result of `fft`, for n samples d apart.

    Example:
        >>> import backlit as torch
        >>> torch.fft.fftfreq(4)
        tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    dtype = dtype or _C.get_default_dtype()
    numbers = _C.cat([_C.arange(0, (n + 1) // 2), _C.arange(-(n // 2), 0)]).to(dtype)
    return _into((numbers * (1.0 / (n * d))).requires_grad_(_wants_grad(options)), out)


def rfftfreq(
    n: int, d: float = 1.0, *, out: Any = None, dtype: Any = None, **options: Any
) -> Tensor:
    """The frequency of each result of `rfft`, for n samples d apart."""
    numbers = _C.arange(n // 2 + 1).to(dtype or _C.get_default_dtype())
    return _into((numbers * (1.0 / (n * d))).requires_grad_(_wants_grad(options)), out)


def _wants_grad(options: dict[str, Any]) -> bool:
    """`requires_grad` of a factory's options; the device is checked."""
    if options.get("device") is not None:
        _C.device(options["device"])
    return bool(options.get("requires_grad", False))


def _rolled(x: Tensor, dim: _Ints, part: Callable[[int], int]) -> Tensor:
    dims = list(range(x.dim())) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    return x.roll([part(x.shape[d]) for d in dims], dims) if dims else x.clone()


def fftshift(input: Tensor, dim: _Ints = None) -> Tensor:
    """The zero frequency moved to the middle."""
    return _rolled(input, dim, lambda n: n // 2)


def ifftshift(input: Tensor, dim: _Ints = None) -> Tensor:
    """The inverse of `fftshift`."""
    return _rolled(input, dim, lambda n: (n + 1) // 2)
