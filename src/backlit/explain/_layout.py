"""Where the values of an explanation stand: in layers from left to right, modules as boxes.

Each module (and the whole) is laid out on its own: its children, which are nodes or inner modules,
go into columns. The columns, the order within them and the bends of long edges come from
fast-sugiyama. A module is a run of neighbours in the order of the computation, so that no two
modules depend on each other both ways.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

NODE_WIDTH, NODE_HEIGHT = 148.0, 76.0
COLUMN_GAP, ROW_GAP = 106.0, 26.0  # the local derivatives are written between columns
PADDING, TITLE = 18.0, 22.0  # of the box around an open module
MOST_OPEN = 60  # items on the page before anyone opens a module
_MOST_BENDS = 20_000  # a value that is used everywhere gets no bends of its own


@dataclass(eq=False)
class Item:
    """A node, a module (`Group`), or the bend of an edge; `x`, `y` is its centre in the parent."""

    id: str
    parent: Group | None = None
    width: float = NODE_WIDTH
    height: float = NODE_HEIGHT
    x: float = 0.0
    y: float = 0.0

    def centre(self) -> tuple[float, float]:
        """In the coordinates of the whole drawing."""
        x, y, group = self.x, self.y, self.parent
        while group is not None:
            x, y = x + group.x - group.width / 2, y + group.y - group.height / 2
            group = group.parent
        return x, y


@dataclass(eq=False)
class Group(Item):
    """A module with what was computed in it; the whole drawing is one without a title."""

    title: str = ""  # the path of the module
    is_open: bool = True
    children: list[Item] = field(default_factory=list)
    columns: list[list[Item]] = field(default_factory=list)  # children and bends, top to bottom
    bends: dict[tuple[Item, Item], list[Item]] = field(default_factory=dict)

    def nodes(self) -> Iterator[Item]:
        """All nodes inside, in the order of the computation."""
        for child in self.children:
            if isinstance(child, Group):
                yield from child.nodes()
            else:
                yield child


@dataclass
class Layout:
    """A laid out document: `root`, and its items by id."""

    root: Group
    nodes: dict[str, Item]
    groups: list[Group]  # outer before inner

    def route(self, source: str, target: str) -> list[Item]:
        """The bends of the edge between two nodes; they belong to the innermost common module."""
        a, b = _at_one_level(self.nodes[source], self.nodes[target])
        return [] if a is b or a.parent is None else a.parent.bends.get((a, b), [])

    def is_visible(self, item: Item) -> bool:
        """Are all modules around it open?"""
        return all(group.is_open for group in _around(item))

    def shown(self, item: Item) -> Item:
        """The item itself, or the closed module that hides it."""
        return next((g for g in reversed(list(_around(item))) if not g.is_open), item)


def layout(document: dict[str, Any], most_open: int = MOST_OPEN) -> Layout:
    """Place all nodes of an explanation's document."""
    nodes = {node["id"]: Item(node["id"]) for node in document["nodes"]}
    root = _modules(document, nodes)
    groups = [group for group in _walk(root) if group is not root]
    for i, group in enumerate(groups):
        group.id = f"g{i}"
    _open_some(root, most_open)
    edges = _edges_by_group(document, nodes)
    for group in reversed([root, *groups]):
        _place(group, edges.get(group, []))
        if not group.is_open:
            group.width, group.height = NODE_WIDTH, NODE_HEIGHT
    root.x, root.y = root.width / 2, root.height / 2
    return Layout(root, nodes, groups)


# --- modules ---


def _modules(document: dict[str, Any], nodes: dict[str, Item]) -> Group:
    """The tree of modules, each one a run of the computation."""
    paths = _module_paths(document)
    by_id = {node["id"]: node for node in document["nodes"]}
    order = [(paths[i], nodes[i]) for i in document["order"]["forward"] if i in by_id]
    users: dict[str, list[str]] = {}
    for edge in document["edges"]:
        users.setdefault(edge["from"], []).append(edge["to"])
    # What was not computed may stand anywhere before its use: never within another module's run.
    first = [
        (path, item)
        for path, item in order
        if not by_id[item.id]["operation"]
        and any(paths[user] != path for user in users.get(item.id, []))
    ]
    foreign = {item for _, item in first}
    rest = [(path, item) for path, item in order if item not in foreign]
    root = Group("")
    root.children = _runs(first + rest, 0)
    for group in _walk(root):
        for child in group.children:
            child.parent = group
    return root


