"""DataLoader with worker processes: PyTorch's order and seeds, and every way in which one fails."""

import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time

import pytest

import backlit
from backlit.utils.data import DataLoader, TensorDataset, get_worker_info

from oracle import same


def names(lib):
    data = lib.utils.data

    class Squares(data.Dataset):
        def __len__(self):
            return 23

        def __getitem__(self, i):
            return {"i": i, "pair": (i * 0.5, str(i)), "x": lib.full((2,), float(i))}

    class Stream(data.IterableDataset):
        """Each worker has its own part, of another length."""

        def __iter__(self):
            info = data.get_worker_info()
            return iter(range(100 * info.id, 100 * info.id + 5 + 4 * info.id))

    class Eager(data.Sampler):
        def __iter__(self):
            return iter(lib.randperm(23).tolist())

    rows = data.TensorDataset(lib.arange(92.0).reshape(23, 4), lib.arange(23))
    return {
        "D": data,
        "L": data.DataLoader,
        "squares": Squares(),
        "stream": Stream(),
        "rows": rows,
        "eager": Eager(),
        "g": lib.Generator().manual_seed(3),
    }


LOADERS = [
    "L(squares,4,num_workers=2)",
    "L(squares,4,True,num_workers=2,drop_last=True)",
    "L(rows,4,True,num_workers=2,persistent_workers=True)",
    "L(rows,3,True,num_workers=1,prefetch_factor=5,generator=g)",
    "L(rows,None,num_workers=2)",
    "L(rows,batch_sampler=[[1,2],[5],[3,4,6]],num_workers=2)",
    "L(rows,5,sampler=D.SubsetRandomSampler(range(3,20)),num_workers=2)",
    "L(rows,5,sampler=eager,num_workers=2)",
    "L(stream,2,num_workers=2)",
    "L(stream,2,num_workers=2,drop_last=True,persistent_workers=True)",
    "L(stream,None,num_workers=2)",
    "L(squares,4,num_workers=2,collate_fn=len)",
    "L(squares,3,num_workers=1,in_order=False)",
]


@pytest.mark.parametrize("source", LOADERS)
def test_order(source):
    def run(lib):
        lib.manual_seed(7)
        loader = eval(source, names(lib))
        return [batch for _ in range(2) for batch in loader], lib.rand(1)

    same(run)


def test_seeds_of_workers():
    """Python's, the library's and NumPy's generators in a worker give what they give in PyTorch."""

    def run(lib):
        import numpy

        class Draws(lib.utils.data.Dataset):
            def __len__(self):
                return 4

            def __getitem__(self, i):
                info = lib.utils.data.get_worker_info()
                drawn = [random.random(), lib.rand(1).item(), float(numpy.random.rand())]
                return [info.id, info.num_workers, info.seed, *drawn]

        lib.manual_seed(1)
        loader = lib.utils.data.DataLoader(
            Draws(), None, num_workers=2, worker_init_fn=lambda w: random.random()
        )
        return list(loader), lib.utils.data.get_worker_info()

    same(run)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_start_methods(method):
    rows = TensorDataset(backlit.arange(10.0))
    loader = DataLoader(rows, 4, num_workers=1, multiprocessing_context=method)
    assert [x.tolist() for (x,) in loader] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


class At:
    """A dataset of ten samples that does something at sample 5."""

    def __init__(self, act):
        self.act = act

    def __len__(self):
        return 10

    def __getitem__(self, i):
        if i == 5:
            return self.act()
        return i


def fails(error):
    def act():
        raise error

    return act


class TwoArguments(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


@pytest.mark.parametrize(
    "error", [ValueError("bad"), KeyError("k"), TwoArguments(1, 2), StopIteration("s")]
)
def test_errors_come_back(error):
    def run(lib):
        loader = lib.utils.data.DataLoader(At(fails(error)), 2, num_workers=1)
        seen = []
        batches = iter(loader)
        for _ in range(2):
            seen.append(next(batches).tolist())
        try:
            next(batches)
        except Exception as raised:
            text = str(raised).splitlines()
            return seen, type(raised).__name__, text[:2], next(batches).tolist()

    same(run)


def test_errors_name_the_sample():
    loader = DataLoader(At(fails(ValueError("bad"))), 3, num_workers=1)
    with pytest.raises(ValueError, match=r"(?s)ValueError: bad\nThe sample was that at index 5\."):
        list(loader)


def test_error_of_the_init_function():
    def run(lib):
        def init(worker):
            raise ValueError(worker)

        return list(lib.utils.data.DataLoader([1], num_workers=1, worker_init_fn=init))

    same(run)


def test_batch_that_cannot_be_sent():
    loader = DataLoader([1, 2], num_workers=1, collate_fn=lambda batch: lambda: batch)
    with pytest.raises((AttributeError, TypeError, RuntimeError), match="could not be sent"):
        list(loader)


def no_children():
    """Whether all workers are gone, zombies included."""
    gc.collect()
    deadline = time.monotonic() + 20
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not multiprocessing.active_children()


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("act", [killed, lambda: os._exit(3), lambda: sys.exit(4)])
def test_worker_that_dies(act):
    loader = DataLoader(At(act), 2, num_workers=2)
    with pytest.raises(
        RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly"
    ):
        list(loader)
    assert no_children()


def test_timeout():
    def run(lib):
        loader = lib.utils.data.DataLoader(
            At(lambda: time.sleep(3)), 2, num_workers=1, timeout=0.5, prefetch_factor=1
        )
        return list(loader)

    same(run)


def test_loop_left_early_leaves_nothing_behind():
    for persistent in (False, True):
        loader = DataLoader(At(int), 1, num_workers=2, persistent_workers=persistent)
        for _ in range(2):
            for _batch in loader:
                break
        assert len(list(loader)) == 10
        del loader, _batch
        assert no_children()


def test_two_loaders_at_once():
    """A worker that was forked later must not keep the pipes of an earlier one open."""
    first = DataLoader(At(int), 2, num_workers=1, persistent_workers=True)
    next(iter(first))
    second = DataLoader(At(int), 2, num_workers=1, persistent_workers=True)
    next(iter(second))
    start = time.monotonic()
    del first
    gc.collect()
    assert time.monotonic() - start < 4  # not ended by force
    assert len(list(second)) == 5


def test_large_batches_and_tasks():
    """More than a pipe holds, both ways."""
    rows = TensorDataset(backlit.arange(600_000.0))
    loader = DataLoader(rows, 200_000, shuffle=True, num_workers=2, prefetch_factor=3)
    assert sum(x.double().sum().item() for (x,) in loader) == 600_000 * 599_999 / 2


def test_workers_end_with_their_process():
    """Killed without a chance to clean up, a process leaves no orphans."""
    script = """if True:
        import os, signal, time
        from backlit.utils.data import DataLoader

        batches = iter(DataLoader(range(10), num_workers=2))
        next(batches)
        print(*(worker.process.pid for worker in batches._workers), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 20
    while any(running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(running(pid) for pid in pids)


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def test_interrupt():
    """Ctrl-C reaches everybody; only the main process reports it, and nobody hangs."""
    script = """if True:
        import time
        from backlit.utils.data import DataLoader

        class Slow:
            def __len__(self):
                return 100

            def __getitem__(self, i):
                if i:
                    time.sleep(0.2)
                return i

        for _ in DataLoader(Slow(), num_workers=2):
            print("ready", flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert errors.count("KeyboardInterrupt") == 1
    assert process.returncode == -signal.SIGINT


def test_no_worker_here():
    assert get_worker_info() is None
