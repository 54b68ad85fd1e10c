"""What runs in a worker process of a DataLoader: fetch batches as they are asked for.

A worker reads tasks from one pipe and writes answers to another, each its own, so that a worker
that dies leaves no lock behind that others wait for. The end of the first pipe ends the worker,
whether the loader closed it or its process died.
"""

from __future__ import annotations

import pickle
import queue
import random
import threading
import traceback
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import backlit as bl

from ._fetch import StreamFetcher, make_fetcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

# The loader's ends of all pipes of this process. A forked worker inherits them, and must close
# them: as long as anybody holds the writing end of a pipe, its reader sees no end.
loader_ends: WeakSet[Connection] = WeakSet()


@dataclass(frozen=True)
class WorkerInfo:
    """What a dataset can know of the worker process that it runs in."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Number, count, seed and dataset copy of this worker process; None in the main process.

    >>> get_worker_info() is None
    True
    """
    return _info


@dataclass(frozen=True)
class Job:
    """What all workers of an iteration share."""

    dataset: Any
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    init_fn: Callable[[int], None] | None
    base_seed: int
    workers: int


@dataclass(frozen=True)
class Task:
    """A batch to fetch: the how manyeth of which pass, and what the sampler gave for it."""

    epoch: int
    number: int
    index: Any


class Ended:
    """The answer of a worker whose stream has ended."""


class _Text(str):
    """A message that KeyError prints as it is, not quoted."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Failure:
    """An exception of a worker, as its type and its text."""

    kind: type[Exception]
    text: str

    @classmethod
    def of(cls, error: Exception, worker: int, culprit: str) -> Failure:
        """The failure that `error` was; `culprit` says at which sample."""
        told = "".join(traceback.format_exception(error))
        text = f"Caught {type(error).__name__} in DataLoader worker process {worker}."
        return cls(type(error), f"{text}\nOriginal {told}{culprit}")

    def reraise(self) -> None:
        """Raise it here; as RuntimeError where the type cannot be made from a message."""
        text = _Text(self.text) if self.kind is KeyError else self.text
        try:
            error: Exception = self.kind(text)
        except Exception:
            error = RuntimeError(text)
        raise error


def serve(job: Job, worker: int, tasks: Connection, answers: Connection) -> None:
    """Run a worker until the loader closes the pipe of tasks."""
    for end in list(loader_ends):
        end.close()
    outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    sender = threading.Thread(target=_send_all, args=(outbox, answers), daemon=True)
    sender.start()
    try:
        _answer_all(job, worker, tasks, outbox)
        outbox.put(None)
        sender.join()
    except KeyboardInterrupt:  # the main process got it too, and tells the user
        pass


def _send_all(outbox: queue.SimpleQueue[bytes | None], answers: Connection) -> None:
    """A thread of its own, so that the next batch is fetched while the last one waits."""
    while (answer := outbox.get()) is not None:
        try:
            answers.send_bytes(answer)
        except OSError:  # nobody reads any more
            return


def _answer_all(
    job: Job, worker: int, tasks: Connection, outbox: queue.SimpleQueue[bytes | None]
) -> None:
    fetcher: Any = None
    epoch, ended = -1, False
    failure = _set_up(job, worker)
    while (task := _next_task(tasks)) is not None:
        if task.epoch != epoch:
            epoch, ended, fetcher = task.epoch, False, None
        if ended:
            continue
        answer: Any = failure
        if failure is None:
            try:
                if fetcher is None:
                    fetcher = make_fetcher(job.dataset, job.batched, job.collate_fn, job.drop_last)
                answer = fetcher.fetch(task.index)
            except Exception as error:
                ended = isinstance(error, StopIteration) and isinstance(fetcher, StreamFetcher)
                culprit = "" if fetcher is None else fetcher.culprit(task.index)
                answer = Ended() if ended else Failure.of(error, worker, culprit)
        failure = None
        outbox.put(_packed(task, answer, worker))


def _next_task(tasks: Connection) -> Task | None:
    try:
        task: Task = tasks.recv()
    except (EOFError, OSError):
        return None
    return task


def _packed(task: Task, answer: Any, worker: int) -> bytes:
    """An answer as bytes; what cannot be pickled becomes a failure that says so."""
    head = (task.epoch, task.number)
    try:
        return bytes(ForkingPickler.dumps((*head, answer)))
    except Exception as error:
        if isinstance(answer, Failure):
            return pickle.dumps((*head, Failure(RuntimeError, answer.text)))
        told = Failure.of(error, worker, "The batch could not be sent to the main process.")
        return pickle.dumps((*head, told))


def _set_up(job: Job, worker: int) -> Failure | None:
    """Seed the generators as PyTorch seeds them, and run the user's function."""
    global _info
    import numpy as np

    bl.set_num_threads(1)
    seed = job.base_seed + worker
    random.seed(seed)
    bl.manual_seed(seed)
    entropy = [worker, job.base_seed & 0xFFFFFFFF, job.base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(entropy).generate_state(4))
    _info = WorkerInfo(worker, job.workers, seed, job.dataset)
    try:
        if job.init_fn is not None:
            job.init_fn(worker)
    except Exception as error:
        return Failure.of(error, worker, "It was raised by worker_init_fn.")
    return None
