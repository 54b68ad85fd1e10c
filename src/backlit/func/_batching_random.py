"""Random numbers inside `vmap`: refused, the same for all samples, or each its own."""

from __future__ import annotations

from typing import Any

from ..random import get_rng_state, set_rng_state
from ._batched import (
    BatchedTensor,
    innermost,
    is_batched,
    levels,
    using_levels,
    wrap,
)
from ._batching import Call, aligned, looped, values_at

# One number for each element, whatever the shape: those of all samples are drawn at once.
_BY_ELEMENT = frozenset(
    ["dropout", "bernoulli", "poisson", "normal", "rrelu", "binomial", "_standard_gamma"]
)


def call_drawing(op: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of an operation that may draw, at the innermost level that runs."""
    running = levels()
    level = running[-1] if running else innermost((args, kwargs))
    assert level is not None
    c = Call(op, args, kwargs, level)
    with using_levels(running[:-1]):
        if not _draws(c):
            carried = innermost(list(c.slots.values())) is level
            return c.run() if carried else op(*args, **kwargs)
        if level.randomness == "error":
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use "
                "the 'same' or 'different' randomness flags on vmap or perform the randomness "
                "operation out of vmap"
            )
        return (_same if level.randomness == "same" else _different)(c)


def _draws(c: Call) -> bool:
    """Dropout draws in training only."""
    slots = c.slots
    if not slots.get("training", True) or not slots.get("train", True):
        return False
    probability = {"p", "dropout", "dropout_p"} & slots.keys() - {"generator"}
    drops = probability and "generator" not in slots
    return not drops or any(slots[name] != 0 for name in probability)


def _by_element(c: Call) -> bool:
    name = c.operation.name
    return name in _BY_ELEMENT or name.endswith(("_", "_like"))


def _finished(c: Call, result: Any) -> Any:
    return c.slots["input"] if c.operation.in_place else wrap(result, c.level)


def _batched(c: Call) -> list[str]:
    return [name for name, value in c.slots.items() if innermost(value) is c.level]


def _same(c: Call) -> Any:
    """The numbers of one sample, for all."""
    batched, name = _batched(c), c.operation.name
    if not batched:
        return c.op(**c.slots)
    only_input = batched == ["input"]
    x: Any = c.slots.get("input")
    if name.endswith("_like") and only_input:
        return c.op(**{**c.slots, "input": x._value.new_empty(x.shape)})
    if name.endswith("_") and only_input and name != "rrelu_":
        x._value.copy_(c.op(**{**c.slots, "input": x._value.new_empty(x.shape)}))
        return x
    if name == "dropout" and only_input:
        mask = c.op(**{**c.slots, "input": x._value.new_ones(x.shape)})
        return BatchedTensor(x._value * mask, c.level)
    if name.removesuffix("_") == "rrelu" or "dropout" in c.slots or "dropout_p" in c.slots:
        state = get_rng_state()
        return _finished(c, looped(c, before=lambda: set_rng_state(state)))
    raise RuntimeError(
        "Vmap does not currently support same randomness with a batched tensor input. Draw from a "
        "tensor that is the same for all samples, or use randomness='different'."
    )


def _different(c: Call) -> Any:
    """Each sample's own numbers."""
    if c.operation.in_place:
        if not is_batched(c["input"], c.level):
            raise RuntimeError(
                "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This "
                "will appear like same randomness. Make the tensor with zeros_like of one that is "
                "vmapped over."
            )
        aligned(c)
        return c["input"]
    if "size" in c.slots:
        return wrap(c.op(**{**c.slots, "size": (c.size, *c["size"])}), c.level)
    tensors = c.tensors()
    if tensors and _by_element(c):
        first = next(iter(tensors))
        c.slots[first] = BatchedTensor(values_at(tensors[first], c.level), c.level)
        return wrap(aligned(c), c.level)
    return wrap(looped(c), c.level)
