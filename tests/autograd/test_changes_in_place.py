"""In-place changes, on tensors and through views: gradients of first to third order, and what is
noticed when a saved tensor was changed."""

from __future__ import annotations

import pytest
from autograd.cases import Cases, leaf, origin

from oracle import same

CHANGES = {
    "mul": lambda lib, v: v.mul_(v * 1),
    "mul itself": lambda lib, v: v.mul_(v),
    "add itself": lambda lib, v: v.add_(v),
    "add a square": lambda lib, v: v.add_(v * v),
    "sub": lambda lib, v: v.sub_(v.exp()),
    "div": lambda lib, v: v.div_(v + 1),
    "pow": lambda lib, v: v.pow_(3),
    "pow itself": lambda lib, v: v.pow_(v + 0),
    "exp": lambda lib, v: v.exp_(),
    "log": lambda lib, v: v.log_(),
    "sqrt": lambda lib, v: v.sqrt_(),
    "square": lambda lib, v: v.square_(),
    "reciprocal": lambda lib, v: v.reciprocal_(),
    "sigmoid": lambda lib, v: v.sigmoid_(),
    "tanh": lambda lib, v: v.tanh_(),
    "sin cos": lambda lib, v: v.sin_().cos_(),
    "erf expm1": lambda lib, v: v.erf_().expm1_(),
    "atan2": lambda lib, v: v.atan2_(v * v),
    "hypot": lambda lib, v: v.hypot_(v * v),
    "clamp": lambda lib, v: v.clamp_(0.5, 0.9),
    "relu": lambda lib, v: v.relu_(),
    "addcmul": lambda lib, v: v.addcmul_(v, v),
    "addcdiv": lambda lib, v: v.addcdiv_(v.exp(), v + 1),
    "lerp": lambda lib, v: v.lerp_(v * v, 0.3),
    "cumsum": lambda lib, v: v.cumsum_(0),
    "cumprod": lambda lib, v: v.cumprod_(0),
    "mvlgamma": lambda lib, v: v.add_(3).mvlgamma_(2),
    "masked_fill exp": lambda lib, v: v.masked_fill_(v.detach() > 0.6, 0.0).exp_(),
    "masked_scatter": lambda lib, v: v.masked_scatter_(v.detach() > 0.6, v.flatten() ** 2),
    "index_add": lambda lib, v: v.index_add_(0, lib.tensor([0, 1]), v[:2].exp()),
    "index_copy": lambda lib, v: v.index_copy_(0, lib.tensor([1]), v[:1].exp()),
    "index_fill": lambda lib, v: v.index_fill_(0, lib.tensor([1]), 0.7).exp_(),
    "scatter": lambda lib, v: v.scatter_(0, lib.zeros_like(v[:1], dtype=lib.int64), v[1:2] ** 2),
    "scatter_add": lambda lib, v: v.scatter_add_(
        0, lib.zeros_like(v[:1], dtype=lib.int64), v[1:2] ** 2
    ),
    "copy": lambda lib, v: v.copy_(v * v),
    "fill": lambda lib, v: v.fill_(0.5).exp_(),
    "fill tensor": lambda lib, v: v.fill_(v.sum()),
    "zero exp": lambda lib, v: v.zero_().exp_(),
    "row": lambda lib, v: v[0].mul_(v[1] * 1),
    "assign": lambda lib, v: v.__setitem__(0, v[1] * v[0]),
    "assign mask": lambda lib, v: v.__setitem__(v.detach() > 0.6, 0.5),
    "assign list": lambda lib, v: v.__setitem__([0, 1], v[:2].exp()),
}


def on_copy(lib, x, change):
    y = x.clone()
    change(lib, y)
    return y


def on_slice(lib, x, change):
    y = x.clone()
    change(lib, y[1:])
    return y


def on_transposed(lib, x, change):
    y = x.clone()
    change(lib, y.t())
    return y * x


def on_column(lib, x, change):
    y = x.clone()
    view = y[:, 0]
    change(lib, view)
    return (view * view).sum() + y.sum(0)


def twice(lib, x, change):
    y = x * 2
    view = y.view(-1)[2:5]
    change(lib, view)
    y.mul_(x)
    return view * x.view(-1)[1:4]


@pytest.mark.parametrize("where", [on_copy, on_slice, on_transposed, on_column, twice])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_derivatives_to_third_order(where, change) -> None:
    def derivatives(lib):
        x = leaf(lib, 3, 2)
        y = where(lib, x, change)
        (first,) = lib.autograd.grad((y * y).sum(), x, create_graph=True)
        (second,) = lib.autograd.grad((first * first * x).sum(), x, create_graph=True)
        (third,) = lib.autograd.grad(second.sum(), x)
        return y.detach(), first.detach(), second.detach(), third

    same(derivatives, 1e-9)


