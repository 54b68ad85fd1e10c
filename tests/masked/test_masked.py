"""`torch.masked` beside PyTorch: values and gradients with and without masks."""

import importlib

import numpy as np
import pytest

import backlit

from oracle import same

REDUCTIONS = [
    "sum(x, {dim}, mask=k)",
    "prod(x, {dim}, mask=k)",
    "amax(x, {dim}, mask=k)",
    "amin(x, {dim}, mask=k, keepdim=True)",
    "mean(x, {dim}, mask=k)",
    "norm(x, 2.0, {dim}, mask=k)",
    "norm(x, 1, {dim}, mask=k, keepdim=True)",
    "norm(x, float('inf'), {dim}, mask=k)",
    "var(x, {dim}, mask=k)",
    "var(x, {dim}, False, mask=k, keepdim=True)",
    "std(x, {dim}, correction=0.5, mask=k)",
    "logsumexp(x, {dim}, mask=k)",
]
ALONG = [
    "argmax(x, 1, mask=k)",
    "argmin(x, None, mask=k)",
    "median(x, 1, mask=k)",
    "cumsum(x, 0, mask=k)",
    "cumprod(x, 1, mask=k)",
    "softmax(x, 1, mask=k)",
    "log_softmax(x, 0, mask=k)",
    "softmin(x, 1, mask=k)",
    "normalize(x, 2.0, 1, mask=k)",
    "logaddexp(x, x * 2, input_mask=k, other_mask=k)",
]
DIMS = ["1", "(0, 1)", "None", "-2", "()"]
MASKS = ["row", "full", "none"]


def given(lib, mask):
    x = lib.from_numpy(np.random.RandomState(1).standard_normal((3, 4))).requires_grad_()
    full = lib.tensor([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 1]]).bool()
    return {"x": x, "k": {"row": full[0], "full": full, "none": None}[mask]}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("call", [c.format(dim=d) for c in REDUCTIONS for d in DIMS] + ALONG)
def test_call(call, mask):
    def run(lib):
        names = given(lib, mask)
        home = importlib.import_module(f"{lib.__name__}.masked")
        y = eval("home." + call, {"home": home, **names})
        if not y.requires_grad:
            return y
        finite = lib.where(y.isinf(), lib.zeros_like(y), y)
        (gradient,) = lib.autograd.grad((finite * 1.5).sum(), [names["x"]])
        return y.detach(), gradient

    same(run, 1e-10)


OTHERS = [
    "sum(i, 1, mask=k)",
    "amax(i, 1, mask=k)",
    "mean(i, 1, mask=k)",
    "mean(i, 1, mask=k, dtype=t.float64)",
    "var(i, 1, mask=k)",
    "prod(i.short(), mask=k)",
    "sum(i, 1, mask=k[:1, :1].int())",
    "softmax(i.float(), 1, mask=~(k | True))",
    "sum(i, 1, mask=k[:, :2])",
    "median(i, 1, mask=k)",
    "median(i, 1, mask=k[:1])",
    "median(i, 1)",
]


@pytest.mark.parametrize("call", OTHERS)
def test_dtypes_and_wrong_calls(call):
    def run(t):
        home = importlib.import_module(f"{t.__name__}.masked")
        k = t.tensor([[True, False, True], [False, False, False]])
        return eval("home." + call, {"home": home, "t": t, "k": k, "i": t.arange(6).view(2, 3)})

    same(run, 1e-6)


def test_norms_of_negative_order_leave_out_what_is_masked():
    x, mask = backlit.tensor([1.0, 5.0, 2.0]), backlit.tensor([True, False, True])
    found = backlit.masked.norm(x, -1, mask=mask)  # PyTorch puts 0 in, and gets 0
    assert float(found) == pytest.approx(1 / (1 + 1 / 2))
