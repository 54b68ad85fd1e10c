"""gradcheck and gradgradcheck: they accept right gradients and refuse wrong ones."""

import pytest


@pytest.fixture
def x(lib):
    return lib.tensor([0.3, -1.2, 2.0], dtype=lib.float64, requires_grad=True)


@pytest.fixture
def y(lib):
    values = [[0.5, 1.5, -0.7], [0.1, 0.2, 0.3]]
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


@pytest.fixture
def wrong(lib):
    class Wrong(lib.autograd.Function):
        @staticmethod
        def forward(ctx, t):
            return t * 2

        @staticmethod
        def backward(ctx, g):
            return g * 3

    return Wrong.apply


def test_right_gradients(lib, x, y):
    def f(a, b):
        return a * b.sin(), a.exp()

    assert lib.autograd.gradcheck(f, (x, y))
    assert lib.autograd.gradgradcheck(f, (x, y))


def test_wrong_gradient(lib, x, wrong):
    with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 with respect to input"):
        lib.autograd.gradcheck(wrong, (x,))
    assert lib.autograd.gradcheck(wrong, (x,), raise_exception=False) is False


def test_wrong_second_derivative(lib, x):
    class Square(lib.autograd.Function):
        @staticmethod
        def forward(ctx, t):
            ctx.save_for_backward(t)
            return t * t

        @staticmethod
        def backward(ctx, g):
            return 2 * g * ctx.saved_tensors[0].detach()

    assert lib.autograd.gradcheck(Square.apply, (x,))
    assert not lib.autograd.gradgradcheck(Square.apply, (x,), raise_exception=False)


def test_inputs_without_gradient_are_left_alone(lib, x):
    factor = lib.tensor(2.0, dtype=lib.float64)
    assert lib.autograd.gradcheck(lambda a, b: a * b, (x, factor))
    assert factor.item() == 2.0


def test_inputs_keep_their_values(lib, x):
    before = x.tolist()
    lib.autograd.gradcheck(lambda a: a * a, (x,))
    assert x.tolist() == before
    assert x.grad is None


def test_some_input_must_require_a_gradient(lib):
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        lib.autograd.gradcheck(lambda a: a, (lib.ones(1, dtype=lib.float64),))


def test_single_precision_warns(lib):
    x = lib.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="not a double precision"):
        lib.autograd.gradcheck(lambda a: a * 2, (x,), raise_exception=False)


def test_views_and_scalars(lib, y):
    assert lib.autograd.gradcheck(lambda a: a.t()[1].sum(), (y,))
    assert lib.autograd.gradcheck(lambda a: a[0, 1] * a[1], (y,))
