"""`explain`: collects the graph, the gradients and the paths into an Explanation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import _engine, _frames
from ._describe import describe, describe_edges
from ._engine import ExplainError, Tensor
from ._flowback import propagate
from ._graph import Graph, Node
from ._variables import PathFinder, Variable, check_engine


class Explanation:
    """How a result's gradients come about; `print` it, `save` it, or read its parts.

    Attributes:
        graph: every value of the computation, with its gradient.
        variables: per variable that was asked for its paths, their sum and the checks.
        digits: behind the point, when numbers are written.
    """

    def __init__(self, graph: Graph, variables: list[Variable], options: dict[str, Any]) -> None:
        self.graph, self.variables, self.options = graph, variables, options
        self.digits: int = options["digits"]

    def __str__(self) -> str:
        from ._text import to_text

        return to_text(self)

    def __repr__(self) -> str:
        names = ", ".join(v.node.name for v in self.variables[:8])
        return f"<Explanation of {self.graph.result.name} by {names or 'no variable'}>"

    def __getitem__(self, name: str) -> Variable:
        """The variable of this name."""
        for variable in self.variables:
            if variable.node.name == name:
                return variable
        raise KeyError(_unknown(name, self.graph))

    def to_dict(self) -> dict[str, Any]:
        """The document that docs/explain.md describes, ready for JSON."""
        from ._json import document

        return document(self)

    def to_json(self, indent: int | None = None) -> str:
        """The document as text."""
        import json

        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)


def explain(
    result: Tensor,
    wrt: Any = None,
    *,
    max_paths: int = 8,
    gradient: Tensor | None = None,
    digits: int = 4,
    scopes: Iterable[Mapping[str, Any]] | None = None,
) -> Explanation:
    """Show how the gradient of `result` comes about, step by step.

    Changes no `.grad` and frees nothing; works before backward, and after
    ``backward(retain_graph=True)``.

    Args:
        result: a single number computed from tensors that require grad, or any such tensor with
            `gradient`.
        wrt: a tensor, an element of one (``W[2, 3]``), a name, or several of them; every leaf by
            default.
        max_paths: how many paths to list per variable; all are counted and summed.
        gradient: what flows into `result`; one by default.
        digits: behind the point, when numbers are written.
        scopes: dictionaries to look up names in, innermost first; by default the variables of the
            calling functions.

    Raises:
        ExplainError: where there is nothing to explain, or no longer; the message says what to do.

    Example:
        >>> import backlit as torch
        >>> w = torch.tensor(1.0, requires_grad=True)
        >>> loss = (w * 1.0 - 2.0) ** 2
        >>> torch.explain(loss, w)["w"].gradient
        tensor(-2.)
    """
    seed = _seed(result, gradient)
    if scopes is None:
        scopes = _frames.scopes_of(_frames.user_frames())
    names = _frames.names_in(scopes)
    graph = Graph(result)
    describe(graph, names)
    with _engine.unrecorded():
        gradients, contributions = propagate(graph, {graph.result: seed})
        for node, g in gradients.items():
            node.gradient = g
        for edge, g in contributions.items():
            edge.contribution = g
        describe_edges(graph)
        wanted = _wanted(graph, wrt)
        finder = PathFinder(graph, seed, max_paths)
        variables = [finder.variable(node) for node in wanted]
    _check(result, gradient, variables)
    return Explanation(graph, variables, {"max_paths": max_paths, "digits": digits})


def _seed(result: Any, gradient: Tensor | None) -> Tensor:
    if not isinstance(result, Tensor):
        raise TypeError(f"explain: expected a tensor to explain, got {type(result).__name__}.")
    if not result.is_floating_point():
        raise ExplainError(
            f"explain: a tensor of dtype {str(result.dtype).rpartition('.')[2]} has no gradient. "
            "Explain a floating-point result."
        )
    if not result.requires_grad:
        raise ExplainError(
            "explain: this tensor has no graph, because nothing that it was computed from requires "
            "grad. Set requires_grad=True on a variable, and compute the result outside of "
            "no_grad()."
        )
    if gradient is not None:
        if tuple(gradient.shape) != tuple(result.shape):
            raise ExplainError(
                f"explain: gradient has shape {tuple(gradient.shape)}, and the result "
                f"{tuple(result.shape)}. Pass one of the result's shape."
            )
        return gradient.detach()
    if result.numel() != 1:
        raise ExplainError(
            f"explain: the result has {result.numel()} elements (shape {tuple(result.shape)}). "
            "Explain one of them or a sum, for example explain(y.sum()), or pass gradient=."
        )
    return result.detach().new_ones(result.shape)


def _wanted(graph: Graph, wrt: Any) -> list[Node]:
    if wrt is None:
        return graph.leaves
    asked = wrt if isinstance(wrt, Sequence) and not isinstance(wrt, str) else [wrt]
    return [_find(graph, one) for one in asked]


def _find(graph: Graph, one: Any) -> Node:
    if isinstance(one, str):
        node = graph.find(one)
        if node is None:
            raise ExplainError(_unknown(one, graph))
        return node
    if not isinstance(one, Tensor):
        raise TypeError(f"explain: expected a tensor or its name, got {type(one).__name__}.")
    node = graph.of(one)
    if node is None or node.kind == "constant":
        raise ExplainError(_not_in(one, graph))
    return node


def _unknown(name: str, graph: Graph) -> str:
    import difflib

    names = [node.name for node in graph if node.gradient is not None]
    close = difflib.get_close_matches(name, names, n=3) or names[:8]
    return f"explain: no value of this graph is called {name!r}. It has {', '.join(close)}."


def _not_in(t: Tensor, graph: Graph) -> str:
    if not t.requires_grad:
        return (
            "explain: this tensor does not require grad, so no gradient reaches it. "
            "Set requires_grad=True before the computation."
        )
    leaves = ", ".join(node.name for node in graph.leaves[:8])
    return f"explain: {graph.result.name} was not computed from this tensor, only from {leaves}."


def _check(result: Tensor, gradient: Tensor | None, variables: list[Variable]) -> None:
    """Each variable beside what the engine gives."""
    if not variables:
        return
    edges = [_engine.edge_of(v.node.function, v.node.output_nr) for v in variables]
    found = _engine.engine_gradients(result, edges, gradient)
    for variable, engine in zip(variables, found, strict=True):
        variable.checks.append(check_engine(variable, engine))
