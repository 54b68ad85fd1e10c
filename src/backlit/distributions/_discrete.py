"""Distributions of counts and classes, and their continuous relatives."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from .. import _C
from .._limits import finfo
from . import constraints
from ._gamma import Gamma
from ._wrappers import ExponentialFamily
from .distribution import _EMPTY, Distribution
from .utils import (
    as_tensors,
    clamp_probs,
    lazy_property,
    logits_to_probs,
    one_hot,
    probs_to_logits,
    softplus,
)


def one_of(probs: Any, logits: Any) -> None:
    """Raises ValueError unless one of them is given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


class Odds(Distribution):
    """Of `probs` and `logits` one is given, the other computed when asked for."""

    _binary = True
    arg_constraints: ClassVar[Any] = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }

    @lazy_property
    def logits(self) -> Any:
        return probs_to_logits(self.probs, self._binary)

    @lazy_property
    def probs(self) -> Any:
        return logits_to_probs(self.logits, self._binary)

    @property
    def _param(self) -> Any:
        return self.__dict__["probs" if "probs" in self._parameters else "logits"]

    param_shape = property(lambda self: self._param.shape)

    def _log_odds(self, value: Any) -> Any:
        """``value ln p + (1 - value) ln(1 - p)``, from the logits."""
        return value * self.logits - softplus(self.logits)


class Bernoulli(Odds, ExponentialFamily):
    """1 with probability p, else 0.

    Raises:
        ValueError: unless one of `probs` and `logits` is given.

    Example:
        >>> import backlit as torch
        >>> torch.distributions.Bernoulli(torch.tensor([0.25])).log_prob(torch.tensor([1.0])).exp()
        tensor([0.2500])
    """

    support: Any = constraints.boolean
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: Any = None) -> None:
        one_of(probs, logits)
        self._parameterize(validate_args, probs=probs, logits=logits)

    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))

    @property
    def mode(self) -> Any:
        mode = (self.probs >= 0.5).to(self.probs.dtype)
        return mode.masked_fill(self.probs == 0.5, math.nan)

    def _draw(self, shape: Any) -> Any:
        return _C.bernoulli(self.probs.expand(shape))

    def _log_prob(self, value: Any) -> Any:
        return self._log_odds(value)

    def entropy(self) -> Any:
        return -self._log_odds(self.probs)

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._enumerated(_C.arange(2, dtype=self._param.dtype), expand)

    _natural_params = property(lambda self: (self.logits,))

    def _log_normalizer(self, x: Any) -> Any:
        return softplus(x)


