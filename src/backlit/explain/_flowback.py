"""The chain rule, node by node: gradients flow from the result back through the graph.

The same order and the same sums as the engine's, so the same bits, but every step is kept.
"""

from __future__ import annotations

from . import _engine
from ._engine import Tensor
from ._graph import Edge, Graph, Node

Gradients = dict[Node, Tensor]
Contributions = dict[Edge, Tensor]


def propagate(
    graph: Graph, seeds: Gradients, within: set[Node] | None = None
) -> tuple[Gradients, Contributions]:
    """Gradients of all nodes, and the part of them that came along each edge.

    Args:
        graph: the computation.
        seeds: the gradients to start from.
        within: nodes through which gradients flow; all of them by default.
    """
    gradients, contributions = dict(seeds), Contributions()
    for function in reversed(graph.functions):
        outputs = _outputs(graph, function)
        grads = [gradients.get(node) if node is not None else None for node in outputs]
        if all(g is None for g in grads) or not _engine.next_edges(function):
            continue
        found = _engine.vjp(function, grads)
        reached = [n for n in outputs if n is not None and n in gradients]
        for edge in reached[0].inputs:
            g = found[edge.input]
            if g is None or (within is not None and edge.source not in within):
                continue
            before = gradients.get(edge.source)
            gradients[edge.source] = g if before is None else before + g
            if len(reached) == 1:
                contributions[edge] = g
        if len(reached) > 1:  # the engine adds up what comes through several outputs
            for node in reached:
                _split(node, gradients[node], contributions, within)
    return gradients, contributions


def _split(
    node: Node, gradient: Tensor, contributions: Contributions, within: set[Node] | None
) -> None:
    """The parts that one output of several sends to the inputs."""
    for edge in node.inputs:
        g = along(edge, gradient)
        if g is not None and (within is None or edge.source in within):
            contributions[edge] = g


def along(edge: Edge, gradient: Tensor) -> Tensor | None:
    """What `gradient` of the edge's target becomes at its source, along this edge alone."""
    target = edge.target
    grads: list[Tensor | None] = [None] * _engine.outputs(target.function)
    grads[target.output_nr] = gradient
    found = _engine.vjp(target.function, grads)
    return found[edge.input]


def ancestors(node: Node) -> set[Node]:
    """The nodes that depend on `node`, and itself: what a path from the result passes through."""
    found, waiting = {node}, [node]
    while waiting:
        for edge in waiting.pop().consumers:
            if edge.target not in found:
                found.add(edge.target)
                waiting.append(edge.target)
    return found


def _outputs(graph: Graph, function: object) -> list[Node | None]:
    return [graph.at(function, k) for k in range(_engine.outputs(function))]
