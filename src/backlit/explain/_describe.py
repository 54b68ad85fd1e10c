"""Fills a graph with what people read: names, values, expressions, local derivatives."""

from __future__ import annotations

import itertools
from collections import Counter

from . import _engine, _matrix
from ._engine import Tensor
from ._forward import find_forward
from ._frames import Names
from ._graph import Edge, Graph, Node
from ._numbers import number
from ._source import Origin, origin_of

_LONGEST_NAME = 40
_MOST_ELEMENTS = 1 << 22  # of an operation's inputs, for it to be run again


def describe(graph: Graph, names: Names) -> None:
    """Names first: expressions and formulas are written with them."""
    _fill_values(graph, names)
    origins = _origins(graph)
    _fill_names(graph, names, origins)
    for node in graph:
        origin = origins.get(node)
        if origin is not None:
            node.location = origin.location
        if node.function is not None and node.kind in ("operation", "result"):
            _fill_operation(node, origin)
        _fill_type(node)


def describe_edges(graph: Graph) -> None:
    """Local derivatives: formula, numbers, value. Gradients are known by now."""
    for node in graph:
        if node.gradient is None or not node.inputs:
            continue
        elementwise = _engine.is_elementwise(node.function)
        for edge in node.inputs:
            if edge.source.kind == "constant":
                continue
            if elementwise:
                _fill_elementwise(edge)
            elif node.is_number:
                _fill_whole(edge)
            if not elementwise:
                edge.local_text = _matrix.local_rule(edge, graph.result)


# --- values ---


def _fill_values(graph: Graph, names: Names) -> None:
    for function in graph.functions:
        known = _engine.results(function)
        for output_nr, value in enumerate(known):
            node = graph.at(function, output_nr)
            if node is not None and node.value is None and value is not None:
                node.value = value.detach()
    for node in graph:
        if node.value is None and node.function is not None:
            t = names.tensors.get((id(node.function), node.output_nr))
            if t is not None:
                node.value = t.detach()
    for node in graph:
        if node.kind == "leaf" and node.value is None:
            node.value = node.function.variable.detach()
        elif node.kind == "constant" and node.value is None:
            node.value = _plain_number(node.consumers[0])
            node.is_literal = node.value is not None
        elif node.inputs:
            _find_constant(node, names)
            _fill_forward(node)


def _find_constant(node: Node, names: Names) -> None:
    """A constant that nobody kept may still be a variable of the program.

    A tensor of the program is taken for it when the operation gives this very result with it; its
    name, when it is the only one.
    """
    unknown = [edge for edge in node.inputs if edge.source.value is None]
    if node.value is None or len(unknown) != 1 or unknown[0].source.kind != "constant":
        return
    if not _engine.is_elementwise(node.function):
        return
    constant = unknown[0].source
    given: list[Tensor | None] = [None] * len(_engine.next_edges(node.function))
    for edge in node.inputs:
        given[edge.input] = edge.source.value
    fitting = []
    for key, t in names.tensors.items():
        if key[1] == -1:
            given[unknown[0].input] = t
            if _gives(node, given):
                fitting.append((names.found[key], t))
    if fitting:
        constant.value = fitting[0][1].detach()
        constant.name = fitting[0][0] if len(fitting) == 1 else ""


def _gives(node: Node, given: list[Tensor | None]) -> bool:
    try:
        with _engine.unrecorded():
            again = _engine.recompute(node.function, given)
    except (RuntimeError, TypeError):
        return False  # of another shape
    return tuple(again.shape) == tuple(node.value.shape) and bool(  # type: ignore[union-attr]
        (again == node.value).all().item()
    )


def _fill_forward(node: Node) -> None:
    """The operation as a function, and with it a value that nobody kept."""
    given: list[Tensor | None] = [None] * len(_engine.next_edges(node.function))
    for edge in node.inputs:
        given[edge.input] = edge.source.value
    node.order = tuple(range(len(given)))
    if sum(t.numel() for t in given if t is not None) > _MOST_ELEMENTS:
        return
    found = find_forward(node.function, node.output_nr, given)
    if found is None:
        return
    node.operation, node.forward, node.order = found
    if node.value is None and all(edge.source.value is not None for edge in node.inputs):
        with _engine.unrecorded():
            node.value = node.forward(*given)


def _plain_number(edge: Edge) -> Tensor | None:
    """The number of the program that this input is; the operation keeps it itself."""
    function = edge.target.function
    if not _engine.is_elementwise(function):
        return None
    found = _engine.constants(function).get(_engine.letters(function)[edge.input])
    return None if found is None else _engine.tensor_of(found)


def _fill_type(node: Node) -> None:
    if node.value is not None:
        node.shape, node.dtype = tuple(node.value.shape), str(node.value.dtype).rpartition(".")[2]
    elif node.function is not None:
        node.shape = _engine.output_shape(node.function, node.output_nr)
    elif node.consumers:
        edge = node.consumers[0]
        node.shape = _engine.input_shape(edge.target.function, edge.input)


# --- names ---


def _origins(graph: Graph) -> dict[Node, Origin]:
    """Where each value was computed; a line of a loop is looked up once."""
    known: dict[tuple[int, int], Origin] = {}
    found = {}
    for node in graph:
        place = _engine.location(node.function) if node.inputs else None
        if place is None:
            continue
        key = (id(place[0]), place[1])
        if key not in known:
            known[key] = origin_of(place)
        found[node] = known[key]
    return found


