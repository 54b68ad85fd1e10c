"""Several matrix products in one call, over groups of rows or columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import backlit as bl

if TYPE_CHECKING:
    from collections.abc import Callable

    from backlit import Tensor


def grouped_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    *,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: Any = None,
) -> Tensor:
    """One product for each group. `offs` (G,), int32, says where the groups of a matrix end.

    mat_a (G, M, K) and mat_b (G, K, N) are multiplied without `offs`. Of a matrix with a (G, *, *)
    beside it, `offs` divides the dimension that is not summed: (M, K), (G, K, N) -> (M, N) and
    (G, M, K), (K, N) -> (M, N). Of two matrices it divides the sum: (M, K), (K, N) -> (G, M, N).
    What lies behind the last end gives zeros.

        >>> offs = backlit.tensor([1, 3], dtype=backlit.int32)
        >>> grouped_mm(backlit.ones(3, 2), backlit.ones(2, 2, 4), offs=offs).shape
        torch.Size([3, 4])
    """
    _check(mat_a, mat_b, offs, bias, out_dtype)
    if offs is None:
        return mat_a @ mat_b
    ends = offs.tolist()
    parts = list(zip([0, *ends[:-1]], ends, strict=True))
    if mat_a.dim() == 2 and mat_b.dim() == 2:
        return bl.stack([mat_a[:, i:j] @ mat_b[i:j] for i, j in parts])
    if mat_a.dim() == 2:
        products = [mat_a[i:j] @ mat_b[k] for k, (i, j) in enumerate(parts)]
        rest = mat_a[ends[-1] :] @ bl.zeros_like(mat_b[0])
        return bl.cat([*products, rest])
    products = [mat_a[k] @ mat_b[:, i:j] for k, (i, j) in enumerate(parts)]
    rest = bl.zeros_like(mat_a[0]) @ mat_b[:, ends[-1] :]
    return bl.cat([*products, rest], 1)


def _check(a: Tensor, b: Tensor, offs: Tensor | None, bias: Any, out_dtype: Any) -> None:
    for name, matrix in (("mat_a", a), ("mat_b", b)):
        if not matrix.is_floating_point():
            raise RuntimeError(
                f"Expected {name} to be Float32, BFloat16 or Float16 matrix, got {matrix.type()}"
            )
        if matrix.dim() not in (2, 3):
            raise RuntimeError(f"{name} has to be 2 or 3d")
    if a.size(-1) != b.size(-2) and (a.dim() == 3 or b.dim() == 3 or offs is not None):
        raise RuntimeError("contraction dimension of mat_a and mat_b must match")
    if (offs is None) != (a.dim() == 3 and b.dim() == 3):
        raise RuntimeError(
            "Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d"
        )
    groups = {matrix.size(0) for matrix in (a, b) if matrix.dim() == 3}
    if offs is not None:
        if offs.dtype != bl.int32:
            raise RuntimeError("Offsets have to be int32")
        groups |= {offs.size(0)} if groups else set()
    if len(groups) > 1:
        raise RuntimeError("matrix batch sizes have to match")
    if bias is not None:
        raise RuntimeError("Bias not supported yet")
    if out_dtype is not None and out_dtype != a.dtype:
        raise RuntimeError("Grouped gemm output dtype must match `mat_a` dtype")


def _of_8_bits(name: str) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(
            f"nn.functional.{name}: numbers of 8 and 4 bits are not implemented in backlit."
        )

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = "Products of scaled numbers of 8 or 4 bits: raises NotImplementedError."
    return refuse


scaled_mm = _of_8_bits("scaled_mm")
scaled_grouped_mm = _of_8_bits("scaled_grouped_mm")
