"""Derivatives as functions: PyTorch's values, structures, graphs and errors."""

import warnings

import pytest

import backlit

from oracle import same


def names(lib):
    """What the expressions are written in: transforms, tensors and a few functions of them."""
    if lib.__name__ == "torch":
        pass
    x = lib.tensor([0.3, -1.2, 2.0], dtype=lib.float64)
    return {
        "t": lib,
        **{name: getattr(lib.func, name) for name in dir(lib.func) if not name.startswith("_")},
        "x": x,
        "y": lib.tensor([1.5, 0.4, -0.7], dtype=lib.float64),
        "M": lib.linspace(-1, 1, 6, dtype=lib.float64).reshape(2, 3),
        "s": lib.tensor(0.7, dtype=lib.float64),
        "w": lib.tensor([2.0, -1.0, 0.5], dtype=lib.float64, requires_grad=True),
        "cube": lambda v: (v**3).sum(),
        "wave": lambda v: v.sin() * v.sum(),
    }


def quietly(source, names_of):
    """`fn(lib)` that evaluates the source; PyTorch warns of its own internals."""

    def run(lib):
        lib.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return eval(source, names_of(lib))

    return run


def refusal(source, names_of):
    """`fn(lib)` that evaluates the source and gives its error, without line breaks."""

    def run(lib):
        try:
            return eval(source, names_of(lib))
        except (RuntimeError, ValueError, IndexError) as error:
            return type(error).__name__, " ".join(str(error).split(". ")[0].rstrip(".").split())

    return run


