"""cross and cdist against PyTorch."""

from __future__ import annotations

import math

import pytest
from test_contractions import agree, torch
from test_products import make

import backlit

from oracle import assert_close, outcome

CROSS = [((2, 3), (2, 3), -1), ((3, 2), (3, 2), 0), ((2, 1, 3), (1, 4, 3), 2), ((0, 3), (0, 3), 1)]


@pytest.mark.parametrize("case", CROSS, ids=str)
def test_cross(case):
    a, b, dim = case
    agree(lambda lib, x, y: lib.linalg.cross(x, y, dim=dim), a, b)
    agree(lambda lib, x, y: lib.cross(x, y, dim), a, b)


@pytest.mark.filterwarnings("ignore:Using torch.cross")
def test_cross_finds_its_dimension():
    agree(lambda lib, x, y: lib.cross(x, y), (2, 3, 2), (2, 3, 2))


@pytest.mark.parametrize("p", [0, 1, 1.5, 2, 3, math.inf])
@pytest.mark.parametrize(
    "shapes",
    [((4, 3), (5, 3)), ((2, 4, 3), (5, 3)), ((2, 1, 2, 3), (4, 3, 3)), ((30, 2), (28, 2))],
    ids=str,
)
def test_cdist_values_and_gradients(shapes, p):
    results = []
    for lib in (backlit, torch):
        x, y = (make(lib, s, i) for i, s in enumerate(shapes))
        d = lib.cdist(x, y, p=p)
        weight = lib.linspace(0.5, 1.5, d.numel(), dtype=d.dtype).reshape(d.shape)
        grads = lib.autograd.grad((d * weight).sum(), [x, y])
        results.append([d.tolist(), [g.tolist() for g in grads]])
    assert_close(*results, 1e-7)


@pytest.mark.parametrize("p", [1.5, 2.0, 3.0])
def test_cdist_second_derivative(p):
    # PyTorch has none; its norm has
    def run(lib, distance):
        x, y = make(lib, (3, 2), 0), make(lib, (4, 2), 1)
        first = lib.autograd.grad(distance(lib, x, y).sum(), [x, y], create_graph=True)
        second = lib.autograd.grad(sum((g * g).sum() for g in first), [x, y])
        return [g.tolist() for g in second]

    mine = run(backlit, lambda lib, x, y: lib.cdist(x, y, p))
    theirs = run(torch, lambda lib, x, y: (x[:, None] - y[None]).norm(p, -1))
    assert_close(mine, theirs, 1e-9)


def test_coinciding_rows_have_gradient_zero():
    x = backlit.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    backlit.cdist(x, x.detach()).sum().backward()
    y = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    torch.cdist(y, y.detach()).sum().backward()
    assert_close(x.grad.tolist(), y.grad.tolist(), 1e-6)


@pytest.mark.parametrize(
    "line",
    [
        "lib.cross(o(2, 2), o(2, 2), 0)",
        "lib.linalg.cross(o(3, 2), o(3, 2))",
        "lib.cross(o(2, 3), o(3), 1)",
        "lib.cross(o(2, 3).long(), o(2, 3), 1)",
        "lib.cross(o(2, 3).bool(), o(2, 3).bool(), 1)",
        "lib.cdist(o(2, 3), o(4, 2))",
        "lib.cdist(o(3), o(4, 3))",
        "lib.cdist(o(2, 3).long(), o(4, 3).long())",
        "lib.cdist(o(2, 3), o(4, 3), p=-1.0)",
    ],
)
def test_errors(line):
    code = compile(line, "case", "eval")
    mine, theirs = (
        outcome(lambda lib: eval(code, {"lib": lib, "o": lib.ones}), lib)
        for lib in (backlit, torch)
    )
    assert theirs[0][0] == "raised"
    assert mine == theirs
