"""The computation as a graph of values: what was computed, from what, where, by which formula.

A `Node` is one value: a leaf, a constant, or one output of a recorded operation. An `Edge` leads
from an input to the value computed from it. Built from the engine's nodes without recursion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from . import _engine
from ._engine import Tensor

Kind = Literal["leaf", "constant", "operation", "result"]


class Location(NamedTuple):
    """The line of the user's program that computed a value."""

    file: str
    line: int
    source: str
    function: str


@dataclass(eq=False, slots=True)
class Edge:
    """`source` is input number `input` of the operation that computed `target`."""

    id: str
    source: Node
    target: Node
    input: int
    contribution: Tensor | None = None  # what the gradient of source receives along this edge
    local: Tensor | None = None  # the local derivative, where it is a tensor of its own
    local_text: str = ""  # its formula in the names of the values: 2·s
    local_numbers: str = ""  # the same with numbers: 2·(-1)
    local_latex: str = ""
    note: str = ""  # why it is zero

    def __repr__(self) -> str:
        return f"<Edge {self.source.name} → {self.target.name}>"


@dataclass(eq=False, slots=True)
class Node:
    """One value of the computation.

    Attributes:
        id: unique in the graph, stable between runs of the same program: "n0", "n1", ...
        name: the user's name for it, or v1, v2, ... in the order of the computation.
        operation: the operation that computed it ("" for leaves and constants).
        kind: "leaf", "constant", "operation" or "result".
        formula: the operation's formula, in its own letters ("y = a b").
        expression: the operation in the names of this graph ("w·x").
        inputs, consumers: edges from what it was computed from, to what was computed from it.
        value: None when nobody kept it and it could not be computed again.
        gradient: of the result with respect to this value; None when it has none.
        location, module: where the program computed it.
        function: the engine's node (None for constants); output_nr: which of its outputs.
    """

    id: str
    kind: Kind
    function: Any = None
    output_nr: int = 0
    name: str = ""
    given_name: bool = False  # by the user's program, not by numbering
    is_literal: bool = False  # a number that stands in the program itself
    operation: str = ""
    formula: str = ""
    expression: str = ""
    latex: str = ""
    gradient_formula: str = ""  # of a structured operation, in its own letters
    order: tuple[int, ...] = ()  # the input that is the operation's first tensor, second, ...
    forward: Any = None  # computes the value from the inputs' values; None where it is not known
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    value: Tensor | None = None
    gradient: Tensor | None = None
    location: Location | None = None
    module: str = ""
    inputs: list[Edge] = field(default_factory=list)
    consumers: list[Edge] = field(default_factory=list)

    @property
    def saved(self) -> tuple[Tensor | None, ...]:
        """The tensors that the operation kept for backward."""
        return () if self.function is None else _engine.saved(self.function)

    @property
    def is_number(self) -> bool:
        """Is it a single number?"""
        return self.numel == 1

    @property
    def numel(self) -> int | None:
        """How many elements it has, if the shape is known."""
        if self.shape is None:
            return None
        count = 1
        for size in self.shape:
            count *= size
        return count

    def __repr__(self) -> str:
        return f"<Node {self.id} {self.name} {self.operation or self.kind}>"


