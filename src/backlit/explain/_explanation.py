"""`explain`: collects the graph, the gradients and the paths into an Explanation."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import _engine, _frames
from ._describe import describe, describe_edges
from ._differences import check_differences
from ._element import check_index, element_of
from ._engine import ExplainError, Tensor
from ._files import write
from ._flowback import propagate
from ._graph import Graph, Node
from ._splits import element_splits
from ._variables import PathFinder, Variable, check_engine

if TYPE_CHECKING:
    from ._flow import Flow
    from ._parts import Parts

_MOST_PATHS = 400  # listed in all
_MOST_RERUN = 10_000  # nodes that finite differences run again, three times each

Wanted = tuple[Node, tuple[int, ...] | None]  # a variable, or one of its elements


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

    def by_sample(self, wrt: Any = None, batch_size: int | None = None) -> Parts:
        """The samples of the batch, ranked by their part in the gradient of one variable.

        Args:
            wrt: a tensor, an element of one, or a name; may be left out when one was explained.
            batch_size: the number of samples; found by itself where the result says it.

        Returns:
            The parts, which add up to the gradient.
        """
        from ._splits import by_sample

        with _engine.unrecorded():
            return by_sample(self.graph, *self._one(wrt), batch_size, self.digits)

    def by_term(self, wrt: Any = None) -> Parts:
        """The terms added up in the result, ranked by their part in one variable's gradient."""
        from ._splits import by_term

        with _engine.unrecorded():
            return by_term(self.graph, *self._one(wrt), self.digits)

    def by_unit(self, wrt: Any = None) -> Parts:
        """The units of the next layer through which the gradient of one element comes."""
        from ._splits import by_unit

        with _engine.unrecorded():
            return by_unit(self.graph, *self._one(wrt), self.digits)

    def flow(self) -> Flow:
        """Why gradients are small, zero or huge: what each node does to them on the way back."""
        from ._flow import flow_of

        with _engine.unrecorded():
            return flow_of(self.graph, [variable.node for variable in self.variables])

    def _one(self, wrt: Any) -> Wanted:
        """The one variable that is meant."""
        if wrt is None:
            if len(self.variables) != 1:
                names = ", ".join(v.node.name for v in self.variables[:8])
                raise ExplainError(f"explain: say for which variable: {names}.")
            return self.variables[0].node, self.variables[0].index
        return _find(self.graph, wrt)

    def to_text(self, color: bool = False, width: int = 80) -> str:
        """What `print` shows."""
        from ._text import to_text

        return to_text(self, color, width)

    def to_markdown(self) -> str:
        """The tables, and the derivations as LaTeX between dollar signs."""
        from ._markdown import to_markdown

        return to_markdown(self)

    def to_latex(self) -> str:
        """A LaTeX document."""
        from ._latex import to_latex

        return to_latex(self)

    def to_html(self) -> str:
        """One page without anything to load: the graph, step by step."""
        from ._page import render

        return render(self.to_dict())

    def to_svg(self) -> str:
        """A drawing of the graph with its values and local gradients."""
        from ._figure import Figure

        return Figure(self.to_dict()).svg()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the form that the suffix names: .html .svg .tex .md .json .txt."""
        forms = {
            ".html": self.to_html,
            ".svg": self.to_svg,
            ".tex": self.to_latex,
            ".md": self.to_markdown,
            ".json": self.to_json,
            ".txt": self.to_text,
        }
        write(path, forms)

    def _repr_html_(self) -> str:
        """For notebooks: the page in a frame of its own."""
        from ._notebook import explanation_html

        return explanation_html(self)

    def _repr_latex_(self) -> str:
        """For notebooks without HTML: the derivations."""
        from ._latex import derivation
        from ._words import Words

        words = Words(self)
        return "\n".join(f"$$\n{derivation(words, v)}\n$$" for v in self.variables)

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
    at: Sequence[int] | None = None,
    max_paths: int = 8,
    gradient: Tensor | None = None,
    digits: int = 4,
    check: bool = True,
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
        at: the index of an element of `wrt`, as another way to say ``wrt[2, 3]``.
        max_paths: how many paths to list per variable; all are counted and summed. Fewer are
            listed when there are hundreds of variables.
        gradient: what flows into `result`; one by default.
        digits: behind the point, when numbers are written.
        check: also by finite differences, which runs the recorded operations again.
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
    _check_result(result, gradient)
    if scopes is None:
        scopes = _frames.scopes_of(_frames.user_frames())
    names = _frames.names_in(scopes)
    return explain_in(
        result,
        wrt,
        names,
        at=at,
        max_paths=max_paths,
        gradient=gradient,
        digits=digits,
        check=check,
    )


def explain_in(
    result: Tensor,
    wrt: Any,
    names: _frames.Names,
    *,
    at: Sequence[int] | None = None,
    max_paths: int = 8,
    gradient: Tensor | None = None,
    digits: int = 4,
    check: bool = True,
    values: Mapping[int, Tensor] | None = None,
) -> Explanation:
    """`explain` with the names that are known, and values of leaves that have changed since."""
    _check_result(result, gradient)
    seed = result.detach().new_ones(result.shape) if gradient is None else gradient.detach()
    graph = Graph(result, values)
    describe(graph, names)
    _check_real(graph)
    wanted = _wanted(graph, wrt, at)
    max_paths = max(1, min(max_paths, _MOST_PATHS // max(1, len(wanted))))
    with _engine.unrecorded():
        variables = _solve(graph, seed, wanted, max_paths, digits)
        _check_engine(result, gradient, variables)
        if check:
            _check_differences(graph, seed, variables)
    return Explanation(graph, variables, {"max_paths": max_paths, "digits": digits})


def _solve(
    graph: Graph, seed: Tensor, wanted: list[Wanted], max_paths: int, digits: int
) -> list[Variable]:
    """Gradients and local derivatives into the graph; the variables' paths."""
    gradients, contributions = propagate(graph, {graph.result: seed})
    for node, g in gradients.items():
        node.gradient = g
    for edge, part in contributions.items():
        edge.contribution = part
    describe_edges(graph)
    finder = PathFinder(graph, seed, max_paths)
    variables = [finder.variable(node, index) for node, index in wanted]
    for variable in variables:
        if variable.index is not None:
            variable.splits = element_splits(graph, variable.node, variable.index, digits)
    return variables


