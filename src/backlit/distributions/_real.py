"""Distributions of numbers, positive or not, that come from uniform and normal ones."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from .. import _C
from .._limits import finfo
from . import constraints
from ._wrappers import Derived, ExponentialFamily
from .distribution import Distribution
from .transforms import (
    AbsTransform,
    AffineTransform,
    ExpTransform,
    PowerTransform,
)
from .utils import as_tensors, lazy_property

EULER = 0.57721566490153286060  # Euler and Mascheroni's constant
LOG_TWO_PI = math.log(2 * math.pi)

_LOC_SCALE = {"loc": constraints.real, "scale": constraints.positive}


class _LocScale(Distribution):
    arg_constraints: ClassVar[Any] = _LOC_SCALE

    def __init__(self, loc: Any, scale: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, loc=loc, scale=scale)


class Normal(_LocScale, ExponentialFamily):
    """``p(x) = exp(-z²/2) / (scale √(2π))``, ``z = (x - loc) / scale``.

    Example:
        >>> import backlit as torch
        >>> _ = torch.manual_seed(0)
        >>> d = torch.distributions.Normal(0.0, 1.0)
        >>> d.sample(), d.log_prob(torch.tensor(0.0))
        (tensor(1.5410), tensor(-0.9189))
    """

    support: Any = constraints.real
    has_rsample = True

    mean = mode = property(lambda self: self.loc)
    stddev = property(lambda self: self.scale)
    variance = property(lambda self: self.scale.pow(2))

    def _draw(self, shape: Any) -> Any:
        return self.loc + _C.randn(shape, dtype=self.loc.dtype) * self.scale

    def _log_prob(self, value: Any) -> Any:
        z = (value - self.loc) / self.scale
        return -0.5 * z * z - self.scale.log() - 0.5 * LOG_TWO_PI

    def _cdf(self, value: Any) -> Any:
        return 0.5 * (1 + ((value - self.loc) / (self.scale * math.sqrt(2))).erf())

    def _icdf(self, value: Any) -> Any:
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)

    def entropy(self) -> Any:
        return 0.5 + 0.5 * LOG_TWO_PI + self.scale.log()

    @property
    def _natural_params(self) -> Any:
        precision = self.scale.pow(-2)
        return self.loc * precision, -0.5 * precision

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        return -0.25 * x * x / y + 0.5 * (-math.pi / y).log()


class Laplace(_LocScale):
    """``p(x) = exp(-|x - loc| / scale) / (2 scale)``."""

    support: Any = constraints.real
    has_rsample = True

    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: 2 * self.scale.pow(2))
    stddev = property(lambda self: math.sqrt(2) * self.scale)

    def _draw(self, shape: Any) -> Any:
        u = self.loc.new_empty(shape).uniform_(finfo(self.loc.dtype).eps - 1, 1)
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()

    def _log_prob(self, value: Any) -> Any:
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def _cdf(self, value: Any) -> Any:
        z = value - self.loc
        return 0.5 - 0.5 * z.sign() * (-z.abs() / self.scale).expm1()

    def _icdf(self, value: Any) -> Any:
        z = value - 0.5
        return self.loc - self.scale * z.sign() * (-2 * z.abs()).log1p()

    def entropy(self) -> Any:
        return 1 + (2 * self.scale).log()


class Cauchy(_LocScale):
    """``p(x) = 1 / (π scale (1 + z²))``, ``z = (x - loc) / scale``. It has no mean."""

    support: Any = constraints.real
    has_rsample = True

    mode = property(lambda self: self.loc)
    mean = property(lambda self: _C.full_like(self.loc, math.nan))
    variance = property(lambda self: _C.full_like(self.loc, math.inf))

    def _draw(self, shape: Any) -> Any:
        return self.loc + self.loc.new_empty(shape).cauchy_() * self.scale

    def _log_prob(self, value: Any) -> Any:
        z = (value - self.loc) / self.scale
        return -math.log(math.pi) - self.scale.log() - (z * z).log1p()

    def _cdf(self, value: Any) -> Any:
        return ((value - self.loc) / self.scale).atan() / math.pi + 0.5

    def _icdf(self, value: Any) -> Any:
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self) -> Any:
        return math.log(4 * math.pi) + self.scale.log()


class StudentT(Distribution):
    """``p(x) ∝ (1 + z²/df)^(-(df + 1)/2)``, ``z = (x - loc) / scale``."""

    arg_constraints: ClassVar[Any] = {"df": constraints.positive, **_LOC_SCALE}
    support: Any = constraints.real
    has_rsample = True

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: Any = None
    ) -> None:
        self._parameterize(validate_args, df=df, loc=loc, scale=scale)

    mode = property(lambda self: self.loc)

    @property
    def mean(self) -> Any:
        return self.loc.masked_fill(self.df <= 1, math.nan)

    @property
    def variance(self) -> Any:
        finite = self.scale.pow(2) * self.df / (self.df - 2)
        return finite.masked_fill(self.df <= 2, math.inf).masked_fill(self.df <= 1, math.nan)

    def _draw(self, shape: Any) -> Any:
        x = _C.randn(shape, dtype=self.df.dtype)
        squares = 2 * _C._standard_gamma((self.df / 2).expand(shape))
        return self.loc + self.scale * x * (squares / self.df).rsqrt()

    def _normalizer(self) -> Any:
        """The logarithm of what the density is divided by, less that of scale."""
        half = 0.5 * self.df
        return 0.5 * (self.df.log() + math.log(math.pi)) + half.lgamma() - (half + 0.5).lgamma()

    def _log_prob(self, value: Any) -> Any:
        z = (value - self.loc) / self.scale
        power = -0.5 * (self.df + 1) * (z * z / self.df).log1p()
        return power - self.scale.log() - self._normalizer()

    def entropy(self) -> Any:
        a = 0.5 * (self.df + 1)
        return self.scale.log() + a * (a.digamma() - (a - 0.5).digamma()) + self._normalizer()


class Uniform(Distribution):
    """``p(x) = 1 / (high - low)`` in [low, high).

    Raises:
        ValueError: if not low < high.
    """

    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, low=low, high=high)

    @property
    def arg_constraints(self) -> Any:  # type: ignore[override]
        return {
            "low": constraints.less_than(self.high),
            "high": constraints.greater_than(self.low),
        }

    def _dims(self, name: str) -> int:
        return 0

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return constraints.interval(self.low, self.high)

    mean = property(lambda self: (self.high + self.low) / 2)
    mode = property(lambda self: math.nan * self.high)
    variance = property(lambda self: (self.high - self.low).pow(2) / 12)
    stddev = property(lambda self: (self.high - self.low) / math.sqrt(12))

    def _draw(self, shape: Any) -> Any:
        return self.low + _C.rand(shape, dtype=self.low.dtype) * (self.high - self.low)

    def _log_prob(self, value: Any) -> Any:
        inside = (self.low <= value) & (self.high > value)
        return inside.to(self.low.dtype).log() - (self.high - self.low).log()

    def _cdf(self, value: Any) -> Any:
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def _icdf(self, value: Any) -> Any:
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Any:
        return (self.high - self.low).log()


class LogNormal(_LocScale, Derived):
    """exp of a `Normal` with that loc and scale."""

    support: Any = constraints.positive

    def _build(self) -> Any:
        return Normal(self.loc, self.scale, validate_args=False), [ExpTransform()]

    mean = property(lambda self: (self.loc + self.scale.pow(2) / 2).exp())
    mode = property(lambda self: (self.loc - self.scale.square()).exp())

    @property
    def variance(self) -> Any:
        s = self.scale.pow(2)
        return s.expm1() * (2 * self.loc + s).exp()

    def entropy(self) -> Any:
        return self.base_dist.entropy() + self.loc


class _Half(Derived):
    """The absolute value of a distribution around 0."""

    arg_constraints: ClassVar[Any] = {"scale": constraints.positive}
    support: Any = constraints.nonnegative

    def __init__(self, scale: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, scale=scale)

    mode = property(lambda self: _C.zeros_like(self.scale))

    def _log_prob(self, value: Any) -> Any:
        (value,) = as_tensors(value)
        twice = self.base_dist.log_prob(value) + math.log(2)
        return _C.where(value >= 0, twice, -math.inf)

    def _cdf(self, value: Any) -> Any:
        return 2 * self.base_dist.cdf(value) - 1

    def _icdf(self, value: Any) -> Any:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Any:
        return self.base_dist.entropy() - math.log(2)


class HalfNormal(_Half):
    """|x| of a `Normal` around 0."""

    def _build(self) -> Any:
        return Normal(0.0, self.scale, validate_args=False), [AbsTransform()]

    mean = property(lambda self: self.scale * math.sqrt(2 / math.pi))
    variance = property(lambda self: self.scale.pow(2) * (1 - 2 / math.pi))


class HalfCauchy(_Half):
    """|x| of a `Cauchy` around 0."""

    def _build(self) -> Any:
        return Cauchy(0.0, self.scale, validate_args=False), [AbsTransform()]

    mean = property(lambda self: _C.full_like(self.scale, math.inf))
    variance = property(lambda self: self.base_dist.variance)


class Gumbel(_LocScale, Derived):
    """``P(x) = exp(-exp(-z))``, ``z = (x - loc) / scale``: the largest of many."""

    support: Any = constraints.real

    def _build(self) -> Any:
        limits = finfo(self.loc.dtype)
        low = _C.full_like(self.loc, limits.tiny)
        base = Uniform(low, _C.full_like(self.loc, 1 - limits.eps), validate_args=False)
        minus_log = [ExpTransform().inv, AffineTransform(0, -_C.ones_like(self.scale))]
        return base, [*minus_log, ExpTransform().inv, AffineTransform(self.loc, -self.scale)]

    def _log_prob(self, value: Any) -> Any:
        z = (self.loc - value) / self.scale
        return (z - z.exp()) - self.scale.log()

    mean = property(lambda self: self.loc + self.scale * EULER)
    mode = property(lambda self: self.loc)
    stddev = property(lambda self: math.pi / math.sqrt(6) * self.scale)
    variance = property(lambda self: self.stddev.pow(2))

    def entropy(self) -> Any:
        return self.scale.log() + (1 + EULER)


class Exponential(ExponentialFamily):
    """``p(x) = rate exp(-rate x)`` for x >= 0."""

    arg_constraints: ClassVar[Any] = {"rate": constraints.positive}
    support: Any = constraints.nonnegative
    has_rsample = True

    def __init__(self, rate: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, rate=rate)

    mean = property(lambda self: self.rate.reciprocal())
    stddev = mean
    mode = property(lambda self: _C.zeros_like(self.rate))
    variance = property(lambda self: self.rate.pow(-2))

    def _draw(self, shape: Any) -> Any:
        return self.rate.new_empty(shape).exponential_() / self.rate

    def _log_prob(self, value: Any) -> Any:
        return self.rate.log() - self.rate * value

    def _cdf(self, value: Any) -> Any:
        return -(-self.rate * value).expm1()

    def _icdf(self, value: Any) -> Any:
        return -(-value).log1p() / self.rate

    def entropy(self) -> Any:
        return 1 - self.rate.log()

    _natural_params = property(lambda self: (-self.rate,))

    def _log_normalizer(self, x: Any) -> Any:
        return -(-x).log()


class Pareto(Derived):
    """``p(x) = alpha scale^alpha / x^(alpha + 1)`` for x >= scale."""

    arg_constraints: ClassVar[Any] = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale: Any, alpha: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, scale=scale, alpha=alpha)

    def _build(self) -> Any:
        base = Exponential(self.alpha, validate_args=False)
        return base, [ExpTransform(), AffineTransform(0, self.scale)]

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return constraints.greater_than_eq(self.scale)

    mode = property(lambda self: self.scale)

    @property
    def mean(self) -> Any:
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def variance(self) -> Any:
        a = self.alpha.clamp(min=2)
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))

    def entropy(self) -> Any:
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())


class GeneralizedPareto(Distribution):
    """``P(X > x) = (1 + concentration z)^(-1 / concentration)``, ``z = (x - loc) / scale >= 0``."""

    arg_constraints: ClassVar[Any] = {**_LOC_SCALE, "concentration": constraints.real}
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, loc=loc, scale=scale, concentration=concentration)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        upper = _C.where(
            self.concentration < 0, self.loc - self.scale / self.concentration, math.inf
        )
        return constraints.interval(self.loc, upper)

    mode = property(lambda self: self.loc)

    @property
    def mean(self) -> Any:
        finite = self.loc + self.scale / (1 - self.concentration)
        return finite.masked_fill(self.concentration >= 1, math.nan)

    @property
    def variance(self) -> Any:
        c = self.concentration
        finite = self.scale.pow(2) / ((1 - c).pow(2) * (1 - 2 * c))
        return finite.masked_fill(c >= 0.5, math.nan)

    def _draw(self, shape: Any) -> Any:
        return self._icdf(_C.rand(shape, dtype=self.loc.dtype))

    def _exponent(self, z: Any) -> Any:
        """-ln P(X > x), which is z for the concentration 0."""
        flat = self.concentration == 0
        c = self.concentration.masked_fill(flat, 1.0)
        return _C.where(flat, z, (c * z).log1p() / c)

    def _log_prob(self, value: Any) -> Any:
        exponent = self._exponent((value - self.loc) / self.scale)
        return -(1 + self.concentration) * exponent - self.scale.log()

    def log_survival_function(self, value: Any) -> Any:
        """``ln P(X > value)``."""
        return -self._exponent((self._checked(value) - self.loc) / self.scale)

    def log_cdf(self, value: Any) -> Any:
        """``ln P(X <= value)``."""
        return (-self.log_survival_function(value).exp()).log1p()

    def _cdf(self, value: Any) -> Any:
        return -(-self._exponent((value - self.loc) / self.scale)).expm1()

    def _icdf(self, value: Any) -> Any:
        flat = self.concentration == 0
        c = self.concentration.masked_fill(flat, 1.0)
        exponent = -(-value).log1p()
        return self.loc + self.scale * _C.where(flat, exponent, (c * exponent).expm1() / c)

    def entropy(self) -> Any:
        return self.scale.log() + self.concentration + 1


class Weibull(Derived):
    """``P(X > x) = exp(-(x / scale)^concentration)`` for x > 0."""

    arg_constraints: ClassVar[Any] = {
        "scale": constraints.positive,
        "concentration": constraints.positive,
    }
    support: Any = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, scale=scale, concentration=concentration)

    def _build(self) -> Any:
        base = Exponential(_C.ones_like(self.scale), validate_args=False)
        power = PowerTransform(self.concentration.reciprocal())
        return base, [power, AffineTransform(0, self.scale)]

    def _moment(self, order: int) -> Any:
        return (1 + order / self.concentration).lgamma().exp() * self.scale.pow(order)

    mean = property(lambda self: self._moment(1))
    variance = property(lambda self: self._moment(2) - self._moment(1).pow(2))

    @property
    def mode(self) -> Any:
        c = self.concentration
        return self.scale * ((c - 1) / c).pow(c.reciprocal())

    def entropy(self) -> Any:
        return EULER * (1 - 1 / self.concentration) + (self.scale / self.concentration).log() + 1


class VonMises(Distribution):
    """``p(x) ∝ exp(concentration cos(x - loc))`` on the circle: a normal distribution of angles.

    Samples are in [-π, π); by rejection (D. Best, N. Fisher, 1979), in double precision.
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real,
        "concentration": constraints.positive,
    }
    support: Any = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, loc=loc, concentration=concentration)

    mean = mode = property(lambda self: self.loc)

    @property
    def variance(self) -> Any:
        """Of the circle: ``1 - I₁(concentration) / I₀(concentration)``."""
        k = self.concentration
        return 1 - _C._special.i1e(k) / _C._special.i0e(k)

    def _log_prob(self, value: Any) -> Any:
        k = self.concentration
        log_bessel = _C._special.i0e(k).log() + k
        return k * (value - self.loc).cos() - LOG_TWO_PI - log_bessel

    @lazy_property
    def _proposal(self) -> Any:
        """The parameter of the wrapped Cauchy distribution that is proposed from."""
        k = self.concentration.double()
        tau = 1 + (1 + 4 * k**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * k)
        return _C.where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))  # rho cancels for small k

    def _draw(self, shape: Any) -> Any:
        loc, k, r = (t.detach().double() for t in (self.loc, self.concentration, self._proposal))
        x = loc.new_empty(shape)
        waiting = _C.ones(shape, dtype=_C.bool)
        while waiting.any():
            u, v, side = _C.rand((3, *shape), dtype=x.dtype).unbind()
            z = (math.pi * u).cos()
            f = (1 + r * z) / (r + z)
            c = k * (r - f)
            accepted = (c * (2 - c) - v > 0) | ((c / v).log() + 1 - c >= 0)
            x = _C.where(accepted, (side - 0.5).sign() * f.acos(), x)
            waiting = waiting & ~accepted
        return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)
