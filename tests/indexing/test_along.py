"""gather, scatter and their relatives along one dimension."""

from __future__ import annotations

import warnings

import pytest
from derivatives import derivatives, numbers

import backlit

from oracle import same

# shape of the tensor, dim, shape of the index, shape of src
CASES = [
    ((4,), 0, (6,), (6,)),
    ((4,), -1, (3,), (5,)),
    ((3, 4), 0, (2, 3), (2, 3)),
    ((3, 4), 1, (3, 6), (3, 6)),
    ((3, 4), -2, (5, 4), (5, 4)),
    ((3, 4), 1, (2, 1), (3, 4)),
    ((2, 3, 4), 1, (2, 5, 3), (2, 6, 4)),
    ((2, 3, 4), 2, (1, 3, 2), (1, 3, 2)),
    ((2, 3, 4), 0, (3, 3, 4), (3, 3, 4)),
    ((2, 1, 4), 1, (2, 3, 4), (2, 3, 4)),
    ((), 0, (1,), (1,)),
    ((), 0, (), ()),
    ((3, 4), 0, (0, 4), (0, 4)),
    ((0, 3), 1, (0, 2), (0, 2)),
]
IDS = [f"{c[0]}-{c[1]}-{c[2]}-{c[3]}" for c in CASES]
cases = pytest.mark.parametrize(("shape", "dim", "index", "src"), CASES, ids=IDS)


def index_of(lib, shape, dim, index, unique=False, dtype="int64"):
    """Numbers within the dimension, with duplicates unless `unique`."""
    n = shape[dim] if shape else 1
    steps = lib.arange(max(1, lib.Size(index).numel()))
    values = (steps * 7 + steps // 3) % max(n, 1)
    values = values[: lib.Size(index).numel()].reshape(index)
    if unique and index:
        count = values.shape[dim]
        values = lib.arange(count).reshape(
            [-1 if d == dim % len(index) else 1 for d in range(len(index))]
        )
        values = values.expand(index).clone()
    return values.to(getattr(lib, dtype))


def value(shape, seed=0):
    return numbers(*shape, seed=seed)


def shaped(lib, values, shape, dtype="float64"):
    return lib.tensor(values, dtype=getattr(lib, dtype)).reshape(shape)


@cases
def test_gather(shape, dim, index, src):
    same(
        derivatives(
            lambda torch, x: torch.gather(x, dim, index_of(torch, shape, dim, index)),
            value(shape),
            shapes=[shape],
        ),
        1e-12,
    )


@cases
def test_scatter_add(shape, dim, index, src):
    if index != src:
        pytest.skip("PyTorch has no gradient for a src larger than the index")
    same(
        derivatives(
            lambda torch, x, s: torch.scatter_add(x, dim, index_of(torch, shape, dim, index), s),
            value(shape),
            value(src, 1),
            shapes=[shape, src],
        ),
        1e-12,
    )


@cases
@pytest.mark.parametrize("form", ["src", "number", "src_", "number_"])
def test_scatter(shape, dim, index, src, form):
    def run(torch):
        x = shaped(torch, value(shape), shape)
        i = index_of(torch, shape, dim, index)
        s = shaped(torch, value(src, 1), src)
        operation = torch.Tensor.scatter_ if form.endswith("_") else torch.scatter
        result = operation(x, dim, i, s if form.startswith("src") else 2)
        return result, x

    same(run)


@cases
def test_scatter_gradients(shape, dim, index, src):
    def unique(lib):
        return index_of(lib, shape, dim, index, unique=True)

    if index != src or (shape and index and index[dim] > shape[dim]) or not all(index):
        pytest.skip("PyTorch has no gradient there")
    same(
        derivatives(
            lambda torch, x, s: torch.scatter(x, dim, unique(torch), s),
            value(shape),
            value(src, 1),
            shapes=[shape, src],
        ),
        1e-12,
    )
    same(
        derivatives(
            lambda torch, x: (x * 2).scatter_(dim, unique(torch), 3.0),
            value(shape),
            shapes=[shape],
        ),
        1e-12,
    )


REDUCTIONS = ["sum", "prod", "mean", "amax", "amin"]


@cases
@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("include_self", [True, False])
def test_scatter_reduce(shape, dim, index, src, reduce, include_self):
    order = 0 if index != src else 1 if reduce in ("amax", "amin") else 2
    same(
        derivatives(
            lambda torch, x, s: torch.scatter_reduce(
                x, dim, index_of(torch, shape, dim, index), s, reduce, include_self=include_self
            ),
            value(shape),
            value(src, 1),
            shapes=[shape, src],
            order=order,
        ),
        1e-9,
    )


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_scatter_reduce_in_place_and_zeros(reduce):
    """Factors that are 0, values that meet as equals, and a tensor that is overwritten."""

    def run(torch, x, s):
        y = x * 1
        i = torch.tensor([0, 0, 1, 1, 1, 3])
        y.scatter_reduce_(0, i, s, reduce)
        return y

    order = 1 if reduce in ("prod", "amax", "amin") else 2
    values = [0.0, 2.0, 5.0, 1.5], [0.0, 3.0, 0.0, 2.0, 2.0, 1.5]
    same(derivatives(run, *values, order=order), 1e-9)


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]
)
@pytest.mark.parametrize("include_self", [True, False])
def test_dtypes(dtype, include_self):
    def run(torch, index):
        kind = getattr(torch, dtype)
        x = torch.tensor([[1, 2, 0], [3, 0, 5]]).to(kind)
        i = torch.tensor([[0, 2, 2, 0], [1, 1, 1, 0]], dtype=getattr(torch, index))
        s = torch.tensor([[7, 0, 3, 2], [2, 2, 9, 1]]).to(kind)
        results = [x.gather(1, i), x.scatter(1, i, s), x.scatter_add(1, i, s), x.scatter(1, i, 1)]
        for reduce in REDUCTIONS:
            if (dtype, reduce) != ("bool", "mean"):
                results.append(x.scatter_reduce(1, i, s, reduce, include_self=include_self))
        return results

    same(lambda torch: run(torch, "int64"), 1e-6)
    same(lambda torch: run(torch, "int32"), 1e-6)


