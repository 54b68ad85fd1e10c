"""What the engine tells about a recorded node: the one module that asks it.

A node is an object of the core (`loss.grad_fn`) or the context of a custom function.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from .. import _C

Tensor = _C.Tensor


class ExplainError(RuntimeError):
    """Something cannot be explained; the message says why and what to do."""


_FREED = (
    "explain: the values that this graph saved are freed, because backward() ran before. "
    "Call explain before backward(), or keep the graph with backward(retain_graph=True)."
)
_CHANGED = (
    "explain: a value that this graph needs was changed in place after it was used (by an "
    "optimizer's step, for example). Call explain before the change."
)


@contextlib.contextmanager
def plain_words() -> Iterator[None]:
    """The engine's errors about lost values as one sentence that says what to do."""
    try:
        yield
    except RuntimeError as error:
        raise _in_plain_words(error) from None


def _in_plain_words(error: RuntimeError) -> RuntimeError:
    text = str(error)
    if "a second time" in text:
        return ExplainError(_FREED)
    return ExplainError(_CHANGED) if "modified by an inplace operation" in text else error


@contextlib.contextmanager
def unrecorded() -> Iterator[None]:
    """No graph is recorded, whatever the surroundings say."""
    before = _C._set_grad_enabled(False)
    try:
        yield
    finally:
        _C._set_grad_enabled(before)


@contextlib.contextmanager
def _rereading() -> Iterator[None]:
    """What a trace kept beyond a backward is read again."""
    before = _C._set_rereading(True)
    try:
        yield
    finally:
        _C._set_rereading(before)


def node_of(t: Tensor) -> Any:
    """The node whose output `t` is; for a leaf the node that adds to its `.grad`."""
    if t.grad_fn is not None:
        return t.grad_fn
    from ..autograd.graph import get_gradient_edge

    return get_gradient_edge(t).node


def is_leaf(node: Any) -> bool:
    """Is it the node of a leaf?"""
    return hasattr(node, "variable")


def next_edges(node: Any) -> tuple[tuple[Any, int], ...]:
    """(node or None, output number) of each input."""
    edges: tuple[tuple[Any, int], ...] = node.next_functions
    return edges


def vjp(node: Any, grads: Sequence[Tensor | None]) -> tuple[Tensor | None, ...]:
    """Gradients of the node's inputs from gradients of its outputs; runs no hooks."""
    recording, reading = _C._set_grad_enabled(False), _C._set_rereading(True)
    try:  # what the context managers below do, in a third of the time
        found = node(*grads)
    except RuntimeError as error:
        raise _in_plain_words(error) from None
    finally:
        _C._set_grad_enabled(recording)
        _C._set_rereading(reading)
    return found if isinstance(found, tuple) else (found,)


def outputs(node: Any) -> int:
    """How many results the operation has."""
    return len(node._output_shapes)


def output_shape(node: Any, output_nr: int) -> tuple[int, ...] | None:
    """The shape of one result, None for one without history."""
    shape = node._output_shapes[output_nr]
    return None if shape is None else tuple(shape)


def input_shape(node: Any, i: int) -> tuple[int, ...] | None:
    """The shape of one input, None where unknown."""
    shape = node._input_shapes[i]
    return None if shape is None else tuple(shape)


def given(node: Any) -> tuple[bool, ...]:
    """Per input whether it is a tensor: not a number, nor left out as a bias may be."""
    return tuple(node._given)


def inputs(node: Any) -> tuple[Tensor | None, ...]:
    """The tensors that the operation was given, None for those that nobody kept."""
    with plain_words(), _rereading():
        return tuple(node._inputs)


def results(node: Any) -> tuple[Tensor | None, ...]:
    """The tensors that the operation gave, None for those that nobody kept."""
    return tuple(node._outputs)


def saved(node: Any) -> tuple[Tensor | None, ...]:
    """The tensors kept for backward."""
    name = "saved_tensors" if isinstance(node, _C._FunctionBase) else "_saved_tensors"
    with plain_words(), _rereading():
        return tuple(getattr(node, name, ()))


