"""Through which unit of the next layer the gradient of one weight comes."""

from __future__ import annotations

from .. import _C
from . import _engine
from ._engine import Tensor
from ._flowback import ancestors, propagate
from ._graph import Graph, Node

_MOST_UNITS = 4096


def unit_parts(
    graph: Graph, node: Node, index: tuple[int, ...], nodes: list[Node]
) -> tuple[Node, list[float]] | None:
    """The first value on the way to the result that several units of carry the gradient.

    Args:
        graph: the computation.
        node: the tensor that has the element.
        index: of the element.
        nodes: a path from `node` to the result.

    Returns:
        That value, and the part that comes through each of its units (its last dimension).
    """
    for layer in nodes:
        shape = layer.shape
        if not shape or len(shape) < 2 or not 1 < shape[-1] <= _MOST_UNITS:
            continue
        if layer.function is None or _engine.is_elementwise(layer.function):
            continue  # each unit of its input reaches one of its own
        parts = _through(graph, node, index, layer)
        if sum(1 for part in parts if part != 0) > 1:
            return layer, parts
    return None


def _through(graph: Graph, node: Node, index: tuple[int, ...], layer: Node) -> list[float]:
    assert layer.gradient is not None
    between = ancestors(node) - ancestors(layer)
    parts = []
    for unit in range(layer.gradient.shape[-1]):
        found, _ = propagate(graph, {layer: _column(layer.gradient, unit)}, between)
        parts.append(float(found[node][index].item()) if node in found else 0.0)
    return parts


def _column(t: Tensor, unit: int) -> Tensor:
    """`t` with zeros in all other units."""
    kept = _C.zeros_like(t)
    kept[..., unit] = t[..., unit]
    return kept
