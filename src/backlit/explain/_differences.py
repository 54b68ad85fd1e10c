"""The check by finite differences: the recorded operations run again, on slightly moved values.

In float64, whatever the graph's dtype is. A number is moved itself, one element likewise, a tensor
along its gradient, where the slope is the gradient's length.
"""

from __future__ import annotations

import math

from .. import _C
from . import _engine
from ._engine import Tensor
from ._flowback import ancestors
from ._graph import Graph, Node
from ._tensors import norm
from ._variables import Check, Variable

_WHAT = "finite differences"
_STEP = 1e-5
_CLOSE = 1e-3  # of the slope: what float32 leaves of a gradient after many steps
_SAME = 1e-4  # of the result, when nothing is moved
_KINK = 0.02  # by how much the slopes to the left and to the right differ, at least


def check_differences(graph: Graph, variable: Variable, seed: Tensor) -> Check:
    """The slope of the result along the variable, beside the explained gradient."""
    if variable.gradient is None:
        return Check(_WHAT, None, note="No gradient reaches it.")
    behind = ancestors(variable.node) - {variable.node}
    moved = [node for node in graph if node in behind]
    reason = _obstacle(variable.node, moved)
    if reason:
        return Check(_WHAT, None, note=reason)
    direction, expected = _direction(variable)
    start = variable.node.value
    assert start is not None
    step = _STEP * max(1.0, float(start.abs().max().item()))

    def result(distance: float) -> float:
        return _run(graph, variable.node, moved, start.double() + direction * distance, seed)

    try:
        left, middle, right = (result(d) for d in (-step, 0.0, step))
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        return Check(_WHAT, None, note=f"The operations do not run again: {error}".split("\n")[0])
    recorded = graph.result.value
    again = float((recorded.double() * seed.double()).sum().item()) if recorded is not None else 0.0
    if not abs(middle - again) <= _SAME * max(1.0, abs(again)):
        return Check(_WHAT, None, note="Run again, the operations give another result.")
    unit = 2.0**-23 if variable.node.dtype == "float32" else 2.0**-52
    sizes = [norm(node.gradient) for node in behind if node.gradient is not None]
    return _judged(
        expected, left, middle, right, step, variable, 8 * unit * max(sizes, default=1.0)
    )


def _obstacle(node: Node, moved: list[Node]) -> str:
    """Why the result cannot be computed again, or ""."""
    for step in moved:
        if step.forward is None:
            return f"{step.operation} at {step.name} cannot be run again."
        for edge in step.inputs:
            if edge.source.value is None:
                name = edge.source.name
                return f"The value of {name} is not kept; run the program with backlit.trace()."
    if node.value is None:
        return f"The value of {node.name} is not kept."
    return "" if node.value.numel() else f"{node.name} has no elements."


def _direction(variable: Variable) -> tuple[Tensor, float]:
    """Where to move, and the slope that the explanation promises."""
    node = variable.node
    assert node.value is not None and variable.gradient is not None
    like = node.value.double()
    if variable.index is not None or node.is_number:
        direction = _C.zeros_like(like)
        direction[variable.index or (0,) * like.dim()] = 1
        return direction, float(variable.gradient.item())
    length = norm(variable.gradient)
    if not 0 < length < math.inf:
        return _C.ones_like(like) / math.sqrt(like.numel()), 0.0 if length == 0 else length
    return variable.gradient.double() / length, length


def _run(graph: Graph, node: Node, moved: list[Node], start: Tensor, seed: Tensor) -> float:
    values = {node: start}
    for step in moved:
        given: list[Tensor | None] = [None] * len(_engine.next_edges(step.function))
        for edge in step.inputs:
            value = values.get(edge.source, edge.source.value)
            assert value is not None
            given[edge.input] = value.double() if value.is_floating_point() else value
        values[step] = step.forward(*given)
    result = values[graph.result]
    return float((result.double() * seed.double()).sum().item())


def _judged(
    expected: float,
    left: float,
    middle: float,
    right: float,
    step: float,
    variable: Variable,
    rounding: float,
) -> Check:
    """The verdict; `rounding` is what is left of larger gradients that cancel on the way."""
    slope = (right - left) / (2 * step)
    before, after = (middle - left) / step, (right - middle) / step
    if not math.isfinite(slope):
        return Check(_WHAT, None, note="The result is not finite near these values.")
    noise = 1e-15 * max(map(abs, (left, middle, right))) / step
    tolerance = _CLOSE * max(abs(expected), abs(slope)) + 10 * noise + 1e-9 + rounding
    difference = abs(slope - expected)
    name = "" if _is_one(variable) else "the slope along the gradient"
    if difference <= tolerance or not _at_kink(before, after, expected, 10 * noise):
        return Check(_WHAT, slope, difference, None, difference <= tolerance, name)
    note = f"It is at a kink: the slope is {before:.4g} below and {after:.4g} above."
    return Check(_WHAT, slope, difference, note=note)


def _at_kink(before: float, after: float, expected: float, noise: float) -> bool:
    """Do the slopes to both sides differ, with the gradient between them?"""
    bend = max(_KINK * max(abs(before), abs(after)), noise)
    low, high = min(before, after), max(before, after)
    return high - low > bend and low - bend <= expected <= high + bend


def _is_one(variable: Variable) -> bool:
    return variable.index is not None or variable.node.is_number
