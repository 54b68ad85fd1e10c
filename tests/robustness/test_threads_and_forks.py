"""Threads that run backward at the same time, and processes forked after the pool has worked."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

import backlit as torch


def run_in_threads(work, count: int = 4) -> None:
    errors: list[BaseException] = []
    barrier = threading.Barrier(count)

    def guarded(number: int) -> None:
        try:
            barrier.wait(10)
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    assert not any(t.is_alive() for t in threads), "a thread hangs"
    if errors:
        raise errors[0]


def test_one_graph_in_several_threads() -> None:
    # 70,000 elements: kernels release the GIL, and the runs interleave inside one graph
    x = torch.linspace(0, 1, 70_000, dtype=torch.float64, requires_grad=True)
    y = x.exp()
    loss = (y * x.sin()).sum()
    (expected,) = torch.autograd.grad(loss, x, retain_graph=True)

    def work(number: int) -> None:
        for _ in range(10):
            (g,) = torch.autograd.grad(loss, x, retain_graph=True)
            assert torch.equal(g, expected)

    run_in_threads(work)


def test_second_derivatives_in_several_threads() -> None:
    x = torch.linspace(0, 1, 70_000, dtype=torch.float64, requires_grad=True)
    loss = (x**3).sum()

    def work(number: int) -> None:
        for _ in range(5):
            (g,) = torch.autograd.grad(loss, x, create_graph=True)
            (h,) = torch.autograd.grad(g.sum(), x)
            torch.testing.assert_close(h, 6 * x.detach())

    run_in_threads(work)


def test_graphs_of_their_own_with_shared_changed_memory() -> None:
    shared = torch.zeros(4, 70_000)

    def work(number: int) -> None:
        w = torch.full((70_000,), float(number + 1), requires_grad=True)
        for _ in range(5):
            row = shared[number].clone()
            row.mul_(0).add_(w)
            row.sum().backward()
            with torch.no_grad():
                shared[number].copy_(row)
        assert w.grad.unique().tolist() == [5.0]

    run_in_threads(work)
    assert shared.mean(1).tolist() == [1.0, 2.0, 3.0, 4.0]


def test_released_graph_in_several_threads_is_an_error_at_most() -> None:
    x = torch.linspace(0, 1, 70_000, requires_grad=True)
    for _ in range(5):
        loss = (x.exp() * x.sin()).sum()

        def work(number: int, loss=loss) -> None:
            try:
                loss.backward()
            except RuntimeError as error:
                assert "second time" in str(error)

        run_in_threads(work)


def in_a_process(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script], timeout=100, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


# pytest's plugins have threads: each case has a process of its own. 1 << 20 elements keep the pool
# busy; the child must build a pool of its own.
FORK = """
import os, sys, threading, backlit as torch

def work():
    x = torch.linspace(0, 1, 1 << 20, requires_grad=True)
    a = torch.ones(300, 300)
    ((x.exp() * 2).sum() + (a @ a).sum()).backward()
    return x.grad.sum().item()

expected = work()

def child(check):
    pid = os.fork()
    if pid == 0:
        try:
            ok = check()
        except BaseException as error:
            print(error, file=sys.stderr)
            ok = False
        os._exit(0 if ok else 3)
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
"""
NEEDS_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@NEEDS_FORK
@pytest.mark.parametrize(
    "check",
    [
        "lambda: work() == expected",
        "lambda: torch.set_num_threads(3) or work() == expected",
        "lambda: child(lambda: work() == expected) or work() == expected",
    ],
    ids=["again", "other number of threads", "grandchild"],
)
def test_fork_after_the_pool_worked(check: str) -> None:
    in_a_process(FORK + f"child({check})\nassert work() == expected\n")


@NEEDS_FORK
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork_while_another_thread_computes() -> None:
    in_a_process(
        FORK
        + """
stop = threading.Event()
def busy():
    while not stop.is_set():
        work()
t = threading.Thread(target=busy)
t.start()
for _ in range(5):
    child(lambda: work() == expected)
stop.set()
t.join()
"""
    )


@NEEDS_FORK
def test_random_numbers_go_on_in_both() -> None:
    in_a_process(
        FORK
        + """
torch.manual_seed(1)
first = torch.rand(5)
torch.manual_seed(1)
child(lambda: torch.equal(torch.rand(5), first))
assert torch.equal(torch.rand(5), first)
"""
    )
