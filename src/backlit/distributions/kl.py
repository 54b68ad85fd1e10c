"""Kullback-Leibler divergences: ``KL(p ‖ q) = E_p[ln p - ln q]``.

Most pairs come from one formula, ``-H(p) - E_p[ln q]``: the expected logarithm of each density q is
made of a few moments (`_EXPECTED_LOG`), and each p knows those moments (`_MEAN_LOG`, ...).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from .. import _C
from .._shapes import broadcast_shapes
from . import _discrete as d, _gamma as g, _matrix as m, _real as r
from ._wrappers import ExponentialFamily, Independent, TransformedDistribution
from .distribution import Distribution
from .utils import sum_rightmost

_Rule = Callable[[Any, Any], Any]
_registered: dict[tuple[type, type], _Rule] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[_Rule], _Rule]:
    """Decorates the function ``kl(p, q)`` for a pair of types and their subclasses.

    Raises:
        TypeError: if a type is not a distribution's.
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def decorate(rule: _Rule) -> _Rule:
        _registered[type_p, type_q] = rule
        return rule

    return decorate


def _find(type_p: type, type_q: type) -> _Rule | None:
    """The rule of the nearest ancestors; nearness of p's counts first."""
    mro_p, mro_q = type_p.__mro__, type_q.__mro__
    near = [(mro_p.index(a), mro_q.index(b)) for a, b in _registered if a in mro_p and b in mro_q]
    if not near:
        return None
    left, right = min(near), min(near, key=lambda at: at[::-1])
    if left != right:
        names = type_p.__name__, type_q.__name__
        better = mro_p[right[0]].__name__, mro_q[left[1]].__name__
        warnings.warn(
            f"Ambiguous kl_divergence({names[0]}, {names[1]}). Please register_kl({better[0]}, "
            f"{better[1]})",
            RuntimeWarning,
            stacklevel=3,
        )
    return _registered[mro_p[left[0]], mro_q[left[1]]]


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """``KL(p ‖ q)``, of the batch shape; infinite where p has outcomes that q has not.

    Raises:
        NotImplementedError: for a pair of types without a rule; `register_kl` adds one.

    Example:
        >>> from backlit.distributions import Normal, kl_divergence
        >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
        tensor(0.5000)
    """
    rule = _find(type(p), type(q))
    if rule is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {p.__class__.__name__} and q type "
            f"{q.__class__.__name__}"
        )
    return rule(p, q)


# --- moments ---


def _plogp(x: Any) -> Any:
    return _C.xlogy(x, x)


def _uniform_log(low: Any, high: Any) -> Any:
    """The mean of ln x between low and high."""
    return (_plogp(high) - _plogp(low)) / (high - low) - 1


_MEAN_LOG: dict[type, Callable[[Any], Any]] = {  # E[ln x]
    g.Gamma: lambda p: p.concentration.digamma() - p.rate.log(),
    r.Exponential: lambda p: -p.rate.log() - r.EULER,
    g.Beta: lambda p: p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma(),
    r.Pareto: lambda p: p.scale.log() + p.alpha.reciprocal(),
    r.Uniform: lambda p: _uniform_log(p.low, p.high),
}
_MEAN_LOG_REST: dict[type, Callable[[Any], Any]] = {  # E[ln(1 - x)]
    g.Beta: lambda p: p.concentration0.digamma() - (p.concentration1 + p.concentration0).digamma(),
    r.Uniform: lambda p: _uniform_log(1 - p.high, 1 - p.low),
}
_MEAN_EXP: dict[type, Callable[[Any, Any], Any]] = {  # E[exp(t x)] for t < 0
    r.Normal: lambda p, t: (p.loc * t + 0.5 * (p.scale * t).pow(2)).exp(),
    r.Exponential: lambda p, t: p.rate / (p.rate - t),
    g.Gamma: lambda p, t: (1 - t / p.rate).pow(-p.concentration),
    r.Uniform: lambda p, t: ((t * p.high).exp() - (t * p.low).exp()) / (t * (p.high - p.low)),
    r.Gumbel: lambda p, t: (p.loc * t + (1 - p.scale * t).lgamma()).exp(),
}


def _of(table: dict[type, Any], p: Any, *arguments: Any) -> Any:
    return next(rule for kind, rule in table.items() if isinstance(p, kind))(p, *arguments)


