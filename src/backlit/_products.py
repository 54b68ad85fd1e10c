"""Products whose arguments take several forms: einsum, tensordot, chain_matmul."""

from __future__ import annotations

import warnings
from typing import Any

from . import _C

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def einsum(*args: Any) -> _C.Tensor:
    """Sums of products of elements, as subscripts say: `einsum("ij,jk->ik", a, b)`.

    A subscript that the output lacks is summed over; `...` stands for further dimensions, which
    broadcast. Lists of numbers may follow the operands instead: `einsum(a, [0, 1], b, [1, 2])`.

    Example:
        >>> import backlit as torch
        >>> torch.einsum("i,i->", torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
        tensor(11.)
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, "
            "or at least one operand and its subscripts list"
        )
    if isinstance(args[0], str):
        equation, operands = args[0], args[1:]
    else:
        equation, operands = _equation_of(args), args[: len(args) - len(args) % 2 : 2]
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    return _C._einsum(equation, operands)


def _equation_of(args: tuple[Any, ...]) -> str:
    pairs = len(args) // 2
    equation = ",".join(_subscripts(args[2 * i + 1]) for i in range(pairs))
    return f"{equation}->{_subscripts(args[-1])}" if len(args) % 2 else equation


def _subscripts(numbers: Any) -> str:
    return "".join(map(_subscript, numbers))


def _subscript(number: Any) -> str:
    if number is Ellipsis:
        return "..."
    if not 0 <= number < len(_LETTERS):
        raise ValueError(
            "einsum(): subscript in subscript list is not within the valid range [0, 52)"
        )
    return _LETTERS[number]


def tensordot(a: _C.Tensor, b: _C.Tensor, dims: Any = 2, out: _C.Tensor | None = None) -> _C.Tensor:
    """Product summed over `dims`: the last ones of a with the first of b, or two lists of them.

    Example:
        >>> import backlit as torch
        >>> torch.tensordot(torch.ones(2, 3), torch.ones(3, 4), dims=1).shape
        torch.Size([2, 4])
    """
    if isinstance(dims, _C.Tensor):
        dims = dims.tolist()
    if isinstance(dims, (list, tuple)):
        dims_a, dims_b = (list(d) if isinstance(d, (list, tuple)) else [d] for d in dims)
    else:
        dims = int(dims)
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims_a, dims_b = list(range(-dims, 0)), list(range(dims))
    return _C._tensordot(a, b, dims_a, dims_b, out=out)


def chain_matmul(*matrices: _C.Tensor, out: _C.Tensor | None = None) -> _C.Tensor:
    """Product of matrices in the cheapest order; `torch.linalg.multi_dot` is its successor."""
    warnings.warn(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. "
        "Use torch.linalg.multi_dot instead, which accepts a list of two or more tensors rather "
        "than multiple parameters.",
        stacklevel=2,
    )
    return _C._chain_matmul(list(matrices), out=out)
