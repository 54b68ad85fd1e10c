"""Short-time Fourier transforms: a signal cut into overlapping frames, and put together again.

Frames, windows and the overlapping sum are views, products and `fold`; the transform of a frame is
that of `fft.py`. So derivatives of any order come from these.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

from . import _C
from ._fourier import FftC2C, FftC2R, FftR2C

Tensor = _C.Tensor

_SMALLEST_ENVELOPE = 1e-11  # a sum of squared windows below it cannot be divided out

_HOW_TO_SAY_IT = (
    "To suppress this warning and use a rectangular window, explicitly set "
    "`window=torch.ones(n_fft, device=<device>)`."
)
_RECTANGULAR_STFT = (
    "A window was not provided. A rectangular window will be applied,which is known to cause "
    "spectral leakage. Other windows such as torch.hann_window or torch.hamming_window are "
    f"recommended to reduce spectral leakage.{_HOW_TO_SAY_IT}"
)
_RECTANGULAR_ISTFT = (
    "A window was not provided. A rectangular window will be applied.Please provide the same "
    f"window used by stft to make the inversion lossless.{_HOW_TO_SAY_IT}"
)
_PARTS_DEPRECATED = (
    "stft with return_complex=False is deprecated. In a future pytorch release, stft will return "
    "complex tensors for all inputs, and return_complex=False will raise an error.\nNote: you can "
    "still call torch.view_as_real on the complex output to recover the old return format."
)
_LONGER = (
    "The length of signal is shorter than the length parameter. Result is being padded with zeros "
    "in the tail. Please check your center and hop_length settings."
)


class Frames(NamedTuple):
    """How a signal is cut, under the names that messages use."""

    n_fft: int
    hop_length: int
    win_length: int


def _frames(n_fft: int, hop_length: int | None, win_length: int | None) -> Frames:
    hop = n_fft // 4 if hop_length is None else hop_length
    return Frames(n_fft, hop, n_fft if win_length is None else win_length)


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The transforms of the frames of a signal. (*, L) -> (*, F, T), complex.

        X[k, t] = Σₙ w[n] x[t · hop_length + n] exp(-2πi kn / n_fft)

    F is n_fft, or n_fft // 2 + 1 where `onesided`: the default for real signals and windows. With
    `center` the signal is padded by n_fft // 2 on both sides, so that frame t is centred on
    x[t · hop_length]. The window is padded by zeros to n_fft; with `align_to_window` frame t begins
    where its window does. `normalized` divides by √n_fft. Without `return_complex` the parts of
    the numbers lie along one more dimension.

    Example:
        >>> import backlit as torch
        >>> x = torch.arange(6.0)
        >>> torch.stft(x, 4, window=torch.ones(4), center=False, return_complex=True)
        tensor([[ 6.+0.j, 10.+0.j, 14.+0.j],
                [-2.+2.j, -2.+2.j, -2.+2.j],
                [-2.+0.j, -2.+0.j, -2.+0.j]])
    """
    if center:
        if align_to_window is not None:
            raise RuntimeError("stft align_to_window should only be set when center = false")
        input = _padded_signal(input, n_fft // 2, pad_mode)
    cut = _frames(n_fft, hop_length, win_length)
    is_complex = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None and not is_complex:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will "
            "further require that return_complex=True in a future PyTorch release."
        )
    if return_complex is False:
        _warn(_PARTS_DEPRECATED)
    call = _written(
        f"stft({input.type()}{list(input.shape)}",
        **cut._asdict(),
        window=window,
        normalized=bool(normalized),
        onesided=onesided,
        return_complex=return_complex,
        align_to_window=align_to_window,
    )
    _check_signal(call, input, window, cut)
    half = _is_half(onesided, is_complex)
    if window is None:
        _warn(_RECTANGULAR_STFT)
    y = _spectrum(input, window, cut, normalized, half, bool(align_to_window))
    return _C.view_as_real(y) if return_complex is False else y


