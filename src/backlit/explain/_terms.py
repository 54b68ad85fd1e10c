"""Which term of the loss made this gradient: the loss taken apart at its additions."""

from __future__ import annotations

from ._engine import Tensor
from ._flowback import propagate
from ._graph import Edge, Graph, Node

_SUMS = frozenset({"add", "sub", "rsub"})


def terms(graph: Graph) -> list[Edge]:
    """The edges to the values that are added up in the result; none when it is no sum."""
    found: list[Edge] = []
    waiting = [graph.result]
    while waiting:
        node = waiting.pop()
        for edge in node.inputs:
            if edge.source.gradient is None:
                continue
            if _is_sum(edge.source):
                waiting.append(edge.source)
            elif _is_sum(node):
                found.append(edge)
    return found if _is_sum(graph.result) else []


def part_of(graph: Graph, edge: Edge, node: Node) -> Tensor | None:
    """The part of the gradient of `node` that comes through one term."""
    if edge.contribution is None:
        return None
    if edge.source is node:
        return edge.contribution
    found, _ = propagate(graph, {edge.source: edge.contribution})
    return found.get(node)


def _is_sum(node: Node) -> bool:
    return node.operation in _SUMS and node.is_number and len(node.consumers) <= 1
