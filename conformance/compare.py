"""One operation of the database on both libraries: forward, backward, double backward, errors."""

from __future__ import annotations

import cmath
import contextlib
import io
import itertools
import math
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import backlit

from .convert import Translation, Untranslatable, counterpart

COLUMNS = ("forward", "backward", "double", "errors")
COMPLEX_COLUMNS = ("complex forward", "complex backward", "complex double")
MOST_SAMPLES = 60  # of one dtype; the database has hundreds for some operations
# The columns that samples of a dtype count in: values, gradients, gradients of those.
DTYPES = {
    torch.float64: COLUMNS[:3],
    torch.int64: COLUMNS[:3],
    torch.bool: COLUMNS[:3],
    torch.complex128: COMPLEX_COLUMNS,
}

# Which of several equal elements is named is open: only the values are compared.
TIES = ("topk", "kthvalue", "mode", "sort", "argsort")
# What cannot be the same, and why. Only shapes and dtypes are compared.
UNINITIALISED = "the memory is not initialised"
SHAPES_ONLY = {
    "empty": UNINITIALISED,
    "empty_like": UNINITIALISED,
    "empty_permuted": UNINITIALISED,
    "empty_strided": UNINITIALISED,
    "new_empty": UNINITIALISED,
    "new_empty_strided": UNINITIALISED,
    "resize_": UNINITIALISED,
    "resize_as_": UNINITIALISED,
    "linalg.lu": "rows of equal size may be chosen as pivots in either order",
    "lu": "rows of equal size may be chosen as pivots in either order",
}


class Tally:
    """Passed and tried samples of one operation, and what went wrong first in each column."""

    def __init__(self) -> None:
        self.passed = dict.fromkeys(COLUMNS + COMPLEX_COLUMNS, 0)
        self.tried = dict.fromkeys(COLUMNS + COMPLEX_COLUMNS, 0)
        self.first_failure: dict[str, str] = {}

    def check(self, column: str, sample: str, run: Callable[[], None]) -> bool:
        self.tried[column] += 1
        try:
            run()
        except Exception as error:
            text = f"{type(error).__name__}: {error}".strip().splitlines()[0]
            self.first_failure.setdefault(column, f"{text[:160]} [{sample[:120]}]")
            return False
        self.passed[column] += 1
        return True

    def record(self, exists: bool) -> dict[str, Any]:
        columns = {c: [self.passed[c], self.tried[c]] for c in self.passed}
        return {"exists": exists, **columns, "failures": self.first_failure}


def run_operation(op: Any) -> dict[str, Any]:
    """The tally of one entry of the database."""
    tally = Tally()
    mine = counterpart(op)
    if mine is None:
        return tally.record(False)
    missing = False
    for dtype, columns in DTYPES.items():
        if dtype not in op.dtypes:
            continue
        wide = dtype.is_floating_point or dtype.is_complex
        differentiable = wide and op.supports_autograd
        samples = op.sample_inputs("cpu", dtype, requires_grad=differentiable)
        for sample in itertools.islice(_quiet(samples), MOST_SAMPLES):
            missing |= not _run_sample(op, mine, sample, differentiable, tally, columns)
    for error_input in _error_inputs(op):
        _run_error(op, mine, error_input, tally)
    exists = not (missing and tally.passed["forward"] == 0)
    return tally.record(exists)


def _quiet(samples: Any) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from samples


def _error_inputs(op: Any) -> Iterator[Any]:
    if op.error_inputs_func is None:
        return
    with contextlib.suppress(Exception):
        yield from itertools.islice(_quiet(op.error_inputs("cpu")), MOST_SAMPLES)


def _run_sample(
    op: Any,
    mine: Any,
    sample: Any,
    differentiable: bool,
    tally: Tally,
    columns: tuple[str, ...],
) -> bool:
    """False where backlit says that it does not have the operation."""
    translated = Translation()
    try:
        args = translated([sample.input, *sample.args])
        kwargs = translated(sample.kwargs)
    except Untranslatable:
        return True
    described = _described(sample)
    try:
        with _silence():
            torch.manual_seed(42)
            expected = op.op(sample.input, *sample.args, **sample.kwargs)
    except Exception:
        return True  # PyTorch itself refuses it on this machine
    results: list[Any] = []
    shapes_only = op.name in SHAPES_ONLY
    process = sample.output_process_fn_grad or (lambda result: result)

    def forward() -> None:
        with _silence():
            backlit.manual_seed(42)
            results.append(mine(*args, **kwargs))
        try:
            pair = (process(results[0]), process(expected))
        except Exception:
            pair = (results[0], expected)
        if op.name in TIES:
            return assert_same(_floating(pair[0]), _floating(pair[1]))
        assert_same(*pair, shapes_only)

    if not tally.check(columns[0], described, forward):
        text = tally.first_failure[columns[0]]
        return not text.startswith(("NotImplementedError", "AttributeError"))
    leaves = translated.leaves
    if differentiable and leaves:
        pair = process(results[0]), process(expected)
        _run_backward(op, *pair, leaves, described, tally, columns[1:])
    return True


def _floating(value: Any) -> list[Any]:
    return [t for t in tensors(value) if t.is_floating_point() or t.is_complex()]


