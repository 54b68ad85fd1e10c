"""The user's source behind a node: the line, the expression, the variable it was assigned to."""

from __future__ import annotations

import ast
import linecache
from types import CodeType, SimpleNamespace
from typing import Any, NamedTuple

from ._graph import Location


class Origin(NamedTuple):
    """Where a value was computed."""

    location: Location
    expression: str  # "w * x"; "" when the source is not at hand
    target: str  # the variable that the expression was assigned to, or ""
    operands: tuple[str, ...] = ()  # the variables among its operands


def origin_of(place: tuple[CodeType, int]) -> Origin:
    """The origin of a (code object, offset of the instruction)."""
    code, lasti = place
    line = _line_of(code, lasti)
    source = linecache.getline(code.co_filename, line).strip()
    location = Location(code.co_filename, line, source, code.co_name)
    node = _expression_at(code, lasti, line)
    if node is None:
        return Origin(location, "", "")
    return Origin(location, _text(node), _target(node), _operands(node))


def _line_of(code: CodeType, lasti: int) -> int:
    for start, end, line in code.co_lines():
        if start <= lasti < end and line is not None:
            return line
    return code.co_firstlineno


def _expression_at(code: CodeType, lasti: int, line: int) -> ast.AST | None:
    """The expression that this instruction evaluates, by the `executing` library."""
    from executing import Source

    # all that it asks of a frame
    frame: Any = SimpleNamespace(f_code=code, f_lasti=lasti, f_lineno=line, f_globals={})
    try:
        node: ast.AST | None = Source.executing(frame).node
    except Exception:  # it promises nothing about sources that changed under it
        return None
    return node


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.AugAssign):
        node = ast.BinOp(_as_value(node.target), node.op, node.value)
    return " ".join(ast.unparse(node).split())


def _operands(node: ast.AST) -> tuple[str, ...]:
    """`y_hat`, `y` of `y_hat - y`."""
    parts: list[ast.AST] = []
    if isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    elif isinstance(node, ast.AugAssign):
        parts = [node.target, node.value]
    elif isinstance(node, ast.Call):
        parts = list(node.args)
    return tuple(ast.unparse(part) for part in parts if isinstance(part, (ast.Name, ast.Attribute)))


def _as_value(target: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(target), mode="eval").body


def _target(node: ast.AST) -> str:
    """`y` of `y = w * x`, when all of the right side is this expression."""
    if isinstance(node, ast.AugAssign):
        return ast.unparse(node.target)
    parent = getattr(node, "parent", None)
    if getattr(parent, "value", None) is not node:
        return ""
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
        target: ast.expr = parent.targets[0]
    elif isinstance(parent, (ast.AnnAssign, ast.NamedExpr)):
        target = parent.target
    else:
        return ""
    return ast.unparse(target) if isinstance(target, (ast.Name, ast.Attribute)) else ""