class ContinuousBernoulli(Odds, ExponentialFamily):
    """``p(x) ∝ p^x (1 - p)^(1 - x)`` for x in [0, 1].

    Between the numbers `lims` around p = 0.5, where the normaliser is 0/0, series replace it.
    (G. Loaiza-Ganem, J. Cunningham, NeurIPS 2019.)
    """

    support: Any = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: Any = None,
    ) -> None:
        one_of(probs, logits)
        self._lims = lims
        self._parameterize(validate_args, probs=probs, logits=logits)
        if probs is not None:
            self.probs = clamp_probs(self.probs)

    def _by_center(self, outside: Any, near: Any) -> Any:
        """outside(p) away from p = 0.5, near(x) with x = p - 0.5 close to it."""
        p = self.probs
        far = (p <= self._lims[0]) | (p > self._lims[1])
        return _C.where(far, outside(_C.where(far, p, self._lims[0])), near(p - 0.5))

    def _log_constant(self) -> Any:
        """The logarithm of what normalises the density."""

        def outside(p: Any) -> Any:
            below = _C.where(p <= 0.5, p, 0.0)
            above = _C.where(p >= 0.5, p, 1.0)
            slope = _C.where(p <= 0.5, (-2 * below).log1p(), (2 * above - 1).log())
            return ((-p).log1p() - p.log()).abs().log() - slope

        return self._by_center(
            outside, lambda x: math.log(2) + (4.0 / 3 + 104.0 / 45 * x * x) * x * x
        )

    @property
    def mean(self) -> Any:
        return self._by_center(
            lambda p: p / (2 * p - 1) + 1 / ((-p).log1p() - p.log()),
            lambda x: 0.5 + (1.0 / 3 + 16.0 / 45 * x * x) * x,
        )

    @property
    def variance(self) -> Any:
        def outside(p: Any) -> Any:
            return p * (p - 1) / (1 - 2 * p).pow(2) + ((-p).log1p() - p.log()).pow(-2)

        return self._by_center(
            outside, lambda x: 1.0 / 12 - (1.0 / 15 - 128.0 / 945 * x * x) * x * x
        )

    def _draw(self, shape: Any) -> Any:
        return self._icdf(_C.rand(shape, dtype=self.probs.dtype))

    def _log_prob(self, value: Any) -> Any:
        return self._log_odds(value) + self._log_constant()

    def _cdf(self, value: Any) -> Any:
        def outside(p: Any) -> Any:
            return (p.pow(value) * (1 - p).pow(1 - value) + p - 1) / (2 * p - 1)

        inner = self._by_center(outside, lambda x: value)
        return inner.clamp(min=0, max=1)

    def _icdf(self, value: Any) -> Any:
        def outside(p: Any) -> Any:
            rise = (-p + value * (2 * p - 1)).log1p() - (-p).log1p()
            return rise / (p.log() - (-p).log1p())

        return self._by_center(outside, lambda x: value)

    def entropy(self) -> Any:
        log_odds = (-self.probs).log1p() - self.probs.log()
        return self.mean * log_odds - self._log_constant() - (-self.probs).log1p()

    _natural_params = property(lambda self: (self.logits,))

    def _log_normalizer(self, x: Any) -> Any:
        far = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        kept = _C.where(far, x, self._lims[0] - 0.5)
        near = 0.5 * x + x.pow(2) / 24 - x.pow(4) / 2880
        return _C.where(far, (kept.expm1().abs()).log() - kept.abs().log(), near)


class Geometric(Odds):
    """Failures before the first success: ``P(k) = (1 - p)^k p``.

    Raises:
        ValueError: unless one of `probs` and `logits` is given; if probs are not in (0, 1].
    """

    support: Any = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: Any = None) -> None:
        one_of(probs, logits)
        self._parameterize(validate_args, probs=probs, logits=logits)
        if self._validate_args and probs is not None and not (self.probs > 0).all():
            raise ValueError(
                f"Expected parameter probs (Tensor of shape {tuple(self.probs.shape)}) of "
                f"distribution {self!r} to be positive but found invalid values:\n{self.probs}"
            )

    mean = property(lambda self: 1 / self.probs - 1)
    mode = property(lambda self: _C.zeros_like(self.probs))
    variance = property(lambda self: (1 / self.probs - 1) / self.probs)

    def _draw(self, shape: Any) -> Any:
        u = self.probs.new_empty(shape).uniform_(finfo(self.probs.dtype).tiny, 1)
        return (u.log() / (-self.probs).log1p()).floor()

    def _log_prob(self, value: Any) -> Any:
        certain = (self.probs == 1) & (value == 0)
        p = self.probs.masked_fill(certain, 0)
        return value * (-p).log1p() + self.probs.log()

    def entropy(self) -> Any:
        return -self._log_odds(self.probs) / self.probs


class Poisson(ExponentialFamily):
    """``P(k) = rate^k exp(-rate) / k!``."""

    arg_constraints: ClassVar[Any] = {"rate": constraints.nonnegative}
    support: Any = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: Any = None) -> None:
        self._parameterize(validate_args, rate=rate)

    mean = variance = property(lambda self: self.rate)
    mode = property(lambda self: self.rate.floor())

    def _draw(self, shape: Any) -> Any:
        return _C.poisson(self.rate.expand(shape))

    def _log_prob(self, value: Any) -> Any:
        rate, value = _C.broadcast_tensors(*as_tensors(self.rate, value))
        return _C.xlogy(value, rate) - rate - (value + 1).lgamma()

    _natural_params = property(lambda self: (self.rate.log(),))

    def _log_normalizer(self, x: Any) -> Any:
        return x.exp()


