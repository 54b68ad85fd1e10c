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


class Way(NamedTuple):
    """A path: one more edge on a way to the edge's target, so that ways share beginnings."""

    weight: float  # log2 of the size of the product
    edge: Edge | None  # None: the result itself
    before: Way | None

    def edges(self) -> Path:
        """The path, from the result back."""
        edges = []
        way: Way | None = self
        while way is not None and way.edge is not None:
            edges.append(way.edge)
            way = way.before
        return tuple(reversed(edges))


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


def best_ways(graph: Graph, weights: dict[Edge, float], k: int) -> dict[Node, list[Way]]:
    """For each node the `k` paths with the largest product of weights, largest first."""
    best = {graph.result: [Way(0.0, None, None)]}
    for node in reversed(graph):
        if node is graph.result:
            continue
        ways = [
            _extended(best[edge.target], edge, weights[edge])
            for edge in node.consumers
            if edge in weights and edge.target in best
        ]
        if ways:
            merged = heapq.merge(*ways, key=_lightest_last) if len(ways) > 1 else ways[0]
            best[node] = list(itertools.islice(merged, k))
    return best


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


def _lightest_last(way: Way) -> float:
    return -way.weight


def _extended(ways: list[Way], edge: Edge, weight: float) -> list[Way]:
    return [Way(_sum(way.weight, weight), edge, way) for way in ways]


def _sum(a: float, b: float) -> float:
    """inf - inf: a zero on the way of an infinite factor; seen first, as NaN is."""
    total = a + b
    return math.inf if math.isnan(total) else total
