"""Distributions made from gamma variables, and others on (0, 1) or the simplex.

Gradients flow through samples of gamma and beta variables by keeping their quantile.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from .. import _C
from .._limits import finfo
from . import constraints
from ._real import EULER, Normal, Uniform
from ._wrappers import Derived, ExponentialFamily
from .distribution import Distribution
from .transforms import AffineTransform, PowerTransform, StickBreakingTransform
from .utils import as_tensors, lazy_property, one_hot

_POSITIVE = constraints.positive


class Gamma(ExponentialFamily):
    """``p(x) = rate^a x^(a - 1) exp(-rate x) / Γ(a)`` with ``a = concentration``."""

    arg_constraints: ClassVar[Any] = {"concentration": _POSITIVE, "rate": _POSITIVE}
    support: Any = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, concentration=concentration, rate=rate)

    mean = property(lambda self: self.concentration / self.rate)
    mode = property(lambda self: ((self.concentration - 1) / self.rate).clamp(min=0))
    variance = property(lambda self: self.concentration / self.rate.pow(2))

    def _draw(self, shape: Any) -> Any:
        drawn = _C._standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        return drawn.clamp(min=finfo(drawn.dtype).tiny)

    def _checked(self, value: Any) -> Any:
        return super()._checked(as_tensors(value, self.rate)[0])  # a number will do, as in PyTorch

    def _log_prob(self, value: Any) -> Any:
        a, rate = self.concentration, self.rate
        return _C.xlogy(a, rate) + _C.xlogy(a - 1, value) - rate * value - a.lgamma()

    def _cdf(self, value: Any) -> Any:
        return _C._special.gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Any:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1 - a) * a.digamma()

    _natural_params = property(lambda self: (self.concentration - 1, -self.rate))

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        return (x + 1).lgamma() + (x + 1) * (-y.reciprocal()).log()


class Chi2(Gamma):
    """The sum of the squares of `df` standard normal numbers."""

    arg_constraints: ClassVar[Any] = {"df": _POSITIVE}

    def __init__(self, df: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, df=df)

    concentration = property(lambda self: self.df / 2)
    rate = property(lambda self: _C.full_like(self.df, 0.5))


class InverseGamma(Derived):
    """1 / x of a `Gamma`."""

    arg_constraints: ClassVar[Any] = Gamma.arg_constraints
    support: Any = _POSITIVE

    def __init__(self, concentration: Any, rate: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, concentration=concentration, rate=rate)

    def _build(self) -> Any:
        base = Gamma(self.concentration, self.rate, validate_args=False)
        return base, [PowerTransform(-_C.ones((), dtype=self.rate.dtype))]

    mode = property(lambda self: self.rate / (self.concentration + 1))

    @property
    def mean(self) -> Any:
        a = self.concentration
        return _C.where(a > 1, self.rate / (a - 1), math.inf)

    @property
    def variance(self) -> Any:
        a = self.concentration
        return _C.where(a > 2, self.rate.square() / ((a - 1).square() * (a - 2)), math.inf)

    def entropy(self) -> Any:
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()


class FisherSnedecor(Distribution):
    """The quotient of two chi-squared variables, each divided by its degrees of freedom."""

    arg_constraints: ClassVar[Any] = {"df1": _POSITIVE, "df2": _POSITIVE}
    support: Any = _POSITIVE
    has_rsample = True

    def __init__(self, df1: Any, df2: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, df1=df1, df2=df2)

    @property
    def mean(self) -> Any:
        return self.df2.masked_fill(self.df2 <= 2, math.nan) / (self.df2 - 2)

    @property
    def mode(self) -> Any:
        mode = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return mode.masked_fill(self.df1 <= 2, math.nan)

    @property
    def variance(self) -> Any:
        n, m = self.df1, self.df2.masked_fill(self.df2 <= 4, math.nan)
        return 2 * m.pow(2) * (n + m - 2) / (n * (m - 2).pow(2) * (m - 4))

    def _draw(self, shape: Any) -> Any:
        sample_shape = shape[: len(shape) - len(self._batch_shape)]
        parts = []
        for df in (self.df1, self.df2):
            part = Gamma(0.5 * df, df, validate_args=False).rsample(sample_shape)
            parts.append(part.clamp(min=finfo(df.dtype).tiny))
        return (parts[0] / parts[1]).clamp(min=finfo(self.df1.dtype).tiny)

    def _log_prob(self, value: Any) -> Any:
        a, b, ratio = self.df1 / 2, self.df2 / 2, self.df1 / self.df2
        log_beta = a.lgamma() + b.lgamma() - (a + b).lgamma()
        powers = (a - 1) * value.log() - (a + b) * (ratio * value).log1p()
        return a * ratio.log() + powers - log_beta


class Dirichlet(ExponentialFamily):
    """``p(x) = Γ(Σ aᵢ) Π xᵢ^(aᵢ - 1) / Γ(aᵢ)`` over probabilities x, with ``a = concentration``.

    Raises:
        ValueError: if `concentration` has no dimension.
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.independent(_POSITIVE, 1)}
    support: Any = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: Any = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self._parameterize(validate_args, concentration.shape[-1:], concentration=concentration)

    @property
    def mean(self) -> Any:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Any:
        above = (self.concentration - 1).clamp(min=0)
        mode = above / above.sum(-1, True)
        none = (self.concentration < 1).all(-1, keepdim=True)  # then at the largest, all there
        corner = one_hot(mode.argmax(-1), self._event_shape[-1], mode.dtype)
        return _C.where(none, corner, mode)

    @property
    def variance(self) -> Any:
        total = self.concentration.sum(-1, True)
        a = self.concentration
        return a * (total - a) / (total.pow(2) * (total + 1))

    def _draw(self, shape: Any) -> Any:
        return _C._sample_dirichlet(self.concentration.expand(shape))

    def _log_beta(self) -> Any:
        return self.concentration.lgamma().sum(-1) - self.concentration.sum(-1).lgamma()

    def _log_prob(self, value: Any) -> Any:
        return _C.xlogy(self.concentration - 1, value).sum(-1) - self._log_beta()

    def entropy(self) -> Any:
        a, k = self.concentration, self._event_shape[-1]
        total = a.sum(-1)
        return self._log_beta() + (total - k) * total.digamma() - ((a - 1) * a.digamma()).sum(-1)

    _natural_params = property(lambda self: (self.concentration,))

    def _log_normalizer(self, x: Any) -> Any:
        return x.lgamma().sum(-1) - x.sum(-1).lgamma()


