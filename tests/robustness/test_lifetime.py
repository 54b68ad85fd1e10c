"""Memory and control flow at their edges: cycles, long chains, threads, forks, failing hooks."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref

import pytest

import backlit as torch


def _gone(reference: weakref.ref) -> bool:
    gc.collect()
    return reference() is None


def test_tensor_that_refers_to_itself_is_collected() -> None:
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y.note = [y]
    reference = weakref.ref(y)
    del y
    assert _gone(reference)


def test_leaf_whose_gradient_has_a_graph_is_collected() -> None:
    # x.grad -> graph -> AccumulateGrad -> x: PyTorch leaks this one and warns
    x = torch.tensor(2.0, requires_grad=True)
    (x**3).backward(create_graph=True)
    reference = weakref.ref(x)
    del x
    assert _gone(reference)


def test_hook_that_closes_over_its_tensor_is_collected() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 3
    y.register_hook(lambda g, kept=[y]: g * len(kept))
    reference = weakref.ref(y)
    del y
    assert _gone(reference)


def test_view_that_comes_to_be_the_origin_of_its_base_is_collected() -> None:
    base = torch.zeros(3, requires_grad=True) * 1
    w = torch.ones(1, requires_grad=True)
    view = base[:1]
    view.mul_(w)
    reference = weakref.ref(base)
    del base, view
    assert _gone(reference)


def test_attribute_that_refers_to_a_result_is_collected() -> None:
    x = torch.ones(2, requires_grad=True) * 1
    y = (x * 2).exp()
    x.result = y
    reference = weakref.ref(x)
    del x, y
    assert _gone(reference)


def test_second_order_graphs_on_many_leaves_are_collected() -> None:
    leaves = [torch.ones(2, requires_grad=True) for _ in range(5)]
    for _ in range(3):
        sum((a * b).sum() for a in leaves for b in leaves).backward(create_graph=True)
    references = [weakref.ref(t) for t in leaves]
    del leaves
    assert all(_gone(r) for r in references)


def test_custom_function_that_keeps_its_output_is_collected() -> None:
    class Keep(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mine = x * 2
            return ctx.mine

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = torch.ones(2, requires_grad=True)
    y = Keep.apply(x)
    reference = weakref.ref(y)
    del y
    assert _gone(reference)


@pytest.mark.parametrize("backward", [True, False], ids=["backward", "dropped"])
def test_chain_of_a_million_operations(backward: bool) -> None:
    x = torch.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    if backward:
        y.backward()
        assert x.grad.item() == 1.0
    del y  # freed without a million stack frames


def test_diamonds_accumulate_without_enumerating_paths() -> None:
    x = torch.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(40):
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**40


def test_two_threads_run_backward_over_shared_leaves_and_graphs() -> None:
    w = torch.ones(1000, requires_grad=True)
    shared = (w * 2).sum()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(50):
                ((w * 3).exp().sum() * 0.0).backward()
                torch.autograd.grad(shared, w, retain_graph=True)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    assert (w.grad == 0).all()


def test_threads_with_long_kernels() -> None:
    x = torch.linspace(0, 1, 300_000, requires_grad=True)
    found: list[float] = []

    def work() -> None:
        (g,) = torch.autograd.grad((x * x).sum(), x)
        found.append(g.sum().item())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 4 and len(set(found)) == 1


def test_grad_mode_belongs_to_the_thread() -> None:
    seen = []
    with torch.no_grad():
        t = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        t.start()
        t.join()
    assert seen == [True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork_after_tensors_were_used() -> None:
    # in a process of its own: pytest's plugins have threads
    script = """
import os, backlit as torch
x = torch.ones(1 << 20, requires_grad=True)
a = torch.randn(300, 300)
b = a @ a
(x.exp() * 2).sum().backward()
pid = os.fork()
if pid == 0:
    y = torch.ones(1 << 20, requires_grad=True)
    (y.exp() * 2).sum().backward()
    ok = torch.equal(x.grad, y.grad) and torch.equal(a @ a, b)
    os._exit(0 if ok else 3)
_, status = os.waitpid(pid, 0)
assert status == 0, status
(x.exp() * 2).sum().backward()
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_exception_in_a_tensor_hook_leaves_the_engine_usable() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2

    def fail(g: torch.Tensor) -> None:
        raise ZeroDivisionError("from the hook")

    handle = y.register_hook(fail)
    with pytest.raises(ZeroDivisionError, match="from the hook"):
        y.sum().backward(retain_graph=True)
    handle.remove()
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_exception_in_a_custom_backward_leaves_the_engine_usable() -> None:
    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise KeyError("custom")

    x = torch.ones(2, requires_grad=True)
    with pytest.raises(KeyError, match="custom"):
        (Fails.apply(x) + x * 2).sum().backward()
    x.grad = None
    (x * 5).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


def test_backward_inside_a_hook() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    inner = torch.tensor(2.0, requires_grad=True)
    y = x * 2

    def other_graph(g: torch.Tensor) -> None:
        with torch.enable_grad():  # off during backward, as in PyTorch
            (inner * inner).backward()

    y.register_hook(other_graph)
    (y * 1).backward()
    assert x.grad.item() == 2.0 and inner.grad.item() == 4.0


def test_backward_over_the_same_graph_inside_its_own_hook() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    y = x * x
    z = y * 2
    seen = []

    def again(g: torch.Tensor) -> None:
        if not seen:  # the inner run calls this hook as well
            seen.append(None)
            seen.append(torch.autograd.grad(y, x, retain_graph=True)[0].item())

    y.register_hook(again)
    z.backward()
    assert seen == [None, 6.0] and x.grad.item() == 12.0


@pytest.mark.parametrize("size", [1 << 48, 1 << 62])
def test_over_large_allocation_is_an_error(size: int) -> None:
    with pytest.raises(RuntimeError, match=r"allocate memory|overflow"):
        torch.empty(size)
    with pytest.raises(RuntimeError, match=r"allocate memory|overflow"):
        torch.ones(1).expand(size).clone()
    assert torch.ones(3).sum().item() == 3.0


def test_memory_of_a_loop_does_not_grow() -> None:
    from backlit import _C

    w = torch.ones(64, 64, requires_grad=True)

    def step() -> None:
        loss = ((w @ w).tanh() ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w.sub_(0.01 * w.grad)
        w.grad = None

    for _ in range(20):
        step()
    gc.collect()
    before = _C._memory_stats()["live_bytes"]
    for _ in range(200):
        step()
    gc.collect()
    assert _C._memory_stats()["live_bytes"] <= before
