"""What all distributions share: shapes, checks, copies of another batch shape, and printing.

A distribution of this package is its parameters, kept by `_parameterize`; whatever else it needs is
a `lazy_property` computed from them. It defines `_draw`, which makes samples of a full shape, and
`_log_prob`, `_cdf` and `_icdf`, whose arguments are checked here.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from .. import _C
from .._shapes import broadcast_shapes
from ..autograd.grad_mode import no_grad
from . import constraints
from .utils import as_tensors, lazy_property

_EMPTY = _C.Size()


def _missing(self: Any) -> Any:
    raise NotImplementedError


class Distribution:
    """The base of all distributions.

    A sample has the shape ``sample_shape + batch_shape + event_shape``: independent draws,
    independent distributions, and the dimensions of one outcome. Subclasses define `support` and
    `arg_constraints` (name -> constraint), then `sample` or `rsample`, and `log_prob`.

    Raises:
        ValueError: if `validate_args` and a parameter violates its constraint; later, if a value
            given to `log_prob` or `cdf` is outside the support or does not fit the shapes.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__
    _parameters: tuple[str, ...] = ()

    if TYPE_CHECKING:  # the parameters are attributes by their names in arg_constraints

        def __getattr__(self, name: str) -> Any: ...

    arg_constraints: ClassVar[Any] = property(_missing)
    support: Any = property(_missing)
    mean: Any = property(_missing)
    variance: Any = property(_missing)

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions made from now on check their arguments."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(
        self, batch_shape: Any = _EMPTY, event_shape: Any = _EMPTY, validate_args: Any = None
    ) -> None:
        self._batch_shape = _C.Size(batch_shape)
        self._event_shape = _C.Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _parameterize(self, validate_args: Any, event_shape: Any = _EMPTY, **given: Any) -> None:
        """Keeps what is not None as attributes, broadcast to one batch shape."""
        given = {name: value for name, value in given.items() if value is not None}
        self._parameters = tuple(given)
        tensors = as_tensors(*given.values())
        dims = [self._dims(name) for name in given]
        if any(dims):
            parts = zip(tensors, dims, strict=True)
            batch_shape = broadcast_shapes(*(t.shape[: t.dim() - n] for t, n in parts))
            parts = zip(tensors, dims, strict=True)
            tensors = [t.expand((*batch_shape, *t.shape[t.dim() - n :])) for t, n in parts]
        else:
            tensors = _C.broadcast_tensors(*tensors)
            batch_shape = tensors[0].shape
        for name, tensor in zip(given, tensors, strict=True):
            setattr(self, name, tensor)
        Distribution.__init__(self, batch_shape, event_shape, validate_args)

    def _dims(self, name: str) -> int:
        """The number of dimensions of one parameter."""
        return int(self.arg_constraints[name].event_dim)

    def _expand_parameters(self, batch_shape: Any) -> None:
        for name in self._parameters:
            tensor = getattr(self, name)
            dims = self._dims(name)
            setattr(self, name, tensor.expand((*batch_shape, *tensor.shape[tensor.dim() - dims :])))

    def _check_parameters(self) -> None:
        try:
            arg_constraints = self.arg_constraints
        except NotImplementedError:
            arg_constraints = {}
            warnings.warn(
                f"{self.__class__} does not define `arg_constraints`. Please set `arg_constraints "
                "= {}` or initialize the distribution with `validate_args=False` to turn off "
                "validation.",
                stacklevel=3,
            )
        for name, constraint in arg_constraints.items():
            lazy = isinstance(getattr(type(self), name, None), lazy_property)
            if constraints.is_dependent(constraint) or (lazy and name not in self.__dict__):
                continue
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to satisfy the constraint "
                    f"{constraint!r}, but found invalid values:\n{value}"
                )

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution for a larger batch, without copies of the parameters.

        Raises:
            NotImplementedError: if a subclass has an `__init__` of its own and no `expand`.
        """
        if not self._parameters:
            raise NotImplementedError
        new = self._new_of(_instance)
        derived = {n for n in vars(self) if isinstance(getattr(type(self), n, None), lazy_property)}
        for name in self.__dict__.keys() - (derived - set(self._parameters)):
            new.__dict__[name] = self.__dict__[name]
        new._batch_shape = _C.Size(batch_shape)
        new._expand_parameters(new._batch_shape)
        return new

    def _new_of(self, instance: Any) -> Any:
        """`instance`, or an empty object of this type, which then must be one of this package."""
        made_here = type(self).__init__.__module__.startswith(__package__ or "")
        if instance is None and not made_here:
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {type(self).__base__.__name__} that defines a "  # type: ignore[union-attr]
                "custom __init__ method must also define a custom .expand() method."
            )
        return self.__new__(type(self)) if instance is None else instance

    @property
    def batch_shape(self) -> Any:
        """The shape over which the parameters are batched."""
        return self._batch_shape

    @property
    def event_shape(self) -> Any:
        """The shape of one outcome."""
        return self._event_shape

    @property
    def mode(self) -> Any:
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def stddev(self) -> Any:
        """The square root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = _EMPTY) -> Any:
        """Draws of the shape ``sample_shape + batch_shape + event_shape``, without a graph."""
        with no_grad():
            if type(self).rsample is not Distribution.rsample:
                return self.rsample(sample_shape)
            return self._draw(self._extended_shape(sample_shape))

    def rsample(self, sample_shape: Any = _EMPTY) -> Any:
        """Draws through which gradients flow to the parameters."""
        if not self.has_rsample:
            raise NotImplementedError
        return self._draw(self._extended_shape(sample_shape))

    def sample_n(self, n: int) -> Any:
        """`n` draws; `sample((n,))` is the newer name."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.",
            FutureWarning,
            stacklevel=2,
        )
        return self.sample((n,))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density, or of the probability, of each event."""
        return self._log_prob(self._checked(value))

    def cdf(self, value: Any) -> Any:
        """The probability of an outcome up to `value`."""
        return self._cdf(self._checked(value))

    def icdf(self, value: Any) -> Any:
        """The quantile: the inverse of `cdf`."""
        return self._icdf(value)

    def _draw(self, shape: Any) -> Any:
        raise NotImplementedError

    def _log_prob(self, value: Any) -> Any:
        raise NotImplementedError

    def _cdf(self, value: Any) -> Any:
        raise NotImplementedError

    def _icdf(self, value: Any) -> Any:
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Any:
        """All outcomes of a discrete distribution, stacked in front of the batch dimensions.

        With ``expand=False`` the batch dimensions have the size 1.
        """
        raise NotImplementedError

    def _enumerated(self, values: Any, expand: bool) -> Any:
        """`values` (outcomes, *event_shape) with batch dimensions behind the first."""
        events = values.shape[1:]
        values = values.view(-1, *(1,) * len(self._batch_shape), *events)
        return values.expand(-1, *self._batch_shape, *events) if expand else values

    def entropy(self) -> Any:
        """The expected value of -log_prob."""
        raise NotImplementedError

    def perplexity(self) -> Any:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape: Any = _EMPTY) -> Any:
        return _C.Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _checked(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return value

    def _validate_sample(self, value: Any) -> None:
        if not isinstance(value, _C.Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, expected = value.shape, (*self._batch_shape, *self._event_shape)
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(
                f"The right-most size of value must match event_shape: {shape} vs "
                f"{self._event_shape}."
            )
        for i, j in zip(reversed(shape), reversed(expected), strict=False):
            if 1 not in (i, j) and i != j:
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: {shape} vs "
                    f"{_C.Size(expected)}."
                )
        self._check_support(value)

    def _check_support(self, value: Any) -> None:
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `support` to enable sample validation. Please "
                "initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=4,
            )
            return
        if not support.check(value).all():
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) "
                f"to be within the support ({support!r}) of the distribution {self!r}, but found "
                f"invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        found = {n: self.__dict__[n] for n in self.arg_constraints if n in self.__dict__}
        texts = (f"{n}: {t if t.numel() == 1 else t.size()}" for n, t in found.items())
        return f"{type(self).__name__}({', '.join(texts)})"
