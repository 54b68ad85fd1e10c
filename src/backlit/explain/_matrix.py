"""The gradient along a path in matrix notation: `(2/n (ŷ - y) ⊙ ŷ·(1 - ŷ))ᵀ · h`."""

from __future__ import annotations

import re

from . import _engine
from ._graph import Edge, Node

ONE = "1"
_ATOM = re.compile(r"[\w.\[\]ᵀ#]+")
_RULE = re.compile(r"(?:^|[,;] )∂L/∂(\w+?)(ᵢ|\[[^]]*\])? = ")


def along(edge: Edge, upstream: str) -> str:
    """What the gradient `upstream` of the target becomes on the way to the source."""
    if _engine.is_elementwise(edge.target.function):
        return _elementwise(edge, upstream)
    rule = _rule(edge)
    if not rule:
        return _times(upstream, f"∂{edge.target.name}/∂{edge.source.name}", " · ")
    return _filled(edge, rule, upstream)


def local_rule(edge: Edge, result: Node) -> str:
    """The rule of a structured operation in the names of the graph; "" where none is stated."""
    if _engine.is_elementwise(edge.target.function):
        return ""
    rule = _rule(edge)
    if not rule:
        return ""
    target = edge.target
    return _filled(edge, rule, ONE if target is result else f"∂{result.name}/∂{target.name}")


def _elementwise(edge: Edge, upstream: str) -> str:
    if edge.local_text == ONE:
        text = upstream
    else:
        text = _times(upstream, edge.local_text, " · " if edge.target.is_number else " ⊙ ")
    if edge.source.shape != edge.target.shape and edge.source.shape is not None:
        return f"Σ[{text}]"  # over what was broadcast
    return text


def _rule(edge: Edge) -> str:
    """The right side that belongs to the edge's input."""
    rules = rules_of(edge.target)
    place = edge.target.order.index(edge.input) if edge.input in edge.target.order else -1
    return rules[place][1] if 0 <= place < len(rules) else ""


def rules_of(node: Node) -> list[tuple[str, str]]:
    """(variable, right side) of each input, in the order of the operation's arguments."""
    text = node.gradient_formula
    found = list(_RULE.finditer(text))
    starts = [*(match.start() for match in found), len(text)]
    return [
        (match.group(1), text[match.end() : end])
        for match, end in zip(found, starts[1:], strict=True)
    ]


def _filled(edge: Edge, rule: str, upstream: str) -> str:
    """The rule with names for its letters, and `upstream` for the gradient of the result."""
    node = edge.target
    letters = [variable for variable, _ in rules_of(node)]
    by_place = {e.input: e.source.name for e in node.inputs}
    names = {}
    for place, letter in enumerate(letters):
        if place < len(node.order):
            names[letter] = by_place.get(node.order[place], letter)
    names.update(_other_letters(node, names))
    result = _result_letter(node)
    if result:
        names.setdefault(result, node.name)
    mark = "\0"
    text = re.sub(r"∂L/∂[A-Za-z]\w*?(?=ᵀ|\W|$)", mark, rule)
    if names:  # all at once: a name of the program may be another one's letter
        known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        text = re.sub(rf"(?<!\w)({known})(?![^\Wᵀᵢ])", lambda match: names[match[1]], text)
    text = text.replace("β·", "").replace("α·", "") if node.forward is not None else text
    if upstream == ONE:
        for gone in (f" · {mark}", f"{mark} · ", f" {mark}", f"{mark} "):
            if gone in text:
                text = text.replace(gone, "")
                break
    inner = upstream if text == mark else _parenthesised(upstream)
    if f"{mark}ᵀ" in text and "/∂" in inner:
        inner = f"({upstream})"
    return text.replace(mark, inner).replace("\N{MINUS SIGN}", "-")


def _other_letters(node: Node, names: dict[str, str]) -> dict[str, str]:
    """Letters of the formula without a rule of their own: a loss's target b."""
    free = [e.source.name for e in node.inputs if e.source.name not in names.values()]
    letters = [
        c for c in "ab" if c not in names and re.search(rf"(?<!\w){c}[ᵢ]?(?!\w)", node.formula)
    ]
    return dict(zip(letters, free, strict=False))


def _result_letter(node: Node) -> str:
    left = node.formula.partition(" = ")[0]
    return left if re.fullmatch(r"[A-Za-z]", left) else left[0] if left[1:] == "ᵢ" else ""


def _times(upstream: str, local: str, sign: str) -> str:
    if upstream == ONE:
        return local
    return f"{_parenthesised(upstream)}{sign}{_parenthesised(local)}"


def _parenthesised(text: str) -> str:
    if _ATOM.fullmatch(text) or _closed(text):
        return text
    return f"({text})"


def _closed(text: str) -> bool:
    """Is it one pair of brackets around all, or a product of dots only?"""
    if re.fullmatch(r"∂[\w.\[\]#]+/∂[\w.\[\]#]+", text):
        return True
    if not (text.startswith(("(", "Σ[")) and text[-1] in ")]"):
        return False
    depth = 0
    for i, c in enumerate(text):
        depth += (c in "([") - (c in ")]")
        if depth == 0 and c in ")]" and i < len(text) - 1:
            return False
    return True
