"""Multivariate normal distributions, and distributions of matrices."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar

from .. import _C
from .._limits import finfo
from . import constraints
from ._gamma import Beta, Chi2
from ._real import LOG_TWO_PI
from ._wrappers import ExponentialFamily
from .distribution import Distribution
from .utils import as_tensors, lazy_property


def triangular_solve(factor: Any, vectors: Any) -> Any:
    """L⁻¹ v for vectors (..., n) of any batch shape that broadcasts with that of `factor`."""
    if factor.dim() == 2:  # the vectors as columns of one equation
        columns = vectors.reshape(-1, vectors.shape[-1]).mT
        return _C._linalg.solve_triangular(factor, columns, upper=False).mT.reshape(vectors.shape)
    return _C._linalg.solve_triangular(factor, vectors.unsqueeze(-1), upper=False).squeeze(-1)


def log_diagonal(factor: Any) -> Any:
    """ln det of a triangular matrix."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def _factor_of_inverse(precision: Any) -> Any:
    """The Cholesky factor of the inverse: P turned by 180° is K Kᵀ, its factor turned is L⁻ᵀ."""
    turned = _C._linalg.cholesky(precision.flip(-2, -1))
    inverse = turned.flip(-2, -1).mT
    eye = _C.eye(precision.shape[-1], dtype=precision.dtype)
    return _C._linalg.solve_triangular(inverse, eye, upper=False)


class _Covariance(Distribution):
    """A symmetric matrix given as itself, as its inverse or as its Cholesky factor.

    The factor is kept as `_factor`, before broadcasting.
    """

    def _adopt_matrix(self, validate_args: Any, event_shape: Any, **given: Any) -> None:
        """Sets up from one of three matrices and further parameters."""
        self._parameterize(validate_args, event_shape, **given)
        if given["scale_tril"] is not None:
            self._factor = given["scale_tril"]
        elif given["covariance_matrix"] is not None:
            self._factor = _C._linalg.cholesky(given["covariance_matrix"])
        else:
            self._factor = _factor_of_inverse(given["precision_matrix"])

    def _full(self, matrix: Any) -> Any:
        return matrix.expand((*self._batch_shape, *matrix.shape[-2:]))

    @lazy_property
    def scale_tril(self) -> Any:
        return self._full(self._factor)

    @lazy_property
    def covariance_matrix(self) -> Any:
        return self._full(self._factor @ self._factor.mT)

    @lazy_property
    def precision_matrix(self) -> Any:
        return self._full(_C.cholesky_inverse(self._factor))


_MATRICES = {
    "covariance_matrix": constraints.positive_definite,
    "precision_matrix": constraints.positive_definite,
    "scale_tril": constraints.lower_cholesky,
}


def _check_matrices(
    covariance: Any, precision: Any, factor: Any, error: type[Exception] = ValueError
) -> None:
    given = {"covariance_matrix": covariance, "precision_matrix": precision, "scale_tril": factor}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) != 1:
        raise error(
            "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
        )
    for name, matrix in given.items():
        if matrix.dim() < 2:
            name = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(
                f"{name} must be at least two-dimensional, with optional leading batch dimensions"
            )


class MultivariateNormal(_Covariance):
    """``p(x) ∝ exp(-½ (x - loc)ᵀ Σ⁻¹ (x - loc))`` over vectors.

    Σ is given as `covariance_matrix`, `precision_matrix` (Σ⁻¹) or `scale_tril` (its Cholesky
    factor, which is the cheapest).

    Raises:
        ValueError: unless exactly one matrix is given; if it or `loc` have too few dimensions.

    Example:
        >>> import backlit as torch
        >>> d = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
        >>> d.log_prob(torch.zeros(2)), d.entropy()
        (tensor(-1.8379), tensor(2.8379))
    """

    arg_constraints: ClassVar[Any] = {"loc": constraints.real_vector, **_MATRICES}
    support: Any = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: Any = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        _check_matrices(covariance_matrix, precision_matrix, scale_tril)
        self._adopt_matrix(
            validate_args,
            loc.shape[-1:],
            loc=loc,
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )

    mean = mode = property(lambda self: self.loc)

    @property
    def variance(self) -> Any:
        return self._factor.pow(2).sum(-1).expand((*self._batch_shape, *self._event_shape))

    def _draw(self, shape: Any) -> Any:
        eps = _C.randn(shape, dtype=self.loc.dtype)
        return self.loc + (self._factor @ eps.unsqueeze(-1)).squeeze(-1)

    def _log_prob(self, value: Any) -> Any:
        z = triangular_solve(self._factor, value - self.loc)
        n = self._event_shape[0]
        return -0.5 * (n * LOG_TWO_PI + z.pow(2).sum(-1)) - log_diagonal(self._factor)

    def entropy(self) -> Any:
        n = self._event_shape[0]
        entropy = 0.5 * n * (1 + LOG_TWO_PI) + log_diagonal(self._factor)
        return entropy.expand(self._batch_shape)