def _runs(order: list[tuple[list[str], Item]], depth: int) -> list[Item]:
    """Neighbours with the same module become one group; modules are nested a few levels deep."""
    found: list[Item] = []
    for part, run in itertools.groupby(order, lambda one: (one[0][depth : depth + 1] or [""])[0]):
        members = list(run)
        if not part or len(members) < 2:
            found.extend(item for _, item in members)
            continue
        children = _runs(members, depth + 1)
        if len(children) == 1 and isinstance(children[0], Group):
            found.append(children[0])  # a box within a box says nothing
        else:
            path = ".".join(members[0][0][: depth + 1])
            found.append(Group("", title=path, children=children))
    return found


def _module_paths(document: dict[str, Any]) -> dict[str, list[str]]:
    """The module of each node; an operation between two layers of a module belongs to it.

    Without a trace only operations that read a parameter know their module.
    """
    paths = {n["id"]: n["module"].split(".") if n["module"] else [] for n in document["nodes"]}
    kinds = {n["id"]: n["kind"] for n in document["nodes"]}
    readers = {e["to"] for e in document["edges"] if kinds[e["from"]] == "leaf"}
    computed = [n["id"] for n in document["nodes"] if n["operation"]]
    if not any(paths[i] and i not in readers for i in computed):
        known = [k for k, i in enumerate(computed) if paths[i]]
        for a, b in itertools.pairwise(known):
            shared = _common(paths[computed[a]], paths[computed[b]])
            for k in range(a + 1, b):
                paths[computed[k]] = shared
    return paths


def _common(a: list[str], b: list[str]) -> list[str]:
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False))
    return [x for x, _ in same]


def _open_some(root: Group, most_open: int) -> None:
    """Outer modules open first, as long as the page stays readable."""
    shown = len(root.children)
    waiting = [child for child in root.children if isinstance(child, Group)]
    for group in waiting:
        group.is_open = False
    while waiting:
        group = waiting.pop(0)
        if shown + len(group.children) - 1 > most_open:
            continue
        group.is_open = True
        shown += len(group.children) - 1
        inner = [child for child in group.children if isinstance(child, Group)]
        for child in inner:
            child.is_open = False
        waiting += inner


def _walk(root: Group) -> list[Group]:
    """A group and all inside of it, outer before inner."""
    found = [root]
    for group in found:
        found.extend(child for child in group.children if isinstance(child, Group))
    return found


def _around(item: Item) -> Iterator[Group]:
    """The groups that the item is in, innermost first."""
    group = item.parent
    while group is not None:
        yield group
        group = group.parent


# --- columns ---


def _edges_by_group(
    document: dict[str, Any], nodes: dict[str, Item]
) -> dict[Group, list[tuple[Item, Item]]]:
    """Each edge, between children of the innermost group that holds both ends; once."""
    found: dict[Group, dict[tuple[Item, Item], None]] = {}
    for edge in document["edges"]:
        pair = _at_one_level(nodes[edge["from"]], nodes[edge["to"]])
        if pair[0] is not pair[1] and pair[0].parent is not None:
            found.setdefault(pair[0].parent, {})[pair] = None
    return {group: list(pairs) for group, pairs in found.items()}


def _at_one_level(a: Item, b: Item) -> tuple[Item, Item]:
    """What stands for `a` and for `b` in the innermost group that holds both."""
    line_a, line_b = [a, *_around(a)][::-1], [b, *_around(b)][::-1]
    for x, y in zip(line_a, line_b, strict=False):
        if x is not y:
            return x, y
    return a, b


