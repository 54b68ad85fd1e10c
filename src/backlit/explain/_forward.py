"""Runs a recorded operation again: for values that nobody kept, and for finite differences.

An elementwise node knows its formula and its numbers. A structured one (a sum, a product of
matrices, a loss) keeps its sizes and options to itself, so candidates are tried: a candidate is
accepted only when its derivative is the node's, applied to a gradient of the same shape. A node
that saves nothing has a derivative that depends on nothing: its operation is linear, and is
applied by transposing the derivative.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from .. import _C
from . import _engine
from ._engine import Tensor

Forward = Callable[..., Tensor]

# Nodes that are called as in PyTorch, where the last of several operations names them; here one
# node does the work of all.
_UNDER_ANOTHER_NAME = {
    "addmm": ("linear",),
    "mm": ("linear",),
    "nll_loss": ("cross_entropy",),
    "mean": ("l1_loss",),
}
_MOST_DIMS = 4


class Found(NamedTuple):
    """The operation of a node."""

    name: str
    forward: Forward
    order: tuple[int, ...]  # which input is the operation's first tensor, second, ...


def find_forward(node: Any, output_nr: int, given: Sequence[Tensor | None]) -> Found | None:
    """The operation of one output, as a function of the node's inputs; None where none is sure."""
    name = _engine.operation(node)
    plain_order = tuple(range(len(given)))
    if _engine.is_elementwise(node):
        return Found(name, lambda *inputs: _engine.recompute(node, inputs), plain_order)
    if _engine.is_custom(node) or _engine.outputs(node) != 1:
        return None
    places = [i for i, yes in enumerate(_engine.given(node)) if yes]
    known = [t for i in places if (t := given[i]) is not None]
    shape = _engine.output_shape(node, output_nr)
    if shape is None or len(known) < len(places):
        return None
    for candidate in _candidates(node, name, known, shape):
        if _has_derivative_of(node, candidate.forward, known, places, shape):
            return candidate if len(places) == len(given) else _among(candidate, places)
    if len(known) == 1 and not any(t is not None for t in _engine.saved(node)):
        return Found(name, lambda x: _linear(node, shape, x), plain_order)
    return None


def _among(found: Found, places: list[int]) -> Found:
    """The same operation, called with all inputs of the node, some of which were not given."""
    forward = found.forward
    return Found(
        found.name,
        lambda *inputs: forward(*(inputs[i] for i in places)),
        tuple(places[k] for k in found.order),
    )


def _candidates(
    node: Any, name: str, given: list[Tensor], shape: tuple[int, ...]
) -> Iterator[Found]:
    order = tuple(range(len(given)))
    for other in _UNDER_ANOTHER_NAME.get(name, ()):
        turned = (*order[1:], 0) if len(order) == 3 else order  # the node has the bias first
        for call in _calls(other, [], node):
            yield Found(other, _turned(call, turned), turned)
    if name == "convolution":
        for call in _convolutions(given, shape):
            yield Found(name, call, order)
    listed = name in ("cat", "stack")
    for call in _calls(name, given, node):
        yield Found(name, (lambda *t, call=call: call(list(t))) if listed else call, order)
    if len(given) == 1:
        yield Found(name, lambda x: x.reshape(shape), order)
        yield Found(name, lambda x: x.expand(shape), order)
        if given[0].dim() <= _MOST_DIMS:
            for dims in itertools.permutations(range(given[0].dim())):
                yield Found(name, lambda x, dims=dims: x.permute(dims), order)