def is_custom(node: Any) -> bool:
    """Is it the context of an `autograd.Function`?"""
    return isinstance(node, _C._FunctionBase)


def operation(node: Any) -> str:
    """`mul` for MulBackward0; a custom function by the name of its class."""
    if is_custom(node):
        return type(node).__name__.removesuffix("Backward")
    told: str | None = node._operation
    return told or node.name().removesuffix("Backward0").lower()


def formula(node: Any, name: str) -> str:
    """What the operation called `name` computes, in its own letters: `y = aᵇ`."""
    return _stated(node, "formula", node._formula, name)


def gradient_formula(node: Any, name: str) -> str:
    """A structured operation's vector-Jacobian product in matrix notation."""
    return _stated(node, "gradient", node._gradient_formula, name)


def _stated(node: Any, field: str, told: str | None, name: str) -> str:
    """What the node says; where its name is another operation's, what the registry says."""
    if name != operation(node):
        for row in (row for found in operations(name) for row in found.__rows__):
            if row[field]:
                return str(row[field])
    return told or ""


def operations(name: str) -> list[Any]:
    """The registry's operations of this name, in all its homes."""
    return [home[name] for home in _C._operations.values() if name in home]


def constants(node: Any) -> dict[str, float]:
    """The numbers among the operands of an elementwise operation, and its parameters."""
    return dict(node._constants)


def letters(node: Any) -> tuple[str, ...]:
    """What an elementwise formula calls its inputs."""
    return ("x",) if len(next_edges(node)) == 1 else ("a", "b", "c")


def is_elementwise(node: Any) -> bool:
    """Does the operation work element by element, by a formula of the registry?"""
    return not is_leaf(node) and not is_custom(node) and node._value_text() is not None


def value_text(node: Any, names: dict[str, str], latex: bool = False) -> str | None:
    """The value of an elementwise operation in these names."""
    return _plain_minus(node._value_text(names=names, latex=latex))


def local_text(
    node: Any,
    i: int,
    names: dict[str, str] | None = None,
    values: dict[str, float] | None = None,
    latex: bool = False,
) -> str | None:
    """The local derivative with respect to input i, in these names or with these numbers."""
    return _plain_minus(node._local_text(i, names=names, values=values, latex=latex))


def _plain_minus(text: str | None) -> str | None:
    """With the minus of numbers as Python prints and reads them."""
    return None if text is None else text.replace("\N{MINUS SIGN}", "-")


def local(node: Any, i: int) -> Tensor | None:
    """The local derivative of an elementwise operation, in the shape of its result."""
    with plain_words(), _rereading():
        found: Tensor | None = node._local(i)
    return found


def recompute(node: Any, given: Sequence[Tensor | None]) -> Tensor:
    """The value of an elementwise operation for these inputs; numbers of the program stay."""
    found: Tensor = node._recompute(*given)
    return found


def tensor_of(x: float) -> Tensor:
    """A number of the program as a tensor."""
    return _C.tensor(x, dtype=_C.float64)


def module(node: Any) -> str:
    """Path of the module that ran the operation, where a trace has noted it."""
    return node._module or ""


def location(node: Any) -> tuple[Any, int] | None:
    """(code object, offset of the instruction) of the line that made the node."""
    found: tuple[Any, int] | None = node._location
    return found


def edge_of(node: Any, output_nr: int) -> Any:
    """What `autograd.grad` takes in place of the tensor."""
    from ..autograd.graph import GradientEdge

    return GradientEdge(node, output_nr)


def engine_gradients(
    result: Tensor, wanted: Sequence[Any], incoming: Tensor | None
) -> tuple[Tensor | None, ...]:
    """What `autograd.grad` gives without hooks; the graph stays."""
    with plain_words(), _rereading():
        found: tuple[Tensor | None, ...] = _C._engine_run(
            (result,), (incoming,), tuple(wanted), True, False, True, False, hooks=False
        )
    return found
