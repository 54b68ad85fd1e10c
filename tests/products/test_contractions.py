"""einsum, tensordot, inner, kron, chains and powers of matrices against PyTorch."""

from __future__ import annotations

import pytest
from test_products import derivatives, make

import backlit

from oracle import assert_close, outcome

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")


def agree(fn, *shapes, names=True, layouts=("plain", "transposed")):
    for layout in layouts:
        mine, theirs = (
            derivatives(
                lambda *a, lib=lib: fn(lib, *a),
                lib,
                [make(lib, s, i, layout) for i, s in enumerate(shapes)],
            )
            for lib in (backlit, torch)
        )
        assert_close(mine if names else mine[:-1], theirs if names else theirs[:-1], 1e-10)


EINSUM = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("i,j->ij", (2,), (3,)),
    ("i,i->", (3,), (3,)),
    ("i,i->i", (3,), (3,)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,ji->", (2, 3), (3, 2)),
    ("bij,bjk->bik", (5, 2, 3), (5, 3, 4)),
    ("bij,bjk,bkl->bil", (2, 3, 4), (2, 4, 5), (2, 5, 2)),
    ("...ij,...jk->...ik", (2, 2, 3), (2, 3, 4)),
    ("...ij,jk", (2, 2, 3), (3, 4)),
    ("...i,...j->...ij", (4, 2), (3, 4, 5)),
    ("i...->...", (2, 3, 4)),
    ("b...,b...->...", (2, 3, 1), (2, 1, 4)),
    ("ba", (2, 3)),
    ("aB,Bc", (2, 3), (3, 4)),
    ("iij->ji", (2, 2, 3)),
    ("iji->j", (2, 3, 2)),
    ("ij,j->ij", (2, 3), (1,)),
    ("ij,jk->ik", (2, 3), (1, 4)),
    ("ij,jk->ik", (2, 1), (3, 4)),
    (",->", (), ()),
    ("i,->i", (3,), ()),
    ("ij,kl->ijkl", (2, 3), (2, 2)),
    ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("ijk,ilm,njm,nlk,abc->", (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2)),
    ("i ,i -> ", (3,), (3,)),
    ("...i,oij,...j->...o", (3, 2), (4, 2, 5), (3, 5)),
    ("iii->", (2, 2, 2)),
    ("ij,jk,kl", (2, 3), (3, 4), (4, 2)),
    ("...", (2, 3)),
    ("ij->i...", (2, 3)),
    ("ij,jk->ik", (0, 3), (3, 4)),
    ("ij,jk->ik", (2, 0), (0, 4)),
]


@pytest.mark.parametrize("case", EINSUM, ids=lambda c: f"{c[0]} {c[1:]}")
def test_einsum(case):
    equation, *shapes = case
    agree(lambda lib, *a: lib.einsum(equation, *a), *shapes, names=False)


def test_einsum_of_subscript_lists():
    agree(lambda lib, a, b: lib.einsum(a, [0, 1], b, [1, 30], [0, 30]), (2, 3), (3, 4))
    agree(lambda lib, a, b: lib.einsum(a, [..., 1], b, [1, 2], [..., 2]), (2, 2, 3), (3, 4))
    agree(lambda lib, a, b: lib.einsum(a, [0, 1], b, [1, 2]), (2, 3), (3, 4))
    agree(lambda lib, a, b: lib.einsum("ij,jk", [a, b]), (2, 3), (3, 4))


def test_einsum_shares_memory_like_pytorch():
    def run(lib):
        x = lib.zeros(2, 2)
        lib.einsum("ii->i", x).add_(1)
        lib.einsum("ij->ji", x)[0, 1] = 5
        return x, lib.einsum("ij->ji", x).stride()

    assert outcome(run, backlit) == outcome(run, torch)


TENSORDOT = [
    ((2, 3, 4), (4, 3, 5), ([1, 2], [1, 0])),
    ((2, 3), (3, 4), 1),
    ((2, 3), (2, 3), 2),
    ((2, 3), (4, 5), 0),
    ((2, 3), (3, 2), ([-1], [0])),
    ((2, 3), (1, 4), ([1], [0])),
    ((2, 3, 4), (3, 4, 2), 2),
]


