"""Conversions that several distributions need."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any

from .. import _C
from .._limits import finfo
from ..autograd.grad_mode import enable_grad


def as_tensors(*values: Any) -> list[Any]:
    """Numbers as tensors of the dtype of the first tensor, or of the default dtype."""
    if not all(isinstance(v, (_C.Tensor, Number)) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing "
            "__torch_function__. Got " + ", ".join(type(v).__name__ for v in values) + "."
        )
    dtype = next((v.dtype for v in values if isinstance(v, _C.Tensor)), _C.get_default_dtype())
    return [v if isinstance(v, _C.Tensor) else _C.tensor(v, dtype=dtype) for v in values]


def broadcast_all(*values: Any) -> Any:
    """Numbers and tensors as tensors of one shape.

    Example:
        >>> import backlit as torch
        >>> torch.distributions.utils.broadcast_all(1.0, torch.zeros(2))
        (tensor([1., 1.]), tensor([0., 0.]))
    """
    return tuple(_C.broadcast_tensors(*as_tensors(*values)))


def sum_rightmost(value: Any, dims: int) -> Any:
    """The sum over the last `dims` dimensions."""
    return value.sum(tuple(range(-dims, 0))) if dims else value


def softplus(x: Any) -> Any:
    """ln(1 + exp x), in all digits (`nn.functional.softplus` is x itself from 20 on)."""
    return -_C._nn.logsigmoid(-x)


def clipped_sigmoid(x: Any) -> Any:
    """Inside (0, 1), where it has an inverse."""
    limits = finfo(x.dtype)
    return x.sigmoid().clamp(min=limits.tiny, max=1 - limits.eps)


def clamp_probs(probs: Any) -> Any:
    """Probabilities kept off 0 and 1 by the precision of their dtype."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Any, is_binary: bool = False) -> Any:
    """Log-odds of binary events; logarithms of the probabilities of classes."""
    inside = clamp_probs(probs)
    return inside.log() - (-inside).log1p() if is_binary else inside.log()


def logits_to_probs(logits: Any, is_binary: bool = False) -> Any:
    """Sigmoid of binary events' logits; softmax of those of classes."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def one_hot(classes: Any, number: int, dtype: Any) -> Any:
    """The rows of the identity matrix with the numbers of the classes."""
    return _C.eye(number, dtype=dtype)[classes]


def tril_matrix_to_vec(mat: Any, diag: int = 0) -> Any:
    """The entries on and below the diagonal of number `diag`, row by row, as a vector."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = _C.tril_indices(n, n, diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Any, diag: int = 0) -> Any:
    """The inverse of `tril_matrix_to_vec`; the other entries are 0."""
    shift = 1 + 2 * diag
    n = (-shift + (shift**2 + 8 * vec.shape[-1] + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if abs(n - round(n)) > finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {vec.shape[-1]} which cannot be expressed as the lower "
            "triangular part of a square D x D matrix."
        )
    mat = vec.new_zeros((*vec.shape[:-1], round(n), round(n)))
    rows, columns = _C.tril_indices(round(n), round(n), diag)
    mat[..., rows, columns] = vec
    return mat


class lazy_property:
    """A property that is computed once, with a graph, and then kept as an attribute."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        instance.__dict__[self.name] = value
        return value
