"""torch.linalg: decompositions and solvers of the core, and what is composed of them.

Example:
    >>> import backlit as torch
    >>> A = torch.tensor([[2.0, 1.0], [1.0, 3.0]])
    >>> torch.linalg.solve(A, torch.tensor([3.0, 5.0]))
    tensor([0.8000, 1.4000])
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import backlit as bl

from . import _C as _C, _namespace as _namespace
from ._return_types import make

if TYPE_CHECKING:
    from backlit import Tensor

globals().update(_C._operations["linalg"])
_linalg = _C._linalg

LinAlgError = _C._LinAlgError


def _into(result: Tensor, out: Tensor | None) -> Tensor:
    if out is None:
        return result
    out.resize_(result.shape).copy_(result)
    return out


def _tolerances(A: Tensor, atol: Any, rtol: Any, name: str) -> tuple[Tensor, Tensor]:
    """(atol, rtol) as tensors, with PyTorch's defaults."""
    if rtol is None:
        rtol = 0.0 if atol is not None and not _is_zero(atol) else _epsilon(A)
        if isinstance(atol, bl.Tensor):
            rtol = bl.where(atol > 0, 0.0, _epsilon(A))
    pair = [bl.as_tensor(0.0 if value is None else value) for value in (atol, rtol)]
    for value in pair:
        if not value.is_floating_point() and value.dtype != bl.int64:
            raise RuntimeError(f"{name}: tolerances are real numbers; got {value.dtype}")
    return pair[0], pair[1]


def _is_zero(value: Any) -> bool:
    return not isinstance(value, bl.Tensor) and value == 0


def _epsilon(A: Tensor) -> float:
    return max(A.shape[-2:]) * float(bl.finfo(A.dtype).eps)


def _largest(s: Tensor) -> Tensor:
    return s.amax(-1) if s.shape[-1] else s.sum(-1)


def _magnitudes(A: Tensor, hermitian: bool) -> Tensor:
    return _linalg.eigvalsh(A).abs() if hermitian else _linalg.svdvals(A)


def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """Number of singular values above max(atol, rtol · largest). (*, m, n) -> (*), int64."""
    with bl.no_grad():
        s = _magnitudes(A, hermitian)
        absolute, relative = _tolerances(A, atol, rtol, "linalg.matrix_rank")
        limit = (
            bl.as_tensor(tol, dtype=s.dtype)
            if tol is not None
            else bl.maximum(absolute, relative * _largest(s))
        )
        return _into((s > limit.unsqueeze(-1)).sum(-1), out)