@pytest.mark.parametrize("case", TENSORDOT, ids=str)
def test_tensordot(case):
    a, b, dims = case
    agree(lambda lib, x, y: lib.tensordot(x, y, dims), a, b)


@pytest.mark.parametrize(
    "shapes",
    [((3,), (3,)), ((2, 3), (4, 3)), ((2, 3, 4), (5, 4)), ((), (3,)), ((2, 3), (3,))],
    ids=str,
)
def test_inner(shapes):
    agree(lambda lib, x, y: lib.inner(x, y), *shapes)


@pytest.mark.parametrize(
    "shapes",
    [((2, 3), (4,)), ((2, 2), (3, 2)), ((), (3,)), ((2, 1, 2), (3, 2)), ((2, 0), (2,))],
    ids=str,
)
def test_kron(shapes):  # PyTorch itself fails on transposed ones
    agree(lambda lib, x, y: lib.kron(x, y), *shapes, layouts=("plain",))


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 3), (3, 4), (4, 5)),
        ((2,), (2, 3)),
        ((2,), (2, 3), (3,)),
        ((9, 2), (2, 9), (9, 2), (2, 3)),
    ],
    ids=str,
)
def test_multi_dot(shapes):
    agree(lambda lib, *m: lib.linalg.multi_dot(list(m)), *shapes, names=False)


@pytest.mark.filterwarnings("ignore:torch.chain_matmul")
@pytest.mark.parametrize("shapes", [((2, 3), (3, 4), (4, 5)), ((2, 3),), ((2, 3), (3, 2))], ids=str)
def test_chain_matmul(shapes):
    agree(lambda lib, *m: lib.chain_matmul(*m), *shapes, names=False)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2), (0, 3, 3)], ids=str)
def test_matrix_power(shape, n):
    agree(lambda lib, x: lib.linalg.matrix_power(x, n), shape, names=False)
    assert outcome(lambda lib: lib.ones(2, 2, dtype=lib.int64).matrix_power(n), backlit) == outcome(
        lambda lib: lib.ones(2, 2, dtype=lib.int64).matrix_power(n), torch
    )


def test_matrix_power_zero():
    assert backlit.eye(3).mul(5).matrix_power(0).tolist() == torch.eye(3).tolist()


ADDED = {
    "addmm": ((2, 4), (2, 3), (3, 4)),
    "addmv": ((2,), (2, 3), (3,)),
    "addr": ((3, 4), (3,), (4,)),
    "baddbmm": ((5, 2, 4), (5, 2, 3), (5, 3, 4)),
    "addbmm": ((2, 4), (5, 2, 3), (5, 3, 4)),
}


@pytest.mark.parametrize("name", ADDED)
@pytest.mark.parametrize(("beta", "alpha"), [(0, 2.0), (0.5, 1), (2, 3)])
def test_factors(name, beta, alpha):
    agree(lambda lib, *a: getattr(lib, name)(*a, beta=beta, alpha=alpha), *ADDED[name])
    agree(
        lambda lib, m, a, b: getattr(m * 1, name + "_")(a, b, beta=beta, alpha=alpha), *ADDED[name]
    )


@pytest.mark.parametrize("name", ADDED)
def test_beta_zero_ignores_nan(name):
    m, a, b = (backlit.ones(s) for s in ADDED[name])
    assert not getattr(backlit, name)(m * float("nan"), a, b, beta=0).isnan().any()


def test_out():
    for lib in (backlit, torch):
        out = lib.empty(2, 2)
        assert lib.mm(lib.ones(2, 3), lib.ones(3, 2), out=out) is out
        assert out.tolist() == [[3.0, 3.0], [3.0, 3.0]]
        assert lib.tensordot(lib.ones(2, 4), lib.ones(4, 2), 1, out=out) is out
        assert lib.linalg.multi_dot([lib.ones(2, 4), lib.ones(4, 2)], out=out) is out
        assert out.tolist() == [[4.0, 4.0], [4.0, 4.0]]


