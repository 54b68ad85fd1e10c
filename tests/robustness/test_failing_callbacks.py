"""Exceptions in hooks, custom functions and saved-tensor hooks come through as they are; afterwards
the graph can be run again, and nothing of it is kept."""

from __future__ import annotations

import gc
import weakref

import pytest

import backlit as torch


class Failure(Exception):
    pass


def fail(*arguments):
    raise Failure("on purpose")


def graph():
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    return x, y, (y * y).sum()


def on_tensor():
    x, y, loss = graph()
    return x, loss, y.register_hook(fail)


def on_leaf():
    x, _, loss = graph()
    return x, loss, x.register_hook(fail)


def after_accumulation():
    x, _, loss = graph()
    return x, loss, x.register_post_accumulate_grad_hook(fail)


def before_node():
    x, y, loss = graph()
    return x, loss, y.grad_fn.register_prehook(fail)


def after_node():
    x, y, loss = graph()
    return x, loss, y.grad_fn.register_hook(fail)


@pytest.mark.parametrize("place", [on_tensor, on_leaf, after_accumulation, before_node, after_node])
def test_failing_hook(place) -> None:
    x, loss, handle = place()
    with pytest.raises(Failure, match="on purpose"):
        loss.backward(retain_graph=True)
    handle.remove()
    x.grad = None
    loss.backward()
    assert x.grad.tolist() == [8.0, 8.0, 8.0]
    gone = weakref.ref(loss)
    del loss, handle
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("answer", ["text", 1.0, (None, None), torch.ones(2)])
def test_hook_with_a_wrong_answer(answer) -> None:
    x, y, loss = graph()
    handle = y.register_hook(lambda g: answer)
    with pytest.raises((TypeError, RuntimeError)):
        loss.backward(retain_graph=True)
    handle.remove()
    loss.backward()
    assert x.grad.tolist() == [8.0, 8.0, 8.0]


@pytest.mark.parametrize("failing", ["pack", "unpack"])
def test_failing_saved_tensor_hooks(failing) -> None:
    hooks = [fail if name == failing else lambda t: t for name in ("pack", "unpack")]
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(Failure), torch.autograd.graph.saved_tensors_hooks(*hooks):
        (x.exp() * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


class FailsForward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x)
        fail()


class FailsBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    backward = staticmethod(fail)


def test_failing_forward_leaves_recording_on() -> None:
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(Failure):
        FailsForward.apply(x, x)
    assert torch.is_grad_enabled()
    assert (x * 2).requires_grad


def test_failing_backward_keeps_nothing() -> None:
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    gone = weakref.ref(y)
    loss = FailsBackward.apply(y, y).sum()
    with pytest.raises(Failure):
        loss.backward()
    del y, loss
    gc.collect()
    assert gone() is None
    (x * 5).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0, 5.0]


def test_failing_module_hook() -> None:
    layer = torch.nn.Linear(2, 1)
    handle = layer.register_forward_hook(fail)
    with pytest.raises(Failure):
        layer(torch.ones(2))
    handle.remove()
    layer(torch.ones(2)).backward()
    assert layer.weight.grad.tolist() == [[1.0, 1.0]]


def test_interrupted_backward_can_be_repeated() -> None:
    x, y, loss = graph()

    def interrupt(g):
        raise KeyboardInterrupt

    handle = y.register_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        loss.backward(retain_graph=True)
    handle.remove()
    loss.backward()
    assert x.grad.tolist() == [8.0, 8.0, 8.0]
