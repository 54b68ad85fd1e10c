"""Random index expressions as data, built for either library."""

from __future__ import annotations

from typing import Any

import numpy as np

INTEGERS = ("int64", "int64", "int32", "int16", "int8")
USUAL = ("int64", "int64", "int32")


class Expression:
    """What stands between the brackets: items that `build` turns into one library's objects."""

    def __init__(self, items: list[Any], as_tuple: bool) -> None:
        self.items = items
        self.as_tuple = as_tuple

    def build(self, lib: Any) -> Any:
        built = [_build(lib, item) for item in self.items]
        return tuple(built) if self.as_tuple else built[0]

    def __repr__(self) -> str:
        return f"x[{', '.join(map(str, self.items))}]{'' if self.as_tuple else ' (no tuple)'}"


def _build(lib: Any, item: Any) -> Any:
    kind, value, dtype = item if isinstance(item, tuple) and len(item) == 3 else (None, item, None)
    if kind == "tensor":
        return lib.tensor(value, dtype=getattr(lib, dtype))
    if kind == "array":
        return np.array(value, dtype=dtype)
    return value


def _integers(draw: Any, size: int, shape: tuple[int, ...], bad: bool) -> Any:
    low, high = (-size, size) if size else (0, 1)
    if bad and draw.random() < 0.3:
        high += 1
    if not shape:
        return draw.randrange(low, high)
    return [_integers(draw, size, shape[1:], bad) for _ in range(shape[0])]


def _mask(draw: Any, shape: tuple[int, ...]) -> Any:
    if not shape:
        return draw.random() < 0.5
    return [_mask(draw, shape[1:]) for _ in range(shape[0])]


def _slice(draw: Any, size: int) -> slice:
    def end() -> int | None:
        return draw.choice([None, draw.randrange(-size - 2, size + 3)])

    return slice(end(), end(), draw.choice([None, 1, 1, 2, 3]))


def draw_expression(draw: Any, sizes: tuple[int, ...], bad: bool = False) -> Expression:
    """A random index of a tensor of these sizes; sometimes out of range where `bad`."""
    items: list[Any] = []
    shape = draw.choice([(), (1,), (2,), (2,), (3,), (2, 1), (1, 3), (2, 3), (0,)])
    at, ellipsis = 0, draw.random() < 0.25
    take = draw.randrange(len(sizes) + 1 + bad)
    while at < min(take, len(sizes)):
        size = sizes[at]
        kind = draw.random()
        if kind < 0.08:
            items.append(None)
            continue
        if kind < 0.10:
            items.append(draw.random() < 0.7)
            continue
        if kind < 0.32:
            items.append(_integers(draw, size, (), bad) if size or bad else slice(None))
        elif kind < 0.58:
            items.append(_slice(draw, size))
        elif kind < 0.68:
            span = draw.randrange(1, len(sizes) - at + 1)
            wanted = sizes[at : at + span]
            if bad and draw.random() < 0.3:
                wanted = (wanted[0] + 1, *wanted[1:])
            # PyTorch counts a NumPy mask as one dimension when it looks what `...` stands for
            how = "tensor" if ellipsis else draw.choice(["tensor", "tensor", "array"])
            mask = _mask(draw, tuple(wanted))
            items.append((how, mask, "bool"))
            at += span - 1
        else:
            own = shape if draw.random() < 0.6 else draw.choice([(), (1,), shape[-1:]])
            if not size and own != (0,):
                own = (0,)
            numbers = _integers(draw, size, own, bad)
            how = draw.random()
            if how < 0.6:
                # of one element any integer type serves, of several only these
                items.append(
                    ("tensor", numbers, draw.choice(USUAL if own and not bad else INTEGERS))
                )
            elif how < 0.75:
                items.append(("array", numbers, draw.choice(["int64", "int32"])))
            else:
                items.append(numbers)
        at += 1
    if ellipsis:
        left = sum(1 for i, item in enumerate(items) if item is None or i < len(items) // 2)
        items.insert(draw.choice([0, len(items), left]), Ellipsis)
    single = len(items) == 1 and draw.random() < 0.5
    return Expression(items, as_tuple=not single)


def draw_sizes(draw: Any) -> tuple[int, ...]:
    return tuple(draw.choice([0, 1, 2, 3, 3, 4, 5]) for _ in range(draw.randrange(5)))


def draw_value(draw: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts to `shape`, sometimes with ones in front."""
    keep = shape[draw.randrange(len(shape) + 1) :]
    value = tuple(1 if draw.random() < 0.2 else n for n in keep)
    return (1, *value) if draw.random() < 0.1 else value
