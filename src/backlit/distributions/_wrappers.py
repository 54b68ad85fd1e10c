"""Distributions made of others: independent dimensions, transformed samples, mixtures."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _C
from ..autograd._run import grad
from ..autograd.grad_mode import enable_grad, no_grad
from . import constraints
from .distribution import _EMPTY, Distribution
from .transforms import ComposeTransform, Transform
from .utils import lazy_property, sum_rightmost


class ExponentialFamily(Distribution):
    """Densities ``exp(<t(x), θ> - F(θ) + k(x))`` with natural parameters θ.

    Subclasses give `_natural_params` (θ), `_log_normalizer` (F) and, for `entropy` where it has no
    formula of its own, `_mean_carrier_measure` (the mean of k).
    """

    _natural_params: Any = property(Distribution.entropy)
    _mean_carrier_measure: Any = property(Distribution.entropy)

    def _log_normalizer(self, *natural_params: Any) -> Any:
        raise NotImplementedError

    def _normalizer_and_means(self) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
        """F, θ, and the means of t(x), which are the gradient of F."""
        with enable_grad():
            params = tuple(
                p if p.requires_grad else p.detach().requires_grad_() for p in self._natural_params
            )
            normalizer = self._log_normalizer(*params)
            return normalizer, params, grad(normalizer.sum(), params, create_graph=True)

    def entropy(self) -> Any:
        """``F(θ) - <θ, ∇F(θ)>`` less the mean of the carrier measure."""
        carrier = self._mean_carrier_measure
        normalizer, params, means = self._normalizer_and_means()
        result = normalizer - carrier
        for p, m in zip(params, means, strict=True):
            result = result - (p * m).reshape((*self._batch_shape, -1)).sum(-1)
        return result


class Independent(Distribution):
    """Takes the last `reinterpreted_batch_ndims` batch dimensions as part of the event.

    ``log_prob = Σ base.log_prob`` over them.

    Raises:
        ValueError: if the base has fewer batch dimensions.

    Example:
        >>> import backlit as torch
        >>> from backlit.distributions import Independent, Normal
        >>> d = Independent(Normal(torch.zeros(3), torch.ones(3)), 1)
        >>> d.batch_shape, d.event_shape, d.log_prob(torch.zeros(3))
        (torch.Size([]), torch.Size([3]), tensor(-2.7568))
    """

    arg_constraints: ClassVar[Any] = {}

    def __init__(
        self,
        base_distribution: Distribution,
        reinterpreted_batch_ndims: int,
        validate_args: Any = None,
    ) -> None:
        batch, event = base_distribution.batch_shape, base_distribution.event_shape
        if reinterpreted_batch_ndims > len(batch):
            raise ValueError(
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), "
                f"actual {reinterpreted_batch_ndims} vs {len(batch)}"
            )
        kept = len(batch) - reinterpreted_batch_ndims
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        super().__init__(batch[:kept], (*batch[kept:], *event), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._new_of(_instance)
        new.__dict__.update(self.__dict__)
        new._batch_shape = _C.Size(batch_shape)
        moved = self._event_shape[: self.reinterpreted_batch_ndims]
        new.base_dist = self.base_dist.expand((*batch_shape, *moved))
        return new

    has_rsample = property(lambda self: self.base_dist.has_rsample)  # type: ignore[assignment]
    mean = property(lambda self: self.base_dist.mean)
    mode = property(lambda self: self.base_dist.mode)
    variance = property(lambda self: self.base_dist.variance)

    @property
    def has_enumerate_support(self) -> bool:  # type: ignore[override]
        return self.reinterpreted_batch_ndims == 0 and self.base_dist.has_enumerate_support

    @constraints.dependent_property
    def support(self) -> Any:
        base = self.base_dist.support
        n = self.reinterpreted_batch_ndims
        return constraints.independent(base, n) if n else base

    def sample(self, sample_shape: Any = _EMPTY) -> Any:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = _EMPTY) -> Any:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Any) -> Any:
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Any:
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand: bool = True) -> Any:
        if self.reinterpreted_batch_ndims > 0:
            raise NotImplementedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_dist!r}, {self.reinterpreted_batch_ndims})"


class TransformedDistribution(Distribution):
    """What comes out of invertible transforms of samples of a base distribution.

    ``log p(y) = log p_base(x) - log |dy/dx|`` with ``y = f(x)``, transform by transform.

    Raises:
        ValueError: if `transforms` are none, or the base has too few dimensions for them.
    """

    arg_constraints: ClassVar[Any] = {}

    def __init__(
        self, base_distribution: Distribution, transforms: Any, validate_args: Any = None
    ) -> None:
        listed = [transforms] if isinstance(transforms, Transform) else transforms
        if not (isinstance(listed, list) and all(isinstance(t, Transform) for t in listed)):
            if isinstance(listed, list):
                raise ValueError("transforms must be a Transform or a list of Transforms")
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        self.transforms: Any = listed
        self._adopt(base_distribution, validate_args)

    def _adopt(self, base: Distribution, validate_args: Any) -> None:
        """Takes `base`, with so many batch dimensions in the event as the transforms couple."""
        transform = ComposeTransform(self.transforms)
        shape = (*base.batch_shape, *base.event_shape)
        if len(shape) < transform.domain.event_dim:
            raise ValueError(
                "base_distribution needs to have shape with size at least "
                f"{transform.domain.event_dim}, but got {_C.Size(shape)}."
            )
        out = transform.forward_shape(shape)
        base = base.expand(transform.inverse_shape(out)[: len(shape) - len(base.event_shape)])
        coupled = transform.domain.event_dim - len(base.event_shape)
        self.base_dist: Any = Independent(base, coupled) if coupled > 0 else base
        # the transforms may leave a different number of dimensions than they take
        dims = transform.codomain.event_dim + max(
            len(base.event_shape) - transform.domain.event_dim, 0
        )
        Distribution.__init__(self, out[: len(out) - dims], out[len(out) - dims :], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._new_of(_instance)
        new.__dict__.update(self.__dict__)
        shape = ComposeTransform(self.transforms).inverse_shape((*batch_shape, *self._event_shape))
        kept = len(shape) - len(self.base_dist.event_shape)
        new.base_dist = self.base_dist.expand(shape[:kept])
        new._batch_shape = _C.Size(batch_shape)
        return new

    has_rsample = property(lambda self: self.base_dist.has_rsample)  # type: ignore[assignment]

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        if not self.transforms:
            return self.base_dist.support
        region = self.transforms[-1].codomain
        more = len(self._event_shape) - region.event_dim
        return constraints.independent(region, more) if more > 0 else region

    def sample(self, sample_shape: Any = _EMPTY) -> Any:
        with no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = _EMPTY) -> Any:
        return self._forward(self.base_dist.rsample(sample_shape))

    def _forward(self, x: Any) -> Any:
        for transform in self.transforms:
            x = transform(x)
        return x

    def _inverse(self, y: Any) -> Any:
        for transform in reversed(self.transforms):
            y = transform.inv(y)
        return y

    def _log_prob(self, value: Any) -> Any:
        dims, slope = len(self._event_shape), 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            dims += transform.domain.event_dim - transform.codomain.event_dim
            part = transform.log_abs_det_jacobian(x, value)
            slope = slope - sum_rightmost(part, dims - transform.domain.event_dim)
            value = x
        density = self.base_dist.log_prob(value)
        return slope + sum_rightmost(density, dims - len(self.base_dist.event_shape))

    def _flip(self, probability: Any) -> Any:
        """1 - p if an odd number of the transforms decrease."""
        sign: Any = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        if isinstance(sign, int) and sign == 1:
            return probability
        return sign * (probability - 0.5) + 0.5

    def _cdf(self, value: Any) -> Any:
        return self._flip(self.base_dist.cdf(self._inverse(value)))

    def _icdf(self, value: Any) -> Any:
        return self._forward(self.base_dist.icdf(self._flip(value)))


class Derived(TransformedDistribution):
    """A transformed distribution with parameters of its own, from which `_build` makes the rest."""

    has_rsample = True

    def _build(self) -> tuple[Distribution, list[Transform]]:
        raise NotImplementedError

    @lazy_property
    def _built(self) -> Any:
        return TransformedDistribution(*self._build(), validate_args=False)

    base_dist = property(lambda self: self._built.base_dist)  # type: ignore[assignment]
    transforms = property(lambda self: self._built.transforms)  # type: ignore[assignment]
    expand = Distribution.expand


class MixtureSameFamily(Distribution):
    """One of several distributions of a family, which one being drawn first.

    ``p(x) = Σₖ wₖ pₖ(x)`` over the last batch dimension of `component_distribution`, with the
    probabilities w of `mixture_distribution`, a `Categorical`.

    Raises:
        ValueError: if the types, batch shapes or numbers of components do not fit.
    """

    arg_constraints: ClassVar[Any] = {}
    has_rsample = False

    def __init__(
        self,
        mixture_distribution: Any,
        component_distribution: Distribution,
        validate_args: Any = None,
    ) -> None:
        from ._discrete import Categorical  # it is one itself

        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an  instance of "
                "torch.distributions.Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution needs to be an instance of "
                "torch.distributions.Distribution"
            )
        batch = component_distribution.batch_shape[:-1]
        for mine, theirs in zip(
            reversed(mixture_distribution.batch_shape), reversed(batch), strict=False
        ):
            if mine != 1 and theirs != 1 and mine != theirs:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({mixture_distribution.batch_shape}) is "
                    "not compatible with `component_distribution.batch_shape` "
                    f"({component_distribution.batch_shape})"
                )
        weights = mixture_distribution.logits.shape[-1]
        components = component_distribution.batch_shape[-1]
        if None not in (weights, components) and weights != components:
            raise ValueError(
                f"`mixture_distribution component` ({weights}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({components})"
            )
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        self._num_component = components
        super().__init__(batch, component_distribution.event_shape, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._new_of(_instance)
        new.__dict__.update(self.__dict__)
        new._batch_shape = _C.Size(batch_shape)
        new._component_distribution = self._component_distribution.expand(
            (*batch_shape, self._num_component)
        )
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        return new

    mixture_distribution = property(lambda self: self._mixture_distribution)
    component_distribution = property(lambda self: self._component_distribution)

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    def _pad(self, x: Any) -> Any:
        """A dimension for the components before those of the event."""
        return x.unsqueeze(-1 - len(self._event_shape))

    def _average(self, values: Any) -> Any:
        """The mean over components of (*batch, components, *event)."""
        dims = len(self._event_shape)
        weights = self._mixture_distribution.probs
        weights = weights.reshape(weights.shape + (1,) * dims)
        return (weights * values).sum(-1 - dims)

    @property
    def mean(self) -> Any:
        return self._average(self._component_distribution.mean)

    @property
    def variance(self) -> Any:
        within = self._average(self._component_distribution.variance)
        between = self._component_distribution.mean - self._pad(self.mean)
        return within + self._average(between.pow(2))

    def _cdf(self, value: Any) -> Any:
        parts = self._component_distribution.cdf(self._pad(value))
        return (parts * self._mixture_distribution.probs).sum(-1)

    def _log_prob(self, value: Any) -> Any:
        parts = self._component_distribution.log_prob(self._pad(value))
        return (parts + self._mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    def _draw(self, shape: Any) -> Any:
        dims = len(self._event_shape)
        sample_shape = shape[: len(shape) - dims - len(self._batch_shape)]
        chosen = self._mixture_distribution.sample(sample_shape)
        parts = self._component_distribution.sample(sample_shape)
        chosen = chosen.reshape(chosen.shape + (1,) * (dims + 1))
        chosen = chosen.expand((*chosen.shape[: chosen.dim() - dims], *self._event_shape))
        return parts.gather(-1 - dims, chosen).squeeze(-1 - dims)

    def __repr__(self) -> str:
        return (
            f"MixtureSameFamily(\n  {self._mixture_distribution},\n  "
            f"{self._component_distribution})"
        )
