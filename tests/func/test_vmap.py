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
        "set_at": set_at,
    }


def set_at(tensor, index, value):
    tensor[index] = value
    return tensor


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
    "vmap(lambda a: a * t.zeros_like(a).copy_(a + 1))(M)",
    "vmap(lambda a, b: a + b)(x.float(), M)",
    "vmap(lambda a, b: a + b)(x, M.float())",
    "vmap(lambda a, b: t.where(a > 0, b, 1.0))(x, M.float())",
    "vmap(lambda a: a[0] * a[..., -1] + a[:, None].sum() + a[t.tensor([0, 2])].sum())(M)",
    "vmap(lambda a, i: a[i])(M, t.tensor([2, 0]))",
    "vmap(lambda a, i: a[:, i])(T, t.tensor([2, 0]))",
    "vmap(lambda i: T[0, :, i])(t.tensor([2, 0, 1]))",
    "vmap(lambda i: T[:, [0, 1], i])(t.tensor([[2, 0], [1, 1]]))",
    "vmap(lambda a: a[[0, 1], :2][:, [1, 0]])(T)",
    "vmap(vmap(lambda a, i: a[i]), in_dims=(0, None))(T, t.tensor([3, 0, 1]))",
    "vmap(lambda a, b: set_at(a.clone(), 0, b))(M, x[:2])",
    "vmap(lambda a, b: set_at(a.clone(), (slice(None), t.tensor([0, 2])), b[:2]))(T, M)",
    "vmap(lambda a, i: set_at(a.clone(), i, 7.0))(M, t.tensor([2, 0]))",
    "vmap(lambda a, i, b: set_at(a.clone(), (slice(None), i), b))(T, t.tensor([2, 0]), M)",
    "vmap(lambda a: t.stack(list(a)) + len(a))(M)",
    "vmap(lambda a: a.T @ a + a.mT @ a)(T)",
    "vmap(lambda a: -a ** 2 // 1 % 3)(M)",
    "vmap(lambda a: 2 - a + (1 / a) + 2**a)(M + 5)",
    "vmap(vmap(lambda a, b: a @ b, in_dims=(None, 0)), in_dims=(0, None))(T, T[0])",
    "vmap(lambda a: a.new_zeros(2) + t.zeros_like(a).sum())(M)",
    "vmap(lambda a: t.einsum('ij,kj->ik', a, T[0]))(T)",
    "vmap(lambda a: a.sum(0, keepdim=True).squeeze())(T)",
    "vmap(lambda a: t.nn.functional.cross_entropy(a, t.tensor([0, 2, 1])))(T)",
    "vmap(lambda a, b: t.nn.functional.cross_entropy(a, b))(M, t.tensor([0, 2]))",
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
    "vmap(lambda a: a.sum().item())(M)",
    "vmap(lambda a: a if a > 0 else -a)(x)",
    "vmap(lambda a: float(a))(x)",
    "vmap(lambda a: [1, 2, 3][a.long()])(x)",
    "vmap(lambda a: a * (1.0 in a))(M)",
    "vmap(lambda a: t.tensor([a[0], a[1]]))(M)",
    "vmap(lambda a: a.tolist())(M)",
    "vmap(lambda a: a.numpy())(M)",
    "vmap(lambda a: a.data_ptr())(M)",
    "vmap(lambda a: a.nonzero())(M)",
    "vmap(lambda a: a.masked_select(a > 0))(M)",
    "vmap(lambda a: a[a > 0])(M)",
    "vmap(lambda a: a.unique())(M)",
    "vmap(lambda a: t.equal(a, a))(M)",
    "vmap(lambda a: t.allclose(a, a))(M)",
    "vmap(lambda a: t.zeros(3).double().add_(a))(M)",
    "vmap(lambda a: t.zeros(3).double().__iadd__(a))(M)",
    "vmap(lambda a: t.zeros(3).double().copy_(a))(M)",
    "vmap(lambda a: t.zeros(3).double().__setitem__(0, a[0]))(M)",
    "vmap(lambda a: t.add(a, a, out=a.clone()))(M)",
    "vmap(lambda a: a + t.nn.functional.dropout(a))(M)",
    "vmap(lambda a: t.bernoulli(a.sigmoid()), randomness='same')(M)",
    "vmap(lambda a: t.multinomial(a.abs(), 2), randomness='same')(M)",
    "vmap(lambda a: a + t.zeros(3).normal_(), randomness='different')(M)",
    "vmap(lambda a: a.sum().backward())(M)",
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