def _fill_names(graph: Graph, names: Names, origins: dict[Node, Origin]) -> None:
    for node in graph:
        if node.function is None:
            node.name = node.name or _constant_name(node, names)
        else:
            node.name = names.found.get((id(node.function), node.output_nr), "")
            node.module = _module_of(node, names)
        if not node.name and node in origins and len(node.consumers) + len(node.inputs):
            node.name = origins[node].target
        if len(node.name) > _LONGEST_NAME:
            node.name = ""
        node.given_name = bool(node.name)
    for node, origin in origins.items():
        _name_constant(node, origin)
    _number_repeated(graph)
    taken = {node.name for node in graph}
    fresh = {prefix: _unused(prefix, taken) for prefix in ("v", "c", "p")}
    for node in graph:
        if not node.name:
            prefix = "c" if node.kind == "constant" else "p" if node.kind == "leaf" else "v"
            node.name = next(fresh[prefix])
    if not graph.result.given_name:
        graph.result.name = "result" if "result" not in taken else graph.result.name


def _name_constant(node: Node, origin: Origin) -> None:
    """The one constant without a name is the one operand that the source names and nobody is."""
    unnamed = [edge.source for edge in node.inputs if not edge.source.name]
    others = {edge.source.name for edge in node.inputs}
    left = [name for name in origin.operands if name not in others]
    if len(left) == 1 and len(unnamed) == 1 and unnamed[0].kind == "constant":
        unnamed[0].name, unnamed[0].given_name = left[0], True


def _unused(prefix: str, taken: set[str]) -> itertools.filterfalse[str]:
    return itertools.filterfalse(taken.__contains__, (f"{prefix}{i}" for i in itertools.count(1)))


def _number_repeated(graph: Graph) -> None:
    """`h` of each turn of a loop becomes h#1, h#2, ..."""
    repeated = {
        name
        for name, times in Counter(n.name for n in graph if not n.is_literal).items()
        if name and times > 1
    }
    turns: Counter[str] = Counter()
    for node in graph:
        if node.name in repeated and not node.is_literal:
            turns[node.name] += 1
            node.name = f"{node.name}#{turns[node.name]}"


def _constant_name(node: Node, names: Names) -> str:
    if node.value is None:
        return ""
    if node.is_literal:
        return number(float(node.value.item()), 6)
    for key, t in names.tensors.items():
        if key[1] == -1 and t.data_ptr() == node.value.data_ptr() and t.shape == node.value.shape:
            return names.found[key]
    return ""


def _module_of(node: Node, names: Names) -> str:
    """Where a trace noted it; else the module whose parameter the operation reads."""
    noted = "" if not node.inputs else _engine.module(node.function)
    if noted:
        return noted
    keys = [(id(node.function), node.output_nr)]
    keys += [(id(e.source.function), e.source.output_nr) for e in node.inputs if e.source.function]
    return next((names.owners[key] for key in keys if key in names.owners), "")


# --- expressions and local derivatives ---


def _letter_names(node: Node, latex: bool = False) -> dict[str, str]:
    names = {"y": node.name}
    for edge in node.inputs:
        names[_engine.letters(node.function)[edge.input]] = edge.source.name
    return names


def _letter_values(node: Node) -> dict[str, float]:
    """Numbers for the letters; only of single numbers that are known."""
    values = {}
    if node.is_number and node.value is not None:
        values["y"] = float(node.value.item())
    for edge in node.inputs:
        if edge.source.is_number and edge.source.value is not None:
            letter = _engine.letters(node.function)[edge.input]
            values[letter] = float(edge.source.value.item())
    return values


def _fill_operation(node: Node, origin: Origin | None) -> None:
    node.operation = node.operation or _engine.operation(node.function)
    node.formula = _engine.formula(node.function, node.operation)
    if _engine.is_elementwise(node.function):
        names = _letter_names(node)
        node.expression = _engine.value_text(node.function, names) or ""
        node.latex = _engine.value_text(node.function, names, latex=True) or ""
        return
    node.gradient_formula = _engine.gradient_formula(node.function, node.operation)
    by_place = {edge.input: edge.source.name for edge in node.inputs}
    inputs = [by_place[i] for i in node.order if i in by_place]
    node.expression = f"{node.operation}({', '.join(inputs)})"


def _fill_elementwise(edge: Edge) -> None:
    node, i = edge.target, edge.input
    edge.local = _engine.local(node.function, i)
    edge.local_text = _engine.local_text(node.function, i, names=_letter_names(node)) or ""
    edge.local_latex = (
        _engine.local_text(node.function, i, names=_letter_names(node), latex=True) or ""
    )
    if node.is_number and edge.source.is_number:
        values = _letter_values(node)
        edge.local_numbers = _engine.local_text(node.function, i, values=values) or ""
        if edge.local is not None:
            edge.local = edge.local.reshape(())
            if float(edge.local.item()) == 0:
                edge.note = _why_zero(edge, values)


def _fill_whole(edge: Edge) -> None:
    """The derivative of a single number is a tensor in the shape of the input."""
    target = edge.target
    assert target.value is not None or target.gradient is not None
    like = target.gradient
    if like is None:
        return
    grads: list[Tensor | None] = [None] * _engine.outputs(target.function)
    grads[target.output_nr] = like.new_ones(like.shape)
    edge.local = _engine.vjp(target.function, grads)[edge.input]


def _why_zero(edge: Edge, values: dict[str, float]) -> str:
    """`relu: x = -0.3 < 0`: which numbers made the local derivative zero."""
    node = edge.target
    parts = []
    for other in node.inputs:
        letter = _engine.letters(node.function)[other.input]
        if letter in values:
            below = " < 0" if values[letter] < 0 and len(node.inputs) == 1 else ""
            parts.append(f"{other.source.name} = {number(values[letter])}{below}")
    return f"{node.operation}: {', '.join(parts)}" if parts else node.operation