@pytest.mark.parametrize("reduce", ["add", "multiply"])
@pytest.mark.parametrize("source", ["src", "number"])
def test_scatter_with_reduce(reduce, source):
    def run(torch):
        x = shaped(torch, value((3, 4)), (3, 4))
        i = torch.tensor([[0, 1, 2, 0], [0, 0, 0, 1]])
        s = shaped(torch, value((2, 4), 1), (2, 4)) if source == "src" else 3
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that scatter_reduce is meant to follow
            return x.scatter(0, i, s, reduce=reduce), x.scatter_(0, i, s, reduce=reduce), x

    same(run, 1e-12)


@pytest.mark.parametrize("reduce", ["prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("in_place", [True, False])
def test_index_reduce(reduce, include_self, in_place):
    def run(torch, x, s):
        i = torch.tensor([2, 0, 2])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch calls it a beta
            if in_place:
                return (x * 1).index_reduce_(1, i, s, reduce, include_self=include_self)
            return x.index_reduce(1, i, s, reduce, include_self=include_self)

    order = 1 if reduce in ("amax", "amin") else 2
    same(derivatives(run, value((2, 4)), value((2, 3), 1), order=order), 1e-9)


def strided(torch, shape, how):
    n = torch.Size(shape).numel()
    x = torch.arange(float(n * 2)).reshape(*shape, 2)
    if how == "steps":
        return x[..., 1]
    if how == "turned":
        return torch.arange(float(n)).reshape(shape[::-1]).permute(*reversed(range(len(shape))))
    return torch.arange(float(n // shape[0])).reshape(1, *shape[1:]).expand(shape)


@pytest.mark.parametrize("how", ["steps", "turned", "expanded"])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_strides(how, dim):
    def run(torch):
        shape = (3, 4, 5)
        x = strided(torch, shape, how)
        i = strided(torch, shape, how).long() % 3
        s = strided(torch, shape, how) + 0.5
        results = [x.gather(dim, i), x.scatter_add(dim, i, s), x.scatter_reduce(dim, i, s, "amax")]
        if how != "expanded":
            y = x.clone(memory_format=torch.preserve_format)
            results += [y.scatter_add_(dim, i, s), y]
        return results

    same(run, 1e-6)


ERRORS = {
    "gather range": lambda torch, x, i: x.gather(0, i + 3),
    "gather negative": lambda torch, x, i: x.gather(0, i - 1),
    "gather float": lambda torch, x, i: x.gather(0, i.float()),
    "gather ndim": lambda torch, x, i: x.gather(0, i[0]),
    "gather size": lambda torch, x, i: x.gather(0, torch.zeros(2, 5, dtype=torch.long)),
    "gather dim": lambda torch, x, i: x.gather(2, i),
    "scatter range": lambda torch, x, i: x.scatter(0, i + 3, 1.0),
    "scatter dtype": lambda torch, x, i: x.scatter(0, i, x.long()),
    "scatter src": lambda torch, x, i: x.scatter(0, i, torch.ones(1, 1)),
    "scatter size": lambda torch, x, i: x.scatter(0, torch.zeros(2, 5, dtype=torch.long), 1.0),
    "scatter_add dtype": lambda torch, x, i: x.scatter_add(0, i, x.double()),
    "reduce word": lambda torch, x, i: x.scatter_reduce(0, i, x, "median"),
    "reduce missing": lambda torch, x, i: x.scatter_reduce(0, i, x),
    "scatter word": lambda torch, x, i: x.scatter(0, i, 1.0, reduce="sum"),
    "leaf": lambda torch, x, i: x.clone().requires_grad_().scatter_(0, i, 1.0),
    "index word": lambda torch, x, i: x.index_reduce(0, i[0], x, "sum"),
    "index range": lambda torch, x, i: x.index_reduce(0, torch.tensor([0, 3]), x[:2], "prod"),
    "index negative": lambda torch, x, i: x.index_reduce(0, torch.tensor([0, -1]), x[:2], "prod"),
    "index count": lambda torch, x, i: x.index_reduce(0, torch.tensor([0]), x[:2], "prod"),
    "index shape": lambda torch, x, i: x.index_reduce(0, torch.tensor([0, 1]), x[:2, :3], "prod"),
    "index matrix": lambda torch, x, i: x.index_reduce(0, i, x, "prod"),
    "index float": lambda torch, x, i: x.index_reduce(0, torch.ones(2), x[:2], "prod"),
    "index dtype": lambda torch, x, i: x.index_reduce(
        0, torch.tensor([0, 1]), x[:2].long(), "prod"
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    def run(torch):
        x = torch.arange(12.0).reshape(3, 4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ERRORS[name](torch, x, torch.tensor([[0, 1, 2, 0], [0, 0, 0, 1]]))

    assert same(run)[0] == "raised"


def test_take_along_dim():
    def run(torch, x):
        best = torch.argmax(x, dim=1, keepdim=True)
        order = torch.argsort(x, dim=0)
        return (
            torch.take_along_dim(x, best, 1),
            torch.take_along_dim(x, order, dim=0),
            x.take_along_dim(torch.tensor([[1], [2], [0]]), dim=1),
            torch.take_along_dim(x, torch.tensor([[0, 2, 1, 1]]), 0),
            torch.take_along_dim(x, torch.tensor([[-1, 5, 3, -4]]), 0),
            torch.take_along_dim(x, torch.tensor([5, 11, 0])),
            torch.take_along_dim(x[:, :1], torch.tensor([[2, 1, 0, 0], [0, 0, 0, 0]]), 0),
        )

    same(derivatives(run, value((3, 4))), 1e-12)
    same(lambda torch: torch.take_along_dim(torch.ones(3, 4), torch.tensor([1]), 0))
    same(lambda torch: torch.take_along_dim(torch.ones(3, 4), torch.tensor([[1.0]]), 0))
    same(lambda torch: torch.take_along_dim(torch.ones(3, 4), torch.tensor([[1, 1, 0]]), 0))


@pytest.mark.parametrize("shape", [(300_000,), (1000, 300), (3, 100_000), (200_000, 2)])
@pytest.mark.parametrize("dim", [0, -1])
def test_same_bits_at_any_number_of_threads(shape, dim):
    def run():
        backlit.manual_seed(0)
        x, s = backlit.randn(shape), backlit.randn(shape)
        i = backlit.randint(0, shape[dim], shape)
        return [
            t.flatten()
            for t in (
                x.gather(dim, i),
                x.scatter(dim, i, s),
                x.scatter_add(dim, i, s),
                x.scatter_reduce(dim, i, s, "prod"),
            )
        ]

    before = backlit.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 5):
            backlit.set_num_threads(threads)
            results.append(run())
    finally:
        backlit.set_num_threads(before)
    for other in results[1:]:
        assert all(backlit.equal(a, b) for a, b in zip(results[0], other, strict=True))
