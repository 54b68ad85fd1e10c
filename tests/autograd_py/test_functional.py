"""Derivatives of functions, with known values and against PyTorch."""

import pytest


def cube(x):
    return (x**3).sum()


def both(x, y):
    return x * y, (x * x * y).sum()


@pytest.fixture
def f(lib):
    return lib.autograd.functional


@pytest.fixture
def x(lib):
    return lib.tensor([1.0, 2.0], dtype=lib.float64)


@pytest.fixture
def y(lib):
    return lib.tensor([3.0, 5.0], dtype=lib.float64)


def test_vjp(f, x, y):
    value, found = f.vjp(lambda t: t * t, x, y)
    assert value.tolist() == [1.0, 4.0]
    assert found.tolist() == [6.0, 20.0]
    assert not value.requires_grad and not found.requires_grad


def test_jvp(f, x, y):
    value, found = f.jvp(lambda t: t.sum() * t, x, y)
    assert value.tolist() == [3.0, 6.0]
    assert found.tolist() == [17.0, 31.0]


def test_products_of_several(lib, f, x, y):
    one = lib.tensor(1.0, dtype=lib.float64)
    _, (a, b) = f.vjp(both, (x, y), (lib.ones_like(x), one))
    assert a.tolist() == [9.0, 25.0]
    assert b.tolist() == [2.0, 6.0]
    _, (c, d) = f.jvp(both, (x, y), (lib.ones_like(x), lib.zeros_like(y)))
    assert c.tolist() == [3.0, 5.0]
    assert d.item() == 26.0


def test_jacobian(f, x, y):
    assert f.jacobian(lambda t: t * t, x).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    (a, b), (c, d) = f.jacobian(both, (x, y))
    assert a.tolist() == [[3.0, 0.0], [0.0, 5.0]]
    assert b.tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert c.tolist() == [6.0, 20.0]
    assert d.tolist() == [1.0, 4.0]


def test_jacobian_shapes(lib, f):
    x = lib.ones(2, 3)
    assert f.jacobian(lambda t: t.sum(0), x).shape == (3, 2, 3)
    assert f.jacobian(lambda t: t.sum(), x).shape == (2, 3)


def test_vectorize_changes_nothing(f, x):
    plain = f.jacobian(lambda t: t.sin() * t.sum(), x)
    assert f.jacobian(lambda t: t.sin() * t.sum(), x, vectorize=True).tolist() == plain.tolist()


def test_jacobian_can_be_differentiated(lib, f, x):
    x.requires_grad_()
    found = f.jacobian(lambda t: t**3, x, create_graph=True)
    (g,) = lib.autograd.grad(found.sum(), x)
    assert g.tolist() == [6.0, 12.0]


def test_hessian(f, x, y):
    assert f.hessian(cube, x).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    (a, b), (c, d) = f.hessian(lambda s, t: (s * s * t).sum(), (x, y))
    assert a.tolist() == [[6.0, 0.0], [0.0, 10.0]]
    assert b.tolist() == c.tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert d.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_products_with_the_hessian(f, x, y):
    for product in (f.hvp, f.vhp):
        value, found = product(cube, x, y)
        assert value.item() == 9.0
        assert found.tolist() == [18.0, 60.0]


def test_independent_output(lib, f, x):
    def constant(t):
        return lib.ones(2, dtype=lib.float64)

    assert f.jacobian(constant, x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(RuntimeError, match="does not require gradients"):
        f.jacobian(constant, x, strict=True)
    with pytest.raises(RuntimeError, match="is independent of input 1"):
        f.vjp(lambda s, t: s.sum(), (x, x), strict=True)


def test_wrong_arguments(f, x, y):
    with pytest.raises(TypeError, match="must be either a Tensor or a tuple of Tensors"):
        f.vjp(cube, [1.0])
    with pytest.raises(RuntimeError, match="The vector v can only be None"):
        f.vjp(lambda t: t * t, x)
    with pytest.raises(RuntimeError, match="v has invalid size"):
        f.vjp(cube, x, y)
    with pytest.raises(RuntimeError, match="should contain a single element"):
        f.hessian(lambda t: t * t, x)
