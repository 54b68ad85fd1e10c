"""Nested tuples, named tuples, lists and dictionaries as a flat list of leaves and a structure.

Everything else, None included, is a leaf.

Example:
    >>> from backlit.utils._pytree import tree_flatten, tree_map
    >>> tree_flatten({"a": 1, "b": [2, 3]})[0]
    [1, 2, 3]
    >>> tree_map(lambda x: x * 2, (1, {"a": 2}))
    (2, {'a': 4})
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class TreeSpec:
    """The structure of a tree: `kind` is the type of a node, None of a leaf."""

    kind: Any = None
    context: Any = None  # the keys of a dictionary
    children: tuple[TreeSpec, ...] = ()

    def __repr__(self) -> str:
        if self.kind is None:
            return "*"
        children = ", ".join(map(repr, self.children))
        return f"TreeSpec({self.kind.__name__}, {self.context}, [{children}])"

    @property
    def num_leaves(self) -> int:
        return 1 if self.kind is None else sum(child.num_leaves for child in self.children)


_LEAF = TreeSpec()


def _entries(tree: Any) -> tuple[Any, Any] | None:
    """What a node holds, and its keys; None for a leaf."""
    kind = type(tree)
    if kind in (dict, OrderedDict):
        return list(tree.values()), list(tree)
    if kind in (tuple, list) or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        return tree, None
    return None


def tree_flatten(tree: Any) -> tuple[list[Any], TreeSpec]:
    """The leaves in order, and the structure that `tree_unflatten` puts them back into."""
    if _entries(tree) is None:
        return [tree], _LEAF
    leaves: list[Any] = []

    def visit(node: Any) -> TreeSpec:
        entries = _entries(node)
        if entries is None:
            leaves.append(node)
            return _LEAF
        values, keys = entries
        return TreeSpec(type(node), keys, tuple(visit(value) for value in values))

    return leaves, visit(tree)


def tree_unflatten(leaves: Any, spec: TreeSpec) -> Any:
    """A tree of that structure."""
    rest = iter(leaves)
    if spec.kind is None:
        return next(rest)

    def build(spec: TreeSpec) -> Any:
        if spec.kind is None:
            return next(rest)
        values = [build(child) for child in spec.children]
        if spec.context is not None:
            return spec.kind(zip(spec.context, values, strict=True))
        return spec.kind(*values) if hasattr(spec.kind, "_fields") else spec.kind(values)

    return build(spec)


def tree_map(fn: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """`fn` of each leaf, and of the leaves of other trees of the same structure."""
    leaves, spec = tree_flatten(tree)
    columns = [tree_flatten(other)[0] for other in others]
    return tree_unflatten(map(fn, leaves, *columns), spec)


def tree_leaves(tree: Any) -> list[Any]:
    """The leaves in order."""
    return tree_flatten(tree)[0]


def broadcast_prefix(prefix: Any, spec: TreeSpec) -> list[Any] | None:
    """The leaves of `prefix`, each for the whole subtree below it; None if they do not fit."""

    def visit(node: Any, spec: TreeSpec) -> Iterator[Any]:
        entries = _entries(node)
        if entries is None:
            yield from [node] * spec.num_leaves
            return
        values, keys = entries
        if spec.kind is not type(node) or keys != spec.context or len(values) != len(spec.children):
            raise LookupError
        for value, child in zip(values, spec.children, strict=True):
            yield from visit(value, child)

    try:
        return list(visit(prefix, spec))
    except LookupError:
        return None
