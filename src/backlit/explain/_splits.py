"""`by_sample`, `by_term`, `by_unit`: one gradient as parts that add up to it."""

from __future__ import annotations

from . import _paths
from ._engine import ExplainError, Tensor
from ._flow import norm
from ._flowback import along
from ._graph import Graph, Node
from ._parts import Parts, ranked
from ._samples import Batch
from ._terms import part_of, terms
from ._units import unit_parts

Index = tuple[int, ...] | None


def by_sample(graph: Graph, node: Node, index: Index, batch_size: int | None, digits: int) -> Parts:
    """Split by the samples of the batch."""
    batch = Batch(graph, batch_size)
    whole = _whole(graph, node, index)
    found = [
        (f"sample {n}", n, _at(value, index), _factors(batch, node, index, n))
        for n, value in batch.parts(node).items()
    ]
    title = f"{_partial(graph, node, index)} by sample, {batch.size} of them"
    return ranked("sample", title, found, whole, "from no sample", digits)


def by_term(graph: Graph, node: Node, index: Index, digits: int) -> Parts:
    """Split by the terms that are added up in the result."""
    edges = terms(graph)
    if not edges:
        raise ExplainError(
            f"explain: {graph.result.name} is not a sum of terms: its last operation is "
            f"{graph.result.operation}. Split it by sample or by path."
        )
    whole = _whole(graph, node, index)
    found = []
    for i, edge in enumerate(edges):
        part = part_of(graph, edge, node)
        value = _at(part, index) if part is not None else whole * 0
        name = edge.source.name if edge.source.given_name else edge.source.expression
        found.append((name or edge.source.name, i, value, ()))
    return ranked("term", f"{_partial(graph, node, index)} by term", found, whole, "", digits)


def by_unit(graph: Graph, node: Node, index: Index, digits: int) -> Parts:
    """Split by the units of the first layer behind that several of pass the gradient on."""
    if index is None:
        sizes = ", ".join("0" * len(node.shape or (0,)))
        raise ExplainError(
            f"explain: choose an element of {node.name}, for example {node.name}[{sizes}]."
        )
    whole = _whole(graph, node, index)
    found = unit_parts(graph, node, index, _towards_result(graph, node))
    if found is None:
        raise ExplainError(
            f"explain: no layer with several units lies between {node.name} and "
            f"{graph.result.name}."
        )
    layer, parts = found
    title = f"{_partial(graph, node, index)} by unit of {layer.name} = {layer.expression}"
    entries: list[tuple[str, int, Tensor | float, tuple[float, ...]]] = [
        (f"unit {k}", k, value, ()) for k, value in enumerate(parts)
    ]
    return ranked("unit", title, entries, whole, f"around {layer.name}", digits)


def element_splits(graph: Graph, node: Node, index: tuple[int, ...], digits: int) -> list[Parts]:
    """By sample and by unit, where the graph has them."""
    found = []
    for split in (
        lambda: by_sample(graph, node, index, None, digits),
        lambda: by_unit(graph, node, index, digits),
    ):
        try:
            found.append(split())
        except ExplainError:
            continue
    return found


def _towards_result(graph: Graph, node: Node) -> list[Node]:
    """The nodes of the largest path, from `node` on."""
    weights = {
        e: _paths.weight_of(norm(e.contribution)) for e in graph.edges if e.contribution is not None
    }
    (way,) = _paths.best_ways(graph, weights, 1)[node]
    return [edge.target for edge in reversed(way.edges())]


def _factors(batch: Batch, node: Node, index: Index, n: int) -> tuple[float, ...]:
    """(gradient that arrives, local derivative), where one unit of the sample has all of it."""
    if index is None or len(node.consumers) != 1:
        return ()
    edge = node.consumers[0]
    gradient = edge.target.gradient
    if edge.target not in batch.carriers or gradient is None:
        return ()
    row = gradient * 0
    row[n] = 1
    reached = along(edge, row)
    units = gradient[n].reshape(-1)
    for place in range(units.numel() if reached is not None else 0):
        one = gradient * 0
        one[n].reshape(-1)[place] = 1
        local = along(edge, one)
        if local is not None and float(local[index].item()) != 0:
            return float(units[place].item()), float(local[index].item())
    return ()


def _whole(graph: Graph, node: Node, index: Index) -> Tensor | float:
    if node.gradient is None:
        raise ExplainError(f"explain: no gradient of {graph.result.name} reaches {node.name}.")
    return _at(node.gradient, index)


def _at(t: Tensor, index: Index) -> Tensor | float:
    if index is not None:
        return float(t[index].item())
    return t if t.numel() != 1 else float(t.item())


def _partial(graph: Graph, node: Node, index: Index) -> str:
    return f"∂{graph.result.name}/∂{node.name}{'' if index is None else list(index)}"
