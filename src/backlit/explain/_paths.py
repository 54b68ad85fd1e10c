"""Paths from the result back to a variable: how many there are, and the largest of them.

Neither needs a list of all: counts and the k best products follow from those of the nodes after
them, in one pass over the graph (dynamic programming).
"""

from __future__ import annotations

import heapq
import itertools
import math
from typing import NamedTuple

from ._exact import ZERO, Exact
from ._graph import Edge, Graph, Node

Path = tuple[Edge, ...]  # from the result back


class _Partial(NamedTuple):
    """A way from the result to some node: one more edge on a way to the edge's target."""

    weight: float  # log2 of the size of the product
    edge: Edge | None
    before: _Partial | None


def count_paths(graph: Graph) -> dict[Node, int]:
    """For each node the number of paths from the result to it."""
    counts = {graph.result: 1}
    for node in reversed(graph):
        ways = counts.get(node)
        if ways is None:
            continue
        for edge in node.inputs:
            if carries(edge):
                counts[edge.source] = counts.get(edge.source, 0) + ways
    return counts


def best_paths(
    graph: Graph, weights: dict[Edge, float], k: int, wanted: set[Node]
) -> dict[Node, list[Path]]:
    """For each wanted node the `k` paths with the largest product of weights, largest first."""
    best = {graph.result: [_Partial(0.0, None, None)]}
    for node in reversed(graph):
        if node is graph.result:
            continue
        ways = [
            _extended(best[edge.target], edge, weights[edge])
            for edge in node.consumers
            if edge in weights and edge.target in best
        ]
        if ways:
            merged = heapq.merge(*ways, key=lambda way: -way.weight)
            best[node] = list(itertools.islice(merged, k))
    return {node: [_edges_of(way) for way in best[node]] for node in wanted if node in best}


def exact_totals(graph: Graph, locals_: dict[Edge, float]) -> dict[Node, Exact] | None:
    """For each node the sum over all paths of the products, without any rounding.

    None where a local derivative is infinite or NaN.
    """
    if not all(map(math.isfinite, locals_.values())):
        return None
    factors = {edge: Exact.of(value) for edge, value in locals_.items()}
    totals = {graph.result: Exact(1, 0)}
    for node in reversed(graph):
        total = totals.get(node)
        if total is None:
            continue
        for edge in node.inputs:
            if edge in factors:
                part = total.times(factors[edge])
                totals[edge.source] = totals.get(edge.source, ZERO).plus(part)
    return totals


def rounding_bounds(graph: Graph, factors: dict[Edge, float]) -> dict[Node, tuple[float, int]]:
    """For each node the sum of the sizes of all products, and the length of the longest path.

    A sum computed in floats is off by a few roundings of the first per step of the second.
    """
    bounds = {graph.result: (1.0, 0)}
    for node in reversed(graph):
        if node not in bounds:
            continue
        size, length = bounds[node]
        for edge in node.inputs:
            if edge in factors:
                before, longest = bounds.get(edge.source, (0.0, 0))
                more = before + size * abs(factors[edge])
                bounds[edge.source] = more, max(longest, length + 1)
    return bounds


def weight_of(size: float) -> float:
    """The logarithm of a factor's size: -inf for zero, +inf (so that it is seen) for NaN."""
    if size == 0:
        return -math.inf
    return math.log2(size) if size > 0 and math.isfinite(size) else math.inf


def carries(edge: Edge) -> bool:
    """Does gradient flow along the edge?"""
    return edge.source.kind != "constant"


def _extended(ways: list[_Partial], edge: Edge, weight: float) -> list[_Partial]:
    return [_Partial(_sum(way.weight, weight), edge, way) for way in ways]


def _sum(a: float, b: float) -> float:
    """inf - inf: a zero on the way of an infinite factor; seen first, as NaN is."""
    total = a + b
    return math.inf if math.isnan(total) else total


def _edges_of(way: _Partial) -> Path:
    edges = []
    current: _Partial | None = way
    while current is not None and current.edge is not None:
        edges.append(current.edge)
        current = current.before
    return tuple(reversed(edges))
