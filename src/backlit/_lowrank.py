"""Singular values and principal components of a matrix that a few of them describe well."""

from __future__ import annotations

from . import _C, linalg

Tensor = _C.Tensor


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The `q` largest singular values of A - M with their vectors: A - M ≈ U diag(S) Vᴴ.

    A random subspace is multiplied `niter` times by A and Aᴴ (Halko, Martinsson and Tropp 2009,
    algorithm 4.4), so the result depends on the seed. (*, m, n) -> (*, m, q), (*, q), (*, n, q).

    Example:
        >>> import backlit as torch
        >>> U, S, V = torch.svd_lowrank(torch.ones(4, 3), q=1)
        >>> torch.allclose(U @ S.diag() @ V.T, torch.ones(4, 3))
        True
    """
    rest = A if M is None else A - M.expand_as(A)
    wide = A.shape[-2] < A.shape[-1]
    tall = rest.mH if wide else rest
    basis = _range_of(tall, 6 if q is None else q, 2 if niter is None else niter)
    U, S, Vh = linalg.svd(basis.mH @ tall, full_matrices=False)
    left, right = basis @ U, Vh.mH
    return (right, S, left) if wide else (left, S, right)


def _range_of(A: Tensor, q: int, niter: int) -> Tensor:
    """An orthonormal basis of about what A maps to. (*, m, min(m, q))."""
    directions = _C.randn(A.shape[-1], q, dtype=A.dtype)
    basis: Tensor = linalg.qr(A @ directions).Q
    for _ in range(niter):
        basis = linalg.qr(A.mH @ basis).Q
        basis = linalg.qr(A @ basis).Q
    return basis


def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """`svd_lowrank` of the rows of A less their mean: V holds `q` principal directions, at most 6.

    Without `center` the mean stays. Raises ValueError where q is more than A has rows or columns.
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not (q >= 0 and q <= min(m, n)):
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}"
        )
    if not niter >= 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
