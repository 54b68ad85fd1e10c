"""What a sampler gives, turned into a batch: by index, from a stream, or by rows of tensors."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import backlit as bl

from ._collate import default_collate
from ._dataset import IterableDataset, Subset, TensorDataset

if TYPE_CHECKING:
    from collections.abc import Callable

    from backlit import Tensor


class IndexFetcher:
    """Samples at an index, or at a list of them where there are batches."""

    def __init__(self, dataset: Any, batched: bool, collate_fn: Callable[[Any], Any]) -> None:
        self.dataset, self.batched, self.collate_fn = dataset, batched, collate_fn
        self._many = getattr(dataset, "__getitems__", None) if batched else None
        self._samples: list[Any] = []

    def fetch(self, index: Any) -> Any:
        """The batch of the samples at `index`."""
        if not self.batched:
            return self.collate_fn(self.dataset[index])
        if callable(self._many):
            return self.collate_fn(self._many(index))
        dataset = self.dataset
        samples = self._samples = []
        for i in index:
            samples.append(dataset[i])
        return self.collate_fn(samples)

    def culprit(self, index: Any) -> str:
        """Which sample the last `fetch` failed at."""
        if not self.batched:
            return f"The sample was that at index {index!r}."
        if callable(self._many) or len(self._samples) == len(index):
            return f"The samples were those at the indices {list(index)!r}."
        return f"The sample was that at index {index[len(self._samples)]!r}."


class StreamFetcher:
    """Samples of an iterable dataset; `index` only says how many."""

    def __init__(
        self, dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool
    ) -> None:
        self.samples, self.batched = iter(dataset), batched
        self.collate_fn, self.drop_last = collate_fn, drop_last
        self.ended = False
        self.count = 0

    def fetch(self, index: Any) -> Any:
        """The next batch; StopIteration after the last."""
        if not self.batched:
            sample = next(self.samples)
            self.count += 1
            return self.collate_fn(sample)
        if self.ended:
            raise StopIteration
        batch: list[Any] = []
        for sample in islice(self.samples, len(index)):
            batch.append(sample)
            self.count += 1
        self.ended = len(batch) < len(index)
        if not batch or (self.drop_last and self.ended):
            raise StopIteration
        return self.collate_fn(batch)

    def culprit(self, index: Any) -> str:
        """Where in the stream the last `fetch` failed."""
        return f"It came after {self.count} samples of the stream."


class RowFetcher:
    """Rows of tensors: what `default_collate` makes of the samples, without making the samples."""

    def __init__(self, tensors: tuple[Tensor, ...], indices: Tensor | None) -> None:
        self.tensors, self.indices = tensors, indices

    def fetch(self, index: Any) -> list[Tensor]:
        """The rows at the indices."""
        rows = bl.as_tensor(index, dtype=bl.int64)
        if self.indices is not None:
            rows = self.indices[rows]
        return [tensor[rows] for tensor in self.tensors]

    def span(self, start: int, end: int) -> list[Tensor]:
        """The same for consecutive samples."""
        if self.indices is not None:
            return [tensor[self.indices[start:end]] for tensor in self.tensors]
        return [tensor[start:end].clone() for tensor in self.tensors]

    def culprit(self, index: Any) -> str:
        """Which samples the last `fetch` failed at."""
        return f"The samples were those at the indices {list(index)!r}."


Fetcher = IndexFetcher | StreamFetcher | RowFetcher


def make_fetcher(
    dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool
) -> Fetcher:
    """The way of fetching that fits a dataset."""
    if isinstance(dataset, IterableDataset):
        return StreamFetcher(dataset, batched, collate_fn, drop_last)
    rows = _rows(dataset) if batched and collate_fn is default_collate else None
    return rows or IndexFetcher(dataset, batched, collate_fn)


def _rows(dataset: Any) -> RowFetcher | None:
    """The tensors behind a TensorDataset, or a Subset of one; None for anything else."""
    if type(dataset) is TensorDataset:
        return RowFetcher(dataset.tensors, None)
    if type(dataset) is Subset and type(dataset.dataset) is TensorDataset:
        indices = list(dataset.indices)
        if all(type(index) is int for index in indices):
            return RowFetcher(dataset.dataset.tensors, bl.tensor(indices, dtype=bl.int64))
    return None
