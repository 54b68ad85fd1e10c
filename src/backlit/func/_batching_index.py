"""x[index] and x[index] = value inside `vmap`.

Indices of several elements bring dimensions of their own. They stand where the first of them stood
if they are neighbours, and else in front: in front of the batch, too, which then has to be moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import _C
from ._batched import BatchedTensor, Level, innermost, is_batched, values_at
from ._batching import refuse_in_place

_Tensor = _C.Tensor


def get_item(x: Any, index: Any) -> Any:
    level = innermost((x, index))
    assert level is not None
    place = _place(x, index, level)
    return BatchedTensor(place.to_front(values_at(x, level)[place.index]), level)


def set_item(x: Any, index: Any, value: Any) -> None:
    level = innermost((x, index, value))
    assert level is not None
    if not is_batched(x, level):
        refuse_in_place("copy_", x, (value,), level)
    place = _place(x, index, level)
    target = x._value
    if isinstance(value, _Tensor):
        shape = place.to_front(target[place.index]).shape[1:]
        while value.dim() > len(shape) and value.shape[0] == 1:
            value = value.squeeze(0)
        value = value.expand(shape) if innermost(value) is not level else value
        gap = len(shape) - value.dim()
        values = values_at(value, level)
        value = place.from_front(values.reshape(level.size, *(1,) * gap, *value.shape))
    target[place.index] = value


@dataclass
class _Place:
    """An index into the tensor of all samples, and the order of the dimensions of what it gives."""

    index: tuple[Any, ...]
    moves: tuple[list[int], list[int]] = ((), ())  # type: ignore[assignment]

    def to_front(self, y: Any) -> Any:
        """With the batch in front, and the others as they are for one sample."""
        return y.movedim(*self.moves) if self.moves[0] else y

    def from_front(self, y: Any) -> Any:
        return y.movedim(self.moves[1], self.moves[0]) if self.moves[0] else y


def _place(x: Any, index: Any, level: Level) -> _Place:
    items = _written_out(x, index if isinstance(index, tuple) else (index,))
    left = [item for item in items if not _is_int(item)]  # ints are applied first
    many = [i for i, item in enumerate(left) if _is_many(item)]
    rank = max((_dims_of(left[i]) for i in many), default=0)
    neighbours = not many or many[-1] - many[0] == len(many) - 1
    if innermost(items) is not level:  # one index for all samples
        moves = ([], []) if neighbours else ([rank], [0])
        return _Place((slice(None), *items), moves)
    if any(is_batched(i, level) and _is_mask(i) for i in items):
        raise RuntimeError(
            "vmap: We do not support batching operators that can support dynamic shape. "
            "Attempting to batch over indexing with a boolean mask. Use torch.where."
        )
    samples = _C.arange(level.size).reshape(level.size, *(1,) * rank)
    placed = (samples, *(_aligned(i, level, rank) for i in items))
    before = many[0] if neighbours else 0
    where = list(range(1, 1 + rank))
    moves = (where, [d + before for d in where]) if before and rank else ([], [])
    return _Place(placed, moves)


def _is_mask(item: Any) -> bool:
    return isinstance(item, _Tensor) and str(item.dtype) == "torch.bool"


def _is_int(item: Any) -> bool:
    return isinstance(item, int) and not isinstance(item, bool)


def _is_many(item: Any) -> bool:
    return isinstance(item, (list, range, _Tensor)) or hasattr(item, "dtype")


def _dims_taken(item: Any) -> int:
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return int(item.dim()) if _is_mask(item) else 1


def _dims_of(item: Any) -> int:
    """How many dimensions the index brings."""
    if isinstance(item, _Tensor):
        return 1 if _is_mask(item) else int(item.dim())
    return int(_C.tensor(item).dim()) if isinstance(item, (list, range)) else int(item.ndim)


def _written_out(x: Any, items: tuple[Any, ...]) -> tuple[Any, ...]:
    """The index without its ellipsis."""
    at = [i for i, item in enumerate(items) if item is Ellipsis]
    rest = x.dim() - sum(map(_dims_taken, items))
    if not at:
        return (*items, *(slice(None),) * max(rest, 0)) if innermost(items) else items
    return (*items[: at[0]], *(slice(None),) * max(rest, 0), *items[at[0] + 1 :])


def _aligned(item: Any, level: Level, rank: int) -> Any:
    if not is_batched(item, level):
        return item
    return item._value.reshape(level.size, *(1,) * (rank - item.dim()), *item.shape)
