"""What an explanation says, as titles, tables and lines: text and Markdown print the same words."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from . import _matrix, _numbers
from ._engine import Tensor
from ._graph import Edge, Node
from ._tensors import brief, lines_of
from ._variables import Check, PathTerm, Variable

if TYPE_CHECKING:
    from ._explanation import Explanation

_MOST_ROWS = 40  # of a table
_LONG_PATH = 10  # edges; of longer ones the two ends are shown
_ENDS = 4
_WIDTH = 76
_MOST_VARIABLES = 16
_BLOCK = 16  # elements of a matrix that a table shows whole
_CELL = 34  # characters of its lines, at most


class Column(NamedTuple):
    """A column of a table."""

    title: str
    right: bool = False


@dataclass
class Section:
    """A table with a title, and lines after it."""

    title: str
    columns: list[Column]
    rows: list[list[str]] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


class Words:
    """The words of one explanation."""

    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation
        self.graph = explanation.graph
        self.digits = explanation.digits
        self.result = explanation.graph.result

    # --- the whole ---

    def title(self) -> str:
        """What is explained, and the answer where it is one number."""
        variables = self.explanation.variables
        if len(variables) == 1:
            return f"{self.partial(variables[0])} = {self.brief(variables[0].gradient, 50)}"
        return f"The gradients of {self.result.name} = {self.brief(self.result.value, 50)}"

    def subtitle(self) -> list[str]:
        """How large the computation is, when it does not show."""
        shown = len(self.shown_nodes())
        if shown == len(self.graph):
            return []
        return [f"{len(self.graph)} values; the {shown} on the paths below are shown."]

    def forward(self) -> Section:
        """Every value, with what it was computed from."""
        nodes = self.shown_nodes()
        files = sorted({node.location.file for node in nodes if node.location})
        with_lines = bool(files)
        columns = [Column("name"), Column("computed as"), Column("value", right=True)]
        section = Section(
            "1. Forward: values, each computed from those above it",
            columns + ([Column("line")] if with_lines else []),
        )
        for node in nodes:
            if node.is_literal:
                continue  # it stands in the expressions
            line = [self._line(node, len(files) > 1)] if with_lines else []
            section.rows.append([node.name, self._made(node), self._cell(node.value), *line])
        if len(files) == 1:
            section.after.append(f"The lines are those of {os.path.basename(files[0])}.")
        if any(node.value is None and row_needs(node) for node in nodes):
            section.after.append(
                "not computed: nobody kept it. Run the program `with backlit.trace():` to keep all."
            )
        return section

    def locals(self) -> Section:
        """Every local derivative on the paths, as formula and with numbers."""
        section = Section(
            "2. Local gradients: how each value changes with its inputs",
            [Column("local gradient"), Column("formula"), Column("numbers"), Column("value", True)],
        )
        for edge in self.shown_edges()[:_MOST_ROWS]:
            numbers = edge.local_numbers if edge.local_numbers != edge.local_text else ""
            value = self._cell(edge.local) if edge.local is not None else ""
            numbers = "" if numbers == value else numbers
            formula = "" if edge.local_text == value else edge.local_text
            numbers = "" if formula.isidentifier() else numbers
            if edge.note:
                numbers = f"{numbers} ({edge.note})" if numbers else edge.note
            section.rows.append([local_name(edge), formula, numbers, value])
        if not any(row[2] for row in section.rows):
            section.columns.pop(2)
            for row in section.rows:
                row.pop(2)
        return section

    def variables(self) -> list[Variable]:
        """Those that are shown: a text with hundreds is read by nobody."""
        return self.explanation.variables[:_MOST_VARIABLES]

    def left_out(self) -> list[str]:
        """Says that there are more."""
        hidden = self.explanation.variables[_MOST_VARIABLES:]
        if not hidden:
            return []
        some = ", ".join(variable.node.name for variable in hidden[:3])
        return [
            f"{_numbers.plural(len(hidden), 'more variable')}: explain one by name ({some}, …)."
        ]

    # --- one variable ---

    def chain_title(self) -> str:
        """The heading of the last part."""
        return "3. Chain rule: multiply along each path, add up the paths"

    def variable_title(self, variable: Variable) -> str:
        """The heading of one variable."""
        return f"{self.partial(variable)} = {self.brief(variable.gradient, 50)}"

    def variable_intro(self, variable: Variable) -> list[str]:
        """How many paths there are."""
        listed = len(variable.paths)
        if variable.path_count == 0:
            return [f"No path leads from {self.result.name} to {variable.node.name}."]
        if variable.path_count == 1:
            return []
        many = f"{_numbers.plural(variable.path_count, 'path')} from {self.result.name} back to "
        rest = f"; the largest {listed}:" if listed < variable.path_count else ":"
        return [many + variable.node.name + rest]

    def route(self, term: PathTerm) -> str:
        """`loss → s → y_hat → w`."""
        nodes = [self.result] + [edge.source for edge in term.edges]
        names = [node.name for node in nodes]
        if len(names) > _LONG_PATH:
            hidden = len(names) - 2 * _ENDS
            names = [*names[:_ENDS], f"({hidden} more)", *names[-_ENDS:]]
        return " → ".join(names)

    def short_route(self, term: PathTerm) -> str:
        """The same in few characters."""
        route = self.route(term).split(" → ")
        return ", ".join(route if len(route) <= 5 else [*route[:2], "…", *route[-2:]])

    def product_lines(self, variable: Variable, term: PathTerm) -> list[str]:
        """The product along a path: as derivatives, as numbers, and what it comes to."""
        if term.factors is None:
            return self._tensor_lines(variable, term)
        if len(term.edges) > _LONG_PATH:
            first = _numbers.product(term.factors[:_ENDS], self.digits)
            last = _numbers.product(term.factors[-_ENDS:], self.digits)
            hidden = len(term.factors) - 2 * _ENDS
            return [f"{first} · ({hidden} more) · {last}", f"= {self.brief(term.product)}"]
        seed = self.result.gradient
        factors, names = term.factors, [local_name(edge) for edge in term.edges]
        if seed is not None and float(seed.item()) != 1:
            factors, names = [float(seed.item()), *factors], ["(incoming gradient)", *names]
        symbols = " · ".join(names)
        if not term.factors:
            return [f"{self.brief(term.product)}"]
        numbers = _numbers.product(factors, self.digits)
        lines = self.wrapped(symbols, " · ", 2)
        if len(factors) > 1:
            lines += self.wrapped(f"= {numbers}", " · ", 2)
        return [*lines, f"= {self.brief(term.product)}"]

    def _tensor_lines(self, variable: Variable, term: PathTerm) -> list[str]:
        lines = []
        if len(term.edges) <= _LONG_PATH:
            symbols = _matrix.ONE
            for edge in term.edges:
                symbols = _matrix.along(edge, symbols)
            lines = self.wrapped(symbols, " ", 2)
        block = lines_of(term.product, self.digits)
        return [*lines, f"= {block[0]}", *("  " + line for line in block[1:])]

    def sum_lines(self, variable: Variable) -> list[str]:
        """The sum over the paths."""
        if variable.path_count <= 1 or variable.gradient is None:
            return []
        partial = self.partial(variable)
        if not isinstance(variable.remainder, float) or not variable.is_number:
            return [f"sum: {partial} = {self.brief(variable.gradient, 60)}"]
        terms = [t.product for t in variable.paths if isinstance(t.product, float)]
        text = " + ".join(_numbers.factor(x, self.digits) for x in terms)
        if len(terms) < variable.path_count:
            rest = _numbers.count(variable.path_count - len(terms))
            text += f" + {self.brief(variable.remainder)} (the other {rest} paths)"
        lines = self.wrapped(f"sum: {partial} = {text}", " + ", 5)
        return [*lines, f"     = {self.brief(variable.total)}"]

    def check_line(self, variable: Variable, check: Check) -> tuple[str, bool | None]:
        """A check in words, and whether it agrees."""
        what = f"check: {check.what}"
        if check.agrees is None:
            told = "not computed" if check.value is None else self.brief(check.value, 40)
            return f"{what}: {told}. {check.note}", None
        value = self.brief(check.value, 40)
        said = f"{what}: {value}"
        if check.note and isinstance(check.value, float):
            said = f"{what}: {check.note} is {value}, the gradient's length"
        if not check.agrees:
            return f"{said}. This is NOT THE SAME: the difference is {check.difference:.3g}", False
        if not check.difference:
            return f"{said}, the same to the last bit", True
        if check.ulps is not None:
            return f"{said}, the same up to rounding ({check.ulps:.2g} ulp)", True
        return f"{said}, difference {check.difference:.0e}", True

    # --- parts ---

    def partial(self, variable: Variable) -> str:
        """`∂loss/∂w`, with the element."""
        index = "" if variable.index is None else str(list(variable.index))
        return f"∂{self.result.name}/∂{variable.node.name}{index}"

    def brief(self, value: object, width: int = 30) -> str:
        """A value on one line."""
        return brief(value, self.digits, width)  # type: ignore[arg-type]

    def _cell(self, value: Tensor | None) -> str:
        """Small matrices as lines below each other; wide ones would leave the names no room."""
        if value is not None and value.dim() == 2 and 1 < value.numel() <= _BLOCK:
            lines = lines_of(value, self.digits)
            if max(map(len, lines)) <= _CELL:
                return "\n".join(lines)
        return self.brief(value)

    def wrapped(self, text: str, at: str, indent: int) -> list[str]:
        """Lines of at most 76 characters, broken after `at`."""
        lines, current = [], ""
        for i, piece in enumerate(text.split(at)):
            joined = piece if i == 0 else current + at + piece
            if len(joined) > _WIDTH and current.strip():
                lines.append(current + at.rstrip())
                joined = " " * indent + piece
            current = joined
        return [*lines, current]

    def _made(self, node: Node) -> str:
        if node.kind == "leaf":
            return "variable"
        if node.kind == "constant":
            return "constant"
        return node.expression

    def _line(self, node: Node, with_file: bool) -> str:
        if node.location is None:
            return ""
        if not with_file:
            return str(node.location.line)
        return f"{os.path.basename(node.location.file)}:{node.location.line}"

    def shown_edges(self) -> list[Edge]:
        """The edges of the listed paths, in the order of the chain rule."""
        seen: dict[Edge, None] = {}
        for variable in self.variables():
            for term in variable.paths:
                for edge in term.edges:
                    seen.setdefault(edge)
        place = {node: i for i, node in enumerate(self.graph)}
        return sorted(seen, key=lambda e: (-place[e.target], e.input))

    def shown_nodes(self) -> list[Node]:
        if len(self.graph) <= _MOST_ROWS:
            return self.graph.nodes
        shown = {self.result}
        for edge in self.shown_edges()[:_MOST_ROWS]:
            shown.update((edge.source, edge.target))
        return [node for node in self.graph if node in shown]


def row_needs(node: Node) -> bool:
    """Is a missing value worth a word?"""
    return node.kind != "constant" or node.given_name


def local_name(edge: Edge) -> str:
    """`∂s/∂y_hat`."""
    return f"∂{edge.target.name}/∂{edge.source.name}"
