"""The loader's side of worker processes: hand out tasks, take answers in order, end them all."""

from __future__ import annotations

import multiprocessing
import pickle
import time
import weakref
from contextlib import suppress
from itertools import cycle
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from ._worker import Ended, Failure, Job, Task, loader_ends, serve

if TYPE_CHECKING:
    from collections.abc import Iterable

PATIENCE = 5.0  # seconds in which a worker may finish what it does when it is ended


class _Worker:
    """A process, and the loader's ends of its pipes."""

    def __init__(self, context: Any, job: Job, number: int) -> None:
        task_reader, self.tasks = context.Pipe(duplex=False)
        self.answers, answer_writer = context.Pipe(duplex=False)
        loader_ends.add(self.tasks)
        loader_ends.add(self.answers)
        self.number = number
        self.active = True  # has not said that its stream ended
        self.load = 0
        self.process = context.Process(
            target=serve, args=(job, number, task_reader, answer_writer), daemon=True
        )
        try:
            self.process.start()
        finally:
            task_reader.close()
            answer_writer.close()

    def hang_up(self) -> None:
        """Close the pipes, which ends the process."""
        self.tasks.close()
        self.answers.close()


def _end(workers: Iterable[_Worker]) -> None:
    """End processes, patiently at first, and leave none behind."""
    for worker in workers:
        worker.hang_up()
    deadline = time.monotonic() + PATIENCE
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
    for stop in ("terminate", "kill"):
        for worker in workers:
            if worker.process.is_alive():
                getattr(worker.process, stop)()
                worker.process.join(PATIENCE)


class WorkerIterator:
    """One pass over a loader with workers; many passes where the workers persist.

    Batch n goes to the next worker in turn, `prefetch_factor` batches ahead for each.
    """

    def __init__(self, loader: Any, base_seed: int) -> None:
        context = loader.multiprocessing_context or multiprocessing.get_context()
        job = Job(
            loader.dataset,
            loader._auto_collation,
            loader.collate_fn,
            loader.drop_last,
            loader.worker_init_fn,
            base_seed,
            loader.num_workers,
        )
        import numpy  # noqa: F401 - imported once here, and not by every forked worker

        self._loader = loader
        self._workers: list[_Worker] = []
        self._finalizer = weakref.finalize(self, _end, self._workers)
        for number in range(loader.num_workers):
            self._workers.append(_Worker(context, job, number))
        self._epoch = -1
        self.reset()

    def reset(self) -> None:
        """Begin a pass."""
        self._order = iter(self._loader._index_sampler)
        self._epoch += 1
        self._sent = self._next = 0  # numbers of tasks
        self._owner: dict[int, _Worker] = {}  # of tasks without an answer
        self._answered: dict[int, tuple[_Worker, Any]] = {}
        self._turn = cycle(self._workers)
        for worker in self._workers:
            worker.active, worker.load = True, 0
        for _ in range(self._ahead):
            self._send()

    @property
    def _ahead(self) -> int:
        return int(self._loader.prefetch_factor * self._loader.num_workers)

    def __iter__(self) -> WorkerIterator:
        return self

    def __next__(self) -> Any:
        while True:
            while self._next < self._sent and not self._expected(self._next):
                self._next += 1
            if self._next == self._sent:
                if not self._loader.persistent_workers:
                    self._finalizer()
                raise StopIteration
            if self._next in self._answered:
                return self._give(self._next)
            number = self._receive()
            if number is not None and not self._loader.in_order:
                return self._give(number)

    def _expected(self, number: int) -> bool:
        return number in self._owner or number in self._answered

    def _send(self) -> None:
        """Give the next task to the worker whose turn it is."""
        try:
            index = next(self._order)
        except StopIteration:
            return
        share = self._ahead // max(1, sum(worker.active for worker in self._workers))
        for _ in self._workers:
            worker = next(self._turn)
            if worker.active and (self._loader.in_order or worker.load < share):
                break
        else:
            return
        with suppress(BrokenPipeError):  # it died: found out when its answer is missed
            worker.tasks.send(Task(self._epoch, self._sent, index))
        self._owner[self._sent] = worker
        worker.load += 1
        self._sent += 1

    def _give(self, number: int) -> Any:
        """Return an answer, or raise what it tells, and keep the workers busy."""
        worker, answer = self._answered.pop(number)
        worker.load -= 1
        self._send()
        if isinstance(answer, Failure):
            answer.reraise()
        return answer

    def _receive(self) -> int | None:
        """Wait for one answer; the number of its task, None where it brings no batch."""
        worker, data = self._read()
        epoch, number, answer = pickle.loads(data)
        if epoch != self._epoch:  # of a pass that was left early
            return None
        del self._owner[number]
        if isinstance(answer, Ended):
            worker.active = False
            self._owner = {n: owner for n, owner in self._owner.items() if owner is not worker}
            if not self._loader.persistent_workers:
                worker.tasks.close()
            self._send()
            return None
        self._answered[number] = worker, answer
        return int(number)

    def _read(self) -> tuple[_Worker, bytes]:
        active = [worker for worker in self._workers if worker.active]
        by_end: dict[Any, _Worker] = {worker.answers: worker for worker in active}
        sentinels = [worker.process.sentinel for worker in active]
        ready = wait([*by_end, *sentinels], self._loader.timeout or None)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {self._loader.timeout} seconds")
        for end in ready:
            if isinstance(end, Connection):
                try:
                    return by_end[end], end.recv_bytes()
                except (EOFError, OSError):  # it died, maybe in the middle of an answer
                    continue
        raise RuntimeError(self._obituary(active))

    def _obituary(self, active: list[_Worker]) -> str:
        """What is known of the workers that died; ends the others."""
        for worker in active:
            worker.process.join(0.1)  # the pipe may close a moment before the process ends
        dead = [worker.process for worker in active if not worker.process.is_alive()]
        pids = ", ".join(str(process.pid) for process in dead)
        codes = ", ".join(str(process.exitcode) for process in dead)
        self._finalizer()
        return (
            f"DataLoader worker (pid(s) {pids}) exited unexpectedly. Exit codes: {codes}; a "
            "negative one is the signal that killed it, and -9 often means too little memory. "
            "Try num_workers=0 to see an error of the dataset itself."
        )
