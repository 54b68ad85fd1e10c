"""torch.stft and torch.istft beside PyTorch: values, gradients, errors; finite differences."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from ops.dtypes import assert_close

import backlit

from oracle import same

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
LIBRARIES = (backlit, torch)


def numbers(*shape, seed=0):
    random = np.random.RandomState(seed)
    return random.standard_normal(shape), random.standard_normal(shape)


def signal(lib, *shape, dtype="float64"):
    re, im = numbers(*shape)
    values = re + 1j * im if dtype.startswith("complex") else re
    return lib.from_numpy(values).to(getattr(lib, dtype))


def window(lib, n, dtype="float64"):
    return signal(lib, n, dtype=dtype) * 0.2 + 1


def with_gradients(lib, y, *inputs):
    weights = signal(lib, *y.shape, dtype=str(y.dtype).rpartition(".")[2])
    return [y, *lib.autograd.grad(y, inputs, weights)]


def compare(run, dtype):
    for mine, theirs in zip(*(run(lib) for lib in LIBRARIES), strict=True):
        assert_close(mine, theirs, dtype, "value or gradient")


CUTS = [(8, 3, 8), (9, 2, 6), (8, 5, 5), (1, 1, 1)]  # n_fft, hop_length, win_length


@pytest.mark.parametrize("dtypes", [*itertools.product(("float64", "complex128"), repeat=2)])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("center", [True, False])
def test_stft(cut, center, dtypes):
    for normalized, onesided in itertools.product((True, False), (None, False)):

        def run(lib, normalized=normalized, onesided=onesided):
            x = signal(lib, 2, 30, dtype=dtypes[0]).requires_grad_()
            w = window(lib, cut[2], dtypes[1]).requires_grad_()
            y = lib.stft(x, *cut, w, center, "reflect", normalized, onesided, return_complex=True)
            return with_gradients(lib, y, x, w)

        compare(run, "complex128")


@pytest.mark.parametrize("length", [None, 9, 40])
@pytest.mark.parametrize("cut", [(8, 3, 8), (9, 2, 9), (8, 5, 8)])
@pytest.mark.parametrize("kind", ["onesided", "twosided", "complex"])
def test_istft(cut, length, kind):
    for normalized in (True, False):

        def run(lib, normalized=normalized):
            rows = cut[0] // 2 + 1 if kind == "onesided" else cut[0]
            X = signal(lib, 2, rows, 6, dtype="complex128").requires_grad_()
            is_complex = kind == "complex"
            w = window(lib, cut[2], "complex128" if is_complex else "float64").requires_grad_()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # padding
                x = lib.istft(X, *cut, w, True, normalized, None, length, is_complex)
            return with_gradients(lib, x, X, w)

        compare(run, "complex128")


@pytest.mark.parametrize("length", [None, 9])
def test_istft_of_a_window_shorter_than_its_frames(length):
    def run(lib):
        X, w = signal(lib, 5, 6, dtype="complex128").requires_grad_(), window(lib, 5)
        return with_gradients(lib, lib.istft(X, 8, 2, 5, w, length=length), X)

    compare(run, "complex128")


@pytest.mark.parametrize("mode", ["reflect", "constant", "replicate", "circular"])
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_pad_modes(mode, dtype):
    run = lambda lib: signal(lib, 30, dtype=dtype).stft(  # noqa: E731
        8, window=lib.hann_window(8), pad_mode=mode, return_complex=True
    )
    compare(lambda lib: [run(lib)], "complex64")


def test_aligned_to_the_window():
    def run(lib):
        options = {"center": False, "align_to_window": True, "return_complex": True}
        x = signal(lib, 2, 30).requires_grad_()
        y = lib.stft(x, 8, 3, 4, window(lib, 4), **options)
        return with_gradients(lib, y, x)

    compare(run, "complex128")


def test_there_and_back():
    x = signal(backlit, 3, 50)
    w = backlit.hann_window(16, dtype=backlit.float64)
    X = x.stft(16, window=w, return_complex=True)
    assert backlit.allclose(X.istft(16, window=w, length=50), x)


def test_finite_differences():
    x, w = signal(backlit, 12).requires_grad_(), window(backlit, 4).requires_grad_()
    there = lambda x, w: backlit.stft(x, 4, 2, window=w, return_complex=True) ** 2  # noqa: E731
    assert backlit.autograd.gradcheck(there, (x, w))
    assert backlit.autograd.gradgradcheck(there, (x, w))
    X = signal(backlit, 3, 5, dtype="complex128").requires_grad_()
    back = lambda X, w: backlit.istft(X, 4, 2, window=w) ** 2  # noqa: E731
    assert backlit.autograd.gradcheck(back, (X, w))
    assert backlit.autograd.gradgradcheck(back, (X, w), atol=1e-4)


WRONG_STFT = """
x, 16, window=w | x, 300, center=False, window=w, return_complex=True
x, 300, window=w, return_complex=True | x, 0, window=w, return_complex=True
x, -1, window=w, return_complex=True | x, 16, 0, window=w, return_complex=True
x, 16, 4, 0, window=w, return_complex=True | x, 16, win_length=20, window=w, return_complex=True
x, 16, win_length=8, window=w, return_complex=True
x, 16, window=w.reshape(16, 1), return_complex=True | x, 16, window=w.cfloat(), onesided=True
x.cfloat(), 16, window=w, onesided=True | x.long(), 16, window=w, return_complex=True
x[None], 16, window=w, return_complex=True | x[0, 0], 16, window=w, return_complex=True
x, 16, window=w, return_complex=True, pad_mode='x' | x, 16, window=w, align_to_window=True
"""
WRONG_ISTFT = """
X, 16, window=w, center=False | X.real, 16, window=w | X, 16, window=w, onesided=False
X, 18, window=w | X, 16, window=0 * w | X, 16, window=w[1:] | X, 16, window=w.cfloat()
X, 16, window=w, return_complex=True | X, 16, 17, window=w | X, 16, 0, window=w
X, 16, 4, 0, w | X, 16, 4, 17, w | X, -1, window=w | X[None], 16, window=w | X[:0], 16, window=w
X[0, 0], 16, window=w | X, 16, window=w, length=0
"""
CALLS = [f"istft({call})" for call in WRONG_ISTFT.replace("\n", "|").split("|") if call.strip()]
CALLS += [f"stft({call})" for call in WRONG_STFT.replace("\n", "|").split("|") if call.strip()]


@pytest.mark.parametrize("call", CALLS)
def test_wrong_calls(call):
    def run(lib):
        names = {"x": signal(lib, 2, 100, dtype="float32"), "w": lib.hann_window(16)}
        names["X"] = signal(lib, 2, 9, 26, dtype="complex64")
        return eval(f"T.{call}", {"T": lib, **names})

    assert same(run)[0] == "raised"


def test_warnings():
    x = signal(backlit, 30)
    with pytest.warns(UserWarning, match="A window was not provided"):
        X = x.stft(8, return_complex=True)
    with pytest.warns(UserWarning, match="return_complex=False is deprecated"):
        parts = x.stft(8, window=backlit.ones(8, dtype=backlit.float64), return_complex=False)
    assert backlit.equal(parts, backlit.view_as_real(X))
    with pytest.warns(UserWarning, match="A window was not provided"):
        X.istft(8)
    with pytest.warns(UserWarning, match="shorter than the length parameter"):
        padded = X.istft(8, window=backlit.ones(8, dtype=backlit.float64), length=40)
    assert padded[34:].tolist() == [0.0] * 6