class _Counts(Odds):
    """Counts of events of probability p, with a `total_count`."""

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: Any = None,
    ) -> None:
        one_of(probs, logits)
        (param,) = as_tensors(probs if probs is not None else logits)
        (count,) = as_tensors(total_count)
        self._parameterize(
            validate_args, total_count=count.type_as(param), probs=probs, logits=logits
        )


class Binomial(_Counts):
    """Successes in `total_count` trials: ``P(k) = C(n, k) p^k (1 - p)^(n - k)``.

    Raises:
        ValueError: unless one of `probs` and `logits` is given.
    """

    arg_constraints: ClassVar[Any] = {
        "total_count": constraints.nonnegative_integer,
        **Odds.arg_constraints,
    }
    has_enumerate_support = True

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    mean = property(lambda self: self.total_count * self.probs)
    mode = property(
        lambda self: ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)
    )
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def _draw(self, shape: Any) -> Any:
        return _C.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def _log_prob(self, value: Any) -> Any:
        n = self.total_count
        choices = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        return choices + value * self.logits - n * softplus(self.logits)

    def entropy(self) -> Any:
        self._one_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Any:
        self._one_count("enumerate_support")
        total = 1 + int(self.total_count.max())
        return self._enumerated(_C.arange(total, dtype=self._param.dtype), expand)

    def _one_count(self, wanted: str) -> None:
        if self.total_count.numel() and not (self.total_count == self.total_count.max()).all():
            raise NotImplementedError(
                "Inhomogeneous total count not supported by `" + wanted + "`."
            )


class NegativeBinomial(_Counts):
    """Successes before `total_count` failures, p being the probability of success.

    ``P(k) = Γ(n + k) / (k! Γ(n)) p^k (1 - p)^n``; n need not be an integer.

    Raises:
        ValueError: unless one of `probs` and `logits` is given.
    """

    arg_constraints: ClassVar[Any] = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support: Any = constraints.nonnegative_integer

    mean = property(lambda self: self.total_count * self.logits.exp())
    mode = property(lambda self: ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0))
    variance = property(lambda self: self.mean / (-self.logits).sigmoid())

    def _draw(self, shape: Any) -> Any:
        rates = Gamma(self.total_count, (-self.logits).exp(), validate_args=False)
        return _C.poisson(rates.sample(shape[: len(shape) - len(self._batch_shape)]))

    def _log_prob(self, value: Any) -> Any:
        n = self.total_count
        odds = n * _C._nn.logsigmoid(-self.logits) + value * _C._nn.logsigmoid(self.logits)
        choices = (n + value).lgamma() - (value + 1).lgamma() - n.lgamma()
        return odds + choices.masked_fill(n + value == 0, 0.0)


class Classes(Odds):
    """One of several classes, along the last dimension; probabilities are normalised."""

    _binary = False
    arg_constraints: ClassVar[Any] = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: Any = None) -> None:
        self._set_classes(probs, logits, validate_args)

    def _event_shape_of(self, classes: Any) -> Any:
        return classes

    def _set_classes(self, probs: Any, logits: Any, validate_args: Any) -> None:
        one_of(probs, logits)
        name, param = ("probs", probs) if logits is None else ("logits", logits)
        if param.dim() < 1:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if logits is None:
            param = param / param.sum(-1, keepdim=True)
        else:
            param = param - param.logsumexp(-1, keepdim=True)
        self._parameterize(validate_args, self._event_shape_of(param.shape[-1:]), **{name: param})

    _num_events = property(lambda self: self._param.shape[-1])

    def _classes(self, shape: Any) -> Any:
        """Classes drawn for each place of `shape`, which ends in the batch shape."""
        rows = self.probs.reshape(-1, self._num_events)
        repeats = _C.Size(shape[: len(shape) - len(self._batch_shape)]).numel()
        return _C.multinomial(rows, repeats, True).T.reshape(shape)

    def entropy(self) -> Any:
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)  # 0 ln 0 is 0
        return -(logits * self.probs).sum(-1)