def _convolutions(given: list[Tensor], shape: tuple[int, ...]) -> Iterator[Forward]:
    """Convolutions with the options that fit these sizes, then transposed ones."""
    x, weight = tuple(given[0].shape), tuple(given[1].shape)  # (N, C, *), (O, C / groups, *)
    dims = len(x) - 2
    kernel = weight[2:]
    for name, large, small in (("conv", x, shape), ("conv_transpose", shape, x)):
        (operation,) = _engine.operations(f"{name}{dims}d")
        groups = large[1] // max(weight[1], 1)
        for stride, dilation in itertools.product(sorted({1, 2, 3, 4, *kernel}), (1, 2, 3, 4)):
            for rest in range(stride):  # places that the last step does not reach
                twice = [
                    (n - 1) * stride + dilation * (k - 1) + 1 - m + rest
                    for m, n, k in zip(large[2:], small[2:], kernel, strict=True)
                ]
                if any(p < 0 or p % 2 for p in twice):
                    continue
                options: dict[str, Any] = {"stride": stride, "dilation": dilation, "groups": groups}
                options["padding"] = tuple(p // 2 for p in twice)
                if name == "conv_transpose":
                    options["output_padding"] = rest
                yield _call(operation, [], options)


def _turned(call: Forward, order: tuple[int, ...]) -> Forward:
    return lambda *inputs: call(*(inputs[i] for i in order))


def _calls(name: str, given: list[Tensor], node: Any) -> Iterator[Forward]:
    """The registry's operations of this name, with the options that the signature offers."""
    whole = [t for t in _engine.saved(node) if t is not None and not t.is_floating_point()]
    for operation in _engine.operations(name):
        names = {p for row in operation.__rows__ for p in _words_of(row["signature"])}
        for options in _options(names, given):
            for extra in ([], whole[:1]) if whole else ([],):
                yield _call(operation, extra, options)


def _call(operation: Forward, extra: list[Tensor], options: dict[str, Any]) -> Forward:
    return lambda *inputs: operation(*inputs, *extra, **options)


def _words_of(signature: str) -> list[str]:
    return signature.replace("(", " ").replace("=", " ").replace(",", " ").replace(")", " ").split()


def _options(names: set[str], given: list[Tensor]) -> Iterator[dict[str, Any]]:
    yield {}
    if "reduction" in names:
        yield {"reduction": "sum"}
        yield {"reduction": "none"}
    dims = given[0].dim() if given else 0
    if "dim" not in names or not 0 < dims <= _MOST_DIMS:
        return
    for count in range(1, dims + 1):
        for chosen in itertools.combinations(range(dims), count):
            for keep in ({}, {"keepdim": True}) if "keepdim" in names else ({},):
                yield {"dim": chosen[0] if count == 1 else chosen, **keep}


def _has_derivative_of(
    node: Any, forward: Forward, given: list[Tensor], places: list[int], shape: tuple[int, ...]
) -> bool:
    """Does backward through `forward` do to a gradient what the node does to it?

    `given` are the node's inputs at these places.
    """
    edges = _engine.next_edges(node)
    wanted = [i for i, place in enumerate(places) if edges[place][0] is not None]
    inputs = [t.detach() for t in given]
    for i in wanted:
        inputs[i] = inputs[i].clone().requires_grad_()
    before = _C._set_grad_enabled(True)
    try:
        y = forward(*inputs)
        if not isinstance(y, Tensor) or tuple(y.shape) != shape or not y.requires_grad:
            return False
        g = _some_gradient(y)
        found = _engine.engine_gradients(y, [inputs[i] for i in wanted], g)
    except (RuntimeError, TypeError, ValueError, IndexError):
        return False  # not this candidate
    finally:
        _C._set_grad_enabled(before)
    expected = _engine.vjp(node, [g])
    return all(_close(a, expected[places[i]]) for a, i in zip(found, wanted, strict=True))


def _some_gradient(y: Tensor) -> Tensor:
    """Different everywhere, so that two operations that differ anywhere do."""
    steps = _C.arange(y.numel(), dtype=_C.float64).reshape(tuple(y.shape))
    return (1 + (steps * 0.7548776662466927) % 1).to(y.dtype)


def _close(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        return a is b
    tolerance = 1e-4 if a.dtype == _C.float32 else 1e-10
    return tuple(a.shape) == tuple(b.shape) and bool(
        _C.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
    )


def _linear(node: Any, shape: tuple[int, ...], x: Tensor) -> Tensor:
    """J·x from the rule g ↦ Jᵀ·g: the derivative of ⟨Jᵀ·g, x⟩ with respect to g."""
    before = _C._set_grad_enabled(True)
    try:
        g = _C.zeros(shape, dtype=x.dtype).requires_grad_()
        down = node(g)
        (y,) = _engine.engine_gradients(down, [g], x.detach())
    finally:
        _C._set_grad_enabled(before)
    if y is None:
        return _C.zeros(shape, dtype=x.dtype)
    return y
