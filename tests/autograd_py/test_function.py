"""Custom operations: autograd.Function."""

import gc
import weakref

import pytest


@pytest.fixture
def x(lib):
    return lib.tensor([1.0, 2.0], requires_grad=True)


@pytest.fixture
def multiply(lib):
    class Multiply(lib.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            return g * b, g * a

    return Multiply


def make(lib, forward, backward):
    """A Function from two plain functions."""
    names = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type(lib.autograd.Function)("Made", (lib.autograd.Function,), names)


def test_value_and_gradients(lib, multiply, x):
    w = lib.tensor([3.0, 4.0], requires_grad=True)
    y = multiply.apply(x, w)
    assert repr(y) == "tensor([3., 8.], grad_fn=<MultiplyBackward>)"
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]
    assert w.grad.tolist() == [1.0, 2.0]


def test_context_is_the_node(lib, multiply, x):
    y = multiply.apply(x, x)
    assert y.grad_fn.name() == "MultiplyBackward"
    assert isinstance(y.grad_fn, lib.autograd.graph.Node)
    assert [t.tolist() for t in y.grad_fn.saved_tensors] == [[1.0, 2.0], [1.0, 2.0]]
    assert len(y.grad_fn.next_functions) == 2


def test_second_derivative(lib, multiply, x):
    y = multiply.apply(multiply.apply(x, x), x).sum()  # x cubed
    (g,) = lib.autograd.grad(y, x, create_graph=True)
    assert g.tolist() == [3.0, 12.0]
    (h,) = lib.autograd.grad(g.sum(), x)
    assert h.tolist() == [6.0, 12.0]


def test_separate_setup(lib, x):
    class Scale(lib.autograd.Function):
        @staticmethod
        def forward(t, factor):
            return t * factor

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.factor = inputs[1]

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    Scale.apply(x, 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    Scale.apply(x, factor=2).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


def test_forward_is_not_recorded(lib, x):
    seen = []

    def forward(ctx, t):
        seen.append(lib.is_grad_enabled())
        return t * 2

    make(lib, forward, lambda ctx, g: g).apply(x)
    assert seen == [False]
    assert lib.is_grad_enabled()


def test_needs_input_grad(lib, x):
    seen = []

    def forward(ctx, *inputs):
        seen.append(ctx.needs_input_grad)
        return inputs[0] * 1

    made = make(lib, forward, lambda ctx, g: (g, None, None))
    made.apply(x, lib.ones(2), 3)
    assert seen == [(True, False, False)]


def test_without_gradient_nothing_is_recorded(lib, multiply, x):
    assert multiply.apply(lib.ones(2), lib.ones(2)).grad_fn is None
    with lib.no_grad():
        assert multiply.apply(x, x).grad_fn is None


def test_several_outputs(lib, x):
    def backward(ctx, g, h):
        seen.append((g.tolist(), h.tolist()))
        return g + 10 * h

    seen = []
    made = make(lib, lambda ctx, t: (t * 1, t * 10), backward)
    a, b = made.apply(x)
    assert a.grad_fn is b.grad_fn
    a.sum().backward(retain_graph=True)
    b.sum().backward()
    assert seen == [([1.0, 1.0], [0.0, 0.0]), ([0.0, 0.0], [1.0, 1.0])]
    assert x.grad.tolist() == [11.0, 11.0]


def test_missing_gradients_as_none(lib, x):
    def forward(ctx, t):
        ctx.set_materialize_grads(False)
        return t * 1, t * 10

    def backward(ctx, g, h):
        assert h is None
        return g

    make(lib, forward, backward).apply(x)[0].sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_non_differentiable_output(lib, x):
    def forward(ctx, t):
        sign, value = t.sign(), t * 1
        ctx.mark_non_differentiable(sign)
        return sign, value

    sign, value = make(lib, forward, lambda ctx, s, g: g).apply(x)
    assert not sign.requires_grad
    assert value.requires_grad
    value.sum().backward()


def test_other_outputs_pass_through(lib, x):
    made = make(lib, lambda ctx, t: (t * 1, "word", None), lambda ctx, g, *_: g)
    y, word, nothing = made.apply(x)
    assert y.requires_grad
    assert word == "word" and nothing is None
    y.sum().backward()


def test_in_place(lib, x):
    def forward(ctx, t):
        ctx.mark_dirty(t)
        return t.add_(1)

    add_one = make(lib, forward, lambda ctx, g: g * 7)
    y = x * 1
    z = add_one.apply(y)
    assert z is y
    z.sum().backward()
    assert x.grad.tolist() == [7.0, 7.0]
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        add_one.apply(x)


def test_dirty_input_must_be_returned(lib, x):
    def forward(ctx, t):
        ctx.mark_dirty(t)
        return t + 1

    with pytest.raises(RuntimeError, match="must all be outputs"):
        make(lib, forward, lambda ctx, g: g).apply(x * 1)


def test_dirty_tensor_that_is_no_input(lib, x):
    def forward(ctx, t):
        result = t.clone()
        ctx.mark_dirty(result)
        return result

    with pytest.warns(UserWarning, match="received a tensor that was not an input"):
        y = make(lib, forward, lambda ctx, g: g * 3).apply(x)
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_returned_input_becomes_another_tensor(lib, x):
    y = make(lib, lambda ctx, t: t, lambda ctx, g: g * 5).apply(x)
    assert y is not x
    y.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


def test_saved_output(lib, x):
    def forward(ctx, t):
        y = t.exp()
        ctx.save_for_backward(y)
        return y

    exp = make(lib, forward, lambda ctx, g: g * ctx.saved_tensors[0])
    y = exp.apply(x)
    lib.testing.assert_close(lib.autograd.grad(y.sum(), x, retain_graph=True)[0], x.exp())
    (g,) = lib.autograd.grad(y.sum(), x, create_graph=True)
    lib.testing.assert_close(lib.autograd.grad(g.sum(), x)[0], x.exp())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_saved_output_makes_no_cycle(lib, x):
    def forward(ctx, t):
        y = t.exp()
        ctx.save_for_backward(y)
        return y

    y = make(lib, forward, lambda ctx, g: g * ctx.saved_tensors[0]).apply(x)
    gone = weakref.ref(y.grad_fn)
    gc.disable()
    try:
        del y
        assert gone() is None
    finally:
        gc.enable()


def test_saved_tensors_are_freed(lib, multiply, x):
    y = multiply.apply(x, x).sum()
    node = y.grad_fn.next_functions[0][0]
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        _ = node.saved_tensors
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()


def test_saved_tensors_are_guarded(lib, multiply, x):
    w = lib.ones(2)
    y = multiply.apply(x, w)
    w.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (lambda lib, g: (g, g, g), RuntimeError, "incorrect number of gradients"),
        (lambda lib, g: (g,), RuntimeError, r"incorrect number of gradients \(expected 2, got 1\)"),
        (lambda lib, g: (g, g), RuntimeError, "different than None at position 2"),
        (lambda lib, g: (1.0, None), RuntimeError, r"expected Variable or None \(got float\)"),
        (lambda lib, g: (lib.ones(3), None), RuntimeError, "returned an invalid gradient at index"),
    ],
)
def test_wrong_answers_of_backward(lib, x, answer, error, message):
    made = make(lib, lambda ctx, t, k: t * k, lambda ctx, g: answer(lib, g))
    with pytest.raises(error, match=message):
        made.apply(x, 2).sum().backward()