class Beta(ExponentialFamily):
    """``p(x) ∝ x^(concentration1 - 1) (1 - x)^(concentration0 - 1)`` in [0, 1]."""

    arg_constraints: ClassVar[Any] = {"concentration1": _POSITIVE, "concentration0": _POSITIVE}
    support: Any = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: Any = None) -> None:
        self._parameterize(
            validate_args, concentration1=concentration1, concentration0=concentration0
        )

    @lazy_property
    def _dirichlet(self) -> Any:
        return Dirichlet(
            _C.stack([self.concentration1, self.concentration0], -1), validate_args=False
        )

    mean = property(lambda self: self._dirichlet.mean[..., 0])
    mode = property(lambda self: self._dirichlet.mode[..., 0])
    variance = property(lambda self: self._dirichlet.variance[..., 0])

    def _draw(self, shape: Any) -> Any:
        return self._dirichlet.rsample(shape[: len(shape) - len(self._batch_shape)])[..., 0]

    def _log_prob(self, value: Any) -> Any:
        return self._dirichlet.log_prob(_C.stack([value, 1 - value], -1))

    def entropy(self) -> Any:
        return self._dirichlet.entropy()

    _natural_params = property(lambda self: (self.concentration1, self.concentration0))

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        return x.lgamma() + y.lgamma() - (x + y).lgamma()


class Kumaraswamy(Derived):
    """``P(x) = 1 - (1 - x^concentration1)^concentration0`` in [0, 1]."""

    arg_constraints: ClassVar[Any] = Beta.arg_constraints
    support: Any = constraints.unit_interval

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: Any = None) -> None:
        self._parameterize(
            validate_args, concentration1=concentration1, concentration0=concentration0
        )

    def _build(self) -> Any:
        zero = _C.zeros_like(self.concentration0)
        flip = AffineTransform(1.0, -1.0)
        powers = [
            PowerTransform(c.reciprocal()) for c in (self.concentration0, self.concentration1)
        ]
        return Uniform(zero, zero + 1, validate_args=False), [powers[0], flip, powers[1]]

    def _moment(self, order: int) -> Any:
        """``b B(1 + order / a, b)``, a and b being the concentrations 1 and 0."""
        a, b = 1 + order / self.concentration1, self.concentration0
        return (b.log() + a.lgamma() + b.lgamma() - (a + b).lgamma()).exp()

    mean = property(lambda self: self._moment(1))
    variance = property(lambda self: self._moment(2) - self._moment(1).pow(2))

    @property
    def mode(self) -> Any:
        a, b = self.concentration1, self.concentration0
        mode = ((a - 1) / (a * b - 1)).pow(a.reciprocal())
        return mode.masked_fill((a < 1) | (b < 1), math.nan)

    def entropy(self) -> Any:
        a, b = self.concentration1, self.concentration0
        harmonic = (b + 1).digamma() + EULER
        return (1 - 1 / b) + (1 - 1 / a) * harmonic - a.log() - b.log()


class LogisticNormal(Derived):
    """Stick-breaking shares of a vector of normal numbers: probabilities of one class more."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support: Any = constraints.simplex

    def __init__(self, loc: Any, scale: Any, validate_args: Any = None) -> None:
        base = Normal(loc, scale, validate_args=validate_args)
        shape = base.batch_shape or (1,)
        self._parameterize(
            validate_args,
            (shape[-1] + 1,),
            loc=base.loc.expand(shape),
            scale=base.scale.expand(shape),
        )

    def _dims(self, name: str) -> int:
        return 1

    def _build(self) -> Any:
        return Normal(self.loc, self.scale, validate_args=False), [StickBreakingTransform()]
