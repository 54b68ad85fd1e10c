"""Matrix products against PyTorch: values, gradients to second order, errors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import backlit

from oracle import assert_close, outcome, plain

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")

MATMUL_SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((1, 3), (3, 1)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((5, 2, 3), (5, 3, 4)),
    ((3,), (5, 3, 4)),
    ((2, 1, 2, 3), (5, 3, 4)),
    ((0, 3), (3, 4)),
    ((2, 0), (0, 4)),
    ((5, 0, 3), (5, 3, 2)),
    ((2, 3), (5, 3, 4)),
    ((17, 33), (33, 65)),
]


def values(shape: tuple[int, ...], seed: int) -> list:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=g, dtype=torch.float64).tolist()


def make(lib, shape, seed, layout="plain"):
    if 0 in shape:
        return lib.zeros(shape, dtype=lib.float64, requires_grad=True)
    t = lib.tensor(values(shape, seed), dtype=lib.float64)
    if layout == "transposed" and t.dim() >= 2:
        t = t.transpose(-1, -2).contiguous().transpose(-1, -2)
    if layout == "gaps":
        t = lib.stack([t, t], -1).select(-1, 0)
    return t.requires_grad_()


def derivatives(fn, lib, inputs):
    """Value, gradients and gradients of gradients, with fixed incoming gradients."""
    y = fn(*inputs)
    if y.numel() == 0:
        return plain([y.detach()], lib)
    weight = lib.linspace(0.5, 1.5, y.numel(), dtype=y.dtype).reshape(y.shape)
    first = lib.autograd.grad((y * weight).sum(), inputs, create_graph=True)
    total = sum((g * g).sum() for g in first)
    # a linear operation has no second derivative
    second = lib.autograd.grad(total, inputs, allow_unused=True) if total.requires_grad else []
    return plain(
        [y.detach(), [g.detach() for g in first], list(second), type(y.grad_fn).__name__], lib
    )


def compare(fn, *shapes, layouts=("plain",), nodes=True):
    for layout in layouts:
        results = [
            derivatives(
                lambda *a, lib=lib: fn(lib, *a),
                lib,
                [make(lib, s, i, layout) for i, s in enumerate(shapes)],
            )
            for lib in (backlit, torch)
        ]
        if not nodes:  # PyTorch folds vectors and batches another way
            results = [r[:-1] for r in results]
        assert_close(*results, 1e-10)


@pytest.mark.parametrize("shapes", MATMUL_SHAPES, ids=str)
def test_matmul(shapes):
    same_nodes = len(shapes[0]) >= len(shapes[1])
    compare(
        lambda lib, a, b: a @ b, *shapes, layouts=("plain", "transposed", "gaps"), nodes=same_nodes
    )


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("mm", ((2, 3), (3, 4))),
        ("mv", ((2, 3), (3,))),
        ("dot", ((4,), (4,))),
        ("bmm", ((5, 2, 3), (5, 3, 4))),
        ("outer", ((3,), (4,))),
        ("addmm", ((2, 4), (2, 3), (3, 4))),
        ("addmm", ((4,), (2, 3), (3, 4))),
        ("addmv", ((2,), (2, 3), (3,))),
        ("baddbmm", ((5, 2, 4), (5, 2, 3), (5, 3, 4))),
        ("addbmm", ((2, 4), (5, 2, 3), (5, 3, 4))),
        ("addr", ((3, 4), (3,), (4,))),
    ],
    ids=str,
)
def test_named_products(name, shapes):
    for layout in ("plain", "transposed", "gaps"):
        mine, theirs = (
            derivatives(
                getattr(lib, name), lib, [make(lib, s, i, layout) for i, s in enumerate(shapes)]
            )
            for lib in (backlit, torch)
        )
        assert_close(mine, theirs, 1e-10)


@pytest.mark.parametrize("beta", [0, 1, 0.5])
@pytest.mark.parametrize("alpha", [1, 2.5])
def test_addmm_factors(beta, alpha):
    compare(lambda lib, m, a, b: lib.addmm(m, a, b, beta=beta, alpha=alpha), (2, 4), (2, 3), (3, 4))


@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3), (3,), (1, 3), (2, 2, 2, 3)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_linear(shape, bias):
    shapes = [shape, (4, 3), *([(4,)] if bias else [])]
    mine, theirs = (
        derivatives(lib.nn.functional.linear, lib, [make(lib, s, i) for i, s in enumerate(shapes)])
        for lib in (backlit, torch)
    )
    assert_close(mine[:-1], theirs[:-1], 1e-10)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "int32", "int64", "float32", "float64"]
)
def test_dtypes(dtype):
    def run(lib):
        a = lib.arange(6).reshape(2, 3).to(getattr(lib, dtype))
        b = lib.arange(12).reshape(3, 4).to(getattr(lib, dtype))
        return a @ b, a @ b[:, 0], lib.dot(a[0], a[1])

    assert outcome(run, backlit) == outcome(run, torch)


ERRORS = [
    lambda lib: lib.mm(lib.zeros(2, 3), lib.zeros(4, 5)),
    lambda lib: lib.mm(lib.zeros(2, 3), lib.zeros(3)),
    lambda lib: lib.mm(lib.zeros(2, 3), lib.zeros(3, 4, dtype=lib.float64)),
    lambda lib: lib.zeros(2, 3) @ lib.zeros(4),
    lambda lib: lib.dot(lib.zeros(2), lib.zeros(3)),
    lambda lib: lib.dot(lib.zeros(2, 2), lib.zeros(2)),
    lambda lib: lib.matmul(lib.tensor(1.0), lib.zeros(3)),
    lambda lib: lib.bmm(lib.zeros(2, 3, 4), lib.zeros(2, 3, 4)),
    lambda lib: lib.bmm(lib.zeros(3, 4), lib.zeros(2, 3, 4)),
    lambda lib: lib.nn.functional.linear(lib.zeros(2, 3), lib.zeros(4, 5)),
]


@pytest.mark.parametrize("index", range(len(ERRORS)))
def test_errors(index):
    mine, theirs = outcome(ERRORS[index], backlit), outcome(ERRORS[index], torch)
    assert theirs[0][0] == "raised"
    assert mine == theirs


def test_same_bits_at_any_number_of_threads():
    backlit.manual_seed(0)
    a, b = backlit.randn(300, 257), backlit.randn(257, 211)
    before = backlit.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 5):
            backlit.set_num_threads(threads)
            results.append((a @ b).tolist())
    finally:
        backlit.set_num_threads(before)
    assert all(x == y for x, y in itertools.pairwise(results))


def test_nan_and_inf_pass_through():
    inf = float("inf")
    a = backlit.tensor([[1.0, inf], [0.0, float("nan")]])
    b = backlit.tensor([[0.0, 1.0], [2.0, 0.0]])
    theirs = torch.tensor(a.tolist()) @ torch.tensor(b.tolist())
    assert_close((a @ b).tolist(), theirs.tolist(), 0)


IN_PLACE = {
    "mm": ((2, 3), (3, 4)),
    "mv": ((2, 3), (3,)),
    "dot": ((3,), (3,)),
    "bmm": ((2, 2, 3), (2, 3, 2)),
    "linear": ((2, 3), (4, 3)),
    "addmm": ((2, 3), (3, 4)),
    "cross": ((2, 3), (2, 3)),
}


@pytest.mark.parametrize("changed", [0, 1])
@pytest.mark.parametrize("needs", [(True, False), (False, True), (True, True)], ids=str)
@pytest.mark.parametrize("name", IN_PLACE)
def test_an_operand_may_change_when_no_gradient_reads_it(name, needs, changed):
    def run(lib):
        x, y = (
            lib.ones(shape, requires_grad=need)
            for shape, need in zip(IN_PLACE[name], needs, strict=True)
        )
        if name == "linear":
            result = lib.nn.functional.linear(x, y)
        elif name == "addmm":
            result = lib.addmm(lib.zeros(4), x, y)
        else:
            result = getattr(lib.linalg if name == "cross" else lib, name)(x, y)
        with lib.no_grad():
            (x, y)[changed].add_(1)
        result.sum().backward()
        return x.grad, y.grad

    mine, theirs = outcome(run, backlit), outcome(run, torch)
    if theirs[0][0] == "raised":
        assert mine[0][:2] == theirs[0][:2]
    else:
        assert mine == theirs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m,k,n", [(131, 300, 203), (64, 1030, 65), (257, 64, 512)])
def test_large_products_of_transposed_and_strided_matrices(m, k, n, dtype):
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    bias = rng.standard_normal(n)
    expected = left @ right
    to = getattr(backlit, dtype)
    rtol = 1e-4 if dtype == "float32" else 1e-11

    def layouts(x):
        t = backlit.tensor(x, dtype=to)
        wide = backlit.zeros(x.shape[0], x.shape[1] + 3, dtype=to)
        wide[:, 1:-2] = t
        return [t, t.t().contiguous().t(), wide[:, 1:-2]]

    for a in layouts(left):
        for b in layouts(right):
            np.testing.assert_allclose((a @ b).numpy(), expected, rtol, rtol)
            y = backlit.nn.functional.linear(a, b.t(), backlit.tensor(bias, dtype=to))
            np.testing.assert_allclose(y.numpy(), expected + bias, rtol, rtol)
            z = backlit.addmm(y, a, b, beta=-1, alpha=2)
            np.testing.assert_allclose(z.numpy(), expected - bias, rtol, 10 * rtol)