ERRORS = """
lib.einsum("ij,jk", o(2, 3), o(4, 5))
lib.einsum("ij,jk->iz", o(2, 3), o(3, 5))
lib.einsum("ij,jk->ii", o(2, 3), o(3, 5))
lib.einsum("ijk,jk->i", o(2, 3), o(3, 5))
lib.einsum("i", o(2, 3))
lib.einsum("ij,jk", o(2, 3))
lib.einsum("i->i", o(2), o(2))
lib.einsum("i1->i", o(2, 2))
lib.einsum("i.j->i", o(2, 2))
lib.einsum("......", o(2, 2))
lib.einsum("ij->->i", o(2, 2))
lib.einsum("...i,...i", o(2, 2), o(3, 2))
lib.einsum("ii->i", o(2, 3))
lib.einsum("ij,jk->ik", o(2, 3).long(), o(3, 4))
lib.einsum("ij")
lib.einsum(o(2, 3), [0, 53])
lib.tensordot(o(2, 3), o(4, 3), dims=2)
lib.tensordot(o(2, 3), o(3, 3), dims=([0], [0]))
lib.tensordot(o(2, 3), o(2, 3), dims=-1)
lib.tensordot(o(2, 3), o(2, 3), dims=3)
lib.tensordot(o(2, 3), o(2, 3), dims=([0, 1], [0]))
lib.tensordot(o(2, 3), o(2, 3).double(), dims=2)
lib.inner(o(2, 3), o(4, 2))
lib.inner(o(2).long(), o(2))
lib.linalg.multi_dot([o(2)])
lib.linalg.multi_dot([o(2, 2), o(2), o(2, 2)])
lib.linalg.multi_dot([o(2, 2), o(3, 2)])
lib.linalg.multi_dot([o(2, 2, 2), o(3, 2)])
lib.linalg.multi_dot([o(2, 2), o(2, 2).double()])
lib.matrix_power(o(2, 3), 2)
lib.matrix_power(o(3), 2)
lib.addmm(o(2), o(3, 4), o(4, 5))
lib.addmm(o(5), o(3, 4), o(5, 5))
lib.addmm(o(5), o(4), o(5, 5))
lib.addmm(o(5).double(), o(3, 4), o(4, 5))
lib.addmm(o(2, 3, 5), o(3, 4), o(4, 5))
lib.addmv(o(3), o(2, 3), o(3))
lib.addmv(o(2), o(2, 3), o(2))
lib.addr(o(2, 2), o(2), o(3))
lib.addr(o(2, 3), o(2, 2), o(3))
lib.baddbmm(o(3, 2, 2), o(3, 2, 5), o(3, 4, 2))
lib.baddbmm(o(4), o(3, 2, 4), o(3, 4, 2))
lib.addbmm(o(3), o(3, 2, 4), o(3, 4, 2))
o(2, 3) @ o(3).double()
o(2, 3) @ o(3, 2).double()
o(2, 2, 3) @ o(2, 3, 2).double()
o(2, 2).bool() @ o(2, 2).bool()
o(2, 2).bool() @ o(2).bool()
o(2).bool() @ o(2).bool()
o(2, 2, 2).bool() @ o(2, 2, 2).bool()
o(2, 2, 3) @ o(3, 3, 2)
o(2, 2, 3) @ o(2, 4, 2)
o(2) @ o(3, 2)
lib.nn.functional.linear(o(2, 3), o(4, 3), o(5))
lib.nn.functional.linear(o(2, 3).double(), o(4, 3), o(4))
lib.nn.functional.linear(o(2, 3), o(4, 3), o(4).double())
lib.nn.functional.linear(o(3), o(4, 5))
lib.nn.functional.linear(lib.tensor(1.0), o(3, 3))
""".strip().splitlines()


@pytest.mark.parametrize("line", ERRORS)
def test_errors(line):
    code = compile(line, "case", "eval")
    mine, theirs = (
        outcome(lambda lib: eval(code, {"lib": lib, "o": lib.ones}), lib)
        for lib in (backlit, torch)
    )
    assert theirs[0][0] == "raised"
    assert mine == theirs
