"""Which sample of the batch made this gradient.

Going back from the result, gradients first belong to no sample (the mean over the batch), then row
n of a gradient belongs to sample n (a carrier of the batch), and at a parameter the rows are added
up. There, on the edges that leave the carriers, the rows are kept apart: the part of sample n is
what arrives when the gradient of all other rows is zero.
"""

from __future__ import annotations

from .. import _C
from ._engine import ExplainError, Tensor
from ._flowback import along, ancestors, propagate
from ._graph import Edge, Graph, Node

Values = dict[int, Tensor]  # sample -> its part of a node's gradient


class Batch:
    """The nodes whose rows belong to samples, and the edges at which rows are added up."""

    def __init__(self, graph: Graph, size: int | None = None) -> None:
        self.graph = graph
        self.size = size or _batch_size(graph)
        self.carriers = self._find_carriers()
        if not self.carriers:
            raise ExplainError(
                f"explain: no value of this graph has a row for each of {self.size} samples. "
                "Pass batch_size=, the number of samples."
            )

    def _find_carriers(self) -> set[Node]:
        outer: set[Node] = set()  # no row belongs to a sample yet
        carriers: set[Node] = set()
        for node in reversed(self.graph):
            if node.gradient is None:
                continue
            edges = [e for e in node.consumers if e.target.gradient is not None]
            has_rows = bool(node.shape) and node.shape is not None and node.shape[0] == self.size
            if has_rows and any(e.target in carriers and self._keeps_rows(e) for e in edges):
                carriers.add(node)
            elif any(e.target in outer for e in edges) or not edges:
                if has_rows and node.kind != "leaf":
                    carriers.add(node)
                elif all(e.target in outer for e in edges):
                    outer.add(node)
        return carriers

    def _keeps_rows(self, edge: Edge) -> bool:
        """Does row n of the target's gradient reach row n of the source alone?"""
        like = edge.target.gradient
        assert like is not None
        arrived = False
        for row in {0, self.size // 2}:
            g = along(edge, _row(_some(like), row))
            if g is None:
                return False
            others = g.clone()
            others[row] = 0
            if bool((others != 0).any().item()):
                return False
            arrived = arrived or bool((g != 0).any().item())
        return arrived or edge.source.shape == edge.target.shape

    def parts(self, node: Node) -> Values:
        """The part of each sample in the gradient of `node`."""
        if node in self.carriers and node.gradient is not None:
            return {n: _row(node.gradient, n) for n in range(self.size)}
        behind = ancestors(node)
        inner = {n for n in behind if n not in self.carriers}
        crossing = [
            edge
            for edge in self.graph.edges
            if edge.target in self.carriers and edge.source in inner
        ]
        if not crossing:
            raise ExplainError(
                f"explain: the samples do not reach {node.name}. "
                "Its gradient comes from a term of the result that reads no data."
            )
        return {n: self._part(node, n, crossing, inner) for n in range(self.size)}

    def _part(self, node: Node, n: int, crossing: list[Edge], inner: set[Node]) -> Tensor:
        seeds: dict[Node, Tensor] = {}
        for edge in crossing:
            gradient = edge.target.gradient
            g = None if gradient is None else along(edge, _row(gradient, n))
            if g is not None:
                before = seeds.get(edge.source)
                seeds[edge.source] = g if before is None else before + g
        if set(seeds) == {node}:
            return seeds[node]
        found, _ = propagate(self.graph, seeds, inner)
        return found[node]


def _batch_size(graph: Graph) -> int:
    """Rows of the first value with rows, going back from the result along most of the graph."""
    best, most = 0, -1
    outer = {graph.result}
    for node in reversed(graph):
        if node.gradient is None or not any(e.target in outer for e in node.consumers):
            continue
        if node.is_number:
            outer.add(node)
        elif node.shape and node.kind != "leaf":
            size = len(_before(node))
            if size > most:
                best, most = node.shape[0], size
    if most < 0:
        raise ExplainError(
            "explain: nothing in this graph has a row per sample, so there is no batch to split. "
            "Compute the result from all samples at once."
        )
    return best


def _before(node: Node) -> set[Node]:
    """What `node` was computed from."""
    found, waiting = {node}, [node]
    while waiting:
        for edge in waiting.pop().inputs:
            if edge.source not in found:
                found.add(edge.source)
                waiting.append(edge.source)
    return found


def _row(t: Tensor, n: int) -> Tensor:
    """`t` with zeros in all other rows."""
    kept = _C.zeros_like(t)
    kept[n] = t[n]
    return kept


def _some(like: Tensor) -> Tensor:
    """A gradient that is nowhere zero."""
    return _C.ones_like(like)
