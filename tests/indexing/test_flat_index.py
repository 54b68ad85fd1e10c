"""take, put, index_put, nonzero_static, unravel_index: elements by position and by tuples."""

from __future__ import annotations

import pytest
from derivatives import derivatives, numbers

from oracle import same

X = numbers(3, 4)


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_put(accumulate, in_place, turned):
    def run(torch, x, s):
        y = (x * 1).t() if turned else x * 1
        i = torch.tensor([[1, -1], [5, 1 if accumulate else 2]])
        if not in_place:
            return y.put(i, s, accumulate)
        y.put_(i, s, accumulate=accumulate)
        return y

    same(derivatives(run, X, numbers(2, 2, seed=1)), 1e-12)


def test_take():
    same(
        derivatives(
            lambda torch, x: (x.take(torch.tensor([[0, -1], [5, 5]])), x.t().take(torch.tensor(4))),
            X,
        ),
        1e-12,
    )


INDEX_PUTS = {
    "rows": (lambda torch: (torch.tensor([0, 2]),), (4,)),
    "pairs": (lambda torch: (torch.tensor([0, 2, 1]), torch.tensor([3, 3, 0])), (3,)),
    "broadcast": (lambda torch: (torch.tensor([[0], [2]]), torch.tensor([1, 3])), (2, 2)),
    "one value": (lambda torch: (torch.tensor([0, 2]),), ()),
    "mask": (lambda torch: (torch.tensor([True, False, True]),), (2, 4)),
    "mask of all": (lambda torch: (torch.arange(12).reshape(3, 4) % 5 == 1,), (3,)),
    "negative": (lambda torch: (torch.tensor([-1, 0]), torch.tensor([-4, -1])), (2,)),
    "int32": (lambda torch: (torch.tensor([2, 0], dtype=torch.int32),), (2, 4)),
}


@pytest.mark.parametrize("name", INDEX_PUTS)
@pytest.mark.parametrize("form", ["index_put", "index_put_", "function"])
@pytest.mark.parametrize("accumulate", [False, True])
def test_index_put(name, form, accumulate):
    indices, shape = INDEX_PUTS[name]

    def run(torch, x, v):
        if form == "function":
            return torch.index_put(x, indices(torch), v, accumulate)
        y = x * 1
        result = getattr(y, form)(indices(torch), v, accumulate=accumulate)
        return result, y

    same(derivatives(run, X, numbers(*shape, seed=2)), 1e-12)


def test_index_put_adds_up_duplicates():
    def run(torch, x, v):
        return x.index_put((torch.tensor([1, 1, 1]), torch.tensor([2, 2, 0])), v, accumulate=True)

    same(derivatives(run, X, numbers(3, seed=3)), 1e-12)


ERRORS = {
    "put range": lambda torch, x: x.put(torch.tensor([1, 20]), torch.ones(2)),
    "put negative": lambda torch, x: x.put(torch.tensor([1, -13]), torch.ones(2)),
    "put count": lambda torch, x: x.put(torch.tensor([1, 2]), torch.ones(3)),
    "put index": lambda torch, x: x.put(torch.tensor([1, 2]).int(), torch.ones(2)),
    "put dtype": lambda torch, x: x.put(torch.tensor([1, 2]), torch.ones(2).long()),
    "put empty": lambda torch, x: torch.zeros(0).put(torch.tensor([0]), torch.zeros(1)),
    "take range": lambda torch, x: x.take(torch.tensor([1, 20])),
    "take index": lambda torch, x: x.take(torch.tensor([1.0])),
    "take empty": lambda torch, x: torch.zeros(0).take(torch.tensor([0])),
    "index_put many": lambda torch, x: x.index_put((torch.tensor([0]),) * 3, torch.ones(1)),
    "index_put float": lambda torch, x: x.index_put((torch.tensor([0.0]),), torch.ones(4)),
    "index_put int8": lambda torch, x: x.index_put((torch.tensor([0]).to(torch.int8),), x[0]),
    "index_put range": lambda torch, x: x.index_put((torch.tensor([7]),), torch.ones(4)),
    "index_put dtype": lambda torch, x: x.index_put((torch.tensor([0]),), torch.ones(4).long()),
    "index_put shape": lambda torch, x: x.index_put((torch.tensor([0]),), torch.ones(3)),
    "nonzero size": lambda torch, x: torch.nonzero_static(x, size=-1),
    "unravel float": lambda torch, x: torch.unravel_index(x, (3, 4)),
    "unravel negative": lambda torch, x: torch.unravel_index(x.long(), (3, -4)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    assert same(lambda torch: ERRORS[name](torch, torch.ones(3, 4)))[0] == "raised"


@pytest.mark.parametrize("size", [0, 2, 3, 5])
def test_nonzero_static(size):
    def run(torch):
        x = torch.tensor([[1, 0], [2, 3]])
        return (
            torch.nonzero_static(x, size=size),
            x.nonzero_static(size=size, fill_value=7),
            torch.nonzero_static(torch.tensor(1), size=size),
        )

    same(run)


def test_unravel_index():
    def run(torch):
        return (
            torch.unravel_index(torch.tensor([3, 11]), (3, 4)),
            torch.unravel_index(torch.tensor([[7], [0]]).int(), (2, 2, 2)),
            torch.unravel_index(torch.tensor(3), 4),
            torch.unravel_index(torch.tensor([2]), torch.Size([3])),
        )

    same(run)


@pytest.mark.parametrize("name", ["index_add_", "index_copy_", "index_fill_"])
def test_slices_of_a_tensor_without_dimensions(name):
    def run(torch):
        x = torch.tensor(1.5)
        value = 3.0 if name == "index_fill_" else torch.tensor(2.0)
        return getattr(x, name)(0, torch.tensor([0]), value), x, x._version > 0

    same(run)
