"""vmap: a function of samples as a function of batches."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import _C
from ..autograd.grad_mode import no_grad
from ..random import get_rng_state, set_rng_state
from ..utils._pytree import broadcast_prefix, tree_flatten, tree_unflatten

_Function = Callable[..., Any]


def vmap(
    func: _Function,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> _Function:
    """A function that applies `func` to each sample of a batch, and stacks the results.

    `func` is called once for each sample, on views of the inputs: it may do whatever a function of
    tensors may, branch on values included; the cost is that of the calls. Transforms nest: ``vmap``
    of ``grad`` gives a gradient for each sample.

    Args:
        func: takes and gives tensors, or nested structures of them.
        in_dims: the dimension of the samples in each input: a number for all, or a tuple with the
            structure of the arguments, or of the upper part of it. None: the same for all samples.
            Keyword arguments are the same for all samples.
        out_dims: where the dimension of the samples goes in each output. None: the output is the
            same for all samples, and is not stacked.
        randomness: "error": random numbers are refused; "different": each sample draws its own;
            "same": all draw the same. Numbers of "different" are not PyTorch's.
        chunk_size: accepted; samples are computed one by one.

    Raises:
        ValueError: if the structures or sizes do not fit.
        RuntimeError: if `func` draws random numbers and `randomness` is "error".

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
        samples, spec, size = _split(func, in_dims, args)

        def run(sample: Any) -> tuple[list[Any], Any]:
            return tree_flatten(func(*tree_unflatten(sample, spec), **kwargs))

        name = _name(func)
        if size == 0:
            return _join(name, out_dims, [_run_on_zeros(run, samples)], empty=True)
        rows = _run_all(run, zip(*(s(size) for s in samples), strict=True), randomness)
        return _join(name, out_dims, rows)

    return wrapped


def _name(func: Any) -> str:
    return getattr(func, "__name__", repr(func))


def _split(func: Any, in_dims: Any, args: Any) -> tuple[list[Any], Any, int]:
    """For each leaf of the arguments a function that lists its samples; structure; batch size."""
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
    return [_sampler(leaf, dim) for leaf, dim in zip(leaves, dims, strict=True)], spec, sizes[0]


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


def _sampler(leaf: Any, dim: Any) -> Callable[[int], Any]:
    """Lists n samples; of none, one of zeros."""

    def samples(n: int) -> Any:
        if dim is None:
            return [leaf] * max(n, 1)
        if n == 0:
            shape = list(leaf.shape)
            del shape[dim]
            return [leaf.new_zeros(shape)]
        return leaf.unbind(dim)

    return samples


def _run_all(run: Any, samples: Any, randomness: str) -> list[Any]:
    before = None if randomness == "different" else get_rng_state()
    rows = []
    for sample in samples:
        if randomness == "same":
            set_rng_state(before)
        rows.append(run(sample))
        if randomness == "error" and len(rows) == 1:
            _refuse_draws(before)
    if randomness == "error":
        _refuse_draws(before)
    return rows


def _refuse_draws(before: Any) -> None:
    if not get_rng_state().equal(before):
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the "
            "'same' or 'different' randomness flags on vmap or perform the randomness operation "
            "out of vmap"
        )


def _run_on_zeros(run: Any, samples: Any) -> Any:
    """Outputs of a sample of zeros, for the shapes of a batch of none."""
    before = get_rng_state()
    with no_grad():
        row = run([s(0)[0] for s in samples])
    set_rng_state(before)
    return row


def _join(name: str, out_dims: Any, rows: list[Any], empty: bool = False) -> Any:
    spec = rows[0][1]
    for _, other in rows:
        if other != spec:
            raise ValueError(
                f"vmap({name}, ...): `{name}` must return the same structure for each sample, got "
                f"{spec} and {other}."
            )
    dims = broadcast_prefix(out_dims, spec)
    if any(not (d is None or isinstance(d, int)) for d in tree_flatten(out_dims)[0]):
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python "
            "collection of ints representing where in the outputs the vmapped dimension should "
            "appear."
        )
    if dims is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with "
            f"the structure of `outputs`. out_dims has structure {tree_flatten(out_dims)[1]} but "
            f"outputs has structure {spec}."
        )
    columns = zip(*(leaves for leaves, _ in rows), strict=True)
    joined = [_stack(name, list(c), d, empty) for c, d in zip(columns, dims, strict=True)]
    return tree_unflatten(joined, spec)


def _stack(name: str, column: list[Any], dim: Any, empty: bool) -> Any:
    first = column[0]
    if dim is None:
        for other in column:
            same = other is first or (
                isinstance(first, _C.Tensor) and not first.requires_grad and first.equal(other)
            )
            if not same:
                raise ValueError(
                    f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is "
                    "None"
                )
        return first
    for value in column:
        if not isinstance(value, _C.Tensor):
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(value)}. "
                "Did you mean to set out_dims= to None for output?"
            )
    stacked = _C.stack(column, dim)
    return stacked.narrow(dim, 0, 0) if empty else stacked
