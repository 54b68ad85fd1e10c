"""`DataLoader`: a dataset, an order and a batch size, as an iterable of batches."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import backlit as bl

from ._collate import default_collate, default_convert
from ._dataset import IterableDataset, Subset, TensorDataset, samples_of
from ._sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    random_seed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from backlit import Generator, Tensor

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class _Endless(Sampler[None]):
    """For datasets without indices."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class DataLoader:
    """Batches of a dataset, in order or shuffled, in this process.

    The order for a given seed is PyTorch's.

        >>> data = TensorDataset(backlit.arange(5))
        >>> [x.tolist() for (x,) in DataLoader(data, batch_size=2)]
        [[0, 1], [2, 3], [4]]
    """

    _initialized = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(
            num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context
        )
        self.dataset, self.num_workers, self.generator = dataset, num_workers, generator
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout, self.worker_init_fn = timeout, worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.prefetch_factor, self.persistent_workers = prefetch_factor, persistent_workers
        self.in_order = in_order
        self._iterable = isinstance(dataset, IterableDataset)
        if self._iterable:
            _check_no_order(shuffle, sampler, batch_sampler)
        shuffle = bool(shuffle)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, "
                    "sampler, and drop_last"
                )
            batch_size = None
            drop_last = False
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive "
                "with drop_last"
            )
        if sampler is None:
            if self._iterable:
                sampler = _Endless()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last = batch_size, drop_last
        self.sampler, self.batch_sampler = sampler, batch_sampler
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.collate_fn = collate_fn
        self._initialized = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in _FIXED:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        object.__setattr__(self, name, value)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __len__(self) -> int:
        if not self._iterable:
            return len(self._index_sampler)
        length = len(self.dataset)
        if self.batch_size is None:
            return length
        if self.drop_last:
            return length // self.batch_size
        return -(-length // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        order = iter(self._index_sampler)
        # One draw per pass, where PyTorch draws the seed of its workers.
        random_seed(self.generator)
        if self._iterable:
            return self._iterate()
        if self.batch_sampler is None:
            return (self.collate_fn(self.dataset[index]) for index in order)
        if self.collate_fn is default_collate:
            rows = _row_source(self.dataset)
            if rows is not None:
                if type(self.batch_sampler) is BatchSampler:
                    return _slices(rows, self.batch_sampler)
                return (rows.take(batch) for batch in order)
        return (self.collate_fn(samples_of(self.dataset, batch)) for batch in order)

    def _iterate(self) -> Iterator[Any]:
        samples = iter(self.dataset)
        if self.batch_size is None:
            for sample in samples:
                yield self.collate_fn(sample)
            return
        while batch := list(islice(samples, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield self.collate_fn(batch)


class _Rows:
    """Tensors whose rows are the samples, and where in them each sample is."""

    def __init__(self, tensors: tuple[Tensor, ...], indices: Tensor | None) -> None:
        self.tensors, self.indices = tensors, indices

    def take(self, batch: Any) -> list[Tensor]:
        """What `default_collate` makes of the samples at the indices `batch`."""
        index = bl.as_tensor(batch, dtype=bl.int64)
        if self.indices is not None:
            index = self.indices[index]
        return [tensor[index] for tensor in self.tensors]

    def span(self, start: int, end: int) -> list[Tensor]:
        """The same for consecutive samples."""
        if self.indices is not None:
            return [tensor[self.indices[start:end]] for tensor in self.tensors]
        return [tensor[start:end].clone() for tensor in self.tensors]


def _row_source(dataset: Any) -> _Rows | None:
    """The tensors behind a TensorDataset, or a Subset of one; None for anything else."""
    if type(dataset) is TensorDataset:
        return _Rows(dataset.tensors, None)
    if type(dataset) is Subset and type(dataset.dataset) is TensorDataset:
        indices = list(dataset.indices)
        if all(type(index) is int for index in indices):
            return _Rows(dataset.dataset.tensors, bl.tensor(indices, dtype=bl.int64))
    return None


def _slices(rows: _Rows, batches: BatchSampler) -> Iterator[list[Tensor]]:
    """Batches without a Python list of indices, where the order is known to be a range."""
    if type(batches.sampler) is not SequentialSampler:
        for batch in batches:
            yield rows.take(batch)
        return
    size, count = batches.batch_size, len(batches.sampler)
    stop = count - count % size if batches.drop_last else count
    for start in range(0, stop, size):
        yield rows.span(start, min(start + size, count))


def _check_workers(
    num_workers: int, timeout: float, prefetch: Any, persistent: bool, context: Any
) -> None:
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to disable "
            "multiprocessing."
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers > 0:
        raise NotImplementedError(
            "DataLoader: worker processes are not implemented yet. "
            f"Got num_workers={num_workers}. Try num_workers=0."
        )
    if prefetch is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing."
            "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if persistent:
        raise ValueError("persistent_workers option needs num_workers > 0")
    if context is not None:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading "
            f"(num_workers > 0), but got num_workers={num_workers}"
        )


def _check_no_order(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    options = {"sampler": sampler, "batch_sampler": batch_sampler}
    if shuffle not in (False, None):
        options = {"shuffle": shuffle}
    for name, value in options.items():
        if value is not None:
            raise ValueError(
                "DataLoader with IterableDataset: expected unspecified "
                f"{name} option, but got {name}={value}"
            )
