"""Parametrizations of weights: weight_norm, spectral_norm, orthogonal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl

from .._module import Module
from . import _norms, parametrize

if TYPE_CHECKING:
    from backlit import Tensor


class _WeightNorm(Module):
    """(g, v) -> g v / ‖v‖."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return _norms.weight_from(weight_g, weight_v, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return _norms.norm_except_dim(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """The tensor as length and direction: g v / ‖v‖, one g for each slice along `dim`.

    `original0` is g, `original1` is v; old files, with `weight_g` and `weight_v`, can be loaded.

        >>> layer = weight_norm(backlit.nn.Linear(3, 2))
        >>> layer.parametrizations.weight.original0.shape
        torch.Size([2, 1])
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        old = [f"{prefix}{name}_{letter}" for letter in "gv"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                new = f"{prefix}parametrizations.{name}.original{i}"
                state_dict[new] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    """W -> W / σ(W), with singular vectors that follow W by power iteration."""

    _u: Tensor
    _v: Tensor

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        dims = weight.dim()
        if not -dims <= dim < dims:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{dims}, {dims - 1}] but got "
                f"{dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim, self.eps = dim % dims, eps
        if dims > 1:  # a vector is only normalised
            self.n_power_iterations = n_power_iterations
            matrix = _norms.as_matrix(weight.detach(), self.dim)
            for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
                start = weight.new_empty(size).normal_(0, 1)
                self.register_buffer(name, _norms.unit(start, eps))
            self._iterate(matrix, 15)

    @bl.no_grad()
    def _iterate(self, matrix: Tensor, count: int) -> None:
        for _ in range(count):
            self._u.copy_(_norms.unit(bl.mv(matrix, self._v), self.eps))
            self._v.copy_(_norms.unit(bl.mv(matrix.T, self._u), self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return _norms.unit(weight, self.eps)
        matrix = _norms.as_matrix(weight, self.dim)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        # copies: the next call changes the buffers
        sigma = _norms.largest_singular_value(matrix, self._u.clone(), self._v.clone())
        return weight / sigma

    def right_inverse(self, value: Tensor) -> Tensor:
        return value  # known up to its length only


def _dim_of_outputs(module: Module) -> int:
    """Which dimension of the weight counts the outputs: 1 for transposed convolutions."""
    return 1 if type(module).__name__.startswith("ConvTranspose") else 0


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """The tensor divided by its largest singular value, which power iteration follows in training.

    >>> layer = spectral_norm(backlit.nn.Linear(3, 3)).eval()
    >>> round(float(backlit.linalg.matrix_norm(layer.weight, 2)), 1)
    1.0
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, bl.Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    dim = _dim_of_outputs(module) if dim is None else dim
    made = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return parametrize.register_parametrization(module, name, made)


class _Orthogonal(Module):
    """Any matrix -> one with orthonormal columns (or rows, where it is wide)."""

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape, self.map = weight.shape, orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        wide = X.size(-2) < X.size(-1)
        X = X.mT if wide else X
        Q = _reflected(X) if self.map == "householder" else _rotated(X, self.map)
        if self.use_trivialization and self.base is not None:
            Q = self.base @ Q
        return Q.mT if wide else Q

    @bl.no_grad()
    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. "
                f"Got a tensor of shape {Q.shape}."
            )
        if not self.use_trivialization:
            if self.map == "householder":
                return _reflectors_of(Q)
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley "
                "parametrizations when use_trivialization=False."
            )
        start = bl.zeros_like(Q)
        start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)  # its skew part is 0: the map gives base
        if Q.size(-2) < Q.size(-1):
            Q = Q.mT
        n, k = Q.size(-2), Q.size(-1)
        if n != k:
            Q = bl.cat([Q, bl.randn(*Q.shape[:-2], n, n - k, dtype=Q.dtype)], dim=-1)
        orthonormal, R = bl.linalg.qr(Q)
        signs = R.diagonal(dim1=-2, dim2=-1).sign()
        self.base = orthonormal * signs.unsqueeze(-2)
        return start


def _rotated(X: Tensor, kind: str) -> Tensor:
    """The first columns of the rotation that the lower triangle of X generates. (*, n, k)"""
    n, k = X.size(-2), X.size(-1)
    X = X.tril()
    if n != k:
        X = bl.cat([X, X.new_zeros(*X.shape[:-2], n, n - k)], dim=-1)
    A = X - X.mH
    if kind == "matrix_exp":
        return bl.linalg.matrix_exp(A)[..., :k]
    one = bl.eye(n, dtype=A.dtype)
    return bl.linalg.solve(one - 0.5 * A, one + 0.5 * A)[..., :k]


def _reflected(X: Tensor) -> Tensor:
    """The product of the reflectors below the diagonal of X, whose entries are the signs. (*, n, k)

    tau = 2 / |v|² makes each of them orthogonal; v has a 1 above what X holds of it.
    """
    below = X.tril(diagonal=-1)
    tau = 2.0 / (1.0 + (below * below).sum(dim=-2))
    signs = X.diagonal(dim1=-2, dim2=-1).int()  # numbers that gradients do not flow to
    return bl.linalg.householder_product(below, tau) * signs.unsqueeze(-2)


def _reflectors_of(Q: Tensor) -> Tensor:
    """X with `_reflected(X)` = Q, for Q with orthonormal columns (or rows, where it is wide)."""
    wide = Q.size(-2) < Q.size(-1)
    X, tau = bl.geqrf(Q.mT if wide else Q)
    diagonal = X.diagonal(dim1=-2, dim2=-1)
    # R is diagonal with 1 and -1; LAPACK leaves out a reflector (tau = 0) that `_reflected` has
    diagonal.copy_(bl.where(tau == 0, -diagonal.sign(), diagonal.sign()))
    return X.mT if wide else X


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """The matrix as one with orthonormal columns (or rows, where it is wide).

    `orthogonal_map` is "matrix_exp", exp(A - Aᵀ), the default for square matrices; "cayley",
    (I - A/2)⁻¹ (I + A/2); or "householder", a product of reflectors, the default for others.

        >>> layer = orthogonal(backlit.nn.Linear(3, 3))
        >>> backlit.allclose(layer.weight @ layer.weight.T, backlit.eye(3), atol=1e-5)
        True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, bl.Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.dim() < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions."
        )
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.size(-2) == weight.size(-1) else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
            f"Got: {orthogonal_map}"
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization)
    return parametrize.register_parametrization(module, name, made, unsafe=True)
