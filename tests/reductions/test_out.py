"""out= of reductions, scans and order: values, dtypes, resizing, errors."""

import pytest

from oracle import same

X = [[-2.0, -0.5, 1.0], [2.5, 4.0, 5.5]]
SINGLE = """
sum(x, 0) | sum(x, (0, 1), True) | mean(x, 1) | mean(x) | prod(x, 1) | amax(x, 1) | amin(x, 0)
argmax(x, 1) | argmin(x) | any(x > 0, 1) | all(x > 0) | nansum(x, 1) | nanmean(x, 1) | std(x, 1)
var(x, dim=1, correction=0) | var(x, 1, False) | norm(x) | norm(x, 2, 1) | linalg.vector_norm(x)
linalg.matrix_norm(x) | linalg.norm(x) | logsumexp(x, 1) | quantile(x, 0.5) | nanquantile(x, 0.5, 1)
cumsum(x, 1) | cumprod(x, 1) | logcumsumexp(x, 1) | msort(x) | histc(x, 4) | diff(x)
searchsorted(t.tensor([0.0, 1.0]), x) | bucketize(x, t.tensor([0.0, 1.0]))
isin(x, t.tensor([1.0]))
inner(x, x) | kron(x, x) | matrix_power(x @ x.T, 2) | max(x, x) | min(x, x) | cross(x, x, 1)
softmax(x, 1) | log_softmax(x, 1)
"""
DOUBLE = """
max(x, 1) | min(x, 1) | aminmax(x, dim=1) | aminmax(x) | cummax(x, 1) | cummin(x, 0) | sort(x)
sort(x, stable=True) | topk(x, 2) | kthvalue(x, 2) | median(x, 1) | nanmedian(x, 1) | mode(x, 1)
"""


def calls(text):
    return [line.strip() for line in text.replace("\n", "|").split("|") if line.strip()]


def run(call, t, out):
    return eval(f"t.{call[:-1]}, out=out)", {"t": t, "x": t.tensor(X), "out": out})


@pytest.mark.parametrize("call", calls(SINGLE))
@pytest.mark.parametrize("sizes", [(0,), (7,), (2, 2, 3)], ids=str)
def test_result_is_written_into_out(call, sizes):
    def fn(t):
        like = eval(f"t.{call}", {"t": t, "x": t.tensor(X)})
        out = t.empty(sizes, dtype=like.dtype)
        return run(call, t, out) is out, out

    same(fn, 1e-6)


@pytest.mark.parametrize("call", calls(DOUBLE))
def test_results_are_written_into_a_tuple(call):
    def fn(t):
        like = eval(f"t.{call}", {"t": t, "x": t.tensor(X)})
        out = tuple(t.empty(0, dtype=part.dtype) for part in like)
        result = run(call, t, out)
        return [a is b for a, b in zip(result, out, strict=True)], out

    same(fn, 1e-6)


@pytest.mark.parametrize("call", ["sum(x, 0)", "prod(x, 1)", "cumsum(x, 0)", "cumprod(x, 0)"])
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_dtype_is_that_of_out(call, dtype):
    same(lambda t: run(call, t, t.empty(0, dtype=getattr(t, dtype))), 1e-6)


@pytest.mark.parametrize("call", ["argmax(x, 1)", "argmin(x)", "sort(x)", "topk(x, 2)"])
def test_positions_need_int64(call):
    def fn(t):
        out = t.empty(0)
        return run(call, t, out if call.startswith("arg") else (out, t.empty(0)))

    same(fn)


@pytest.mark.parametrize("call", ["sum(x)", "prod(x)", "median(x)", "count_nonzero(x)"])
def test_some_take_no_out(call):
    def fn(t):
        try:
            run(call, t, t.empty(0))
        except TypeError:
            return "TypeError"

    same(fn)


def test_tuple_of_wrong_length():
    same(lambda t: run("sort(x)", t, (t.empty(0),)))


def test_out_is_not_recorded():
    def fn(t):
        x = t.tensor(X, requires_grad=True)
        try:
            return t.sum(x, 0, out=t.empty(0))
        except RuntimeError as error:
            return "don't support automatic differentiation" in str(error)

    same(fn)
