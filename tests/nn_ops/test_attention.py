"""scaled_dot_product_attention: values, gradients to second order, masks, threads, errors."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import backlit

from oracle import outcome, same

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")

NOTHING_SEEN = np.ones((40, 70), bool)
NOTHING_SEEN[[0, 7, 39]] = False

# shapes of q, k and v; mask; further arguments
CASES = {
    "plain": (((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 5)), None, {}),
    "wide values": (((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 7)), None, {"scale": 0.3}),
    "no batch": (((4, 5), (6, 5), (6, 7)), None, {}),
    "broadcast": (((2, 3, 4, 5), (1, 3, 6, 5), (2, 1, 6, 5)), None, {}),
    "causal, more keys": (((1, 2, 40, 5), (1, 2, 70, 5), (1, 2, 70, 5)), None, {"is_causal": True}),
    "causal, fewer keys": (
        ((1, 2, 70, 5), (1, 2, 40, 5), (1, 2, 40, 5)),
        None,
        {"is_causal": True},
    ),
    "some see nothing": (((1, 2, 40, 5), (1, 2, 70, 5), (1, 2, 70, 5)), NOTHING_SEEN, {}),
    "mask of keys": (
        ((2, 2, 4, 5), (2, 2, 6, 5), (2, 2, 6, 5)),
        np.arange(12).reshape(2, 1, 1, 6) % 5 > 1,
        {},
    ),
    "mask of queries": (
        ((2, 2, 4, 5), (2, 2, 6, 5), (2, 2, 6, 5)),
        np.arange(4).reshape(4, 1) / 3.0,
        {},
    ),
    "groups of heads": (
        ((2, 4, 4, 5), (2, 2, 6, 5), (2, 2, 6, 7)),
        np.arange(96).reshape(1, 4, 4, 6) % 3 > 0,
        {"enable_gqa": True},
    ),
    "groups of unlike size": (((4, 4, 5), (2, 6, 5), (4, 6, 5)), None, {"enable_gqa": True}),
    "long, few heads": (((1, 1, 300, 40), (1, 1, 900, 40), (1, 1, 900, 24)), None, {}),
    "long, causal": (
        ((1, 2, 600, 16), (1, 2, 600, 16), (1, 2, 600, 16)),
        None,
        {"is_causal": True},
    ),
}


def draw(lib, shapes, dtype, requires_grad=True):
    random = np.random.RandomState(0)
    arrays = [random.standard_normal(s) for s in shapes]
    return [lib.from_numpy(a).to(getattr(lib, dtype)).requires_grad_(requires_grad) for a in arrays]


def attend(lib, shapes, mask, options, dtype, order):
    """The result and its gradients of first, or of both orders."""
    inputs = draw(lib, shapes, dtype)
    if mask is not None:
        mask = lib.from_numpy(mask)
        mask = mask if mask.dtype == lib.bool else mask.to(inputs[0].dtype)
    y = lib.nn.functional.scaled_dot_product_attention(*inputs, mask, **options)
    (g,) = draw(lib, [y.shape], dtype, False)
    first = lib.autograd.grad(y, inputs, g, create_graph=order > 1)
    found = [y, *first]
    if order > 1:
        found += lib.autograd.grad(sum((t * t).sum() for t in first), inputs)
    return [t.detach().tolist() for t in found]


def composed():
    """PyTorch without its fused kernel, which has no second derivative."""
    return torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients(case, order, dtype):
    shapes, mask, options = CASES[case]
    mine = attend(backlit, shapes, mask, options, dtype, order)
    with composed() if order > 1 else contextlib.nullcontext():
        theirs = attend(torch, shapes, mask, options, dtype, order)
    tolerance = 5e-5 if dtype == "float32" else 1e-12
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, tolerance, tolerance)


def test_layouts():
    """Heads out of one product, as models take them; the result goes back without a copy."""

    def run(lib):
        (x,) = draw(lib, [(2, 70, 24)], "float64")
        q, k, v = (t.view(2, 70, 2, 4).transpose(1, 2) for t in x.split(8, 2))
        y = lib.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        assert y.transpose(1, 2).is_contiguous()
        columns = lib.nn.functional.scaled_dot_product_attention(
            q.transpose(2, 3), k.transpose(2, 3), v.transpose(2, 3)
        )
        (g,) = lib.autograd.grad((y * y).sum() + (columns**3).sum(), x)
        return y.detach(), columns.detach(), g

    same(run, 1e-12)


def test_gradient_of_the_mask():
    def run(lib):
        q, k, v, mask = draw(lib, [(2, 4, 5), (2, 6, 5), (2, 6, 5), (4, 6)], "float64")
        y = lib.nn.functional.scaled_dot_product_attention(q, k, v, mask)
        first = lib.autograd.grad((y * y).sum(), [q, mask], create_graph=True)
        return first[1].detach(), *lib.autograd.grad((first[1] ** 2).sum(), [q, k, v, mask])

    same(run, 1e-12)


@pytest.mark.parametrize("p", [0.4, 1.0])
def test_dropout_draws_the_same_numbers(p):
    def run(lib):
        q, k, v = draw(lib, [(2, 3, 8, 5)] * 3, "float32")
        lib.manual_seed(3)
        y = lib.nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=True)
        return y.detach(), *lib.autograd.grad((y * y).sum(), [q, k, v]), lib.rand(2)

    same(run, 2e-6)


@pytest.mark.parametrize(
    "shape", [(2, 3, 300, 20), (1, 1, 700, 20), (12, 4, 64, 32)], ids=["heads", "keys", "many"]
)
def test_same_bits_at_any_number_of_threads(shape):
    before, results = backlit.get_num_threads(), []
    q, k, v = draw(backlit, [shape] * 3, "float32")
    try:
        for threads in (1, 2, 5):
            backlit.set_num_threads(threads)
            y = backlit.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            gradients = backlit.autograd.grad((y * y).sum(), [q, k, v])
            results.append([t.tolist() for t in (y, *gradients)])
    finally:
        backlit.set_num_threads(before)
    assert results[0] == results[1] == results[2]


def test_unseen_keys_do_not_reach_the_result():
    q, k, v = draw(backlit, [(1, 3, 4)] * 3, "float64", False)
    y = backlit.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    k[0, 2] = float("nan")
    again = backlit.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert again[:, :2].tolist() == y[:, :2].tolist()
    assert again[:, 2].isnan().all()


ERRORS = [
    "f(o(5), o(6, 5), o(6, 5))",
    "f(o(2, 4, 5), o(2, 6, 4), o(2, 6, 5))",
    "f(o(2, 3, 4, 5), o(2, 2, 4, 5), o(2, 2, 4, 5))",
    "f(o(4, 5), o(4, 5), o(4, 5), enable_gqa=True)",
    "f(o(4, 5), o(4, 5), o(4, 5), o(4, 4), is_causal=True)",
    "f(o(4, 5), o(4, 5), o(4, 5), o(4, 3))",
    "f(o(1, 1, 4, 5), o(1, 1, 4, 5), o(1, 1, 4, 5), o(3, 1, 4, 4))",
    "f(o(4, 5), o(4, 5), o(4, 5), o(2, 4, 4))",
    "f(o(4, 5), o(4, 5), o(4, 5), o(4, 4).int())",
    "f(o(4, 5), o(4, 5), o(4, 5), o(4, 4).double())",
    "f(o(4, 5), o(4, 5).double(), o(4, 5))",
    "f(o(4, 5), o(4, 5), o(4, 5), dropout_p=1.5)",
    "f([1], o(4, 5), o(4, 5))",
]


@pytest.mark.parametrize("line", ERRORS)
def test_errors(line):
    code = compile(line, "case", "eval")
    mine, theirs = (
        outcome(
            lambda lib: eval(
                code, {"f": lib.nn.functional.scaled_dot_product_attention, "o": lib.ones}
            ),
            lib,
        )
        for lib in (backlit, torch)
    )
    assert theirs[0][0] == "raised"
    assert mine == theirs
