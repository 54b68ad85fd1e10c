"""One variable's gradient, taken apart: its paths, their products, the sum, and the check."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import _paths
from ._engine import Tensor
from ._exact import ZERO, Exact, exact_sum, ulps
from ._flowback import along
from ._graph import Edge, Graph, Node
from ._parts import Parts

_FEW_PATHS = 64  # of tensors: so many are computed, to list the largest exactly
_MOST_STEPS = 20_000  # of the chain rule, for the paths of all variables
_MOST_ELEMENTS = 1 << 26  # of the gradients along them


@dataclass(eq=False)
class PathTerm:
    """One path from the result back to the variable, and its part of the gradient."""

    edges: _paths.Path
    factors: list[float] | None  # the local derivatives, where all are single numbers
    product: Tensor | float

    @property
    def size(self) -> float:
        """The absolute value, or the norm of a tensor."""
        if isinstance(self.product, float):
            return abs(self.product)
        return float(self.product.norm().item())


@dataclass(eq=False)
class Check:
    """The explained gradient beside one computed in another way."""

    what: str  # "engine", "finite differences"
    value: Tensor | float | None  # None: not computed
    difference: float | None = None
    ulps: float | None = None
    agrees: bool | None = None
    note: str = ""


@dataclass(eq=False)
class Variable:
    """What `explain` says about one variable.

    Attributes:
        node: the variable in the graph.
        gradient: of the result with respect to it, by the chain rule node by node.
        path_count: of all paths, listed or not.
        paths: the largest, largest first.
        remainder: the sum of the paths that are not listed; 0 when all are.
        total: the sum of all paths (computed without rounding where they are numbers).
        checks: the engine's gradient, finite differences.
        index: the element, where one is asked for.
        rounding: how far from `total` the engine's gradient may be.
        splits: its gradient by sample and by unit.
    """

    node: Node
    gradient: Tensor | None
    path_count: int
    paths: list[PathTerm]
    remainder: Tensor | float | None
    total: Tensor | float | None
    checks: list[Check] = field(default_factory=list)
    index: tuple[int, ...] | None = None
    rounding: float = 0.0
    splits: list[Parts] = field(default_factory=list)

    @property
    def is_number(self) -> bool:
        """Are all factors of all paths single numbers?"""
        return all(path.factors is not None for path in self.paths) and self.node.is_number


class PathFinder:
    """Finds the paths of many variables of one graph; shared tables are made once."""

    def __init__(self, graph: Graph, seed: Tensor, max_paths: int) -> None:
        self.graph, self.seed, self.max_paths = graph, seed, max_paths
        self.counts = _paths.count_paths(graph)
        self.factors = dict(_factors(graph))
        self.numbers = self._reached_by_numbers()
        self._totals: dict[Node, Exact] | None = None
        self._totals_known = False
        self._bounds: dict[Node, tuple[float, int]] | None = None
        self._number_ways: dict[Node, list[_paths.Way]] | None = None
        self._tensor_ways: dict[Node, list[_paths.Way]] | None = None
        self._products: dict[int, Tensor | None] = {}  # of a way, by its id; the tables keep them

    def variable(self, node: Node, index: tuple[int, ...] | None = None) -> Variable:
        """The paths to `node`, or to one of its elements."""
        if node in self.numbers and node.is_number:
            found = self._number(node)
        else:
            found = self._tensor(node, index)
        found.index = index
        return found

    def _reached_by_numbers(self) -> set[Node]:
        """Nodes all of whose paths consist of single numbers."""
        found = {self.graph.result} if self.graph.result.is_number else set()
        for node in reversed(self.graph):
            edges = [e for e in node.consumers if e.target in self.counts]
            if edges and all(e in self.factors and e.target in found for e in edges):
                found.add(node)
        return found

    def totals(self) -> dict[Node, Exact] | None:
        """The exact sums, computed when first asked for."""
        if not self._totals_known:
            inner = {e: v for e, v in self.factors.items() if e.target in self.numbers}
            self._totals, self._totals_known = _paths.exact_totals(self.graph, inner), True
        return self._totals

    def _number(self, node: Node) -> Variable:
        if self._number_ways is None:
            weights = {e: _paths.weight_of(abs(v)) for e, v in self.factors.items()}
            self._number_ways = _paths.best_ways(self.graph, weights, self.max_paths)
        seed = float(self.seed.item())
        terms = []
        for path in (way.edges() for way in self._number_ways[node]):
            factors = [self.factors[edge] for edge in path]
            product = seed
            for value in factors:
                product *= value
            terms.append(PathTerm(path, factors, product))
        count = self.counts[node]
        listed = [term.product for term in terms if isinstance(term.product, float)]
        totals = self.totals()
        if totals is None or not math.isfinite(seed):
            total = float(node.gradient.item()) if node.gradient is not None else math.nan
            remainder = total - exact_sum(listed) if count > len(terms) else 0.0
        else:
            whole = totals.get(node, ZERO).times(Exact.of(seed))
            total = whole.to_float()
            remainder = _remainder(whole, listed) if count > len(terms) else 0.0
        found = Variable(node, node.gradient, count, terms, remainder, total)
        found.rounding = self._rounding(node, seed)
        return found

    def _rounding(self, node: Node, seed: float) -> float:
        """How far the engine's sum may be from the exact one."""
        if self._bounds is None:
            self._bounds = _paths.rounding_bounds(self.graph, self.factors)
        size, length = self._bounds.get(node, (0.0, 0))
        unit = 2.0**-23 if node.dtype == "float32" else 2.0**-52
        return (4 + 2 * length) * unit * size * abs(seed)

    def _tensor(self, node: Node, index: tuple[int, ...] | None) -> Variable:
        """Paths of tensors: each one's part of the gradient is computed along it.

        Which are the largest is certain when there are few; else the candidates are those with the
        largest product of growth factors.
        """
        count = self.counts.get(node, 0)
        if self._tensor_ways is None:
            carrying = (edge for edge in self.graph.edges if _paths.carries(edge))
            weights = {edge: _paths.weight_of(_growth(edge)) for edge in carrying}
            self._tensor_ways = _paths.best_ways(self.graph, weights, self._candidates())
        terms = []
        for way in self._tensor_ways.get(node, ()):
            product = self._product(way)
            if product is not None:
                terms.append(PathTerm(way.edges(), None, _element(product, index)))
        terms.sort(key=lambda term: -term.size)
        terms = terms[: self.max_paths]
        remainder: Tensor | float = 0.0
        whole = None if node.gradient is None else _element(node.gradient, index)
        if whole is not None and count > len(terms):
            remainder = whole - sum(term.product for term in terms)
        return Variable(node, whole, count, terms, remainder, whole)

    def _candidates(self) -> int:
        """How many paths to compute: fewer where each is long, or takes much memory."""
        elements = sum(n.gradient.numel() for n in self.graph if n.gradient is not None)
        most = min(_MOST_STEPS // len(self.graph), _MOST_ELEMENTS // max(1, elements))
        return max(1, min(max(_FEW_PATHS, 2 * self.max_paths), most))

    def _product(self, way: _paths.Way) -> Tensor | None:
        """What the seed becomes along the way; beginnings that ways share are computed once."""
        todo = []
        while way.before is not None and id(way) not in self._products:
            todo.append(way)
            way = way.before
        g: Tensor | None = self._products.get(id(way), self.seed)
        for way in reversed(todo):
            g = None if g is None or way.edge is None else along(way.edge, g)
            self._products[id(way)] = g
        return g


def _factors(graph: Graph) -> Iterator[tuple[Edge, float]]:
    """The local derivatives that are single numbers between single numbers."""
    for edge in graph.edges:
        if edge.local is not None and edge.source.is_number and edge.target.is_number:
            yield edge, float(edge.local.item())


def _element(t: Tensor, index: tuple[int, ...] | None) -> Tensor:
    return t if index is None else t[index]


def check_engine(variable: Variable, engine: Tensor | None) -> Check:
    """The engine's own gradient beside the explained one."""
    own = variable.gradient
    engine = None if engine is None else _element(engine, variable.index)
    if engine is None or own is None:
        agrees = engine is None and own is None
        return Check("engine", engine, agrees=agrees, note="" if agrees else "only one of them is")
    if variable.is_number and isinstance(variable.total, float):
        theirs = float(engine.item())
        apart = ulps(theirs, variable.total, variable.node.dtype)
        difference = abs(theirs - variable.total)
        same = apart <= 1 or difference <= variable.rounding
        return Check("engine", engine, difference, apart, same)
    same = bool((own == engine).all().item()) or bool((own.isnan() == engine.isnan()).all().item())
    difference = float((own - engine).abs().max().item()) if own.numel() else 0.0
    equal = difference == 0 or (math.isnan(difference) and same)
    return Check("engine", engine, difference, None, equal)


def _remainder(whole: Exact, listed: list[float]) -> float:
    if not all(map(math.isfinite, listed)):
        return math.nan
    for value in listed:
        whole = whole.minus(Exact.of(value))
    return whole.to_float()


def _growth(edge: Edge) -> float:
    """By how much the edge stretches the gradient that passes it."""
    incoming, outgoing = edge.target.gradient, edge.contribution
    if incoming is None or outgoing is None:
        return 0.0
    before = float(incoming.norm().item())
    return float(outgoing.norm().item()) / before if before else 0.0
