"""vmap: PyTorch's values, structures, randomness and errors."""

from collections import namedtuple

import pytest
from func.test_derivatives import names as derivative_names, quietly, refusal

import backlit

from oracle import same

Pair = namedtuple("Pair", "a b")


def names(lib):
    return {
        **derivative_names(lib),
        "T": lib.arange(24.0, dtype=lib.float64).reshape(2, 3, 4) / 7,
        "Pair": Pair,
    }


VALUES = [
    "vmap(t.dot)(M, M)",
    "vmap(lambda a: a * 2)(x)",
    "vmap(lambda a, b: a + b)(x, y)",
    "vmap(lambda a, b: a + b, in_dims=(0, None))(x, y)",
    "vmap(lambda a, b: a + b, in_dims=(0, None))(x, 2)",
    "vmap(lambda a: a.sum(), in_dims=1)(M)",
    "vmap(lambda a: a, in_dims=-1, out_dims=-1)(M)",
    "vmap(lambda a: a * 2, in_dims=1, out_dims=1)(T)",
    "vmap(lambda a: a * 2, in_dims=2, out_dims=-2)(T)",
    "vmap(lambda a, b: (a * b, a), in_dims=(1, 0), out_dims=(1, 0))(M, x)",
    "vmap(lambda a: {'s': a.sum(), 'l': [a, a * 2]})(M)",
    "vmap(lambda p: p.a * p.b)(Pair(x, y))",
    "vmap(lambda p: Pair(p.a, p.a * p.b))(Pair(x, y))",
    "vmap(lambda d: d['a'] * d['b'], in_dims=({'a': 0, 'b': None},))({'a': M, 'b': x})",
    "vmap(lambda d, e: d['a'] * d['b'] + e, in_dims=({'a': 0, 'b': None}, 1))"
    "({'a': M, 'b': x}, M.T)",
    "vmap(lambda pair: pair[0] * pair[1], in_dims=((0, None),))((M, x))",
    "vmap(lambda a, k: a * k, in_dims=(0, None))(x, s)",
    "vmap(lambda a, *, k: a * k)(x, k=y)",
    "vmap(vmap(lambda a, b: a * b))(M, M)",
    "vmap(vmap(lambda a, b: a * b, in_dims=(0, None)), in_dims=(None, 0))(x, y)",
    "vmap(vmap(vmap(t.sin)))(T)",
    "vmap(vmap(t.dot, in_dims=(None, 0)), in_dims=(0, None))(M, M)",
    "vmap(lambda a: t.zeros(2))(x)",
    "vmap(lambda a: t.zeros(2), out_dims=None)(x)",
    "vmap(lambda a: (a, t.ones(2)), out_dims=(0, None))(x)",
    "vmap(lambda a: a, chunk_size=2)(x)",
    "vmap(lambda a: a * 2)(t.zeros(0, 3))",
    "vmap(lambda a: (a.sum(), a.unsqueeze(0)), out_dims=(0, 1))(t.zeros(0, 3))",
    "vmap(lambda a: a > 0)(x)",
    "vmap(lambda a: a.softmax(-1))(M)",
    "vmap(t.linalg.det)(t.eye(2).repeat(3, 1, 1))",
    "vmap(grad(cube))(M)",
    "vmap(grad(t.sin))(x)",
    "vmap(grad(lambda a, b: (a * b).sum()), in_dims=(None, 0))(x, M)",
    "vmap(grad_and_value(lambda a: a.prod()))(M)",
    "vmap(jacrev(lambda a: a * a.sum()))(M)",
    "vmap(jacfwd(lambda a: a * a.sum()))(M)",
    "vmap(hessian(cube))(M)",
    "vmap(lambda v: vjp(wave, x)[1](v)[0])(t.eye(3, dtype=t.float64))",
    "vmap(lambda v: jvp(wave, (x,), (v,))[1])(t.eye(3, dtype=t.float64))",
    "grad(lambda a: vmap(t.sin)(a).sum())(x)",
    "grad(lambda a: vmap(lambda b: (b * a).sum())(y).prod())(x)",
    "jacrev(vmap(t.sin))(x)",
    "jacfwd(vmap(lambda a: a * a))(x)",
    "jacrev(lambda a: vmap(lambda b: b * a.sum())(y))(x)",
    "grad(lambda a: vmap(grad(lambda b: (b**3 * a.sum())))(y).sum())(x)",
    "t.autograd.grad(vmap(lambda a: (a * w).sum())(M).prod(), w)",
    "t.autograd.grad(vmap(grad(lambda a: (a * a * w).sum()))(M).prod(), w)",
    "vmap(lambda a: a + t.randn(2), randomness='same')(t.zeros(3))",
    "t.vmap(lambda a: a * 2)(x)",
]
WRONG = [
    "vmap(lambda a: a, in_dims=1)(x)",
    "vmap(lambda a: a, in_dims='a')(x)",
    "vmap(lambda a: a, in_dims=(0, 0))(x)",
    "vmap(lambda a: a, in_dims=None)(x)",
    "vmap(lambda a: a)(2.0)",
    "vmap(lambda a: a)()",
    "vmap(lambda a: 1)(x)",
    "vmap(lambda a: (a, 1))(x)",
    "vmap(lambda a: (a, None))(x)",
    "vmap(lambda a, b: a)(x, M)",
    "vmap(lambda a: a, out_dims=3)(x)",
    "vmap(lambda a: a, out_dims='a')(x)",
    "vmap(lambda a: a, out_dims=(0, 0))(x)",
    "vmap(lambda a: (a, a), out_dims=(0, 0, 0))(x)",
    "vmap(lambda a: a, out_dims=None)(x)",
    "vmap(lambda a: t.randn(2))(x)",
    "vmap(lambda a: a + t.rand(2))(x)",
    "vmap(lambda a: a, randomness='some')(x)",
    "vmap(lambda a: a, chunk_size=0)(x)",
    "vmap(lambda a: a)(s)",
    "vmap(lambda a: a['a'], in_dims=({'b': 0},))({'a': M})",
    "vmap(lambda a: a['a'], in_dims=({'a': 'z'},))({'a': M})",
    "vmap(lambda a: a, in_dims=-3)(M)",
]


@pytest.mark.parametrize("source", VALUES)
def test_value(source):
    same(quietly(source, names), 1e-12)


@pytest.mark.parametrize("source", WRONG)
def test_wrong_call(source):
    same(refusal(source, names))


def test_each_sample_draws_its_own_numbers():
    backlit.manual_seed(0)
    drawn = backlit.vmap(lambda a: a + backlit.rand(4), randomness="different")(backlit.zeros(3))
    backlit.manual_seed(0)
    assert drawn.tolist() == [backlit.rand(4).tolist() for _ in range(3)]


def test_same_numbers_are_drawn_once():
    backlit.manual_seed(0)
    backlit.vmap(lambda a: a + backlit.rand(4), randomness="same")(backlit.zeros(3))
    after = backlit.rand(2)
    backlit.manual_seed(0)
    backlit.rand(4)
    assert after.tolist() == backlit.rand(2).tolist()


def test_samples_may_branch():
    signs = backlit.vmap(lambda a: a if a > 0 else -a)(backlit.tensor([-1.0, 2.0]))
    assert signs.tolist() == [1.0, 2.0]


def test_structures_that_differ():
    x = backlit.tensor([-1.0, 2.0])
    with pytest.raises(ValueError, match="same structure for each sample"):
        backlit.vmap(lambda a: (a, a) if a > 0 else a)(x)
