"""Values and derivations as HTML tables: under the page, in print, in notebooks."""

from __future__ import annotations

from html import escape
from pathlib import PurePath
from typing import Any

from . import _heat
from ._numbers import number

_MOST = 100  # rows and variables; the page steps through all of them


def tables(document: dict[str, Any]) -> str:
    """All values in forward order, then each variable's paths, sum and checks."""
    return f"{_values(document)}\n{_derivations(document)}"


def _values(document: dict[str, Any]) -> str:
    nodes = [node for node in document["nodes"] if not node["literal"]]
    rows = [_row(node, document["options"]["digits"]) for node in nodes[:_MOST]]
    names = ("name", "is", "value", "gradient", "line")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        f'<table class="values"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>{_more(len(nodes), 'values')}"
    )


def _row(node: dict[str, Any], digits: int) -> str:
    place = node["location"]
    line = "" if place is None else f"{PurePath(place['file']).name}:{place['line']}"
    gradient = "" if node["gradient"] is None else amount(node["gradient"], digits)
    cells = (node["name"], node["expression"], amount(node["value"], digits), gradient, line)
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _derivations(document: dict[str, Any]) -> str:
    variables = document["variables"]
    parts = [_derivation(variable) for variable in variables[:_MOST]]
    return "\n".join(parts) + _more(len(variables), "variables")


def _derivation(variable: dict[str, Any]) -> str:
    blocks = ["\n".join(path["text"]) for path in variable["paths"]]
    blocks += ["\n".join(variable["text"])] if variable["text"] else []
    blocks += [check["text"] for check in variable["checks"]]
    text = "".join(f"<pre>{escape(block)}</pre>" for block in blocks)
    return f'<div class="derivation"><h4>{escape(variable["title"])}</h4>{text}</div>'


def amount(value: Any, digits: int) -> str:
    """A number, or the range of a tensor."""
    if value is None:
        return "not computed"
    single = _heat.single(value)
    if single is not None:
        return single if isinstance(single, str) else number(single, digits)
    low, high = _heat.limits(value)
    return f"from {number(low, digits)} to {number(high, digits)}"


def _more(count: int, what: str) -> str:
    return f"<p>… and {count - _MOST} more {what}</p>" if count > _MOST else ""
