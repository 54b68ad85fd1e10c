"""The graph of an explanation as SVG: for the page, for a file, for a notebook.

All of it is drawn here, values and gradients included; the page only moves, hides and lights up.
"""

from __future__ import annotations

from html import escape
from typing import Any

from . import _heat
from ._files import styles
from ._layout import COLUMN_GAP, NODE_HEIGHT, NODE_WIDTH, TITLE, Group, Item, Layout, layout
from ._numbers import number

_RICH = 150  # nodes up to which tensors are drawn as small heat maps
_CHARACTER, _BOLD = 6.7, 8.2  # about as wide as one is, in small text and in names
_MARGIN = 12.0


class Figure:
    """The drawing of one document; parts of it for those who put them together."""

    def __init__(self, document: dict[str, Any], place: Layout | None = None) -> None:
        self.document = without_literals(document)
        self.place = place or layout(self.document)
        self.digits: int = document["options"]["digits"]
        self.nodes = {node["id"]: node for node in document["nodes"]}
        self.with_heat = len(self.nodes) <= _RICH
        self.ports = self._ports()

    def svg(self) -> str:
        """A file of its own, its styles inside."""
        style = styles("heat.css", "figure.css")
        box = self._box()
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="backlit" viewBox="{box}" role="img" '
            f'style="background:var(--paper)" aria-label="{escape(self.summary())}">\n'
            f"<style>\n{style}</style>\n{self.world()}\n</svg>\n"
        )

    def world(self) -> str:
        """All elements, back to front."""
        groups = self.place.groups
        parts = ['<g class="world">']
        parts += [self._frame(group) for group in groups]
        drawn: set[tuple[Item, Item]] = set()
        edges = [(edge, self._is_drawn(edge, drawn)) for edge in self.document["edges"]]
        parts += [self._edge(edge, shown) for edge, shown in edges]
        parts += [self._node(node) for node in self.document["nodes"]]
        parts += [self._card(group) for group in groups]
        parts += [self._local(edge, shown) for edge, shown in edges]
        parts.append("</g>")
        return "\n".join(part for part in parts if part)

    def summary(self) -> str:
        """One sentence for those who cannot see it."""
        result = self.nodes[self.document["result"]]
        return (
            f"Graph of {result['name']}: {len(self.nodes)} values, "
            f"{len(self.document['edges'])} edges, from left to right"
        )

    def _box(self) -> str:
        root = self.place.root
        width, height = root.width + 2 * _MARGIN, root.height + 2 * _MARGIN
        return f"{-_MARGIN:g} {-_MARGIN:g} {width:g} {height:g}"

    # --- values ---

    def _node(self, node: dict[str, Any]) -> str:
        item = self.place.nodes[node["id"]]
        kind = "op" if node["kind"] == "operation" else node["kind"]
        hidden = "" if self.place.is_visible(item) else " hidden"
        name, operation = self._first_row(node)
        return (
            f'<g class="node {kind}{hidden}" data-id="{node["id"]}" {_at(item)}>'
            f"<title>{escape(self._spoken(node))}</title>"
            f'<rect class="box" width="{NODE_WIDTH:g}" height="{NODE_HEIGHT:g}" rx="9"/>'
            f'<text class="name" x="12" y="20">{escape(name)}</text>'
            f'<text class="what" x="{NODE_WIDTH - 12:g}" y="20">{escape(operation)}</text>'
            f"{self._amounts(node)}</g>"
        )

    def _first_row(self, node: dict[str, Any]) -> tuple[str, str]:
        """The name, and how it was computed as far as there is room."""
        room = NODE_WIDTH - 24
        name = _shortened(node["name"], int(room / _BOLD), from_left=True)
        left = int((room - 8 - len(name) * _BOLD) / _CHARACTER)
        what = node["expression"] or {"leaf": "variable", "constant": "given"}.get(node["kind"], "")
        return name, next((text for text in (what, node["operation"]) if len(text) <= left), "")

    def _amounts(self, node: dict[str, Any]) -> str:
        """Value and gradient: as numbers, as small heat maps, or in words."""
        if _is_single(node["shape"]) or not self.with_heat:
            size = (
                " none" if node["value"] is None else "" if _is_single(node["shape"]) else " range"
            )
            value = self._amount(node["value"])
            parts = [f'<text class="val{size}" x="12" y="44">{escape(value)}</text>']
            if node["gradient"] is not None:
                gradient = "∇ " + self._amount(node["gradient"])
                parts.append(f'<text class="grad{size}" x="12" y="65">{escape(gradient)}</text>')
            return "".join(parts)
        shape = "×".join(map(str, node["shape"] or ()))
        parts = [f'<text class="shape" x="{NODE_WIDTH / 2:g}" y="70">{escape(shape)}</text>']
        parts.append(_picture(node["value"], "val", 12.0))
        if node["gradient"] is not None:
            parts.append(f'<text class="grad nabla" x="{NODE_WIDTH / 2 + 2:g}" y="48">∇</text>')
            parts.append(_picture(node["gradient"], "grad", NODE_WIDTH / 2 + 16))
        return "".join(parts)

    def _amount(self, value: Any) -> str:
        if value is None:
            return "not computed"
        single = _heat.single(value)
        if single is not None:
            return single if isinstance(single, str) else number(single, self.digits)
        return "{:.2g} … {:.2g}".format(*_heat.limits(value))

    def _spoken(self, node: dict[str, Any]) -> str:
        equals = f" = {node['expression']}" if node["expression"] else ""
        text = f"{node['name']}{equals}, value {self._amount(node['value'])}"
        if node["gradient"] is not None:
            text += f", gradient {self._amount(node['gradient'])}"
        return text

    # --- modules ---

    def _frame(self, group: Group) -> str:
        """The box around an open module."""
        shown = self.place.is_visible(group) and group.is_open
        return (
            f'<g class="frame{"" if shown else " hidden"}" data-id="{group.id}" {_at(group)}>'
            f'<rect width="{group.width:.0f}" height="{group.height:.0f}" rx="12"/>'
            f'<text x="14" y="{TITLE - 4:g}">▾ module {escape(group.title)}</text></g>'
        )

    def _card(self, group: Group) -> str:
        """A closed module: its name, its size, what it hands on."""
        shown = self.place.is_visible(group) and not group.is_open
        members = [self.nodes[item.id] for item in group.nodes()]
        last = members[-1]
        title = _shortened(group.title, int((NODE_WIDTH - 38) / _BOLD), from_left=True)
        output = f"{last['name']}: {self._amount(last['value'])}"
        output = _shortened(output, int((NODE_WIDTH - 20) / _CHARACTER))
        return (
            f'<g class="card{"" if shown else " hidden"}" data-id="{group.id}" {_at(group, True)}>'
            f"<title>{escape(group.title)}: {len(members)} values, closed</title>"
            f'<rect class="back" x="5" y="5" width="{NODE_WIDTH:g}" height="{NODE_HEIGHT:g}" '
            f'rx="9"/><rect class="box" width="{NODE_WIDTH:g}" height="{NODE_HEIGHT:g}" rx="9"/>'
            f'<text class="name" x="12" y="22">▸ {escape(title)}</text>'
            f'<text class="what" x="12" y="43">{len(members)} values</text>'
            f'<text class="what" x="12" y="63">{escape(output)}</text></g>'
        )

    # --- edges ---

    def _ports(self) -> dict[str, float]:
        """Where edges arrive, above or below the middle, so that they do not cross there."""
        arriving: dict[str, list[tuple[float, str]]] = {}
        for edge in self.document["edges"]:
            bends = self.place.route(edge["from"], edge["to"])
            before = bends[-1] if bends else self.place.nodes[edge["from"]]
            arriving.setdefault(edge["to"], []).append((before.centre()[1], edge["id"]))
        ports = {}
        for edges in arriving.values():
            step = min(18.0, 54.0 / len(edges))
            for k, (_, edge_id) in enumerate(sorted(edges)):
                ports[edge_id] = (k - (len(edges) - 1) / 2) * step
        return ports

    def _is_drawn(self, edge: dict[str, Any], drawn: set[tuple[Item, Item]]) -> bool:
        """Not within a closed module, and once between two of them."""
        nodes = self.place.nodes
        pair = self.place.shown(nodes[edge["from"]]), self.place.shown(nodes[edge["to"]])
        if pair[0] is pair[1]:
            return False
        if isinstance(pair[0], Group) or isinstance(pair[1], Group):
            if pair in drawn:
                return False
            drawn.add(pair)
        return True

    def _points(self, edge: dict[str, Any]) -> list[tuple[float, float]]:
        source, target = (self.place.shown(self.place.nodes[edge[end]]) for end in ("from", "to"))
        port = 0.0 if isinstance(target, Group) else self.ports[edge["id"]]
        (x0, y0), (x1, y1) = source.centre(), target.centre()
        bends = [bend.centre() for bend in self.place.route(edge["from"], edge["to"])]
        if any(not g.is_open for g in _owners(self.place, edge)):
            bends = []
        start, end = (x0 + source.width / 2, y0), (x1 - target.width / 2, y1 + port)
        return [start, *bends, end]

    def _edge(self, edge: dict[str, Any], shown: bool) -> str:
        kind = "edge" if self.nodes[edge["from"]]["kind"] != "constant" else "edge given"
        hidden = "" if shown else " hidden"
        return (
            f'<path class="{kind}{hidden}" data-id="{edge["id"]}" d="{curve(self._points(edge))}"/>'
        )

    def _local(self, edge: dict[str, Any], shown: bool) -> str:
        """The local derivative, written on the edge."""
        text = self._local_text(edge["local"])
        if not text:
            return ""
        ends = (self.place.shown(self.place.nodes[edge[end]]) for end in ("from", "to"))
        hidden = "" if shown and not any(isinstance(end, Group) for end in ends) else " hidden"
        *_, (x0, y0), (x1, y1) = self._points(edge)
        x0 = max(x0, x1 - COLUMN_GAP)
        width = len(text) * _CHARACTER + 12
        return (
            f'<g class="local{hidden}" data-id="{edge["id"]}" '
            f'transform="translate({(x0 + x1) / 2:.1f} {(y0 + y1) / 2:.1f})">'
            f'<rect x="{-width / 2:.1f}" y="-9.5" width="{width:.1f}" height="19" rx="9.5"/>'
            f'<text y="4">{escape(text)}</text></g>'
        )

    def _local_text(self, local: dict[str, Any]) -> str:
        room = int((COLUMN_GAP - 28) / _CHARACTER)
        formula, single = local["formula"], _heat.single(local["value"])
        if single is None:
            return _shortened(formula, room)
        value = single if isinstance(single, str) else number(single, self.digits)
        both = f"{formula} = {value}"
        return both if formula not in ("", value) and len(both) <= room else value