class LowRankMultivariateNormal(Distribution):
    """A multivariate normal distribution with the covariance ``W Wᵀ + diag(d)``.

    `cov_factor` is W (n, rank), `cov_diag` is d (n). Densities cost O(n rank²): they need only the
    matrix ``C = I + Wᵀ diag(d)⁻¹ W`` (Woodbury's identity, and the lemma on determinants).

    Raises:
        ValueError: if the shapes do not fit.
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support: Any = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: Any = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        if cov_factor.dim() < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch "
                "dimensions"
            )
        n = loc.shape[-1]
        if cov_factor.shape[-2] != n:
            raise ValueError(
                f"cov_factor must be a batch of matrices with shape {n} x m. Got "
                f"{tuple(cov_factor.shape)}."
            )
        if cov_diag.shape[-1] != n:
            raise ValueError(
                f"cov_diag must be a batch of vectors with shape {loc.shape[-1:]}. Got "
                f"{tuple(cov_diag.shape)}."
            )
        self._parameterize(
            validate_args, loc.shape[-1:], loc=loc, cov_factor=cov_factor, cov_diag=cov_diag
        )

    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: self.cov_factor.pow(2).sum(-1) + self.cov_diag)

    @lazy_property
    def _weighted(self) -> Any:
        """Wᵀ diag(d)⁻¹"""
        return self.cov_factor.mT / self.cov_diag.unsqueeze(-2)

    @lazy_property
    def _capacitance_tril(self) -> Any:
        inner = self._weighted @ self.cov_factor
        return _C._linalg.cholesky(inner + _C.eye(inner.shape[-1], dtype=inner.dtype))

    @lazy_property
    def covariance_matrix(self) -> Any:
        return self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()

    @lazy_property
    def scale_tril(self) -> Any:
        return _C._linalg.cholesky(self.covariance_matrix)

    @lazy_property
    def precision_matrix(self) -> Any:
        a = _C._linalg.solve_triangular(self._capacitance_tril, self._weighted, upper=False)
        return self.cov_diag.reciprocal().diag_embed() - a.mT @ a

    def _draw(self, shape: Any) -> Any:
        rank = self.cov_factor.shape[-1]
        shared = _C.randn((*shape[:-1], rank), dtype=self.loc.dtype)
        own = _C.randn(shape, dtype=self.loc.dtype)
        spread = (self.cov_factor @ shared.unsqueeze(-1)).squeeze(-1)
        return self.loc + spread + self.cov_diag.sqrt() * own

    def _half_log_det(self) -> Any:
        return log_diagonal(self._capacitance_tril) + 0.5 * self.cov_diag.log().sum(-1)

    def _log_prob(self, value: Any) -> Any:
        difference = value - self.loc
        projected = (self._weighted @ difference.unsqueeze(-1)).squeeze(-1)
        z = triangular_solve(self._capacitance_tril, projected)
        square = (difference.pow(2) / self.cov_diag).sum(-1) - z.pow(2).sum(-1)
        return -0.5 * (self._event_shape[0] * LOG_TWO_PI + square) - self._half_log_det()

    def entropy(self) -> Any:
        return 0.5 * self._event_shape[0] * (1 + LOG_TWO_PI) + self._half_log_det()


class Wishart(_Covariance, ExponentialFamily):
    """The sum of x xᵀ over `df` vectors of a normal distribution around 0; df may be a fraction.

    The matrix is given as for `MultivariateNormal`. Sampled by Bartlett's decomposition; for
    ``df < n`` samples may be singular within rounding. (PyTorch 2.13 draws again, with a warning,
    what is not singular: the same seed gives other samples there.)

    Raises:
        AssertionError: unless exactly one matrix is given.
        ValueError: unless ``df > n - 1``.
    """

    arg_constraints: ClassVar[Any] = {**_MATRICES, "df": constraints.greater_than(0)}
    support: Any = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        df: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: Any = None,
    ) -> None:
        _check_matrices(covariance_matrix, precision_matrix, scale_tril, AssertionError)
        matrices = (covariance_matrix, precision_matrix, scale_tril)
        shape = next(m.shape for m in matrices if m is not None)[-2:]
        if _C.as_tensor(df).le(shape[-1] - 1).any():
            raise ValueError(
                f"Value of df={df} expected to be greater than ndim - 1 = {shape[-1] - 1}."
            )
        self._adopt_matrix(
            validate_args,
            shape,
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
            df=df,
        )
        if self.df.le(shape[-1]).any():
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 "
                "< df < ndim.",
                stacklevel=2,
            )

    mean = property(lambda self: self.df[..., None, None] * self.covariance_matrix)

    @property
    def mode(self) -> Any:
        factor = self.df - self._event_shape[-1] - 1
        factor = factor.masked_fill(factor <= 0, math.nan)
        return factor[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Any:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df[..., None, None] * (v.pow(2) + products)

    def _draw(self, shape: Any) -> Any:
        n = shape[-1]
        sample_shape = shape[: len(shape) - 2 - len(self._batch_shape)]
        squares = Chi2(self.df.unsqueeze(-1) - _C.arange(n, dtype=self.df.dtype), False)
        noise = squares.rsample(sample_shape).sqrt().diag_embed()
        rows, columns = _C.tril_indices(n, n, -1)
        noise[..., rows, columns] = _C.randn(
            (*shape[:-2], n * (n - 1) // 2), dtype=self._factor.dtype
        )
        factor = self._factor @ noise
        return factor @ factor.mT

    def _log_prob(self, value: Any) -> Any:
        n, df = self._event_shape[-1], self.df
        quotient = _C.cholesky_solve(value, self._factor.expand(value.shape))
        return (
            -0.5 * df * n * math.log(2)
            - df * log_diagonal(self._factor)
            - _C.mvlgamma(df / 2, n)
            + (df - n - 1) / 2 * _C._linalg.slogdet(value).logabsdet
            - 0.5 * quotient.diagonal(dim1=-2, dim2=-1).sum(-1)
        )

    def entropy(self) -> Any:
        n, df = self._event_shape[-1], self.df
        halves = 0.5 * _C.arange(n, dtype=df.dtype)
        mean_log = (df.unsqueeze(-1) / 2 - halves).digamma().sum(-1)
        return (
            (n + 1) * (log_diagonal(self._factor) + 0.5 * n * math.log(2))
            + _C.mvlgamma(df / 2, n)
            - (df - n - 1) / 2 * mean_log
            + 0.5 * df * n
        )

    @property
    def _natural_params(self) -> Any:
        return -0.5 * self.precision_matrix, 0.5 * (self.df - self._event_shape[-1] - 1)

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        n = self._event_shape[-1]
        half = y + 0.5 * (n + 1)
        return half * (n * math.log(2) - _C._linalg.slogdet(-2 * x).logabsdet) + _C.mvlgamma(
            half, n
        )


class LKJCholesky(Distribution):
    """Cholesky factors of correlation matrices C with ``p(C) ∝ det(C)^(concentration - 1)``.

    Sampled row by row (the onion method of D. Lewandowski, D. Kurowicka, H. Joe, 2009).

    Raises:
        ValueError: if `dim` is less than 2.
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.positive}
    support: Any = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: Any = None) -> None:
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        self.dim = dim
        self._parameterize(validate_args, (dim, dim), concentration=concentration)

    def _draw(self, shape: Any) -> Any:
        dtype, n = self.concentration.dtype, self.dim
        offset = _C.cat([_C.zeros(1, dtype=dtype), _C.arange(n - 1, dtype=dtype)])
        marginal = (self.concentration + 0.5 * (n - 2)).unsqueeze(-1)
        lengths = Beta(offset + 0.5, marginal - 0.5 * offset, validate_args=False)
        squares = lengths.sample(shape[: len(shape) - 2 - len(self._batch_shape)]).unsqueeze(-1)
        directions = _C.randn(shape, dtype=dtype).tril(-1)
        directions = directions / directions.norm(dim=-1, keepdim=True)
        directions[..., 0, :] = 0.0
        rows = squares.sqrt() * directions
        rest = (1 - rows.pow(2).sum(-1)).clamp(min=finfo(dtype).tiny)
        return rows + rest.sqrt().diag_embed()

    def _log_prob(self, value: Any) -> Any:
        n = self.dim
        (concentration,) = as_tensors(self.concentration)
        order = _C.arange(2, n + 1, dtype=value.dtype)
        powers = 2 * (concentration - 1).unsqueeze(-1) + n - order
        density = (powers * value.diagonal(dim1=-1, dim2=-2)[..., 1:].log()).sum(-1)
        alpha = concentration + 0.5 * (n - 1)
        normalizer = _C.mvlgamma(alpha - 0.5, n - 1) - (n - 1) * alpha.lgamma()
        return density - 0.5 * (n - 1) * math.log(math.pi) - normalizer
