"""The derivation in LaTeX: for a notebook, for Markdown, and as a file of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import _matrix, _numbers
from ._engine import Tensor
from ._graph import Edge, Node
from ._variables import PathTerm, Variable
from ._words import Words

if TYPE_CHECKING:
    from ._explanation import Explanation


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GREEK = _words(
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi "
    "psi omega"
)
_SIGNS = {
    "⊙": r"\odot ",
    "∘": r"\odot ",
    "·": r"\cdot ",
    "Σ": r"\textstyle\sum ",
    "σ": r"\sigma ",
    "√": r"\surd ",
    "−": "-",
    "≠": r"\neq ",
    "≤": r"\leq ",
    "≥": r"\geq ",
    "∂": r"\partial ",
    "ᵀ": r"^{\top}",
    "²": "^{2}",
    "³": "^{3}",
    "π": r"\pi ",
    "β": r"\beta ",
    "α": r"\alpha ",
    "∞": r"\infty ",
    "…": r"\ldots ",
    "ᵢ": "_{i}",
    "ⱼ": "_{j}",
    "₁": "_{1}",
    "₂": "_{2}",
    "ₙ": "_{n}",
}
_RAISED = "²³¹ᴬ-ᵿ⁰-ₜ"  # and lowered: signs, not parts of a name
_START = rf"[^\W\d{_RAISED}αβπσΣ∂]"
_NAME = rf"{_START}(?:[^\W{_RAISED}]|\.)*(?:\[[^]]*\])*(?:#\d+)?"
_WORD = re.compile(rf"∂{_NAME}/∂{_NAME}|{_NAME}")
_FUNCTIONS = _words("exp sin cos tan tanh sinh cosh log ln max min")
_PROSE = _words("rows of over the shape expanded to where if else in at")
_MOST_ENTRIES = 8  # rows and columns up to which a matrix is written out
_LONG_PATH = 8


def to_latex(explanation: Explanation) -> str:
    """A document: the tables and the derivations."""
    words = Words(explanation)
    parts = [
        r"\documentclass{article}",
        r"\usepackage{amsmath,amssymb,booktabs,longtable}",
        r"\setlength{\parindent}{0pt}",
        r"\begin{document}",
        rf"\section*{{${name(words.result.name)} = {value(words.result.value, words)}$}}",
        r"\subsection*{Forward}",
        _forward_table(words),
        r"\subsection*{Local gradients}",
        _local_table(words),
        r"\subsection*{Chain rule}",
    ]
    parts += [derivation(words, variable) for variable in words.variables()]
    return "\n".join([*parts, r"\end{document}", ""])


def derivation(words: Words, variable: Variable) -> str:
    """One variable's gradient as aligned equations."""
    left = _partial(words, variable)
    lines = []
    for term in variable.paths:
        lines += _path_lines(words, variable, term, len(variable.paths) > 1)
    if variable.path_count > 1:
        lines.append(_sum_line(words, variable, left))
    elif lines:
        lines[0] = left + lines[0]
    body = " \\\\\n".join(lines) or rf"{left} &= 0"
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


def name(text: str) -> str:
    """A name of the program: `y_hat` as ŷ, `W1` with an index, others upright."""
    if turn := re.fullmatch(r"(.*)#(\d+)", text):
        return f"{name(turn[1])}^{{({turn[2]})}}"
    if hat := re.fullmatch(r"(\w+)_hat", text):
        return rf"\hat{{{name(hat[1])}}}"
    if index := re.fullmatch(r"([A-Za-z])_?(\d+)", text):
        return f"{index[1]}_{{{index[2]}}}"
    if text in _GREEK:
        return f"\\{text}"
    if len(text) == 1 or re.fullmatch(r"[-\d.e]+", text):
        return text
    return rf"\mathrm{{{_escaped(text)}}}"


def value(v: object, words: Words) -> str:
    """A number or a small matrix; a large one by its norm."""
    if isinstance(v, Tensor):
        if v.numel() == 1:
            return _number(float(v.item()), words)
        if 0 < v.dim() <= 2 and max(v.shape) <= _MOST_ENTRIES:
            rows = v.reshape(-1, v.shape[-1]).tolist()
            text = r" \\ ".join(" & ".join(_number(x, words) for x in row) for row in rows)
            return rf"\begin{{bmatrix}} {text} \end{{bmatrix}}"
        return rf"\text{{{_escaped(words.brief(v))}}}"
    if isinstance(v, float):
        return _number(v, words)
    return r"\text{not computed}"