def without_literals(document: dict[str, Any]) -> dict[str, Any]:
    """Without the numbers of the program: the expressions show them."""
    hidden = {node["id"] for node in document["nodes"] if node.get("literal")}
    return document | {
        "nodes": [node for node in document["nodes"] if node["id"] not in hidden],
        "edges": [edge for edge in document["edges"] if edge["from"] not in hidden],
    }


def curve(points: list[tuple[float, float]]) -> str:
    """A line that leaves and arrives level, with the tip of an arrow."""
    (x, y), *rest = points
    parts = [f"M{x:.1f} {y:.1f}"]
    for nx, ny in rest:
        middle = (x + nx) / 2
        parts.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {ny:.1f} {nx:.1f} {ny:.1f}")
        x, y = nx, ny
    return "".join(parts) + "m-7 -4l7 4l-7 4"


def _owners(place: Layout, edge: dict[str, Any]) -> list[Group]:
    bends = place.route(edge["from"], edge["to"])
    found, group = [], bends[0].parent if bends else None
    while group is not None:
        found.append(group)
        group = group.parent
    return found


def _at(item: Item, closed: bool = False) -> str:
    x, y = item.centre()
    width, height = (NODE_WIDTH, NODE_HEIGHT) if closed else (item.width, item.height)
    return f'transform="translate({x - width / 2:.1f} {y - height / 2:.1f})"'


def _is_single(shape: list[int] | None) -> bool:
    return not shape or all(size == 1 for size in shape)


def _picture(value: Any, kind: str, x: float) -> str:
    if value is None:
        lines = f'<tspan x="{x:g}" y="40">not</tspan><tspan x="{x:g}" dy="13">computed</tspan>'
        return f'<text class="{kind} none">{lines}</text>'
    return f'<g class="{kind}" transform="translate({x:g} 28)">{_heat.paths(value, 48, 30)}</g>'


def _shortened(text: str, room: int, from_left: bool = False) -> str:
    if len(text) <= room:
        return text
    return "…" + text[1 - room :] if from_left else text[: room - 1] + "…"
