"""Gamma, Dirichlet and binomial samples: PyTorch's numbers, and exact derivatives of samples."""

import itertools

import pytest

import backlit

from oracle import same

mpmath = pytest.importorskip("mpmath")

EXPRESSIONS = [
    "t._standard_gamma(t.linspace(0.01, 5, 50, dtype=d))",
    "t._standard_gamma(t.linspace(1, 200, 12, dtype=d).view(3, 4).t())",
    "t._standard_gamma(t.zeros(3, dtype=d))",
    "t._standard_gamma(t.full((5,), 1e-4, dtype=d))",
    "t._sample_dirichlet(t.linspace(0.01, 5, 50, dtype=d).view(5, 10))",
    "t._sample_dirichlet(t.full((4, 3), 1e-3, dtype=d))",
    "t.binomial(t.linspace(0, 200, 60, dtype=d).floor(), t.linspace(0, 1, 60, dtype=d).flip(0))",
    "t.binomial(t.full((40,), 1000.0, dtype=d), t.full((40,), 0.3, dtype=d))",
    "t.binomial(t.full((3, 1), 5.0, dtype=d).expand(3, 4), t.full((3, 4), 0.5, dtype=d))",
    "t.binomial(t.full((3,), 5.0, dtype=d), t.full((3,), t.nan, dtype=d))",
    "t.binomial(t.full((3,), 5, dtype=t.int64), t.full((3,), 0.5, dtype=d))",
    "t._standard_gamma(t.ones(2, dtype=t.int64))",
    "t._standard_gamma(t.ones(2, dtype=d), generator=t.Generator().manual_seed(4))",
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("source", EXPRESSIONS)
def test_samples(source, dtype):
    def run(t):
        t.manual_seed(3)
        return eval(source, {"t": t, "d": getattr(t, dtype)}), t.rand(2)

    same(run, 1e-15)


SHAPES = [0.02, 0.3, 1.0, 2.5, 30.0]


def slope_of_quantile(distribution, density, a, x):
    """-(dF/da) / f by central differences in 300 digits."""
    with mpmath.workdps(300):
        h = mpmath.mpf(10) ** -50
        a, x = mpmath.mpf(a), mpmath.mpf(x)
        change = (distribution(a + h, x) - distribution(a - h, x)) / (2 * h)
        return float(-change / density(a, x))


@pytest.mark.parametrize("a", [1e-3, 0.05, 0.5, 0.999, 1.5, 3.0, 20.0, 300.0, 1e4])
def test_how_gamma_samples_move(a):
    def below(a, x):
        return mpmath.gammainc(a, 0, x, regularized=True)

    def density(a, x):
        return mpmath.e ** ((a - 1) * mpmath.log(x) - x) / mpmath.gamma(a)

    for q in (-3, -1, 0, 1, 3):
        x = a + q * a**0.5 if a + q * a**0.5 > 0 else 0.3 ** (q + 4)
        found = backlit._standard_gamma_grad(*backlit.tensor([[a], [x]], dtype=backlit.float64))
        assert found.item() == pytest.approx(slope_of_quantile(below, density, a, x), rel=3e-8)


@pytest.mark.parametrize(("a", "b"), [*itertools.product(SHAPES, repeat=2)])
def test_how_beta_samples_move(a, b):
    def below(a, x):
        return mpmath.betainc(a, b, 0, x, regularized=True)

    def density(a, x):
        return x ** (a - 1) * (1 - x) ** (b - 1) / mpmath.beta(a, b)

    for x in (1e-6, 0.01, 0.3, 0.5, 0.77, 0.99, 1 - 1e-6):
        inputs = backlit.tensor([[x], [a], [a + b]], dtype=backlit.float64)
        found = backlit._dirichlet_grad(*inputs)
        exact = slope_of_quantile(below, density, a, x) / (1 - x)
        assert found.item() == pytest.approx(exact, rel=3e-8)


def test_gradients():
    def run(t):
        t.manual_seed(1)
        a = t.linspace(0.5, 4, 12, dtype=t.float64).view(3, 4).requires_grad_()
        y = t._standard_gamma(a)
        return y.grad_fn.name(), *t.autograd.grad((y * t.arange(12.0).view(3, 4)).sum(), a)

    same(run, 2e-3)  # as far as PyTorch's approximations go


def test_binomial_has_no_gradient():
    def run(t):
        p = t.full((3,), 0.5, requires_grad=True)
        t.binomial(t.full((3,), 5.0), p).sum().backward()

    same(run)


def test_second_derivatives_are_refused():
    a = backlit.ones(2, requires_grad=True)
    (first,) = backlit.autograd.grad(backlit._standard_gamma(a).sum(), a, create_graph=True)
    with pytest.raises(NotImplementedError, match="_standard_gamma_grad"):
        first.sum().backward()
