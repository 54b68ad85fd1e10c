"""What programs do wrong: PyTorch's error, nothing leaked, and the library usable afterwards."""

from __future__ import annotations

import gc

import pytest

import backlit

from oracle import outcome, same


def weights(lib, *shape):
    return lib.ones(*shape, dtype=lib.float64, requires_grad=True)


MISTAKES = {
    # shapes
    "shapes that do not broadcast": lambda t: weights(t, 3) + weights(t, 4),
    "shapes of a matrix product": lambda t: weights(t, 2, 3) @ weights(t, 2, 3),
    "shapes of vectors": lambda t: t.dot(weights(t, 3), weights(t, 4)),
    "shapes of where": lambda t: t.where(t.ones(2, dtype=t.bool), t.ones(3), t.ones(4)),
    "shapes of cat": lambda t: t.cat([t.ones(2, 3), t.ones(2, 4)]),
    "shapes of stack": lambda t: t.stack([t.ones(2), t.ones(3)]),
    "view of another size": lambda t: weights(t, 6).view(4),
    "view across a transposition": lambda t: weights(t, 2, 3).t().view(6),
    "reshape with two unknowns": lambda t: weights(t, 6).reshape(-1, -1),
    "expand of a size": lambda t: weights(t, 3).expand(4),
    "in place into a smaller one": lambda t: t.ones(3).add_(t.ones(2, 3)),
    "permute with a repetition": lambda t: weights(t, 2, 3).permute(0, 0),
    "squeeze of no dimension": lambda t: weights(t, 2).squeeze(3),
    "linear layer": lambda t: t.nn.functional.linear(t.ones(2, 3), t.ones(4, 5)),
    "loss of classes": lambda t: t.nn.functional.cross_entropy(t.ones(2, 3), t.tensor([0, 1, 2])),
    # dtypes
    "gradient of integers": lambda t: t.ones(2, dtype=t.int64, requires_grad=True),
    "requires_grad_ of integers": lambda t: t.arange(3).requires_grad_(),
    "matrix product of two dtypes": lambda t: t.ones(2, 2) @ t.ones(2, 2, dtype=t.float64),
    "float into integers": lambda t: t.ones(2, dtype=t.int64).add_(0.5),
    "bools subtracted": lambda t: t.ones(2, dtype=t.bool) - t.ones(2, dtype=t.bool),
    "mean of integers": lambda t: t.arange(4).mean(),
    "index of floats": lambda t: t.ones(3)[t.tensor([0.5])],
    "classes as floats": lambda t: t.nn.functional.one_hot(t.tensor([0.5])),
    "tensor of words": lambda t: t.tensor(["a"]),
    "tensor of ragged lists": lambda t: t.tensor([[1], [1, 2]]),
    # indices
    "index past the end": lambda t: weights(t, 3)[3],
    "index before the start": lambda t: weights(t, 3)[-4],
    "too many indices": lambda t: weights(t, 3)[0, 0],
    "index tensor past the end": lambda t: weights(t, 3)[t.tensor([0, 5])],
    "index of a number": lambda t: weights(t)[0],
    "mask of another shape": lambda t: weights(t, 3)[t.ones(4, dtype=t.bool)],
    "negative step": lambda t: weights(t, 3)[::-1],
    "select past the end": lambda t: weights(t, 3).select(0, 7),
    "gather past the end": lambda t: t.gather(weights(t, 3), 0, t.tensor([9])),
    "narrow past the end": lambda t: weights(t, 3).narrow(0, 2, 2),
    "wrong dimension": lambda t: weights(t, 3).sum(1),
    "class out of range": lambda t: t.nn.functional.nll_loss(t.ones(1, 3), t.tensor([3])),
    "embedding out of range": lambda t: t.nn.functional.embedding(t.tensor([9]), t.ones(3, 2)),
    "assignment of a wrong shape": lambda t: t.ones(3).__setitem__(slice(0, 2), t.ones(3)),
    "deletion": lambda t: t.ones(3).__delitem__(0),
    # backward
    "backward without a graph": lambda t: t.ones(1).backward(),
    "backward of a vector": lambda t: (weights(t, 3) * 2).backward(),
    "gradient of a wrong shape": lambda t: (weights(t, 3) * 2).backward(t.ones(4)),
    "grad of what is no leaf": lambda t: t.autograd.grad(weights(t, 2).sum(), t.ones(2)),
    "grad of what was not used": lambda t: t.autograd.grad(weights(t, 2).sum(), weights(t, 2)),
    "grad assigned in a wrong shape": lambda t: setattr(weights(t, 2), "grad", t.ones(3)),
    "grad assigned in a wrong dtype": lambda t: setattr(weights(t, 2), "grad", t.ones(2)),
    "grad that is no tensor": lambda t: setattr(weights(t, 2), "grad", 1.0),
    "no inputs": lambda t: weights(t, 2).sum().backward(inputs=[]),
    "requires_grad of a result": lambda t: (weights(t, 2) * 2).requires_grad_(False),
    "retain_grad without a gradient": lambda t: t.ones(2).retain_grad(),
    "hook without a gradient": lambda t: t.ones(2).register_hook(print),
    "numpy of what needs a gradient": lambda t: weights(t, 2).numpy(),
    "number of many": lambda t: weights(t, 2).item(),
    "truth of many": lambda t: bool(t.ones(2)),
    "length of a number": lambda t: len(t.ones(())),
    "deepcopy of a result": lambda t: __import__("copy").deepcopy(weights(t, 2) * 2),
    # nothing to work on
    "maximum of nothing": lambda t: t.ones(0).max(),
    "argmin of nothing": lambda t: t.ones(0).argmin(),
    "largest of nothing along": lambda t: t.ones(3, 0).max(1),
    "median of empty rows": lambda t: t.ones(3, 0).median(1),
    "stack of nothing": lambda t: t.stack([]),
    "cat of nothing": lambda t: t.cat([]),
    "negative size": lambda t: t.ones(-1),
    "split into nothing": lambda t: t.ones(4).split(0),
    "chunks below one": lambda t: t.ones(4).chunk(0),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_errors(mistake) -> None:
    raised = same(mistake)
    assert raised[0] == "raised"


def test_mistakes_leak_nothing() -> None:
    from backlit import _C

    for mistake in MISTAKES.values():
        outcome(mistake, backlit)
    gc.collect()
    before = _C._memory_stats()["live_bytes"]
    for _ in range(20):
        for mistake in MISTAKES.values():
            outcome(mistake, backlit)
    gc.collect()
    assert _C._memory_stats()["live_bytes"] <= before


NAN = float("nan")
NANS = {
    "sum": lambda t, x: x.sum(),
    "mean": lambda t, x: x.mean(),
    "max": lambda t, x: x.max(),
    "amin": lambda t, x: x.amin(1),
    "argmax": lambda t, x: x.argmax(1),
    "sort": lambda t, x: x.sort(1),
    "topk": lambda t, x: x.topk(2),
    "median": lambda t, x: x.median(),
    "nanmedian": lambda t, x: x.nanmedian(),
    "cummax": lambda t, x: x.cummax(1),
    "unique": lambda t, x: x.unique().shape,
    "clamp": lambda t, x: x.clamp(0, 1),
    "relu": lambda t, x: x.relu(),
    "maximum": lambda t, x: t.maximum(x, t.zeros(3)),
    "fmax": lambda t, x: t.fmax(x, t.zeros(3)),
    "softmax": lambda t, x: x.softmax(1),
    "log_softmax": lambda t, x: x.log_softmax(1),
    "logsumexp": lambda t, x: x.logsumexp(1),
    "product": lambda t, x: x @ x.t(),
    "norm": lambda t, x: x.norm(),
    "where": lambda t, x: t.where(x > 0, x, 0.0),
    "equal": lambda t, x: t.equal(x, x),
    "allclose": lambda t, x: t.allclose(x, x, equal_nan=True),
    "to int and back": lambda t, x: x.nan_to_num().long(),
    "histogram of places": lambda t, x: x.isnan().nonzero(),
}


@pytest.mark.parametrize("function", NANS.values(), ids=NANS)
def test_nan_inputs(function) -> None:
    same(lambda t: function(t, t.tensor([[1.0, NAN, -2.0], [3.0, 0.0, 5.0]])), 1e-6)


@pytest.mark.parametrize("name", ["max", "min", "median", "norm", "std", "logsumexp", "prod"])
def test_gradients_at_nan(name) -> None:
    def gradient(t):
        x = t.tensor([1.0, NAN, -2.0], requires_grad=True)
        y = x.logsumexp(0) if name == "logsumexp" else getattr(x, name)()
        y.backward()
        return x.grad

    same(gradient, 1e-6)


EMPTY = {
    "sum": lambda t, x: x.sum(0),
    "prod": lambda t, x: x.prod(1),
    "mean": lambda t, x: x.mean(1),
    "std": lambda t, x: x.std(0),
    "norm": lambda t, x: x.norm(),
    "product": lambda t, x: x @ x.t(),
    "product to zeros": lambda t, x: x.t() @ x,
    "linear": lambda t, x: t.nn.functional.linear(x.t(), t.ones(2, 3, dtype=t.float64)),
    "softmax": lambda t, x: x.softmax(1),
    "cat": lambda t, x: t.cat([x, x]),
    "sort": lambda t, x: x.sort(1)[0],
    "cumsum": lambda t, x: x.cumsum(0),
    "index": lambda t, x: x[t.tensor([0, 2])],
    "mask": lambda t, x: x[x > 0],
    "view": lambda t, x: x.view(0, 3),
    "flatten": lambda t, x: x.flatten(),
    "expand": lambda t, x: x[None].expand(2, 3, 0),
    "exp in place": lambda t, x: x.clone().exp_(),
    "loss": lambda t, x: t.nn.functional.mse_loss(x, t.ones(3, 0, dtype=t.float64)),
    "layer norm": lambda t, x: t.nn.functional.layer_norm(x.t(), (3,)),
    "to list": lambda t, x: x * len(x.tolist()),
}


@pytest.mark.parametrize("function", EMPTY.values(), ids=EMPTY)
def test_zero_sizes(function) -> None:
    def gradient(t):
        x = t.ones(3, 0, dtype=t.float64, requires_grad=True)
        y = function(t, x)
        y.sum().backward()
        return y.detach(), x.grad

    same(gradient)
