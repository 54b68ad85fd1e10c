"""From a constraint to a transform onto its region: `biject_to` and `transform_to`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _C
from . import constraints, transforms


class ConstraintRegistry:
    """Functions that make a transform, by the type of a constraint.

    ``registry(constraint)`` is a transform from unconstrained numbers onto the region.
    `register` adds a type, as a decorator or with the function as its second argument.

    Raises:
        NotImplementedError: for a constraint of a type that is not registered.
        TypeError: when something other than a constraint is registered.
    """

    def __init__(self) -> None:
        self._registry: dict[type, Callable[[Any], Any]] = {}

    def register(self, constraint: Any, factory: Any = None) -> Any:
        if factory is None:
            return lambda made: self.register(constraint, made)
        kind = constraint if isinstance(constraint, type) else type(constraint)
        if not issubclass(kind, constraints.Constraint):
            raise TypeError(
                "Expected constraint to be either a Constraint subclass or instance, but got "
                f"{constraint}"
            )
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        try:
            factory = self._registry[type(constraint)]
        except KeyError:
            raise NotImplementedError(
                f"Cannot transform {type(constraint).__name__} constraints"
            ) from None
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()
_BOTH = (biject_to, transform_to)


def _register(constraint: Any, factory: Callable[[Any], Any], *registries: Any) -> None:
    for registry in registries or _BOTH:
        registry.register(constraint, factory)


def _above(constraint: Any) -> Any:
    shift = transforms.AffineTransform(constraint.lower_bound, 1)
    return transforms.ComposeTransform([transforms.ExpTransform(), shift])


def _below(constraint: Any) -> Any:
    shift = transforms.AffineTransform(constraint.upper_bound, -1)
    return transforms.ComposeTransform([transforms.ExpTransform(), shift])


def _between(constraint: Any) -> Any:
    low, high = constraint.lower_bound, constraint.upper_bound
    if not isinstance(low, _C.Tensor) and not isinstance(high, _C.Tensor) and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    scale = transforms.AffineTransform(low, high - low)
    return transforms.ComposeTransform([transforms.SigmoidTransform(), scale])


def _each(registry: ConstraintRegistry, kind: Any, *names: str) -> Callable[[Any], Any]:
    """Transforms the parts of a stack or a concatenation."""
    return lambda c: kind([registry(part) for part in c.cseq], *(getattr(c, n) for n in names))


def _independent(registry: ConstraintRegistry) -> Callable[[Any], Any]:
    return lambda c: transforms.IndependentTransform(
        registry(c.base_constraint), c.reinterpreted_batch_ndims
    )


_register(constraints.real, lambda c: transforms.identity_transform)
_register(constraints.positive, lambda c: transforms.ExpTransform())
_register(constraints.nonnegative, lambda c: transforms.ExpTransform())
_register(constraints.greater_than, _above)
_register(constraints.greater_than_eq, _above)
_register(constraints.less_than, _below)
_register(constraints.interval, _between)
_register(constraints.half_open_interval, _between)
_register(constraints.simplex, lambda c: transforms.StickBreakingTransform(), biject_to)
_register(constraints.simplex, lambda c: transforms.SoftmaxTransform(), transform_to)
_register(constraints.corr_cholesky, lambda c: transforms.CorrCholeskyTransform())
_register(constraints.lower_cholesky, lambda c: transforms.LowerCholeskyTransform(), transform_to)
_register(
    constraints.positive_definite, lambda c: transforms.PositiveDefiniteTransform(), transform_to
)
_register(
    constraints.positive_semidefinite,
    lambda c: transforms.PositiveDefiniteTransform(),
    transform_to,
)
for _registry in _BOTH:
    _register(constraints.independent, _independent(_registry), _registry)
    _register(constraints.stack, _each(_registry, transforms.StackTransform, "dim"), _registry)
    _register(
        constraints.cat, _each(_registry, transforms.CatTransform, "dim", "lengths"), _registry
    )