VALUES = [
    "grad(cube)(x)",
    "grad(t.sin)(s)",
    "grad_and_value(cube)(x)",
    "grad(lambda a, b: (a * b * b).sum(), argnums=1)(x, y)",
    "grad(lambda a, b: (a * b * b).sum(), argnums=-1)(x, y)",
    "grad(lambda a, b: (a * b * b).sum(), argnums=(1, 0))(x, y)",
    "grad(lambda d: (d['a'] * d['b'][0]).sum())({'a': x, 'b': [y]})",
    "grad(lambda d, e: (d['a'] * e).sum(), argnums=(0, 1))({'a': x, 'b': y}, y)",
    "grad(lambda a, *, k: (a * k).sum())(x, k=y)",
    "grad(lambda a: (cube(a), {'twice': 2 * a}), has_aux=True)(x)",
    "grad_and_value(lambda a: (cube(a), a), has_aux=True)(x)",
    "grad(grad(t.sin))(s)",
    "grad(grad(grad(t.sin)))(s)",
    "grad(lambda a: grad(cube)(a).sin().sum())(x)",
    "grad(lambda a: (grad(lambda b: (a * b * b).sum())(y) * x).sum())(x)",
    "grad(lambda a: t.tensor(1.0))(x)",
    "grad(lambda a: a.detach().sum())(x)",
    "grad(lambda a: (a * (a > 0)).sum())(x)",
    "vjp(wave, x)[0]",
    "vjp(wave, x)[1](y)",
    "vjp(lambda a, b: (a * b, {'s': a.sum()}), x, y)[1]((y, {'s': s}))",
    "vjp(lambda a: (a * 2, a), x, has_aux=True)[::2]",
    "[vjp(wave, x)[1](v) for v in (x, y)]",
    "jvp(wave, (x,), (y,))",
    "jvp(lambda a, b: (a * b, [b.sum()]), (x, y), (y, x))",
    "jvp(lambda a: (a * a, a), (x,), (y,), has_aux=True)",
    "jvp(lambda a: t.ones(2), (x,), (y,))",
    "jvp(lambda d: d['a'] * d['b'], ({'a': x, 'b': y},), ({'a': y, 'b': x},))",
    "jvp(lambda a: jvp(wave, (a,), (y,))[1], (x,), (x,))",
    "jvp(grad(cube), (x,), (y,))",
    "grad(lambda a: jvp(wave, (a,), (y,))[1].sum())(x)",
    "grad(lambda a: vjp(wave, a)[1](a)[0].sum())(x)",
    "grad(lambda v: vjp(wave, x)[1](v)[0].sin().sum())(y)",
    "grad(lambda v: jvp(wave, (x,), (v,))[1].sin().sum())(y)",
    "jacrev(wave)(x)",
    "jacfwd(wave)(x)",
    "jacrev(lambda a: a @ M.T)(x)",
    "jacrev(lambda a: (a.outer(a), a.sum()))(x)",
    "jacfwd(lambda a: (a.outer(a), a.sum()))(x)",
    "jacrev(lambda a, b: {'p': a * b, 'q': b.sum()}, argnums=(0, 1))(x, M)",
    "jacfwd(lambda a, b: {'p': a * b, 'q': b.sum()}, argnums=(0, 1))(x, M)",
    "jacrev(lambda d: d['p'].sum() * d['q'])({'p': x, 'q': M})",
    "jacfwd(lambda d: d['p'].sum() * d['q'])({'p': x, 'q': M})",
    "jacrev(lambda a: (a * 2, a), has_aux=True)(x)",
    "jacfwd(lambda a: (a * 2, a), has_aux=True)(x)",
    "jacrev(lambda a, b: a * b, argnums=(1,))(x, y)",
    "jacrev(wave, chunk_size=2)(x)",
    "jacrev(t.sin)(s)",
    "jacrev(lambda a: t.ones(2))(x)",
    "jacfwd(lambda a: t.ones(2))(x)",
    "jacrev(jacrev(wave))(x)",
    "jacfwd(jacrev(wave))(x)",
    "jacrev(jacfwd(wave))(x)",
    "jacfwd(jacfwd(wave))(x)",
    "hessian(cube)(x)",
    "hessian(lambda a: a.prod())(x)",
    "hessian(lambda a, b: (a * a * b).sum(), argnums=(0, 1))(x, y)",
    "hessian(lambda d: (d['a'] * d['a'] * d['b']).sum())({'a': x, 'b': y})",
    "hessian(lambda a: a.exp() * a.sum())(x)",
    "grad(lambda a: hessian(cube)(a).sum())(x)",
    "linearize(wave, x)[0]",
    "linearize(wave, x)[1](y)",
    "linearize(lambda a, b: (a * b, b), x, y)[1](y, x)",
    # what lies outside keeps its graph, and nothing else has one
    "grad(lambda a: (a * a * w).sum())(x).requires_grad",
    "grad(cube)(x).requires_grad",
    "grad(cube)(w).requires_grad",
    "grad_and_value(lambda a: (a * x).sum())(x)[1].requires_grad",
    "grad_and_value(lambda a: ((a * x).sum(), a), has_aux=True)(x)[1][1].requires_grad",
    "vjp(wave, x)[0].requires_grad",
    "jacrev(wave)(w).requires_grad",
    "t.autograd.grad(grad(lambda a: (a * a * w).sum())(x).sin().sum(), w)",
    "t.autograd.grad(grad(cube)(w).sin().sum(), w)",
    "t.autograd.grad(jacrev(lambda a: a * w * w)(x).sum(), w)",
    "t.autograd.grad(jacfwd(lambda a: a * w * w)(x).sum(), w)",
    "t.autograd.grad(jvp(lambda a: a * w * w, (x,), (y,))[1].sum(), w)",
    "t.autograd.grad(vjp(lambda a: a * w * w, x)[1](y)[0].sum(), w)",
    "t.autograd.grad(vjp(lambda a: a * a, x)[1](w)[0].sum(), w)",
    "t.autograd.grad(linearize(lambda a: a * a, x)[1](w).sum(), w)",
    "t.autograd.grad(hessian(lambda a: (a * a * w).sum())(x).sum(), w)",
]
WRONG = [
    "grad(lambda a: a)(x)",
    "grad(lambda a: (a.sum(), 1))(x)",
    "grad(lambda a: 1.0)(x)",
    "grad(cube, argnums=1)(x)",
    "grad(cube, argnums=(0, 0))(x)",
    "grad(cube, argnums='a')(x)",
    "grad(cube, argnums=())(x)",
    "grad(cube)(2.0)",
    "grad(cube, has_aux=True)(x)",
    "vjp(lambda a: (a, 1), x)",
    "vjp(lambda a: a, 2.0)",
    "vjp(lambda a: a, x)[1]((x, x))",
    "vjp(lambda a: (a, a), x)[1](x)",
    "vjp(lambda a: {'k': a}, x)[1](x)",
    "vjp(lambda a: a, x)[1](M)",
    "vjp(lambda a: a, x, has_aux=True)",
    "jvp(lambda a: a, x, x)",
    "jvp(lambda a: a, (x,), (M,))",
    "jvp(lambda a: a, (x,), (x, x))",
    "jvp(lambda a: 1, (x,), (x,))",
    "jvp(lambda a: t.ones(2), (x,), (x,), strict=True)",
    "jvp(lambda a: a, (), ())",
    "jacrev(lambda a: 1.0)(x)",
    "jacrev(lambda a: a, argnums=2)(x)",
    "jacrev(lambda a: a, chunk_size=0)(x)",
    "jacfwd(lambda a: 1.0)(x)",
    "jacfwd(lambda a: a, argnums=2)(x)",
    "jacfwd(lambda a: a, randomness='some')(x)",
]


@pytest.mark.parametrize("source", VALUES)
def test_value(source):
    same(quietly(source, names), 1e-12)


@pytest.mark.parametrize("source", WRONG)
def test_wrong_call(source):
    same(refusal(source, names))


def test_without_recording_outside():
    f = backlit.func
    w = backlit.ones(3, requires_grad=True)
    with backlit.no_grad():
        assert f.grad(lambda a: (a * a * w).sum())(w).tolist() == [2.0, 2.0, 2.0]
        assert not f.grad(lambda a: (a * a * w).sum())(w).requires_grad


def test_gradients_are_not_accumulated():
    w = backlit.ones(3, requires_grad=True)
    backlit.func.grad(lambda a: (a * w).sum())(w)
    assert w.grad is None


def test_integers_have_no_gradient():
    with pytest.raises(RuntimeError, match="only Tensors of floating point"):
        backlit.func.grad(lambda a: a.sum())(backlit.ones(3, dtype=backlit.int64))


def test_functionalize_is_not_provided():
    with pytest.raises(NotImplementedError, match=r"torch\.func\.functionalize"):
        backlit.func.functionalize(backlit.sin)
