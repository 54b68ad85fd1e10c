"""The explanation as a document for JSON; docs/explain.md describes it field by field."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ._engine import Tensor
from ._graph import Edge, Node
from ._variables import Check, PathTerm, Variable
from ._words import Words

if TYPE_CHECKING:
    from ._explanation import Explanation

SCHEMA = "backlit.explanation/1"
_WHOLE = 64  # elements up to which a tensor is written out
_CORNER = 4  # rows and columns of the corner of a larger one
_HEAT = 24  # rows and columns of its heat map, at most


def document(explanation: Explanation) -> dict[str, Any]:
    """Everything that the text says, and the graph."""
    from .. import __version__

    graph, words = explanation.graph, Words(explanation)
    return {
        "schema": SCHEMA,
        "backlit": __version__,
        "options": explanation.options,
        "title": words.title(),
        "result": graph.result.id,
        "nodes": [_node(node) for node in graph],
        "edges": [_edge(edge) for edge in graph.edges],
        "variables": [_variable(variable, words) for variable in explanation.variables],
        "order": {
            "forward": [node.id for node in graph],
            "backward": [node.id for node in reversed(graph) if node.gradient is not None],
        },
    }


def value(t: Tensor | float | None, heat: bool = False) -> Any:
    """A number, a nested list of small tensors, a summary of large ones; None is null."""
    if t is None or isinstance(t, (float, int)):
        return plain(t)
    if t.numel() <= _WHOLE:
        return plain(t.tolist())
    return _summary(t, heat)


def plain(x: Any) -> Any:
    """JSON has no infinity and no NaN: they become the strings "inf", "-inf", "nan"."""
    if isinstance(x, list):
        return [plain(item) for item in x]
    if isinstance(x, float) and not math.isfinite(x):
        return str(x)
    return x


def _summary(t: Tensor, heat: bool) -> dict[str, Any]:
    flat = t.detach().reshape(-1)
    rows = t.reshape(t.shape[0], -1) if t.dim() > 1 else flat.reshape(1, -1)
    return {
        "shape": list(t.shape),
        "min": plain(flat.min().item()),
        "max": plain(flat.max().item()),
        "mean": plain(flat.double().mean().item()),
        "norm": plain(flat.double().norm().item()),
        "zeros": int((flat == 0).sum().item()),
        "nan": int(flat.isnan().sum().item()) if flat.is_floating_point() else 0,
        "corner": plain(rows[:_CORNER, :_CORNER].tolist()),
        "heat": _heat(rows) if heat else None,
    }


def _heat(rows: Tensor) -> list[list[Any]]:
    """Picks evenly spaced rows and columns, three digits each: a small picture of the tensor."""
    picked = rows[_spread(rows.shape[0])][:, _spread(rows.shape[1])]
    return [[plain(_short(x)) for x in row] for row in picked.double().tolist()]


def _spread(size: int) -> list[int]:
    if size <= _HEAT:
        return list(range(size))
    return [i * size // _HEAT for i in range(_HEAT)]


def _short(x: float) -> float:
    return float(f"{x:.3g}")


def _node(node: Node) -> dict[str, Any]:
    place = node.location
    return {
        "id": node.id,
        "name": node.name,
        "named": node.given_name,
        "kind": node.kind,
        "literal": node.is_literal,
        "operation": node.operation,
        "formula": node.formula,
        "expression": node.expression,
        "latex": node.latex,
        "shape": None if node.shape is None else list(node.shape),
        "dtype": node.dtype,
        "value": value(node.value, heat=True),
        "gradient": value(node.gradient, heat=True),
        "location": None
        if place is None
        else {
            "file": place.file,
            "line": place.line,
            "source": place.source,
            "function": place.function,
        },
        "module": node.module,
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "id": edge.id,
        "from": edge.source.id,
        "to": edge.target.id,
        "input": edge.input,
        "local": {
            "formula": edge.local_text,
            "numbers": edge.local_numbers,
            "latex": edge.local_latex,
            "value": value(edge.local),
            "note": edge.note,
        },
        "contribution": value(edge.contribution),
    }


def _variable(variable: Variable, words: Words) -> dict[str, Any]:
    return {
        "node": variable.node.id,
        "name": variable.node.name,
        "element": None if variable.index is None else list(variable.index),
        "title": words.variable_title(variable),
        "gradient": value(variable.gradient),
        "path_count": str(variable.path_count),
        "paths": [_path(variable, path, words) for path in variable.paths],
        "remainder": value(variable.remainder),
        "total": value(variable.total),
        "text": words.sum_lines(variable),
        "splits": [split.to_dict() for split in variable.splits],
        "checks": [_check(variable, check, words) for check in variable.checks],
    }


def _path(variable: Variable, path: PathTerm, words: Words) -> dict[str, Any]:
    nodes = [path.edges[0].target.id] if path.edges else []
    return {
        "nodes": nodes + [edge.source.id for edge in path.edges],
        "edges": [edge.id for edge in path.edges],
        "factors": plain(path.factors),
        "product": value(path.product),
        "size": plain(path.size),
        "text": [words.route(path), *words.product_lines(variable, path)],
    }


def _check(variable: Variable, check: Check, words: Words) -> dict[str, Any]:
    return {
        "what": check.what,
        "value": value(check.value),
        "difference": plain(check.difference),
        "ulps": plain(check.ulps),
        "agrees": check.agrees,
        "note": check.note,
        "text": words.check_line(variable, check)[0],
    }
