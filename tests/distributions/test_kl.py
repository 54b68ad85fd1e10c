"""Divergences: PyTorch's for every pair that it has, and the mean of the difference of log_prob."""

import math
import re

import pytest
from distributions.table import ROWS, make, parameters
from distributions.test_against_pytorch import gradients

import backlit
from backlit import distributions as D

from oracle import same

# One row of each type, and a second distribution of the type with other parameters.
SECOND = {"a": "b", "b": "a", "x": "y", "y": "x", "p": "q", "W": "(W.flip(-1) + 1)", "L": "(2 * L)"}
FIRST = {re.match(r"D\.(\w+)", row)[1]: row for row in ROWS}
FIRST["Uniform"] = "D.Uniform(p / 4, q)"
FIRST["Pareto"] = "D.Pareto(b, a + 3)"
FIRST["Binomial"] = "D.Binomial(7, p)"
FIRST["Wishart"] = "D.Wishart(n, L @ L.mT)"
FIRST["LowRankMultivariateNormal"] = "D.LowRankMultivariateNormal(x, V, b)"
FIRST["LogNormal"] = "D.LogNormal(x, b)"


def second(row):
    head, rest = row.split("(", 1)
    return head + "(" + re.sub(r"\b([abxypWL])\b", lambda m: SECOND[m[1]], rest)


def pairs():
    torch = pytest.importorskip("torch")
    from torch.distributions import kl

    for p in FIRST:
        for q in FIRST:
            kinds = getattr(torch.distributions, p), getattr(torch.distributions, q)
            if kl._dispatch_kl(*kinds) is not NotImplemented:
                yield p, q


# PyTorch sums the parameters of different shapes, and differentiates by q alone.
UNLIKE = {("Wishart", "Wishart"), ("Independent", "Independent")}


@pytest.mark.parametrize(("p", "q"), [pair for pair in pairs() if pair not in UNLIKE])
def test_same_as_pytorch(p, q):
    def run(lib):
        given = parameters(lib, requires_grad=True)
        left = make(lib, FIRST[p], given)
        right = make(lib, second(FIRST[q]) if p == q else FIRST[q], given)
        try:
            value = lib.distributions.kl_divergence(left, right)
        except NotImplementedError:
            return "not implemented"
        found = gradients(lib, value, given) if value.isfinite().all() else None
        return value.detach(), found

    same(run, 2e-6)


CLOSED = ["Normal", "Gamma", "Beta", "Exponential", "Laplace", "Gumbel", "Uniform", "Poisson"]
CLOSED += ["Dirichlet", "MultivariateNormal", "Bernoulli", "Categorical", "Pareto", "Cauchy"]
CLOSED += ["ContinuousBernoulli", "Geometric", "LogNormal", "Wishart", "LowRankMultivariateNormal"]
MIXED = [("Beta", "Normal"), ("Uniform", "Gumbel"), ("Gamma", "Gumbel"), ("Exponential", "Gamma")]
MIXED += [("Uniform", "Beta"), ("Normal", "Laplace"), ("Pareto", "Gamma"), ("Bernoulli", "Poisson")]


@pytest.mark.parametrize(("p", "q"), [*((name, name) for name in CLOSED), *MIXED])
def test_mean_over_samples(p, q):
    backlit.manual_seed(0)
    given = parameters(backlit)
    left = make(backlit, FIRST[p], given)
    right = make(backlit, second(FIRST[q]) if p == q else FIRST[q], given)
    exact = D.kl_divergence(left, right)
    values = left.sample((20000,))
    right._validate_args = False  # where p has outcomes that q has not
    differences = left.log_prob(values) - right.log_prob(values)
    error = differences.std(0) / math.sqrt(20000)
    finite = exact.isfinite()
    assert ((differences.mean(0) - exact).abs() < 6 * error + 1e-9)[finite].all()


def test_a_registered_rule_serves_subclasses():
    class Mine(D.Normal):
        pass

    @D.register_kl(Mine, D.Normal)
    def rule(p, q):
        return "mine"

    try:
        assert D.kl_divergence(Mine(0.0, 1.0), D.Normal(0.0, 1.0)) == "mine"
        assert D.kl_divergence(D.Normal(0.0, 1.0), Mine(0.0, 1.0)) == 0
    finally:
        del D.kl._registered[Mine, D.Normal]


def test_what_is_not_known():
    def run(lib):
        d = lib.distributions
        return d.kl_divergence(d.Laplace(0.0, 1.0), d.Bernoulli(0.5))

    same(run)
    with pytest.raises(TypeError, match="Expected type_p to be a Distribution subclass"):
        D.register_kl(int, D.Normal)
    same(
        lambda lib: lib.distributions.kl_divergence(
            *(lib.distributions.Binomial(n, lib.tensor(0.5)) for n in (3, 5))
        )
    )
