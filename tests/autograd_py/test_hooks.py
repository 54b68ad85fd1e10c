"""Hooks on tensors and nodes."""

import pytest


@pytest.fixture
def x(lib):
    return lib.tensor([1.0, 2.0], requires_grad=True)


def test_hook_sees_the_gradient(lib, x):
    seen = []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * 3).sum().backward()
    assert seen == [[3.0, 3.0]]
    assert x.grad.tolist() == [6.0, 6.0]


def test_hook_replaces_the_gradient(lib, x):
    x.register_hook(lambda g: g * 10)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [20.0, 20.0]


def test_hooks_run_in_order(lib, x):
    x.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: g * 10)
    x.sum().backward()
    assert x.grad.tolist() == [20.0, 20.0]


def test_hook_can_be_removed(lib, x):
    handle = x.register_hook(lambda g: g * 10)
    handle.remove()
    handle.remove()
    with x.register_hook(lambda g: g * 3):
        x.sum().backward()
    x.sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]


def test_post_accumulate_hook(lib, x):
    seen = []
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.tolist()))
    x.sum().backward()
    x.sum().backward()
    assert seen == [[1.0, 1.0], [2.0, 2.0]]


def test_hooks_that_cannot_be(lib, x):
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        lib.ones(2).register_hook(print)
    with pytest.raises(RuntimeError, match="cannot be registered on non-leaf tensors"):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_node_hooks(lib, x):
    seen = []
    y = x * 2
    y.grad_fn.register_prehook(lambda grads: (grads[0] * 5,))
    y.grad_fn.register_hook(lambda ins, outs: seen.append((ins[0].tolist(), outs[0].tolist())))
    y.sum().backward()
    assert seen == [([10.0, 10.0], [5.0, 5.0])]
    assert x.grad.tolist() == [10.0, 10.0]


def test_error_in_a_hook_comes_through(lib, x):
    def fail(g):
        raise KeyError("mine")

    x.register_hook(fail)
    with pytest.raises(KeyError, match="mine"):
        x.sum().backward()
    assert x.grad is None