class Categorical(Classes):
    """The number of a class.

    Raises:
        ValueError: unless one of `probs` and `logits` is given, with a dimension at least.

    Example:
        >>> import backlit as torch
        >>> d = torch.distributions.Categorical(torch.tensor([1.0, 3.0]))
        >>> d.probs, d.log_prob(torch.tensor(1)).exp()
        (tensor([0.2500, 0.7500]), tensor(0.7500))
    """

    has_enumerate_support = True

    def _event_shape_of(self, classes: Any) -> Any:
        return _EMPTY

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    mean = property(lambda self: self._nan())
    variance = property(lambda self: self._nan())
    mode = property(lambda self: self.probs.argmax(dim=-1))

    def _nan(self) -> Any:
        return _C.full(self._batch_shape, math.nan, dtype=self.probs.dtype)

    def _draw(self, shape: Any) -> Any:
        return self._classes(shape)

    def _log_prob(self, value: Any) -> Any:
        value, logits = _C.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._enumerated(_C.arange(self._num_events), expand)


class OneHotCategorical(Classes):
    """A class as a vector of zeros with a one."""

    support: Any = constraints.one_hot
    has_enumerate_support = True

    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))
    mode = property(lambda self: self._one_hot(self.probs.argmax(-1)))

    def _one_hot(self, classes: Any) -> Any:
        return one_hot(classes, self._num_events, self._param.dtype)

    def _draw(self, shape: Any) -> Any:
        return self._one_hot(self._classes(shape[:-1]))

    def _log_prob(self, value: Any) -> Any:
        value, logits = _C.broadcast_tensors(value, self.logits)
        return logits.gather(-1, value.argmax(-1, keepdim=True)).squeeze(-1)

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._enumerated(_C.eye(self._num_events, dtype=self._param.dtype), expand)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """One-hot samples whose gradient is that of the probabilities."""

    has_rsample = True

    def _draw(self, shape: Any) -> Any:
        return super()._draw(shape) + (self.probs - self.probs.detach())


class Multinomial(Classes):
    """How often each class comes in `total_count` draws.

    Raises:
        NotImplementedError: if `total_count` is not an int.
        ValueError: unless one of `probs` and `logits` is given, with a dimension at least.
    """

    total_count: int

    def __init__(
        self,
        total_count: int = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: Any = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._set_classes(probs, logits, validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def _draw(self, shape: Any) -> Any:
        drawn = self._classes((self.total_count, *shape[:-1])).movedim(0, -1)
        counts = _C.zeros(shape, dtype=self.probs.dtype)
        return counts.scatter_add_(-1, drawn, _C.ones(drawn.shape, dtype=counts.dtype))

    def _log_prob(self, value: Any) -> Any:
        logits, value = _C.broadcast_tensors(self.logits, value)
        choices = (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
        logits = logits.masked_fill((value == 0) & (logits == -math.inf), 0)
        return choices + (logits * value).sum(-1)

    def entropy(self) -> Any:
        """The draws' entropies, less what is lost by forgetting their order."""
        n = self.total_count
        counts = _C.arange(1, n + 1, dtype=self._param.dtype)
        counts = counts.view(-1, *(1,) * self._param.dim())
        binomial = Binomial(n, probs=self.probs, validate_args=False)
        orders = (binomial.log_prob(counts).exp() * (counts + 1).lgamma()).sum((0, -1))
        return n * super().entropy() - math.lgamma(n + 1) + orders