def test_additional_nones_are_let_pass(lib, x):
    make(lib, lambda ctx, t: t * 1, lambda ctx, g: (g, None, None)).apply(x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_errors_in_forward_and_backward_come_through(lib, x):
    def fail(ctx, *_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        make(lib, fail, fail).apply(x)
    assert lib.is_grad_enabled()
    y = make(lib, lambda ctx, t: t * 1, fail).apply(x)
    with pytest.raises(KeyError, match="mine"):
        y.sum().backward()
    assert lib.is_grad_enabled()


def test_missing_methods(lib, x):
    class Empty(lib.autograd.Function):
        pass

    with pytest.raises(NotImplementedError, match="must implement the forward"):
        Empty.apply(x)

    class Forward(lib.autograd.Function):
        @staticmethod
        def forward(ctx, t):
            return t * 1

    with pytest.raises(NotImplementedError, match="either the backward or vjp"):
        Forward.apply(x).sum().backward()


def test_only_tensors_can_be_saved(lib, x):
    def forward(ctx, t):
        ctx.save_for_backward(3)
        return t * 1

    with pytest.raises(TypeError, match="save_for_backward can only save variables"):
        make(lib, forward, lambda ctx, g: g).apply(x)


def test_once_differentiable(lib, x):
    @lib.autograd.function.once_differentiable
    def backward(ctx, g):
        assert not lib.is_grad_enabled()
        return g * 2

    y = make(lib, lambda ctx, t: t * 2, backward).apply(x)
    (g,) = lib.autograd.grad((y * y).sum(), x, create_graph=True)
    assert g.tolist() == [8.0, 16.0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


def test_hook_on_the_node(lib, multiply, x):
    seen = []
    y = multiply.apply(x, lib.ones(2))
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(outputs[0].tolist()))
    y.sum().backward()
    assert seen == [[1.0, 1.0]]


def test_backward_inside_backward(lib, x):
    def forward(ctx, t):
        with lib.enable_grad():
            ctx.inner = t.detach().requires_grad_()
            ctx.out = (ctx.inner**2).sum()
        return ctx.out.detach()

    def backward(ctx, g):
        ctx.out.backward(retain_graph=True)
        return ctx.inner.grad * g

    make(lib, forward, backward).apply(x).backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_instances_are_refused(lib, multiply):
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        instance = multiply()
    with pytest.raises(RuntimeError, match="Legacy autograd function with non-static forward"):
        instance(lib.ones(1), lib.ones(1))
