"""`torch.masked`: reductions and softmaxes that leave out the elements whose mask is False.

A mask is a tensor that broadcasts to the input; without one nothing is left out. What is left out
counts as what changes no result: 0 in a sum, 1 in a product, -inf in a maximum. A reduction without
`dim`, or with an empty one, is over all dimensions. `MaskedTensor` is not provided.

    >>> x, kept = backlit.tensor([1.0, 2.0, 6.0]), backlit.tensor([True, False, True])
    >>> backlit.masked.mean(x, mask=kept)
    tensor(3.5000)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import backlit as bl

from ._namespace import missing_attribute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backlit import Tensor

    Dims = int | Sequence[int] | None


def _filled(input: Tensor, mask: Tensor | None, value: float, dtype: Any = None) -> Tensor:
    """The input, in `dtype`, with `value` where the mask is False."""
    input = input if dtype is None else input.to(dtype)
    if mask is None:
        return input
    return bl.where(mask.bool().expand_as(input), input, bl.full((), value, dtype=input.dtype))


def _extreme(dtype: Any, largest: bool) -> float:
    """The value of a dtype that every other one is smaller, or larger, than."""
    if dtype.is_floating_point or dtype.is_complex:
        return math.inf if largest else -math.inf
    if dtype == bl.bool:
        return largest
    limits = bl.iinfo(dtype)
    return limits.max if largest else limits.min


def _dims(input: Tensor, dim: Dims) -> list[int]:
    if dim is None or dim == ():
        return list(range(input.dim()))
    return [dim] if isinstance(dim, int) else list(dim)


def _count(input: Tensor, mask: Tensor | None, dims: list[int], keepdim: bool) -> Tensor:
    """How many elements are kept."""
    kept = bl.ones((), dtype=bl.bool) if mask is None else mask.bool()
    return kept.expand_as(input).sum(dims, keepdim)


def _floating(name: str, dtype: Any) -> None:
    if not (dtype.is_floating_point or dtype.is_complex):
        raise ValueError(
            f"{name}(): Could not infer output dtype. Input dtype must be either a floating point "
            f"or complex dtype. Got: {dtype}"
        )


def sum(
    input: Tensor,
    dim: Dims = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The sum of what is kept; 0 where nothing is."""
    return _filled(input, mask, 0).sum(_dims(input, dim), keepdim, dtype=dtype)