def _within(p: Any, low: Any, high: Any = math.inf) -> Any:
    """Where a uniform or Pareto p has no outcome outside."""
    if isinstance(p, r.Uniform):
        return (p.low >= low) & (p.high <= high)
    return p.scale >= low if isinstance(p, r.Pareto) else None


# --- E_p[ln q] by the type of q ---


def _log_normal_density(p: Any, q: Any) -> Any:
    square = p.variance + (p.mean - q.loc).pow(2)
    return -0.5 * (square / q.scale.pow(2) + r.LOG_TWO_PI) - q.scale.log()


def _log_laplace(p: Any, q: Any) -> Any:
    """Of a normal p: the mean of |x - loc|."""
    z = (p.loc - q.loc) / p.scale
    distance = math.sqrt(2 / math.pi) * (-0.5 * z * z).exp() + z * (z / math.sqrt(2)).erf()
    return -(2 * q.scale).log() - p.scale * distance / q.scale


def _log_gamma_density(p: Any, q: Any) -> Any:
    a = q.concentration
    value = (a - 1) * _of(_MEAN_LOG, p) - q.rate * p.mean + a * q.rate.log() - a.lgamma()
    return _or_never(value, _within(p, 0))


def _or_never(value: Any, inside: Any) -> Any:
    return value if inside is None else value.masked_fill(~inside, -math.inf)


def _log_beta_density(p: Any, q: Any) -> Any:
    a, b = q.concentration1, q.concentration0
    value = (a - 1) * _of(_MEAN_LOG, p) + (b - 1) * _of(_MEAN_LOG_REST, p)
    return _or_never(value - q._log_normalizer(a, b), _within(p, 0, 1))


def _log_uniform(p: Any, q: Any) -> Any:
    low, high = (p.low, p.high) if isinstance(p, r.Uniform) else (0, 1)
    return _or_never(-(q.high - q.low).log(), (q.low <= low) & (q.high >= high))


def _log_gumbel(p: Any, q: Any) -> Any:
    decay = q.scale.reciprocal()
    tail = (q.loc * decay).exp() * _of(_MEAN_EXP, p, -decay)
    return (q.loc - p.mean) * decay - tail - q.scale.log()


def _log_pareto(p: Any, q: Any) -> Any:
    value = q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _of(_MEAN_LOG, p)
    return _or_never(value, _within(p, q.scale))


def _log_exponential(p: Any, q: Any) -> Any:
    return _or_never(q.rate.log() - q.rate * p.mean, _within(p, 0))


def _log_continuous_bernoulli(p: Any, q: Any) -> Any:
    value = p.mean * q.logits + (-q.probs).log1p() + q._log_constant()
    return _or_never(value, _within(p, 0, 1))


def _log_normal_vector(p: Any, q: Any) -> Any:
    """Of multivariate normal p and q of either kind."""
    n = q.event_shape[0]
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be "
            "computed"
        )
    factor, spread = q.scale_tril, p.scale_tril
    z = m.triangular_solve(factor, q.loc - p.loc).pow(2).sum(-1)
    ratio = _C._linalg.solve_triangular(factor, spread, upper=False).pow(2).sum((-2, -1))
    return -0.5 * (n * r.LOG_TWO_PI + z + ratio) - m.log_diagonal(factor)


_UNIT = (g.Beta, d.ContinuousBernoulli, r.Uniform)
_POSITIVE = (r.Exponential, g.Gamma, r.Pareto)
_REAL = (r.Normal, r.Laplace, r.Gumbel)
_VECTORS = (m.MultivariateNormal, m.LowRankMultivariateNormal)

# q -> (E_p[ln q], the types of p)
_EXPECTED_LOG: dict[type, tuple[_Rule, tuple[type, ...]]] = {
    r.Normal: (_log_normal_density, (*_UNIT, *_POSITIVE, r.Laplace, r.Gumbel)),
    r.Laplace: (_log_laplace, (r.Normal,)),
    g.Gamma: (_log_gamma_density, tuple(_MEAN_LOG)),
    r.Exponential: (_log_exponential, (*_UNIT, *_POSITIVE)),
    g.Beta: (_log_beta_density, tuple(_MEAN_LOG_REST)),
    d.ContinuousBernoulli: (_log_continuous_bernoulli, _UNIT),
    r.Uniform: (_log_uniform, _UNIT),
    r.Gumbel: (_log_gumbel, tuple(_MEAN_EXP)),
    r.Pareto: (_log_pareto, (r.Pareto, r.Uniform)),
    d.Geometric: (lambda p, q: p.mean * (-q.probs).log1p() + q.probs.log(), (d.Geometric,)),
    d.Poisson: (lambda p, q: p.probs * q.rate.log() - q.rate, (d.Bernoulli,)),
    m.MultivariateNormal: (_log_normal_vector, _VECTORS),
    m.LowRankMultivariateNormal: (_log_normal_vector, _VECTORS),
}