def _check_result(result: Any, gradient: Tensor | None) -> None:
    """Raise where there is nothing to explain."""
    if not isinstance(result, Tensor):
        raise TypeError(f"explain: expected a tensor to explain, got {type(result).__name__}.")
    if result.is_complex():
        raise ExplainError(
            "explain: the result is complex, and explanations are of real numbers only. Write the "
            "computation with real tensors, or call backward() for the gradients."
        )
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
    elif result.numel() != 1:
        raise ExplainError(
            f"explain: the result has {result.numel()} elements (shape {tuple(result.shape)}). "
            "Explain one of them or a sum, for example explain(y.sum()), or pass gradient=."
        )


def _check_real(graph: Graph) -> None:
    """Raise where a value is complex: its gradient is no product of numbers along paths."""
    found = next((node for node in graph if node.dtype.startswith("complex")), None)
    if found is not None:
        raise ExplainError(
            f"explain: {found.name} is a {found.dtype} tensor, and explanations are of real "
            "numbers only. Write the computation with real tensors, or call backward()."
        )


def _wanted(graph: Graph, wrt: Any, at: Sequence[int] | None) -> list[Wanted]:
    if wrt is None and at is None:
        return [(node, None) for node in graph.leaves]
    asked = wrt if isinstance(wrt, (list, tuple)) else [wrt]
    found = [_find(graph, one) for one in asked]
    if at is None:
        return found
    if len(found) != 1:
        raise ExplainError("explain: at= chooses an element of one variable; say which: wrt=.")
    return [(found[0][0], check_index(found[0][0], tuple(at)))]


def _find(graph: Graph, one: Any) -> Wanted:
    if isinstance(one, str):
        node = graph.find(one)
        if node is None:
            raise ExplainError(_unknown(one, graph))
        return node, None
    if not isinstance(one, Tensor):
        raise TypeError(f"explain: expected a tensor or its name, got {type(one).__name__}.")
    node = graph.of(one)
    if node is not None and node.kind != "constant":
        return node, None
    element = element_of(graph, one) if one.grad_fn is not None else None
    if element is None:
        raise ExplainError(_not_in(one, graph))
    return element


def _unknown(name: str, graph: Graph) -> str:
    import difflib

    names = [node.name for node in graph if node.function is not None]
    close = difflib.get_close_matches(name, names, n=3)
    shown = list(dict.fromkeys([*close, *names]))[:8]
    return f"explain: no value of this graph is called {name!r}. It has {', '.join(shown)}."


def _not_in(t: Tensor, graph: Graph) -> str:
    if not t.requires_grad:
        return (
            "explain: this tensor does not require grad, so no gradient reaches it. "
            "Set requires_grad=True before the computation."
        )
    leaves = ", ".join(node.name for node in graph.leaves[:8])
    return f"explain: {graph.result.name} was not computed from this tensor, only from {leaves}."


def _check_differences(graph: Graph, seed: Tensor, variables: list[Variable]) -> None:
    """Each variable beside finite differences, unless that is the work of minutes."""
    for i, variable in enumerate(variables):
        if i * len(graph) < _MOST_RERUN:
            variable.checks.append(check_differences(graph, variable, seed))


def _check_engine(result: Tensor, gradient: Tensor | None, variables: list[Variable]) -> None:
    """Each variable beside what the engine gives."""
    if not variables:
        return
    edges = [_engine.edge_of(v.node.function, v.node.output_nr) for v in variables]
    found = _engine.engine_gradients(result, edges, gradient)
    for variable, engine in zip(variables, found, strict=True):
        variable.checks.append(check_engine(variable, engine))
