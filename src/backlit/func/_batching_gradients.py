"""Gradients of and with batched tensors, by one run of the engine where the batch allows it.

Two cases, for each level: the outputs carry the batch, as the function inside `vmap` computed
them, so that a run through the graph of all samples gives each sample's gradient (samples do not
influence each other); or only the incoming gradients do, and a graph of one sample runs with many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import _C
from ._batched import BatchedTensor, Level, innermost, is_batched, spread, value_at, values_at

_Tensors = tuple[Any, ...]


def engine_run(
    roots: _Tensors,
    grads: _Tensors,
    inputs: Any,
    retain: bool,
    create: bool,
    allow_unused: bool,
    accumulate: bool,
) -> _Tensors:
    """The engine's run when a batched tensor is among its arguments."""
    if accumulate or inputs is None:
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use "
            "functorch.grad or functorch.vjp instead or call backward() outside of functorch "
            "transforms."
        )
    found = run_many(roots, grads, inputs, (), retain=retain, create=create)
    check_used(found, allow_unused)
    return found


def check_used(found: _Tensors, allow_unused: bool) -> None:
    for i, g in enumerate(found):
        if g is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {i} appears to not have been used in the "
                "graph. Set allow_unused=True if this is the desired behavior."
            )


def run_many(
    roots: Sequence[Any],
    grads: Sequence[Any],
    inputs: Sequence[Any],
    lead: tuple[int, ...],
    *,
    retain: bool = True,
    create: bool = False,
) -> _Tensors:
    """The gradients for incoming ones with `lead` dimensions in front, which they get as well."""
    level = innermost((tuple(roots), tuple(grads), tuple(inputs)))
    if level is None:
        return _at_bottom(tuple(roots), tuple(grads), tuple(inputs), lead, retain, create)
    if any(is_batched(r, level) for r in roots):
        return _of_samples(roots, grads, inputs, lead, level, retain, create)
    spread_grads = [_one(r, lead) if g is None else g for r, g in zip(roots, grads, strict=True)]
    sources = [value_at(i, level) for i in inputs]
    batched = [values_at(g, level) for g in spread_grads]
    found = run_many(roots, batched, sources, (level.size, *lead), retain=retain, create=create)
    return tuple(g if g is None else BatchedTensor(g, level) for g in found)


def _one(root: Any, lead: tuple[int, ...]) -> Any:
    if root.numel() != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    return _C.ones((*lead, *root.shape), dtype=root.dtype)


def _of_samples(
    roots: Sequence[Any],
    grads: Sequence[Any],
    inputs: Sequence[Any],
    lead: tuple[int, ...],
    level: Level,
    retain: bool,
    create: bool,
) -> _Tensors:
    if not all(is_batched(i, level) for i in inputs):
        # its gradient would be the sum over all samples
        raise RuntimeError(
            "One of the differentiated Tensors does not require grad inside vmap, as it is the "
            "same for all samples. Use torch.func.grad, which gives each sample's gradient."
        )
    n = len(lead)
    moved = []
    for root, g in zip(roots, grads, strict=True):
        g = _one(root, lead) if g is None else g
        if is_batched(g, level):
            moved.append(g._value.movedim(0, n))
        else:
            moved.append(spread(g, level.size).movedim(0, n))
    found = run_many(
        [values_at(r, level) for r in roots],
        moved,
        [i._value for i in inputs],
        lead,
        retain=retain,
        create=create,
    )
    return tuple(g if g is None else BatchedTensor(g.movedim(n, 0), level) for g in found)


def _at_bottom(
    roots: _Tensors,
    grads: _Tensors,
    inputs: _Tensors,
    lead: tuple[int, ...],
    retain: bool,
    create: bool,
) -> _Tensors:
    if not lead:
        return tuple(_C._engine_run(roots, grads, inputs, retain, create, True, False))
    n = math.prod(lead)
    grads = tuple(_one(r, lead) if g is None else g for r, g in zip(roots, grads, strict=True))
    rows = [g.reshape(n, *r.shape) for g, r in zip(grads, roots, strict=True)]
    if n == 0:
        return tuple(_C.zeros((*lead, *i.shape), dtype=i.dtype) for i in inputs)
    found = _C._engine_run_many(roots, tuple(rows), inputs, n, retain, create)
    return tuple(
        g if g is None else g.reshape(*lead, *i.shape) for g, i in zip(found, inputs, strict=True)
    )


def directions(
    root: Any, wanted: _Tensors, create_graph: bool, chunk_size: int | None = None
) -> list[Any]:
    """The derivatives of each element of `root`: for each of `wanted`, of both shapes."""
    n = root.numel()
    found: list[Any] = [None] * len(wanted)
    if root.requires_grad and n:
        basis = _C.eye(n, dtype=root.dtype).reshape((n, *root.shape))
        parts = [
            run_many((root,), (rows,), wanted, (rows.shape[0],), create=create_graph)
            for rows in basis.split(chunk_size or n)
        ]
        found = [
            None if column[0] is None else _C.cat(list(column)) if len(parts) > 1 else column[0]
            for column in zip(*parts, strict=True)
        ]
    return [
        t.new_zeros((*root.shape, *t.shape)) if g is None else g.reshape((*root.shape, *t.shape))
        for g, t in zip(found, wanted, strict=True)
    ]
