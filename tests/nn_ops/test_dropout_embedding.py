"""dropout draws PyTorch's numbers; embedding picks rows and adds up their gradients."""

from __future__ import annotations

import pytest
from nn_ops_gradients import check, numbers, torch

import backlit

from oracle import same


def functional(lib):
    return backlit.nn.functional if lib is backlit else torch.nn.functional


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [(), (3,), (4, 5), (40, 50), (2, 3, 700)])
def test_dropout_draws_pytorchs_numbers(size, dtype):
    def run(lib, F, x):
        lib.manual_seed(3)
        return F.dropout(x, 0.3, True) + F.dropout(x, 0.9, True)

    check(run, size, dtype=dtype)


def test_dropout_of_other_layouts():
    def run(change):
        def drop(lib, F, x):
            lib.manual_seed(5)
            return F.dropout(change(x), 0.5)

        return drop

    check(run(lambda x: x.t()), (30, 40))
    check(run(lambda x: x.permute(2, 0, 1)), (3, 4, 5))
    check(run(lambda x: x[:, ::2]), (6, 8))
    check(run(lambda x: x.expand(4, 6)), (1, 6))


@pytest.mark.parametrize(
    "line",
    [
        "F.dropout(x, 0.0) is x",
        "F.dropout(x, 0.5, False) is x",
        "F.dropout(x, 1.0)",
        "F.dropout(x, 1.5)",
        "F.dropout(x, -0.1)",
        "F.dropout(lib.arange(4), 0.5)",
        "F.dropout(lib.arange(4), 0.0)",
        "F.dropout(lib.arange(4), 1.0)",
        "F.dropout(lib.zeros(0), 0.5)",
        "lib.dropout(x, 0.0, True)",
        "lib.dropout(x, 2.0, True)",
        "F.dropout(x, 0.5).grad_fn.name()",
        "len(F.dropout(x, 0.5).grad_fn.next_functions)",
        "F.dropout(x, 1.0).grad_fn.name()",
    ],
)
def test_dropout_edges(line):
    code = compile(line, "case", "eval")

    def run(lib):
        lib.manual_seed(0)
        x = lib.tensor(numbers((3, 4)), requires_grad=True)
        return eval(code, {"lib": lib, "F": functional(lib), "x": x})

    same(run, 1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "index", [[1, 0, 1, 4, 1], [[0, 2], [2, 2]], 3, [[4]]], ids=["rows", "matrix", "one", "11"]
)
def test_embedding(index, dtype):
    check(lambda lib, F, w: F.embedding(lib.tensor(index), w), (5, 3), dtype=dtype)
    check(lambda lib, F, w: F.embedding(lib.tensor(index), w, 2), (5, 3), dtype=dtype)
    check(lambda lib, F, w: F.embedding(lib.tensor(index), w, -1), (5, 3), dtype=dtype)


def test_embedding_layouts():
    check(lambda lib, F, w: F.embedding(lib.tensor([[1, 0], [2, 1]]).t(), w.t()), (3, 4))
    check(lambda lib, F, w: F.embedding(lib.tensor([1, 2], dtype=lib.int32), w), (3, 4))
    check(lambda lib, F, w: F.embedding(lib.zeros(2, 0, dtype=lib.int64), w), (3, 4))
    check(lambda lib, F, w: F.embedding(lib.tensor([1, 2]), w), (3, 0))


def test_embedding_of_many_indices():
    index = [(37 * k) % 11 for k in range(3000)]
    check(lambda lib, F, w: F.embedding(lib.tensor(index), w), (11, 13), dtype="float32")


@pytest.mark.parametrize(
    "line",
    [
        "F.embedding(lib.tensor([1.0]), w)",
        "F.embedding(lib.tensor([1], dtype=lib.int16), w)",
        "F.embedding(lib.tensor([4]), w)",
        "F.embedding(lib.tensor([-1]), w)",
        "F.embedding(lib.tensor([1]), w[0])",
        "F.embedding(lib.tensor([1]), lib.arange(6).reshape(3, 2))",
        "F.embedding(lib.tensor([1]), w, 7)",
    ],
)
def test_embedding_edges(line):
    code = compile(line, "case", "eval")
    same(lambda lib: eval(code, {"lib": lib, "F": functional(lib), "w": lib.ones(4, 3)}))


def test_embedding_bits_do_not_depend_on_threads():
    backlit.manual_seed(0)
    weight = backlit.randn(50, 130, requires_grad=True)
    index = backlit.randint(50, (2000,))
    g = backlit.randn(2000, 130)
    before, results = backlit.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            backlit.set_num_threads(threads)
            y = functional(backlit).embedding(index, weight)
            results.append(backlit.autograd.grad((y * g).sum(), weight)[0])
    finally:
        backlit.set_num_threads(before)
    assert all(backlit.equal(r, results[0]) for r in results)
