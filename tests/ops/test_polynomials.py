"""Polynomials and Bessel functions that are written on tensors, beside PyTorch."""

import numpy as np
import pytest

import backlit
from backlit import special
from backlit._polynomials import POLYNOMIALS

from oracle import same

X = np.linspace(-2.0, 2.0, 41)
DEGREES = np.arange(41) % 9 - 1


@pytest.mark.parametrize("name", sorted(POLYNOMIALS))
def test_polynomial(name):
    def run(t):
        f, x, n = getattr(t.special, name), t.from_numpy(X), t.from_numpy(DEGREES)
        alone = [f(x, k) for k in (-3, 0, 1, 2, 3.7, 12)]
        out = t.empty(41, dtype=t.float64)
        f(x, n, out=out)
        return alone, out, f(2, n), f(x.float(), 3), f(t.arange(3), 2), f(x[:5, None], n[:9])

    same(run, 1e-5)


@pytest.mark.parametrize("name", sorted(POLYNOMIALS))
def test_polynomial_in_float64(name):
    def run(t):
        f = getattr(t.special, name)
        return [f(t.from_numpy(X), k) for k in range(8)]

    same(run, 1e-11)


@pytest.mark.parametrize("name", sorted(POLYNOMIALS))
def test_derivative(name):
    """PyTorch has none."""
    x = backlit.from_numpy(X[::8].copy()).requires_grad_()
    f = getattr(special, name)
    for n in (0, 3, backlit.tensor([2, -1, 0, 5, 1, 3])):
        assert backlit.autograd.gradcheck(lambda x, n=n: f(x, n), [x])


@pytest.mark.parametrize("call", ["f(1, 2)", "f(t.ones(2).half(), 3)"])
def test_wrong_calls(call):
    same(lambda t: eval(call, {"t": t, "f": t.special.chebyshev_polynomial_t}))


BESSEL = [
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "spherical_bessel_j0",
]
SPECIAL_VALUES = [0.0, -1.0, np.nan, 1e-300, 700.0, 1e5]


@pytest.mark.parametrize("name", BESSEL)
def test_bessel(name):
    x = np.concatenate([np.logspace(-12, 2.8, 100), SPECIAL_VALUES])

    def run(t):
        f = getattr(t.special, name)
        y = f(t.from_numpy(x))
        scale = t.where(t.isfinite(y) & (y != 0), y.abs(), t.ones_like(y))
        kept = t.where(y.abs() > 1e290, t.sign(y), y / scale)  # overflows
        return kept, scale.clamp(1e-300, 1e290).log()

    same(run, 1e-12)
    same(lambda t: getattr(t.special, name)(t.arange(1, 4)), 1e-6)


@pytest.mark.parametrize("name", BESSEL)
def test_bessel_at_infinity(name):
    limit = np.inf if "_i" in name else 0.0  # PyTorch's first two give nan
    assert float(getattr(special, name)(backlit.tensor(np.inf))) == limit