def prod(
    input: Tensor,
    dim: Dims = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The product of what is kept; 1 where nothing is."""
    result = _filled(input, mask, 1)
    dims = sorted((d % max(input.dim(), 1) for d in _dims(input, dim)), reverse=True)
    for d in dims:
        result = result.prod(d, keepdim, dtype=dtype)
    return result if dims else result.prod(dtype=dtype)


def amax(
    input: Tensor,
    dim: Dims = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The largest of what is kept; the lowest value of the dtype where nothing is."""
    lowest = _extreme(dtype or input.dtype, False)
    return _filled(input, mask, lowest, dtype).amax(_dims(input, dim), keepdim)


def amin(
    input: Tensor,
    dim: Dims = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The smallest of what is kept; the highest value of the dtype where nothing is."""
    highest = _extreme(dtype or input.dtype, True)
    return _filled(input, mask, highest, dtype).amin(_dims(input, dim), keepdim)


def argmax(
    input: Tensor,
    dim: int | None = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Where the largest of what is kept is: a number of `dtype`, or of that of the input."""
    dtype = dtype or input.dtype
    return _filled(input, mask, _extreme(dtype, False), dtype).argmax(dim, keepdim).to(dtype)


def argmin(
    input: Tensor,
    dim: int | None = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Where the smallest of what is kept is: a number of `dtype`, or of that of the input."""
    dtype = dtype or input.dtype
    return _filled(input, mask, _extreme(dtype, True), dtype).argmin(dim, keepdim).to(dtype)


def mean(
    input: Tensor,
    dim: Dims = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The mean of what is kept; nan where nothing is. Raises ValueError for integers."""
    _floating("mean", dtype or input.dtype)
    dims = _dims(input, dim)
    total = _filled(input, mask, 0, dtype).sum(dims, keepdim)
    return total / _count(input, mask, dims, keepdim)


def median(
    input: Tensor,
    dim: int = -1,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The median of what is kept, the lower of two; nan where nothing is.

    Raises ValueError where there is no nan to give: nothing kept of integers.
    """
    whole = _filled(input, None, 0, dtype)
    if mask is None:
        return whole.median(dim, keepdim).values
    if not whole.is_floating_point() and bool((_count(whole, mask, [dim], False) == 0).any()):
        raise ValueError(
            "masked median expects no fully masked out rows if dtype is not floating point"
        )
    if bool(whole.isnan().any()):
        raise ValueError("masked median expects no fully masked out rows if input has NaNs")
    floating = whole if whole.is_floating_point() else whole.double()
    return _filled(floating, mask, math.nan).nanmedian(dim, keepdim).values.to(whole.dtype)


def norm(
    input: Tensor,
    ord: float | None = 2.0,
    dim: Dims = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The norm of what is kept, as a vector."""
    order = 2.0 if ord is None else float(ord)
    _floating("norm", dtype or input.dtype)
    neutral = math.inf if order < 0 else 0.0
    filled = _filled(input, mask, neutral, dtype)
    return bl.linalg.vector_norm(filled, order, _dims(input, dim), keepdim)


def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The variance of what is kept: divided by its number less `correction`, 1 if none is given."""
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = 0 if unbiased is False else 1
    if not (input.is_floating_point() or input.is_complex()):
        dtype = dtype or bl.get_default_dtype()
    dims = _dims(input, dim)
    x = _filled(input, None, 0, dtype)
    middle = _filled(x, mask, 0).sum(dims, True) / _count(x, mask, dims, True)
    squares = _filled((x - middle).abs().square(), mask, 0).sum(dims, keepdim)
    return (squares / (_count(x, mask, dims, keepdim) - correction).clamp(min=0)).to(x.dtype)


def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """The root of `var`."""
    options: dict[str, Any] = {"keepdim": keepdim, "dtype": dtype, "mask": mask}
    return var(input, dim, unbiased, correction=correction, **options).sqrt()


def logsumexp(
    input: Tensor,
    dim: Dims = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """log Σ exp x over what is kept, in the dtype of the input; -inf where nothing is."""
    dtype = dtype or input.dtype
    lowest = _extreme(dtype, False)
    return _filled(input, mask, lowest, dtype).logsumexp(_dims(input, dim), keepdim).to(dtype)


def cumsum(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """The sums of what is kept up to each place."""
    return _filled(input, mask, 0, dtype).cumsum(dim)


def cumprod(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """The products of what is kept up to each place."""
    return _filled(input, mask, 1, dtype).cumprod(dim)


def softmax(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """`softmax` of what is kept, 0 elsewhere; nan along lines where nothing is kept."""
    return _filled(input, mask, -math.inf, dtype).softmax(dim)


def log_softmax(
    input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None
) -> Tensor:
    """`log_softmax` of what is kept, -inf elsewhere; nan along lines where nothing is kept."""
    return _filled(input, mask, -math.inf, dtype).log_softmax(dim)


def softmin(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """`softmin` of what is kept, 0 elsewhere; nan along lines where nothing is kept."""
    return (-_filled(input, mask, math.inf, dtype)).softmax(dim)


def normalize(
    input: Tensor,
    ord: float,
    dim: int,
    *,
    eps: float = 1e-12,
    dtype: Any = None,
    mask: Tensor | None = None,
) -> Tensor:
    """What is kept, divided by its norm or by `eps`, whichever is larger; 0 elsewhere."""
    length = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return _filled(input, mask, 0, dtype) / length.clamp(min=eps)


def logaddexp(
    input: Tensor,
    other: Tensor,
    *,
    dtype: Any = None,
    input_mask: Tensor | None = None,
    other_mask: Tensor | None = None,
) -> Tensor:
    """log(exp x + exp y), each of them only where its mask is True."""
    kept = _filled(input, input_mask, -math.inf, dtype)
    return bl.logaddexp(kept, _filled(other, other_mask, -math.inf, dtype))


if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:
    __getattr__ = missing_attribute(__name__)