def _from_expected_log(expected: Any) -> Any:
    return lambda p, q: -p.entropy() - expected(p, q)


for _q, (_rule, _types) in _EXPECTED_LOG.items():
    for _p in _types:
        register_kl(_p, _q)(_from_expected_log(_rule))


def _infinite(p: Any, q: Any) -> Any:
    """p has outcomes that q cannot have."""
    shape = broadcast_shapes(p.batch_shape, q.batch_shape)
    return _C.full(shape, math.inf, dtype=p.mean.dtype)


_OUTSIDE = [(_UNIT, (*_POSITIVE, *_REAL)), (_POSITIVE, _REAL), ((r.Pareto,), _UNIT + _POSITIVE)]
for _targets, _sources in _OUTSIDE:
    for _q in _targets:
        for _p in _sources:
            if (_p, _q) not in _registered:
                register_kl(_p, _q)(_infinite)
register_kl(d.Poisson, d.Bernoulli)(_infinite)
register_kl(d.Poisson, d.Binomial)(_infinite)


# --- pairs with formulas of their own, in which nothing cancels ---


@register_kl(r.Normal, r.Normal)
def _normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(r.Laplace, r.Laplace)
def _laplace(p: Any, q: Any) -> Any:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return distance / q.scale + ratio * (-distance / p.scale).exp() - ratio.log() - 1


@register_kl(r.Cauchy, r.Cauchy)
def _cauchy(p: Any, q: Any) -> Any:
    """F. Chyzak, F. Nielsen, 2019."""
    square = (p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)
    return square.log() - (4 * p.scale * q.scale).log()


@register_kl(d.Poisson, d.Poisson)
def _poisson(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


def _weighted(weight: Any, difference: Any, never: Any) -> Any:
    """weight * difference: 0 without weight, else infinite where q never has the outcome."""
    return (weight * difference).masked_fill(never, math.inf).masked_fill(weight == 0, 0)


@register_kl(d.Bernoulli, d.Bernoulli)
def _bernoulli(p: Any, q: Any) -> Any:
    hit = p._log_odds(1) - q._log_odds(1)
    miss = p._log_odds(0) - q._log_odds(0)
    return _weighted(p.probs, hit, q.probs == 0) + _weighted(1 - p.probs, miss, q.probs == 1)


@register_kl(d.Binomial, d.Binomial)
def _binomial(p: Any, q: Any) -> Any:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    kl = p.total_count * _bernoulli(p, q)
    return kl.masked_fill(p.total_count > q.total_count, math.inf)


@register_kl(d.Categorical, d.Categorical)
@register_kl(d.OneHotCategorical, d.OneHotCategorical)
def _classes(p: Any, q: Any) -> Any:
    return _weighted(p.probs, p.logits - q.logits, q.probs == 0).sum(-1)


@register_kl(ExponentialFamily, ExponentialFamily)
def _same_family(p: Any, q: Any) -> Any:
    """``F(θ_q) - F(θ_p) - <θ_q - θ_p, ∇F(θ_p)>``, Bregman's divergence of the log-normaliser."""
    if type(p)._log_normalizer is not type(q)._log_normalizer:
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed "
            "using Bregman divergences"
        )
    normalizer, params, means = p._normalizer_and_means()
    result = q._log_normalizer(*q._natural_params) - normalizer
    for theirs, mine, mean in zip(q._natural_params, params, means, strict=True):
        term = (theirs - mine) * mean
        result = result - sum_rightmost(term, term.dim() - result.dim())
    return result


for _p in (g.Gamma, g.Beta, r.Exponential, d.ContinuousBernoulli):
    register_kl(_p, _p)(_same_family)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)
