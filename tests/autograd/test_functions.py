"""Custom functions that change or return views, and contexts that outlive their tensors."""

from __future__ import annotations

import gc
import weakref

from autograd.cases import Cases, leaf, origin

import backlit

from oracle import same

case = Cases()


def doubling(lib, forward):
    """A Function whose backward doubles the gradient of its first result."""

    class Twice(lib.autograd.Function):
        @staticmethod
        def backward(ctx, g, *others):
            return g * 2

    Twice.forward = staticmethod(forward)
    return Twice


def scaling(lib, several=False):
    """x times w in place, given (w, x) or (x, w)."""

    class Scale(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x.clone(), w)
            ctx.mark_dirty(x.mul_(w))
            return (x, w * 1) if several else x

        @staticmethod
        def backward(ctx, g, *others):
            x, w = ctx.saved_tensors
            return g * w, (g * x).sum()

    return Scale


@case
def changed_view(lib):
    x, w = leaf(lib, 4), leaf(lib)
    y = x * 1
    view = y[:2]
    same_view = scaling(lib).apply(view, w)
    y.sum().backward()
    return x.grad, w.grad, same_view is view, origin(y), origin(view)


@case
def changed_view_of_unrequired_base(lib):
    y, w = lib.ones(4, dtype=lib.float64), leaf(lib)
    scaling(lib).apply(y[1:], w)
    (y * y).sum().backward()
    return y, w.grad


@case
def changed_view_and_another_result(lib):
    scaling(lib, several=True).apply((leaf(lib, 4) * 1)[:2], leaf(lib))


@case
def changed_view_of_a_leaf(lib):
    scaling(lib).apply(leaf(lib, 4)[:2], leaf(lib))


@case
def returned_view_changed(lib):
    doubling(lib, lambda ctx, x: x.view(-1)).apply(leaf(lib, 4) * 1).mul_(2)


@case
def returned_input_changed(lib):
    doubling(lib, lambda ctx, x: x).apply(leaf(lib, 4) * 1).mul_(2)


@case
def one_of_several_results_changed(lib):
    split = doubling(lib, lambda ctx, x: (x.view(-1), x * 2))
    split.apply(leaf(lib, 4) * 1)[1].mul_(2)
    split.apply(leaf(lib, 4) * 1)[0].mul_(2)


@case
def base_of_a_returned_view_changed(lib):
    x = leaf(lib, 4) * 1
    y = doubling(lib, lambda ctx, x: x.view(-1)).apply(x)
    x.mul_(2)
    return y * 2


@case
def grad_fn_outlives_its_tensor(lib):
    y = doubling(lib, lambda ctx, x: x * 2).apply(leaf(lib, 4) * 1)
    node = y.grad_fn
    del y
    gc.collect()
    return [type(n).__name__ for n, _ in node.next_functions], node.metadata, node.name()


@case.parametrize()
def test_like_pytorch(case) -> None:
    same(case, 1e-9)


def test_changed_view_that_is_the_second_input() -> None:
    # PyTorch sends the gradient of input 1 to input 0 here
    class Scale(backlit.autograd.Function):
        @staticmethod
        def forward(ctx, w, x):
            ctx.save_for_backward(w, x.clone())
            ctx.mark_dirty(x.mul_(w))
            return x

        @staticmethod
        def backward(ctx, g):
            w, x = ctx.saved_tensors
            return (g * x).sum(), g * w

    x, w = leaf(backlit, 4), backlit.tensor(3.0, dtype=backlit.float64, requires_grad=True)
    y = x * 1
    Scale.apply(w, y[:2])
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0, 1.0, 1.0]
    assert w.grad.item() == x[:2].sum().item()


def test_kept_grad_fn_is_collected() -> None:
    y = doubling(backlit, lambda ctx, x: x * 2).apply(leaf(backlit, 4) * 1)
    node = y.grad_fn
    before = weakref.ref(node.next_functions[0][0])
    reference = weakref.ref(node)
    del y, node
    gc.collect()
    assert reference() is None and before() is None