case = Cases()


@case
def second_backward_through_a_changed_row(lib):
    x = leaf(lib, 3, 2)
    y = x.clone()
    y[0].exp_()
    (first,) = lib.autograd.grad(y.sum(), x, create_graph=True)
    return first.detach(), lib.autograd.grad(first.sum(), x)


@case
def rows_changed_one_after_the_other(lib):
    # the second change is noticed by what the first one saved, as they share one version
    y = leaf(lib, 3, 2).clone()
    y[0].exp_()
    y[1].tanh_()
    y.sum().backward()


@case
def backward_twice(lib):
    y = leaf(lib, 3, 2).clone()
    y[0].exp_()
    loss = (y * y).sum()
    loss.backward()
    loss.backward()


@case
def retained_backward_twice(lib):
    x = leaf(lib, 3, 2)
    y = x.clone()
    y[0].exp_()
    loss = (y * y).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    return x.grad


@case
def saved_input_changed(lib):
    y = leaf(lib, 3) * 1
    z = y * y
    y.add_(1)
    z.sum().backward()


@case
def saved_result_changed(lib):
    y = leaf(lib, 3).exp()
    y.add_(1)
    y.sum().backward()


@case
def saved_power_changed(lib):
    x = leaf(lib, 3)
    y = x**x
    y.add_(1)
    y.sum().backward()


@case
def copy_into_unrequired(lib):
    x = leaf(lib, 3)
    y = lib.zeros(2, 3, dtype=lib.float64)
    y.copy_(x)
    y.sum().backward()
    return x.grad, origin(y)


@case
def rows_assigned(lib):
    x = leaf(lib, 3)
    y = lib.zeros(2, 3, dtype=lib.float64)
    y[0] = x
    y[1] = x * x
    y.sum().backward()
    return x.grad, origin(y)


@case
def piecewise_constant(lib):
    x = leaf(lib, 3)
    y = x * 1
    y.floor_()
    y.sum().backward()
    return x.grad


@case
def comparison(lib):
    x = leaf(lib, 3)
    y = x * 1
    y[1:].gt_(0.5)
    y.sum().backward()
    return x.grad


@case
def other_precision(lib):
    x, y = leaf(lib, 3), lib.ones(3, dtype=lib.float32)
    y[1:].mul_(x[1:])
    y.sum().backward()
    return y, x.grad


@case
def integers_and_a_leaf(lib):
    lib.ones(3, dtype=lib.int64).add_(leaf(lib, 3))


@case
def too_large_an_operand(lib):
    (leaf(lib, 3) * 1).add_(lib.ones(2, 3))


@case
def out_of_a_leaf(lib):
    lib.mul(leaf(lib, 3), 2, out=lib.empty(3, dtype=lib.float64))


@case
def data_of_another_shape(lib):
    x = leaf(lib, 3)
    x.data = lib.ones(5, dtype=lib.float64)
    (x * x).sum().backward()
    return x.grad


@case.parametrize()
def test_like_pytorch(case) -> None:
    same(case, 1e-9)


DRAWS = {
    "normal": lambda y: y.normal_(),
    "uniform": lambda y: y.uniform_(),
    "bernoulli": lambda y: y.bernoulli_(0.5),
    "exponential": lambda y: y.exponential_(),
    "cauchy": lambda y: y.cauchy_(),
    "geometric": lambda y: y.geometric_(0.3),
    "log_normal": lambda y: y.log_normal_(),
    "random": lambda y: y.random_(),
    "random to": lambda y: y.random_(5),
    "random from to": lambda y: y.random_(2, 5),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("part", [slice(None), slice(1, 3)], ids=["all", "part"])
def test_random_numbers_forget_what_was_there(draw, part) -> None:
    def drawn(lib):
        x = leaf(lib, 4)
        y = x * 1
        draw(y[part] if part.start else y)
        y.sum().backward()
        return x.grad, origin(y)

    same(drawn)


def test_random_probabilities_get_a_zero_gradient() -> None:
    def drawn(lib):
        x, p = leaf(lib, 4), lib.full((4,), 0.5, dtype=lib.float64, requires_grad=True)
        y = x * 1
        y.bernoulli_(p)
        y.sum().backward()
        return x.grad, p.grad, origin(y)

    same(drawn)