def _place(group: Group, edges: list[tuple[Item, Item]]) -> None:
    """Columns, positions within them, and the size of the group when it is open."""
    heights = _columns(group, edges)
    x = PADDING
    for column in group.columns:
        width = max(item.width for item in column)
        for item in column:
            item.x = x + width / 2
        _spread(column, [heights[item] for item in column])
        x += width + COLUMN_GAP
    top = min(item.y - item.height / 2 for column in group.columns for item in column)
    bottom = max(item.y + item.height / 2 for column in group.columns for item in column)
    for column in group.columns:
        for item in column:
            item.y += PADDING + TITLE - top
            item.parent = group
    group.width = x - COLUMN_GAP + PADDING
    group.height = bottom - top + 2 * PADDING + TITLE


def _spread(column: list[Item], wanted: list[float]) -> None:
    """The heights the library asks for, moved apart where the items are larger than its units."""
    below = float("-inf")
    for item, height in zip(column, wanted, strict=True):
        item.y = max(height * (NODE_HEIGHT + ROW_GAP), below + item.height / 2)
        below = item.y + item.height / 2 + (ROW_GAP if item.width else ROW_GAP / 2)
    shift = sum(
        height * (NODE_HEIGHT + ROW_GAP) - item.y
        for item, height in zip(column, wanted, strict=True)
    ) / len(column)
    for item in column:
        item.y += shift


def _columns(group: Group, edges: list[tuple[Item, Item]]) -> dict[Item, float]:
    """Fills `columns` and `bends`; returns the height that the library gives each item."""
    if len(group.children) == 1:
        group.columns = [list(group.children)]
        return {group.children[0]: 0.0}
    number = {item: i for i, item in enumerate(group.children)}
    pairs = _bearable([(number[a], number[b]) for a, b in edges])
    last = len(group.children)  # stands for the rest of the drawing and is taken out again
    leads_on = {a for a, _ in pairs}
    pairs += [(i, last) for i in range(last) if i not in leads_on]
    items = dict(enumerate(group.children))
    heights: dict[Item, float] = {}
    columns: dict[float, list[Item]] = {}
    ((places, _, _, segments),) = _from_edges(pairs)
    for i, (height, layer) in sorted(places, key=lambda place: place[0]):
        if i != last:
            item = items.setdefault(i, Item("", group, width=0.0, height=0.0))
            heights[item] = height
            columns.setdefault(-layer, []).append(item)
    group.bends = _bends(items, segments, last)
    in_use = {item for bends in group.bends.values() for item in bends} | set(group.children)
    kept = ([item for item in columns[layer] if item in in_use] for layer in sorted(columns))
    group.columns = [sorted(column, key=heights.__getitem__) for column in kept if column]
    return heights


def _from_edges(pairs: list[tuple[int, int]]) -> Any:
    try:
        from fast_sugiyama import from_edges
    except ImportError as error:
        raise ImportError(
            "explain: drawing a graph needs the package fast-sugiyama. "
            "Install it with: pip install 'backlit[explain]'"
        ) from error
    return from_edges(
        pairs, vertex_spacing=1.0, dummy_vertices=True, dummy_size=0.6, ranking_type="minimize"
    )


def _bends(
    items: dict[int, Item], segments: list[tuple[int, int]], last: int
) -> dict[tuple[Item, Item], list[Item]]:
    """Follows the pieces of each long edge from bend to bend; their numbers are above `last`."""
    onward = {a: b for a, b in segments if a > last}
    found = {}
    for a, b in segments:
        if a > last or b <= last:
            continue
        bends, at = [], b
        while at > last:
            bends.append(items[at])
            at = onward[at]
        if at != last:
            found[items[a], items[at]] = bends
    return found


def _bearable(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Without the longest edges where they would need too many bends.

    Numbers follow the computation, so their distance bounds the columns an edge crosses.
    """
    column: dict[int, int] = {}
    for a, b in sorted(pairs, key=lambda pair: pair[1]):
        column[b] = max(column.get(b, 0), column.get(a, 0) + 1)
    for a, b in sorted(pairs, key=lambda pair: column[pair[1]]):
        column.setdefault(a, column[b] - 1)  # what has no input stands before its first use
    bends, kept, leads_on = 0, [], set()
    for a, b in sorted(pairs, key=lambda pair: column[pair[1]] - column[pair[0]]):
        bends += column[b] - column[a] - 1
        if bends <= _MOST_BENDS or a not in leads_on:
            kept.append((a, b))
            leads_on.add(a)
    return kept