def pinv(
    A: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The pseudo-inverse P: A·P·A = A, P·A·P = P, A·P and P·A symmetric. (*, m, n) -> (*, n, m).

    Singular values of at most max(atol, rtol · largest) count as zero. Of a `hermitian` A the lower
    half is read.

    >>> pinv(backlit.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]))
    tensor([[1.0000, 0.0000, 0.0000],
            [0.0000, 0.5000, 0.0000]])
    """
    if rcond is not None:
        rtol = rcond
    tolerances = _tolerances(A, atol, rtol, "linalg.pinv")
    return _into(_C._pinv(A, *tolerances, hermitian), out)


def cond(A: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """‖A‖ · ‖A⁻¹‖ in the matrix norm p; None is 2. (*, n, n) -> (*), any (*, m, n) for ±2."""
    if p is None or p in (2, -2):
        s = _linalg.svdvals(A)
        if s.shape[-1] == 0:
            return _into(s.sum(-1), out)
        first, last = s[..., 0], s[..., -1]
        return _into(last / first if p == -2 else first / last, out)
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            f"linalg.cond(ord={p}): A must be batches of square matrices, but they are "
            f"{A.shape[-2]} by {A.shape[-1]} matrices"
        )
    inverse, info = _linalg.inv_ex(A)
    norms = _linalg.matrix_norm(A, p) * _linalg.matrix_norm(inverse, p)
    return _into(bl.where(info == 0, norms, bl.full_like(norms, bl.inf)), out)


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """X of least ‖A·X − B‖, and of least norm among those. (*, m, n), (*, m, k) -> (*, n, k).

    Returns the named tuple (solution, residuals, rank, singular_values). Residuals are the squared
    norms of the columns of A·X − B where m > n and A has full rank, and empty elsewhere. All
    drivers run LAPACK's gelsy.

    The derivative is that of pinv(A) · B.
    """
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss); "
            f"got {driver!r}"
        )
    _check_least_squares(A, B)
    m, n = A.shape[-2:]
    vector = B.dim() == 1 or (A.dim() - 1 == B.dim() and B.shape == A.shape[:-1])
    matrix = B.unsqueeze(-1) if vector else B
    if matrix.shape[-2] != m:
        raise RuntimeError(
            "torch.linalg.lstsq: input.size(-2) should match "
            f"other.size(-{1 if vector else 2}); got {m} and {matrix.shape[-2]}"
        )
    batch = bl.broadcast_shapes(A.shape[:-2], matrix.shape[:-2])
    wide = matrix.expand(*batch, *matrix.shape[-2:])
    limit = _epsilon(A) if rcond is None else float(rcond)
    with bl.no_grad():
        solution, rank = _C._least_squares(A.expand(*batch, m, n), wide, limit)
    if bl.is_grad_enabled() and (A.requires_grad or B.requires_grad):
        solution = _C._pinv(A, bl.zeros(()), bl.tensor(limit)) @ wide
    residuals = bl.real(solution.flatten()[:0])
    if m > n and driver != "gelsy" and bool((rank == n).all()):
        residuals = (A @ solution - wide).abs().square().sum(-2)
    result = solution.squeeze(-1) if vector else solution
    singular = bl.empty(0, dtype=A.dtype.to_real())
    if driver in ("gelsd", "gelss"):
        singular = _linalg.svdvals(A)
    rank = bl.empty(0, dtype=bl.int64) if driver == "gels" else rank
    fields = "solution residuals rank singular_values"
    return make("linalg_lstsq", fields, (result, residuals, rank, singular))


def _check_least_squares(A: Tensor, B: Tensor) -> None:
    if A.dim() < 2:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.")
    if B.dim() < 1:
        raise RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension.")
    if A.dtype != B.dtype:
        raise RuntimeError(
            "torch.linalg.lstsq: Expected input and other to have the same dtype, but got input's "
            f"dtype {A.dtype} and other's dtype {B.dtype}"
        )


def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of A as a map from its last dimensions to its first `ind` ones."""
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind'; got {ind}")
    front, back = A.shape[:ind], A.shape[ind:]
    rows, columns = math.prod(front), math.prod(back)
    if rows != columns:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {columns} != {rows}"
        )
    return _into(_linalg.inv(A.reshape(rows, columns)).reshape(*back, *front), out)


def tensorsolve(
    A: Tensor, B: Tensor, dims: tuple[int, ...] | None = None, *, out: Tensor | None = None
) -> Tensor:
    """X with tensordot(A, X, X.ndim) = B."""
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(-len(dims), 0)))
    back = A.shape[B.dim() :]
    count = math.prod(back)
    if count != B.numel():
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {count} != {B.numel()}"
        )
    return _into(_linalg.solve(A.reshape(count, count), B.flatten()).reshape(back), out)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Dot products along `dim`. y = Σᵢ x̄ᵢ yᵢ."""
    return _into((x.conj() * y).sum(dim), out)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """Powers 0 to N - 1 of each element. (*, n) -> (*, n, N)."""
    if N is not None and N < 1:
        raise RuntimeError(f"N must be greater than 1. Got {N}")
    x = x.unsqueeze(-1) if x.dim() == 0 else x
    count = x.shape[-1] if N is None else N
    powers = x.unsqueeze(-1).expand(*x.shape, count - 1) if count > 1 else x.unsqueeze(-1)[..., :0]
    return bl.cat([bl.ones_like(x).unsqueeze(-1), powers.cumprod(-1)], -1)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, as a view."""
    return bl.diagonal(A, offset, dim1, dim2)


if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:
    __getattr__ = _namespace.missing_attribute(__name__)
