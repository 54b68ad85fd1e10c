"""An explanation as one HTML file that needs nothing else: `render(document)`."""

from __future__ import annotations

import itertools
import json
from html import escape
from string import Template
from typing import Any

from ._figure import Figure
from ._files import part, styles
from ._layout import COLUMN_GAP, NODE_HEIGHT, NODE_WIDTH, PADDING, TITLE, Group, Layout
from ._tables import tables

_DIGITS = 6  # of the elements of tensors; single numbers are written out


def render(document: dict[str, Any]) -> str:
    """The page of an explanation's document."""
    figure = Figure(document)
    return Template(part("page.html")).substitute(
        title=escape(document["title"]),
        version=escape(document["backlit"]),
        summary=escape(figure.summary()),
        style=styles("heat.css", "figure.css", "tables.css", "page.css"),
        world=figure.world(),
        tables=tables(document),
        document=_embedded(_for_page(figure)),
        script="".join(part(name) for name in ("graph.js", "panel.js", "steps.js")),
    )


def _embedded(data: Any) -> str:
    """JSON that no text of the user's program can end early: `</script>`, `<!--`."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _for_page(figure: Figure) -> dict[str, Any]:
    """What the script reads: the document without what the drawing says already, and the places."""
    document, place = figure.document, figure.place
    columns = _Columns(place)
    computed = {node["id"] for node in document["nodes"] if node["operation"]}
    known = {node["id"] for node in document["nodes"]}
    return {
        "title": document["title"],
        "digits": document["options"]["digits"],
        "result": document["result"],
        "nodes": [_node(node) for node in document["nodes"]],
        "edges": [
            {key: _short(edge[key]) for key in ("id", "from", "to", "local", "contribution")}
            | {
                "via": [columns.id_of(bend) for bend in place.route(edge["from"], edge["to"])],
                "port": round(figure.ports[edge["id"]], 1),
            }
            for edge in document["edges"]
        ],
        "variables": _variables(document["variables"]),
        "forward": [i for i in document["order"]["forward"] if i in computed],
        "backward": [i for i in document["order"]["backward"] if i in known],
        "groups": [columns.group(group) for group in (place.root, *place.groups)],
        "metric": {
            "width": NODE_WIDTH,
            "height": NODE_HEIGHT,
            "gap": COLUMN_GAP,
            "pad": PADDING,
            "title": TITLE,
        },
    }


class _Columns:
    """The columns of all modules; bends get ids on the way."""

    def __init__(self, place: Layout) -> None:
        self._bends: dict[int, str] = {}
        self._root = place.root

    def id_of(self, item: Any) -> str:
        return item.id or self._bends.setdefault(id(item), f"b{len(self._bends)}")

    def group(self, group: Group) -> dict[str, Any]:
        return {
            "id": group.id or "root",
            "title": group.title,
            "open": group.is_open,
            "columns": [
                [[self.id_of(item), round(item.y, 1), round(item.height, 1)] for item in column]
                for column in group.columns
            ],
        }


_NODE_KEYS = (
    *("id", "name", "kind", "operation", "formula", "expression", "shape", "dtype"),
    *("value", "gradient", "location", "module"),
)


def _node(node: dict[str, Any]) -> dict[str, Any]:
    return {key: _short(node[key]) for key in _NODE_KEYS}


def _variables(variables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Paths of neighbours begin alike: each says how many edges it shares with the one before."""
    keys = ("node", "name", "element", "title", "path_count", "text")
    found: list[dict[str, Any]] = []
    before: list[str] = []
    for variable in variables:
        paths = []
        for path in variable["paths"]:
            edges = path["edges"]
            pairs = zip(edges, before, strict=False)
            shared = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
            paths.append({"shared": shared, "edges": edges[shared:], "text": path["text"]})
            before = edges
        checks = [
            {"agrees": check["agrees"], "text": check["text"]} for check in variable["checks"]
        ]
        own = {} if variable["element"] is None else {"gradient": variable["gradient"]}
        own["splits"] = [_split(split) for split in variable["splits"]]
        found.append(
            {key: variable[key] for key in keys} | own | {"paths": paths, "checks": checks}
        )
    return found


def _split(split: dict[str, Any]) -> dict[str, Any]:
    parts = [{key: part[key] for key in ("label", "value", "share")} for part in split["parts"]]
    return {"title": split["title"], "parts": parts}


def _short(value: Any) -> Any:
    """Elements of tensors with fewer digits: half of a page is numbers."""
    if isinstance(value, list):
        return [float(f"{x:.{_DIGITS}g}") if isinstance(x, float) else _short(x) for x in value]
    return value
