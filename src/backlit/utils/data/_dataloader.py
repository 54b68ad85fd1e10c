"""`DataLoader`: a dataset, an order and a batch size, as an iterable of batches."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import os
import warnings
from typing import TYPE_CHECKING, Any

from ._collate import default_collate, default_convert
from ._dataset import IterableDataset
from ._fetch import RowFetcher, make_fetcher
from ._sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    random_seed,
)
from ._workers import WorkerIterator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from backlit import Generator

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class _Endless(Sampler[None]):
    """For datasets without indices."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class DataLoader:
    """Batches of a dataset, in order or shuffled, fetched here or by worker processes.

    The order for a given seed is PyTorch's, with and without workers, and so are the seeds of
    the workers. An exception in a worker is raised here, with the worker's traceback and the
    index of the sample; a worker that dies raises RuntimeError.

        >>> data = backlit.utils.data.TensorDataset(backlit.arange(5))
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
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        if num_workers > 0 and prefetch_factor is None:
            prefetch_factor = 2
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
        self._persistent: WorkerIterator | None = None
        self._told_length: int | None = None  # what len() said of an iterable dataset
        self._initialized = True
        self._warn_of_many_workers()

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in _FIXED:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        object.__setattr__(self, name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """How workers are started: None for Python's default, or a context."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, value: Any) -> None:
        self._context = None if value is None else _as_context(value, self.num_workers)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __len__(self) -> int:
        if not self._iterable:
            return len(self._index_sampler)
        length = self._told_length = len(self.dataset)
        if self.batch_size is None:
            return length
        if self.drop_last:
            return length // self.batch_size
        return -(-length // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        if self._persistent is not None:
            self._persistent.reset()
            return self._counted(self._persistent)
        self._warn_of_many_workers()
        if self.pin_memory:
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, "
                "then device pinned memory won't be used.",
                stacklevel=2,
            )
        # Before the seed, and with workers once more after it: an order that is drawn when asked
        # for must come out as PyTorch's.
        order = iter(self._index_sampler)
        base_seed = random_seed(self.generator)
        if self.num_workers > 0:
            workers = WorkerIterator(self, base_seed)
            if self.persistent_workers:
                object.__setattr__(self, "_persistent", workers)
            return self._counted(workers)
        fetcher = make_fetcher(self.dataset, self._auto_collation, self.collate_fn, self.drop_last)
        if isinstance(fetcher, RowFetcher) and type(self.batch_sampler) is BatchSampler:
            return _slices(fetcher, self.batch_sampler)
        if self._iterable:
            return self._counted(_until_stopped(fetcher.fetch, order))
        return map(fetcher.fetch, order)

    def _counted(self, batches: Iterator[Any]) -> Iterator[Any]:
        """The batches, with a warning where an iterable dataset gives more than it told."""
        told = self._told_length if self._iterable else None
        if told is None:
            return batches
        return self._with_warning(batches, told)

    def _with_warning(self, batches: Iterator[Any], told: int) -> Iterator[Any]:
        for count, batch in enumerate(batches, 1):
            if count > told:
                warnings.warn(
                    f"Length of IterableDataset {self.dataset} was reported to be {told}"
                    f"(when accessing len(dataloader)), but {count} samples have been fetched. ",
                    stacklevel=2,
                )
            yield batch

    def check_worker_number_rationality(self) -> None:
        """Warn when there are more workers than cores."""
        self._warn_of_many_workers()

    def _warn_of_many_workers(self) -> None:
        if not self.num_workers:
            return
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        if cores is None or self.num_workers > cores:
            warnings.warn(
                f"This DataLoader will create {self.num_workers} worker processes in total. "
                f"The number of cores is {cores}: more workers than that are likely to be slower.",
                stacklevel=3,
            )


def _until_stopped(fetch: Callable[[Any], Any], order: Iterator[Any]) -> Iterator[Any]:
    for index in order:
        try:
            batch = fetch(index)
        except StopIteration:
            return
        yield batch


def _slices(rows: RowFetcher, batches: BatchSampler) -> Iterator[Any]:
    """Batches without a Python list of indices, where the order is known to be a range."""
    if type(batches.sampler) is not SequentialSampler:
        return map(rows.fetch, batches)
    size, count = batches.batch_size, len(batches.sampler)
    stop = count - count % size if batches.drop_last else count
    return (rows.span(start, min(start + size, count)) for start in range(0, stop, size))


def _check_workers(num_workers: int, timeout: float, prefetch: Any, persistent: bool) -> None:
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to disable "
            "multiprocessing."
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing."
            "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch is not None and prefetch < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _as_context(value: Any, num_workers: int) -> Any:
    if num_workers == 0:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading "
            f"(num_workers > 0), but got num_workers={num_workers}"
        )
    if isinstance(value, str):
        methods = multiprocessing.get_all_start_methods()
        if value not in methods:
            raise ValueError(
                "multiprocessing_context option should specify a valid start method in "
                f"{methods!r}, but got multiprocessing_context={value!r}"
            )
        return multiprocessing.get_context(value)
    if not isinstance(value, multiprocessing.context.BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string "
            f"specifying the start method, but got multiprocessing_context={value}"
        )
    return value


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
