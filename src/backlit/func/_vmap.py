"""vmap: a function of samples as a function of batches."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import _C
from ..utils._pytree import broadcast_prefix, tree_flatten, tree_unflatten
from . import _carrier_calls as _carrier_calls
from ._batched import BatchedTensor, Level, is_batched, new_level, values_at

_Function = Callable[..., Any]


def vmap(
    func: _Function,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> _Function:
    """A function that applies `func` to all samples of a batch at once.

    `func` is called once. Its tensors look like those of one sample and carry all of them: each
    operation is computed for all samples by one operation, or, where there is no rule for that,
    once for each. What needs the value of one sample (``if x > 0``, ``x.item()``) is an error.
    Transforms nest: ``vmap`` of ``grad`` gives a gradient for each sample.

    Args:
        func: takes and gives tensors, or nested structures of them.
        in_dims: the dimension of the samples in each input: a number for all, or a tuple with the
            structure of the arguments, or of the upper part of it. None: the same for all samples.
            Keyword arguments are the same for all samples.
        out_dims: where the dimension of the samples goes in each output. None: the output is the
            same for all samples, and is not stacked.
        randomness: "error": random numbers are refused; "different": each sample draws its own;
            "same": all draw the same.
        chunk_size: so many samples at once, which bounds the memory; None: all.

    Raises:
        ValueError: if the structures or sizes do not fit.
        RuntimeError: if `func` branches on values, draws random numbers and `randomness` is
            "error", or writes samples into a tensor that they share.

    Example:
        >>> import backlit as torch
        >>> torch.vmap(torch.dot)(torch.ones(2, 3), torch.ones(2, 3))
        tensor([3., 3.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves, dims, spec, size = _checked(func, in_dims, args)
        fronts = [t if d is None else t.movedim(d, 0) for t, d in zip(leaves, dims, strict=True)]
        step = max(size, 1) if chunk_size is None else chunk_size
        chunks = []
        for start in range(0, max(size, 1), step):
            n = min(step, size - start)
            parts = [
                t if d is None else t.narrow(0, start, n) for t, d in zip(fronts, dims, strict=True)
            ]
            chunks.append(_run(func, parts, dims, spec, kwargs, n, randomness, out_dims))
        return _joined(chunks)

    return wrapped


def _name(func: Any) -> str:
    return getattr(func, "__name__", repr(func))


def _checked(func: Any, in_dims: Any, args: Any) -> tuple[list[Any], list[Any], Any, int]:
    """The leaves of the arguments, the dimension of the samples in each, structure, batch size."""
    name = _name(func)
    start = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"{start}: expected `in_dims` to be int or a (potentially nested) tuple matching the "
            f"structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are "
            "trying to vmap over a function with no inputs. The latter is unsupported."
        )
    leaves, spec = tree_flatten(args)
    dims = broadcast_prefix(in_dims, spec)
    if dims is None:
        raise ValueError(
            f"{start}: in_dims is not compatible with the structure of `inputs`. in_dims has "
            f"structure {tree_flatten(in_dims)[1]} but inputs has structure {spec}."
        )
    sizes = [
        _checked_size(leaf, dim, start)
        for leaf, dim in zip(leaves, dims, strict=True)
        if dim is not None
    ]
    if not sizes:
        raise ValueError(
            f"{start}: expected at least one of the inputs to have a dimension to map over, but "
            "in_dims is None for all of them."
        )
    if len(set(sizes)) != 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return leaves, dims, spec, sizes[0]


def _checked_size(leaf: Any, dim: Any, start: str) -> int:
    if not isinstance(dim, int):
        raise ValueError(
            f"{start}: Got in_dim={dim} for an input but in_dim must be either an integer "
            "dimension or None."
        )
    if not isinstance(leaf, _C.Tensor):
        raise ValueError(
            f"{start}: Got in_dim={dim} for an input but the input is of type {type(leaf)}. We "
            "cannot vmap over non-Tensor arguments, please use None as the respective in_dim"
        )
    if not -leaf.dim() <= dim < leaf.dim():
        raise ValueError(
            f"{start}: Got in_dim={dim} for some input, but that input is a Tensor of "
            f"dimensionality {leaf.dim()} so expected in_dim to satisfy -{leaf.dim()} <= in_dim < "
            f"{leaf.dim()}."
        )
    return int(leaf.shape[dim])


def _run(
    func: _Function,
    values: list[Any],
    dims: list[Any],
    spec: Any,
    kwargs: dict[str, Any],
    size: int,
    randomness: str,
    out_dims: Any,
) -> tuple[list[Any], list[Any], Any]:
    """The outputs of one chunk, where the samples are in each, and their structure."""
    name = _name(func)
    with new_level(size, randomness) as level:
        inputs = [
            t if d is None else BatchedTensor(t, level) for t, d in zip(values, dims, strict=True)
        ]
        outputs, structure = tree_flatten(func(*tree_unflatten(inputs, spec), **kwargs))
    places = _out_places(name, out_dims, structure)
    joined = [_out(name, t, d, level) for t, d in zip(outputs, places, strict=True)]
    return joined, places, structure


def _out_places(name: str, out_dims: Any, spec: Any) -> list[Any]:
    places = broadcast_prefix(out_dims, spec)
    if any(not (d is None or isinstance(d, int)) for d in tree_flatten(out_dims)[0]):
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python "
            "collection of ints representing where in the outputs the vmapped dimension should "
            "appear."
        )
    if places is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with "
            f"the structure of `outputs`. out_dims has structure {tree_flatten(out_dims)[1]} but "
            f"outputs has structure {spec}."
        )
    return places


def _out(name: str, value: Any, dim: Any, level: Level) -> Any:
    if dim is None:
        if is_batched(value, level):
            raise ValueError(
                f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
            )
        return value
    if not isinstance(value, _C.Tensor):
        raise ValueError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(value)}. Did "
            "you mean to set out_dims= to None for output?"
        )
    return values_at(value, level).movedim(0, dim)


def _joined(chunks: list[tuple[list[Any], list[Any], Any]]) -> Any:
    """The outputs of all chunks."""
    first, places, structure = chunks[0]
    if len(chunks) == 1:
        return tree_unflatten(first, structure)
    columns = zip(*(outputs for outputs, _, _ in chunks), strict=True)
    joined = [
        column[0] if d is None else _C.cat(column, d)
        for column, d in zip(columns, places, strict=True)
    ]
    return tree_unflatten(joined, structure)