class Graph:
    """All values that a result was computed from.

    Iterating gives the nodes in the order of the computation; `reversed` gives the order in which
    gradients flow back.

    Example:
        >>> import backlit as torch
        >>> w = torch.tensor(3.0, requires_grad=True)
        >>> loss = (w - 1.0) ** 2
        >>> graph = torch.explain(loss).graph
        >>> [(node.name, node.operation) for node in graph if node.function is not None]
        [('w', ''), ('v1', 'sub'), ('loss', 'pow')]
    """

    def __init__(self, result: Tensor, values: Mapping[int, Tensor] | None = None) -> None:
        """The graph behind `result`; `values` of leaves, by the id of their node, come first."""
        self._values = values or {}
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.functions = functions_of(result)  # in the order of the computation
        self._at: dict[tuple[int, int], Node] = {}
        self._constants: dict[object, tuple[Any, Node]] = {}  # the tensor keeps its id
        for function in self.functions:
            self._add_function(function)
        self.result = self._at[id(_engine.node_of(result)), result.output_nr]
        self.result.kind = "leaf" if _engine.is_leaf(self.result.function) else "result"
        self.result.value = result.detach()
        self._drop_unused()

    def _add_function(self, function: Any) -> None:
        """The nodes of one operation: its new inputs, then its outputs."""
        edges = _engine.next_edges(function)
        given = _engine.inputs(function) if edges else ()
        shown = _shown(function, len(edges))
        sources: list[Node | None] = []
        for i, (before, output_nr) in enumerate(edges):
            value = given[i] if i < len(given) else None
            if before is None:
                sources.append(self._constant(function, i, value) if shown[i] else None)
                continue
            source = self._at.get((id(before), output_nr))
            if source is None:
                source = self._new("leaf" if _engine.is_leaf(before) else "operation")
                source.function, source.output_nr = before, output_nr
                source.value = self._values.get(id(before))
                self._at[id(before), output_nr] = source
            if source.value is None and isinstance(value, Tensor):
                source.value = value.detach()
            sources.append(source)
        for output_nr in range(_engine.outputs(function)):
            self._add_output(function, output_nr, sources)

    def _add_output(self, function: Any, output_nr: int, sources: list[Node | None]) -> None:
        if (id(function), output_nr) in self._at:
            return
        node = self._new("leaf" if _engine.is_leaf(function) else "operation")
        node.function, node.output_nr = function, output_nr
        self._at[id(function), output_nr] = node
        for i, source in enumerate(sources):
            if source is not None:
                edge = Edge(f"e{len(self.edges)}", source, node, i)
                self.edges.append(edge)
                node.inputs.append(edge)
                source.consumers.append(edge)

    def _constant(self, function: Any, i: int, value: Any) -> Node | None:
        """The node of an input without gradient: one per tensor, one per unknown."""
        key = id(value) if isinstance(value, Tensor) else (id(function), i)
        if key not in self._constants:
            node = self._new("constant")
            self._constants[key] = value, node
            if isinstance(value, Tensor):
                node.value = value.detach()
        return self._constants[key][1]

    def _new(self, kind: Kind) -> Node:
        node = Node("", kind)
        self.nodes.append(node)
        return node

    def _drop_unused(self) -> None:
        """Outputs that the result does not depend on go; ids follow the order."""
        used = {id(self.result)}
        for node in reversed(self.nodes):
            if id(node) in used:
                used.update(id(edge.source) for edge in node.inputs)
        self.edges = [e for e in self.edges if id(e.target) in used]
        self.nodes = [n for n in self.nodes if id(n) in used]
        for node in self.nodes:
            node.consumers = [e for e in node.consumers if id(e.target) in used]
        for i, node in enumerate(self.nodes):
            node.id = f"n{i}"
        for i, edge in enumerate(self.edges):
            edge.id = f"e{i}"

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __reversed__(self) -> Iterator[Node]:
        return reversed(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def leaves(self) -> list[Node]:
        """The values that were not computed and that have a gradient."""
        return [node for node in self.nodes if node.kind == "leaf"]

    def at(self, function: Any, output_nr: int = 0) -> Node | None:
        """The node of one output of an engine's node."""
        return self._at.get((id(function), output_nr))

    def of(self, t: Tensor) -> Node | None:
        """The node of a tensor."""
        if not t.requires_grad:
            return self._constants.get(id(t), (None, None))[1]
        return self.at(_engine.node_of(t), t.output_nr)

    def find(self, name: str) -> Node | None:
        """The node with this name."""
        return next((node for node in self.nodes if node.name == name), None)

    def to_networkx(self) -> Any:
        """A `networkx.MultiDiGraph`: ids as nodes, the rest as attributes."""
        try:
            import networkx
        except ImportError as error:
            raise ImportError(
                "explain: to_networkx() needs the package networkx. "
                "Install it with: pip install networkx"
            ) from error

        graph = networkx.MultiDiGraph()
        for node in self.nodes:
            graph.add_node(
                node.id,
                name=node.name,
                operation=node.operation,
                kind=node.kind,
                expression=node.expression,
                formula=node.formula,
                shape=node.shape,
                value=node.value,
                gradient=node.gradient,
                location=node.location,
                module=node.module,
            )
        for edge in self.edges:
            graph.add_edge(
                edge.source.id,
                edge.target.id,
                key=edge.id,
                input=edge.input,
                local=edge.local,
                local_formula=edge.local_text,
                contribution=edge.contribution,
            )
        return graph


def _shown(function: Any, inputs: int) -> tuple[bool, ...]:
    """Which inputs there are: a formula's numbers count, a bias that was left out does not."""
    if not inputs or _engine.is_elementwise(function):
        return (True,) * inputs
    return _engine.given(function)


def functions_of(result: Tensor) -> list[Any]:
    """Every engine's node that `result` depends on, in the order of the computation.

    A number is above those of the inputs; the nodes of leaves have no place of their own and come
    with their first use.
    """
    root = _engine.node_of(result)
    if _engine.is_leaf(root):
        return [root]
    seen, found, waiting = {id(root)}, [root], [root]
    while waiting:
        for before, _ in _engine.next_edges(waiting.pop()):
            if before is None or id(before) in seen or _engine.is_leaf(before):
                continue
            seen.add(id(before))
            found.append(before)
            waiting.append(before)
    return sorted(found, key=lambda function: function._sequence)