def formula(text: str) -> str:
    """A formula in the text's signs, with names of the graph, as LaTeX."""
    out, at = [], 0
    for match in _WORD.finditer(text):
        out += [_signs(text[at : match.start()]), _word(match[0])]
        at = match.end()
    return "".join([*out, _signs(text[at:])])


def _word(text: str) -> str:
    if text.startswith("∂"):
        above, _, below = text.partition("/")
        return _fraction(above[1:], below[1:])
    if text in _FUNCTIONS:
        return f"\\{text} "
    if text in _PROSE:
        return rf"\ \text{{{text}}}\ "
    return name(text)


def _signs(text: str) -> str:
    return "".join(_SIGNS.get(c, c) for c in text)


def _escaped(text: str) -> str:
    for sign, written in (("_", r"\_"), ("#", r"\#"), ("%", r"\%"), ("×", r"$\times$")):
        text = text.replace(sign, written)
    return text


def _fraction(above: str, below: str) -> str:
    return rf"\frac{{\partial {name(above)}}}{{\partial {name(below)}}}"


def _partial(words: Words, variable: Variable) -> str:
    below = name(variable.node.name)
    if variable.index is not None:
        below += f"_{{{','.join(map(str, variable.index))}}}"
    return rf"\frac{{\partial {name(words.result.name)}}}{{\partial {below}}}"


def _number(x: float, words: Words) -> str:
    text = _numbers.number(x, words.digits)
    mantissa, e, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else text


def _factor(x: float, words: Words) -> str:
    text = _number(x, words)
    return rf"\left({text}\right)" if text.startswith("-") else text


def _path_lines(words: Words, variable: Variable, term: PathTerm, several: bool) -> list[str]:
    if term.factors is None:
        return [*_matrix_lines(words, term, several)]
    edges = term.edges
    if not edges:
        return [rf"&= {value(term.product, words)}"]
    if len(edges) > _LONG_PATH:
        symbols = rf"{_local(edges[0])} \cdots {_local(edges[-1])}"
        numbers = rf"\text{{{len(edges)} factors}}"
    else:
        symbols = r" \cdot ".join(_local(edge) for edge in edges)
        numbers = r" \cdot ".join(_factor(x, words) for x in term.factors)
    left = rf"\text{{{_escaped(words.short_route(term))}:}}\quad " if several else ""
    result = value(term.product, words)
    return [
        rf"{left}&= {symbols}" if not several else rf"{left}& {symbols}",
        rf"&= {numbers} = {result}",
    ]


def _matrix_lines(words: Words, term: PathTerm, several: bool) -> list[str]:
    result = value(term.product, words)
    if len(term.edges) > _LONG_PATH:
        return [rf"&= \text{{{len(term.edges)} factors}} = {result}"]
    symbols = _matrix.ONE
    for edge in term.edges:
        symbols = _matrix.along(edge, symbols)
    sign = "&" if several else "&="
    return [f"{sign} {formula(symbols)}", f"&= {result}"]


def _sum_line(words: Words, variable: Variable, left: str) -> str:
    terms = [value(term.product, words) for term in variable.paths]
    text = " + ".join(rf"\left({t}\right)" if t.startswith("-") else t for t in terms)
    hidden = variable.path_count - len(variable.paths)
    if hidden:
        rest = value(variable.remainder, words)
        count = _numbers.count(hidden).replace("^", r"\^{}")
        text += rf" + \underbrace{{{rest}}}_{{\text{{the other {count} paths}}}}"
    return rf"{left} &= {text} = {value(variable.total, words)}"


def _local(edge: Edge) -> str:
    return _fraction(edge.target.name, edge.source.name)


def _made(node: Node) -> str:
    if node.kind == "leaf":
        return "variable"
    return "constant" if node.kind == "constant" else f"${formula(node.expression)}$"


def _forward_table(words: Words) -> str:
    rows = [
        rf"${name(node.name)}$ & {_made(node)} & ${value(node.value, words)}$ \\"
        for node in words.shown_nodes()
        if not node.is_literal
    ]
    head = [r"\begin{longtable}{lll}", r"name & computed as & value \\ \midrule"]
    return "\n".join([*head, *rows, r"\end{longtable}"])


def _local_table(words: Words) -> str:
    rows = [
        rf"${_local(edge)}$ & ${formula(edge.local_text)}$ & "
        rf"{'$' + value(edge.local, words) + '$' if edge.local is not None else ''} \\[4pt]"
        for edge in words.shown_edges()
    ]
    head = [r"\begin{longtable}{lll}", r"local gradient & formula & value \\ \midrule"]
    return "\n".join([*head, *rows, r"\end{longtable}"])
