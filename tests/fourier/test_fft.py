"""torch.fft beside PyTorch: values, lengths, norms, errors; derivatives by finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from ops.dtypes import assert_close

import backlit

from oracle import same

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
LIBRARIES = (backlit, torch)
ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = tuple(name + suffix for name in ONE for suffix in ("2", "n"))
REAL_INPUT = ("rfft", "ihfft", "rfft2", "rfftn", "ihfft2", "ihfftn")
CALLS_ONE = ["x", "x, 4", "x, n=9", "x, dim=0", "x, 3, 1, 'ortho'", "x, norm='forward'", "x, 1"]
CALLS_SEVERAL = [
    "x",
    "x, s=(2, 3)",
    "x, (4, 7), (0, -1)",
    "x, dim=(1, 0)",
    "x, s=(3, -1)",
    "x, norm='ortho'",
    "x, (2, 6), norm='forward'",
]


def draw(name, shape=(3, 2, 5)):
    values = np.random.RandomState(5).standard_normal(shape)
    if name in REAL_INPUT:
        return values
    return values + 1j * np.random.RandomState(6).standard_normal(shape)


def transform(lib, name, call, dtype):
    x = lib.tensor(draw(name).tolist()).to(getattr(lib, dtype)).requires_grad_()
    y = eval(f"f({call})", {"f": getattr(lib.fft, name), "x": x})
    weights = lib.arange(1.0, y.numel() + 1).reshape(y.shape).to(y.dtype)
    (g,) = lib.autograd.grad(y, x, weights)
    return y, g


CASES = [(n, c) for n in ONE for c in CALLS_ONE if (n, c) != ("irfft", "x, 1")]
CASES += [(n, c) for n in SEVERAL for c in CALLS_SEVERAL]


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize(("name", "call"), CASES)
def test_values_and_gradients(name, call, precision):
    real = "float32" if precision == "single" else "float64"
    kind = "complex64" if precision == "single" else "complex128"
    dtype = real if name in REAL_INPUT else kind
    (y, g), (z, h) = (transform(lib, name, call, dtype) for lib in LIBRARIES)
    assert_close(y, z, kind, "value")
    assert_close(g / 30, h / 30, kind, "gradient")


@pytest.mark.parametrize("name", ONE)
def test_second_derivatives(name):
    x = backlit.tensor(draw(name, (2, 3)).tolist())
    x = x.to(backlit.float64 if name in REAL_INPUT else backlit.complex128).requires_grad_()
    squared = lambda x: getattr(backlit.fft, name)(x, 5) ** 2  # noqa: E731
    assert backlit.autograd.gradcheck(squared, (x,))
    assert backlit.autograd.gradgradcheck(squared, (x,), atol=1e-4)


OTHERS = """
fft(T.arange(4)) | fft(T.ones(3, dtype=T.bool)) | fftn(T.tensor(2.))
fft(T.ones(3, dtype=T.half)) | fft(T.ones(3, dtype=T.bfloat16)) | rfft(T.ones(3, dtype=T.cfloat))
ihfft(T.ones(3, dtype=T.cdouble)) | fft(T.ones(3), norm='x') | fft(T.ones(3), n=0)
fft(T.tensor(1.)) | fft(T.ones(3), dim=3) | fft2(T.ones(3)) | fftn(T.ones(2, 2), dim=(0, 0))
fftn(T.ones(2, 2), s=(2, 2), dim=(0,)) | fftn(T.ones(2, 2), s=(3, 3, 3)) | irfft(T.ones(1))
rfftn(T.tensor(1.)) | irfftn(T.tensor(1.))
fftfreq(5) | fftfreq(6, 0.5) | rfftfreq(5) | rfftfreq(4, 2.0)
fftshift(T.arange(5)) | ifftshift(T.arange(5)) | fftshift(T.arange(6).reshape(2, 3), dim=1)
ifftshift(T.arange(6).reshape(2, 3)) | fftfreq(3, dtype=T.float64, requires_grad=True)
fft(T.arange(3.), out=T.empty(0, dtype=T.cfloat))
"""


@pytest.mark.parametrize(
    "source", [s.strip() for s in OTHERS.replace("\n", "|").split("|") if s.strip()]
)
def test_others(source):
    same(lambda lib: eval(f"F.{source}", {"T": lib, "F": lib.fft}), 1e-6)