def _run_backward(
    op: Any,
    mine: Any,
    theirs: Any,
    leaves: list[tuple[Any, Any]],
    described: str,
    tally: Tally,
    columns: tuple[str, ...],
) -> None:
    outputs = [
        (a, b) for a, b in zip(tensors(mine), tensors(theirs), strict=True) if b.requires_grad
    ]
    if not outputs:
        return
    second = op.supports_gradgrad
    try:
        expected = _gradients(torch, [b for _, b in outputs], [b for b, _ in leaves], second)
    except Exception:
        return
    found: list[Any] = []

    def backward() -> None:
        found[:] = _gradients(backlit, [a for a, _ in outputs], [a for _, a in leaves], second)
        assert_same(found, expected)

    if not tally.check(columns[0], described, backward) or not second:
        return
    pairs = zip(found, expected, strict=True)
    bent = [(a.sin(), b.sin()) for a, b in pairs if _has_graph(a) and _has_graph(b)]
    if not bent:
        return
    try:
        expected2 = _gradients(torch, [b for _, b in bent], [b for b, _ in leaves], False)
    except Exception:
        return

    def double() -> None:
        inputs = [a for _, a in leaves]
        assert_same(_gradients(backlit, [a for a, _ in bent], inputs, False), expected2)

    tally.check(columns[1], described, double)


def _has_graph(t: Any) -> bool:
    return t is not None and t.requires_grad


def _gradients(lib: Any, outputs: list[Any], inputs: list[Any], create_graph: bool) -> list[Any]:
    weights = [lib.tensor(_weights(y)).to(y.dtype) for y in outputs]
    with _silence():
        return list(
            lib.autograd.grad(
                outputs, inputs, weights, create_graph=create_graph, allow_unused=True
            )
        )


def _weights(y: Any) -> Any:
    steps = np.arange(y.numel()).reshape(tuple(y.shape))
    return np.cos(steps) + 1.5 + (1j * np.sin(steps) if y.is_complex() else 0)


def _run_error(op: Any, mine: Any, error_input: Any, tally: Tally) -> None:
    sample = error_input.sample_input
    with contextlib.suppress(Exception), _silence():
        op.op(sample.input, *sample.args, **sample.kwargs)
        return  # meant for another device: PyTorch itself accepts it on this one
    translated = Translation()
    try:
        args = translated([sample.input, *sample.args])
        kwargs = translated(sample.kwargs)
    except Untranslatable:
        return

    def fails() -> None:
        try:
            with _silence():
                mine(*args, **kwargs)
        except Exception as error:
            _check_error(error, error_input)
        else:
            raise AssertionError(f"no error; expected: {error_input.error_regex}")

    tally.check("errors", _described(sample), fails)


def _check_error(error: Exception, expected: Any) -> None:
    kinds = expected.error_type
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    own = tuple(k if k.__module__ == "builtins" else RuntimeError for k in kinds)
    if not isinstance(error, own):
        raise AssertionError(f"{type(error).__name__} instead of {own[0].__name__}: {error}")
    if not re.search(expected.error_regex, str(error)):
        raise AssertionError(f"text {str(error)[:80]!r}, expected {expected.error_regex[:80]!r}")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _described(sample: Any) -> str:
    def text(value: Any) -> str:
        if isinstance(value, torch.Tensor):
            return f"{str(value.dtype)[6:]}{list(value.shape)}"
        if isinstance(value, (list, tuple)):
            return "(" + ", ".join(text(item) for item in value) + ")"
        return repr(value)

    named = [f"{key}={text(value)}" for key, value in sample.kwargs.items()]
    return ", ".join([text(sample.input), *(text(a) for a in sample.args), *named])


def tensors(value: Any) -> list[Any]:
    """All tensors in nested results, in order."""
    if isinstance(value, (torch.Tensor, backlit.Tensor)):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [t for item in value for t in tensors(item)]
    return []


def _numbers(t: Any) -> Any:
    if isinstance(t, torch.Tensor) and t._is_zerotensor():  # PyTorch's zeros without memory
        return np.zeros(tuple(t.shape))
    return t.detach().tolist()


def assert_same(mine: Any, theirs: Any, shapes_only: bool = False) -> None:
    """Equal structure, shapes, dtypes and numbers; None and zeros are one gradient."""
    if isinstance(theirs, torch.Tensor) or isinstance(mine, backlit.Tensor):
        if theirs is None or mine is None:
            known = mine if theirs is None else theirs
            assert not np.any(np.asarray(_numbers(known))), "a gradient on one side only"
            return
        assert str(mine.dtype) == str(theirs.dtype), f"dtype {mine.dtype}, PyTorch {theirs.dtype}"
        shapes = tuple(mine.shape), tuple(theirs.shape)
        assert shapes[0] == shapes[1], f"shape {shapes[0]}, PyTorch {shapes[1]}"
        if not shapes_only:
            wide = np.complex128 if theirs.is_complex() else np.float64
            a, b = (np.asarray(_numbers(t), dtype=wide) for t in (mine, theirs))
            rtol = 1e-5 if theirs.dtype in (torch.float32, torch.complex64) else 1e-6
            if not np.allclose(a, b, rtol=rtol, atol=rtol / 10, equal_nan=True):
                raise AssertionError(f"values differ by up to {np.nanmax(np.abs(a - b)):.3g}")
    elif isinstance(theirs, (list, tuple)):
        assert len(mine) == len(theirs), f"{len(mine)} results, PyTorch {len(theirs)}"
        for a, b in zip(mine, theirs, strict=True):
            assert_same(a, b, shapes_only)
    elif isinstance(theirs, complex):
        assert cmath.isclose(mine, theirs, rel_tol=1e-6, abs_tol=1e-7) or mine != mine
    elif isinstance(theirs, float):
        assert math.isclose(mine, theirs, rel_tol=1e-6, abs_tol=1e-7) or mine != mine
    elif not isinstance(theirs, (torch.dtype, torch.device)):
        assert mine == theirs, f"{mine!r}, PyTorch {theirs!r}"
