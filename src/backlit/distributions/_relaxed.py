"""Continuous relaxations of Bernoulli variables and classes: with a low temperature almost those.

(C. Maddison, A. Mnih, Y. Teh, ICLR 2017; E. Jang, S. Gu, B. Poole, ICLR 2017.)
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from .. import _C
from . import constraints
from ._discrete import Classes, Odds, one_of
from ._wrappers import Derived
from .transforms import ExpTransform, SigmoidTransform
from .utils import as_tensors, clamp_probs, lazy_property, softplus


class LogitRelaxedBernoulli(Odds):
    """Logits of `RelaxedBernoulli`: a logistic number around `logits`, over the temperature."""

    support: Any = constraints.real
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: Any = None
    ) -> None:
        one_of(probs, logits)
        self.temperature = temperature
        self._parameterize(validate_args, probs=probs, logits=logits)

    def _draw(self, shape: Any) -> Any:
        p = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(_C.rand(shape, dtype=p.dtype))
        return (u.log() - (-u).log1p() + p.log() - (-p).log1p()) / self.temperature

    def _log_prob(self, value: Any) -> Any:
        logits, value = _C.broadcast_tensors(self.logits, value)
        z = logits - value * self.temperature
        (temperature,) = as_tensors(self.temperature)
        return temperature.log() + z - 2 * softplus(z)


class ExpRelaxedCategorical(Classes):
    """Logarithms of `RelaxedOneHotCategorical`: Gumbel numbers around `logits`, normalised."""

    support: Any = constraints.real_vector
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: Any = None
    ) -> None:
        self.temperature = temperature
        self._set_classes(probs, logits, validate_args)

    def _draw(self, shape: Any) -> Any:
        u = clamp_probs(_C.rand(shape, dtype=self.logits.dtype))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(-1, keepdim=True)

    def _log_prob(self, value: Any) -> Any:
        k = self._num_events
        logits, value = _C.broadcast_tensors(self.logits, value)
        (temperature,) = as_tensors(self.temperature)
        scale = math.lgamma(k) + (k - 1) * temperature.log()
        z = logits - value * temperature
        return (z - z.logsumexp(-1, keepdim=True)).sum(-1) + scale


class _Relaxed(Derived):
    """A transformed relaxation of a discrete distribution."""

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: Any = None
    ) -> None:
        base: Any = self._relaxation(temperature, probs, logits, validate_args)
        given = {name: getattr(base, name) for name in base._parameters}
        self.temperature = temperature
        self._parameterize(validate_args, base.event_shape, **given)

    def _build(self) -> Any:
        given = {name: self.__dict__[name] for name in self._parameters}
        base = self._relaxation(self.temperature, validate_args=False, **given)
        return base, [self._transform()]

    _relaxation: Any
    _transform: Any

    @lazy_property
    def probs(self) -> Any:
        return self.base_dist.probs

    @lazy_property
    def logits(self) -> Any:
        return self.base_dist.logits


class RelaxedBernoulli(_Relaxed):
    """A number in (0, 1), the closer to its ends the lower the temperature."""

    arg_constraints: ClassVar[Any] = Odds.arg_constraints
    support: Any = constraints.unit_interval
    _relaxation = LogitRelaxedBernoulli
    _transform = SigmoidTransform


class RelaxedOneHotCategorical(_Relaxed):
    """Probabilities, the closer to a one-hot vector the lower the temperature."""

    arg_constraints: ClassVar[Any] = Classes.arg_constraints
    support: Any = constraints.simplex
    _relaxation = ExpRelaxedCategorical
    _transform = ExpTransform