def _padded_signal(x: Tensor, n: int, mode: str) -> Tensor:
    rank = x.dim()
    wide = _C._nn.pad(x.reshape([1] * (3 - rank) + list(x.shape)), [n, n], mode)
    return wide.reshape(wide.shape[-rank:])


def _check_signal(call: str, x: Tensor, window: Tensor | None, cut: Frames) -> None:
    n_fft, hop, width = cut
    if not (x.is_floating_point() or x.is_complex()):
        raise RuntimeError(f"{call} : expected a tensor of floating point or complex values")
    if x.dim() not in (1, 2):
        raise RuntimeError(f"{call} : expected a 1D or 2D tensor")
    size = x.shape[-1]
    if not 0 < n_fft <= size:
        raise RuntimeError(f"{call} : expected 0 < n_fft < {size}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"{call} : expected hop_length > 0, but got hop_length={hop}")
    if not 0 < width <= n_fft:
        raise RuntimeError(f"{call} : expected 0 < win_length <= n_fft, but got win_length={width}")
    if window is not None and tuple(window.shape) != (width,):
        raise RuntimeError(
            f"{call} : expected a 1D window tensor of size equal to win_length={width}, but got "
            f"window with size {list(window.shape)}"
        )


def _spectrum(
    x: Tensor, window: Tensor | None, cut: Frames, normalized: bool, half: bool, aligned: bool
) -> Tensor:
    rows = x if x.dim() == 2 else x.unsqueeze(0)
    if aligned:
        rows = _widened(rows, cut)
    frames = rows.unfold(1, cut.n_fft, cut.hop_length) * _window(window, cut, x)  # (B, T, n_fft)
    scale = "root" if normalized else "none"
    if half:
        y = FftR2C.apply(frames, 2, scale)
    else:
        y = FftC2C.apply(frames.to(frames.dtype.to_complex()), (2,), scale, True)
    y = y.transpose(1, 2)  # (B, F, T)
    spectrum: Tensor = y if x.dim() == 2 else y.squeeze(0)
    return spectrum


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal of `stft`, from its transforms. (*, F, T) -> (*, L).

        x[n] = Σₜ w[n - t · hop_length] xₜ[n - t · hop_length] / Σₜ w[n - t · hop_length]²

    xₜ are the inverse transforms of the frames. The arguments are those that `stft` was called
    with; `length` cuts the signal off, or pads it by zeros. Raises RuntimeError where no window
    covers a part of the signal.

    Example:
        >>> import backlit as torch
        >>> x, w = torch.tensor([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]), torch.hann_window(4)
        >>> torch.istft(torch.stft(x, 4, window=w, return_complex=True), 4, window=w)
        tensor([3., 1., 4., 1., 5., 9., 2., 6.])
    """
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with "
            "return_complex=True."
        )
    cut = _frames(n_fft, hop_length, win_length)
    call = _written(
        f"istft(CPU{input.type().rpartition('.')[2].removesuffix('Tensor')}Type{list(input.shape)}",
        **cut._asdict(),
        window=window,
        center=bool(center),
        normalized=bool(normalized),
        onesided=onesided,
        length=length,
        return_complex=bool(return_complex),
    )
    half = _C.view_as_real(input).size(-3) != n_fft if onesided is None else bool(onesided)
    _check_spectrum(call, input, window, cut, half)
    if window is None:
        _warn(_RECTANGULAR_ISTFT)
    if return_complex:
        _is_half(half, True)
    elif window is not None and window.is_complex():
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    frames = input.transpose(-1, -2)  # (*, T, F)
    frames = frames if input.dim() == 3 else frames.unsqueeze(0)
    frames = _inverse(frames, n_fft, "root" if normalized else "n", return_complex)
    start = n_fft // 2 if center else 0
    x = _signal(call, frames, _window(window, cut, frames), cut.hop_length, start, length)
    return x if input.dim() == 3 else x.squeeze(0)


def _check_spectrum(call: str, X: Tensor, window: Tensor | None, cut: Frames, half: bool) -> None:
    if X.numel() == 0:
        raise RuntimeError(f"{call} : input tensor cannot be empty.")
    if X.dim() not in (2, 3):
        raise RuntimeError(
            f"{call} : expected a tensor with 3 or 4 dimensions, but got {X.dim() + 1}"
        )
    found, expected = X.shape[-2], cut.n_fft // 2 + 1 if half else cut.n_fft
    if found != expected:
        raise RuntimeError(
            f"{call} : expected the frequency dimension (3rd to the last) of the input tensor to "
            f"match {'n_fft / 2 + 1' if half else 'n_fft'} when onesided={half}, but got {found}"
        )
    if not 0 < cut.hop_length <= cut.win_length:
        raise RuntimeError(f"{call} : expected 0 < hop_length <= win_length")
    if not 0 < cut.win_length <= cut.n_fft:
        raise RuntimeError(f"{call} : expected 0 < win_length <= n_fft")
    if window is not None and tuple(window.shape) != (cut.win_length,):
        raise RuntimeError(
            f"{call} : Invalid window shape. window has to be 1D and length of `win_length`"
        )


def _signal(
    call: str, frames: Tensor, window: Tensor, hop: int, start: int, length: int | None
) -> Tensor:
    """The mean of frames where they overlap, weighed by the window, from `start` on. (B, L)"""
    count, n = frames.shape[1:]
    whole = n + hop * (count - 1)
    end = whole - start if length is None else max(start + length, start)
    weights = (window * window).expand(1, count, n)
    x, envelope = (_overlapped(t, hop)[:, start:end] for t in (frames * window, weights))
    smallest = envelope.abs().min()
    if not bool(smallest > _SMALLEST_ENVELOPE):
        raise RuntimeError(
            f"{call} window overlap add min: 1. The squares of the windows over some element add "
            f"up to {float(smallest):.3g}. Use another window, hop_length or length, or center."
        )
    x = x / envelope
    if end <= whole:
        return x
    _warn(_LONGER)
    return _C.constant_pad_nd(x, [0, end - whole])


def _inverse(frames: Tensor, n_fft: int, scale: str, is_complex: bool) -> Tensor:
    """The frames of a signal from their transforms. (B, T, F) -> (B, T, n_fft)"""
    if is_complex:
        x: Tensor = FftC2C.apply(frames, (2,), scale, False)
        return x
    x = FftC2R.apply(frames.narrow(2, 0, n_fft // 2 + 1), 2, scale, n_fft)
    return x


def _overlapped(frames: Tensor, hop: int) -> Tensor:
    """The sum of frames, each moved by one hop more. (B, T, n) -> (B, n + hop (T - 1))"""
    count, n = frames.shape[1:]
    total = [1, n + hop * (count - 1)]
    columns = frames.transpose(1, 2)  # (B, n, T): the windows of an image of one row
    return _C._nn.fold(columns, total, [1, n], stride=[1, hop]).flatten(1)


# --- what both share ---


def _window(window: Tensor | None, cut: Frames, like: Tensor) -> Tensor:
    """The window, by default a rectangular one, between zeros. (n_fft,)"""
    return _widened(_C.ones(cut.win_length, dtype=like.dtype) if window is None else window, cut)


def _widened(x: Tensor, cut: Frames) -> Tensor:
    """Zeros around x, as many as it takes a window to fill a frame."""
    rest = cut.n_fft - cut.win_length
    return _C.constant_pad_nd(x, [rest // 2, rest - rest // 2]) if rest else x


def _is_half(onesided: bool | None, is_complex: bool) -> bool:
    """Whether the frequencies that are not negative tell the others."""
    if onesided and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    return not is_complex if onesided is None else onesided


def _written(start: str, **options: Any) -> str:
    """The call, as PyTorch writes it at the head of a message."""
    return ", ".join([start, *(f"{name}={_word(value)}" for name, value in options.items())]) + ")"


def _word(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{value.type()}{{{list(value.shape)}}}"
    return str(int(value)) if isinstance(value, bool) else str(value)


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=3)
