"""Which element of which value a tensor such as `W[2, 3]` is."""

from __future__ import annotations

from . import _engine
from ._engine import ExplainError, Tensor
from ._graph import Graph, Node


def element_of(graph: Graph, one: Tensor) -> tuple[Node, tuple[int, ...]] | None:
    """The node and the index, for an element taken from a value of the graph; else None."""
    base = _base(graph, one)
    if base is None:
        return None
    if one.numel() != 1:
        raise ExplainError(
            f"explain: this part of {base.name} has {one.numel()} elements. Choose one of them, "
            f"for example {base.name}[{', '.join('0' * len(base.shape or ()))}], or all of "
            f"{base.name}."
        )
    (mask,) = _engine.engine_gradients(
        one, [_engine.edge_of(base.function, base.output_nr)], one.new_ones(one.shape)
    )
    if mask is None:
        return None
    places = (mask != 0).nonzero().tolist()
    if len(places) != 1 or float(mask[tuple(places[0])].item()) != 1:
        return None  # computed from the value, not a part of it
    return base, tuple(places[0])


def check_index(node: Node, index: tuple[int, ...]) -> tuple[int, ...]:
    """The index with negative entries counted from the end.

    Raises:
        ExplainError: when there is no such element.
    """
    shape = node.shape or ()
    if len(index) != len(shape) or any(not -n <= i < n for i, n in zip(index, shape, strict=False)):
        sizes = "×".join(map(str, shape)) or "no dimensions"
        raise ExplainError(
            f"explain: {node.name} has no element {list(index)}. Its shape is {sizes}; "
            "indices start at 0."
        )
    return tuple(i % n for i, n in zip(index, shape, strict=True))


def _base(graph: Graph, one: Tensor) -> Node | None:
    """The value of the graph that `one` was taken from, through one operation after another."""
    function, output_nr = one.grad_fn, one.output_nr
    while function is not None:
        node = graph.at(function, output_nr)
        if node is not None:
            return node
        edges = [edge for edge in _engine.next_edges(function) if edge[0] is not None]
        if len(edges) != 1:
            return None
        function, output_nr = edges[0]
    return None
