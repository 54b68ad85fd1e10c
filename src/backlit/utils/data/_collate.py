"""`default_collate`: samples to a batch; `default_convert`: values to tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import backlit as bl
from backlit import Tensor


def _is_numpy(value: Any, *kinds: str) -> bool:
    """Whether a value is NumPy's, without importing NumPy."""
    return any(
        base.__module__ == "numpy" and base.__name__ in kinds for base in type(value).__mro__
    )


def default_collate(batch: Any) -> Any:
    """A batch from a list of samples: tensors are stacked, numbers become one tensor.

    Tuples, lists and dicts are collated entry by entry; strings stay a list.

        >>> default_collate([(1, "a"), (2, "b")])
        [tensor([1, 2]), ('a', 'b')]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return bl.stack(batch if isinstance(batch, (list, tuple)) else list(batch), 0)
    if isinstance(first, float):
        return bl.tensor(batch, dtype=bl.float64)
    if isinstance(first, int):
        return bl.tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if _is_numpy(first, "ndarray", "generic"):
        return _collate_numpy(batch, first)
    if isinstance(first, Mapping):
        columns = {key: default_collate([sample[key] for sample in batch]) for key in first}
        return _rebuild(first, columns)
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(column) for column in zip(*batch, strict=False)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        collated = [default_collate(column) for column in zip(*batch, strict=False)]
        return collated if isinstance(first, tuple) else _rebuild(first, collated)
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {type(first)}"
    )


def _rebuild(like: Any, content: Any) -> Any:
    """`content` in the container type of `like`, where that can be made from it."""
    if type(like) in (dict, list):
        return content
    try:
        if isinstance(like, Mapping):
            return type(like)(content)  # type: ignore[call-arg]
        return type(like)(content)
    except TypeError:
        return content


def _collate_numpy(batch: Any, first: Any) -> Any:
    if getattr(first, "shape", None) == ():
        return bl.as_tensor([bl.as_tensor(value) for value in batch])
    if first.dtype.kind in "SaUO":
        raise TypeError(
            "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
            f"found {first.dtype}"
        )
    return bl.stack([bl.as_tensor(value) for value in batch], 0)


def default_convert(data: Any) -> Any:
    """NumPy arrays become tensors, inside containers too; everything else stays."""
    if isinstance(data, (Tensor, str, bytes)):
        return data
    if _is_numpy(data, "ndarray", "generic"):
        if getattr(data, "shape", None) != () and data.dtype.kind in "SaUO":
            return data
        return bl.as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuild(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(value) for value in data))
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, Sequence):
        return _rebuild(data, [default_convert(value) for value in data])
    return data
