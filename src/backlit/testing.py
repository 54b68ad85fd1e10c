"""Helpers for tests: `assert_close` and `make_tensor`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import _C

_Message = str | Callable[[str], str] | None


class _Rules:
    """The arguments of one `assert_close`, as its parts need them."""

    def __init__(
        self,
        rtol: float | None,
        atol: float | None,
        equal_nan: bool,
        check_dtype: bool,
        check_stride: bool,
        allow_subclasses: bool,
    ) -> None:
        if (rtol is None) != (atol is None):
            missing = "rtol" if rtol is None else "atol"
            raise ValueError(
                f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}."
            )
        self.given = None if rtol is None or atol is None else (rtol, atol)
        self.equal_nan = equal_nan
        self.check_dtype = check_dtype
        self.check_stride = check_stride
        self.allow_subclasses = allow_subclasses

    def tolerances(self, *dtypes: Any) -> tuple[float, float]:
        """The given tolerances, or the widest of the dtypes' own."""
        if self.given is not None:
            return self.given
        own = [_own_tolerances(d) for d in dtypes]
        return max(r for r, _ in own), max(a for _, a in own)


def _own_tolerances(dtype: Any) -> tuple[float, float]:
    if dtype in (_C.float16, _C.bfloat16):
        return (1e-3 if dtype == _C.float16 else 1.6e-2), 1e-5
    if dtype in (_C.float32, _C.complex64):
        return 1.3e-6, 1e-5
    return (1e-7, 1e-7) if dtype.is_floating_point or dtype.is_complex else (0.0, 0.0)


class _Mismatch(Exception):
    def __init__(self, message: str, path: tuple[Any, ...]) -> None:
        self.message = message
        self.path = path


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex)) and not isinstance(value, bool)


def _is_array(value: Any) -> bool:
    return type(value).__module__ == "numpy"


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _compare(actual: Any, expected: Any, rules: _Rules, path: tuple[Any, ...]) -> None:
    if _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            raise _Mismatch(
                f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path
            )
        for i, (a, b) in enumerate(zip(actual, expected, strict=True)):
            _compare(a, b, rules, (*path, i))
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        _compare_keys(actual, expected, path)
        for key in sorted(actual, key=str):
            _compare(actual[key], expected[key], rules, (*path, key))
    elif actual is None or expected is None:
        if actual is not expected:
            raise _Mismatch(f"None mismatch: {actual} is not {expected}", path)
    elif isinstance(actual, _C.Tensor) and isinstance(expected, _C.Tensor):
        if not rules.allow_subclasses and type(actual) is not type(expected):
            raise _no_pair(actual, expected)
        _compare_tensors(actual, expected, rules, path)
    elif isinstance(actual, bool) and isinstance(expected, bool):
        if actual is not expected:
            raise _Mismatch(f"Booleans mismatch: {actual} is not {expected}", path)
    elif _is_number(actual) and _is_number(expected):
        _compare_numbers(actual, expected, rules, path)
    elif _is_array(actual) and _is_array(expected):
        _compare_tensors(_C.as_tensor(actual), _C.as_tensor(expected), rules, path)
    else:
        raise _no_pair(actual, expected)


def _no_pair(actual: Any, expected: Any) -> TypeError:
    return TypeError(
        f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
    )


def _compare_keys(actual: Mapping[Any, Any], expected: Mapping[Any, Any], path: Any) -> None:
    missing = sorted(expected.keys() - actual.keys(), key=str)
    additional = sorted(actual.keys() - expected.keys(), key=str)
    if missing or additional:
        raise _Mismatch(
            "The keys of the mappings do not match:\n"
            f"Missing keys in the actual mapping: {missing}\n"
            f"Additional keys in the actual mapping: {additional}",
            path,
        )


def _allowed(tolerance: float, exact: bool) -> str:
    return "" if exact else f" (up to {tolerance} allowed)"


def _compare_numbers(actual: float, expected: float, rules: _Rules, path: Any) -> None:
    dtypes = [_C.float64 if isinstance(v, float) else _C.int64 for v in (actual, expected)]
    rtol, atol = rules.tolerances(*dtypes)
    both_nan = rules.equal_nan and actual != actual and expected != expected
    difference = abs(actual - expected)
    close = difference <= atol + rtol * abs(expected) and math.isfinite(expected)
    if actual == expected or both_nan or close:
        return
    raise _Mismatch(_scalar_message(actual, expected, rtol, atol), path)


def _scalar_message(actual: float, expected: float, rtol: float, atol: float) -> str:
    exact = rtol == 0 and atol == 0
    difference = abs(actual - expected)
    relative = difference / abs(expected) if expected else math.inf
    return (
        f"Scalars are not {'equal' if exact else 'close'}!\n\n"
        f"Expected {expected} but got {actual}.\n"
        f"Absolute difference: {difference}{_allowed(atol, exact)}\n"
        f"Relative difference: {relative}{_allowed(rtol, exact)}"
    )


def _compare_tensors(actual: Any, expected: Any, rules: _Rules, path: tuple[Any, ...]) -> None:
    actual, expected = actual.detach(), expected.detach()
    _compare_attribute("shape", actual.shape, expected.shape, path)
    if rules.check_dtype:
        _compare_attribute("dtype", actual.dtype, expected.dtype, path)
    if rules.check_stride:
        _compare_attribute("stride()", actual.stride(), expected.stride(), path)
    rtol, atol = rules.tolerances(actual.dtype, expected.dtype)
    if actual.dtype != expected.dtype:
        common = _C.promote_types(actual.dtype, expected.dtype)
        actual, expected = actual.to(common), expected.to(common)
    close = _C.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=rules.equal_nan)
    if bool(close.all()):
        return
    if actual.dim() == 0:
        message = _scalar_message(actual.item(), expected.item(), rtol, atol)
    else:
        message = _tensor_message(actual, expected, close, rtol, atol)
    raise _Mismatch(message, path)


def _compare_attribute(name: str, actual: Any, expected: Any, path: tuple[Any, ...]) -> None:
    if actual != expected:
        raise _Mismatch(
            f"The values for attribute '{name}' do not match: {actual} != {expected}.", path
        )


def _tensor_message(actual: Any, expected: Any, close: Any, rtol: float, atol: float) -> str:
    if not (actual.dtype.is_floating_point or actual.is_complex()):
        actual, expected = actual.to(_C.int64), expected.to(_C.int64)
    shape, count = tuple(actual.shape), actual.numel()
    wrong = [not c for c in close.reshape(-1).tolist()]
    differences = (actual - expected).abs()
    absolute = differences.reshape(-1).tolist()
    relative = (differences / expected.abs()).reshape(-1).tolist()
    exact = rtol == 0 and atol == 0

    def greatest(values: list[float], name: str, tolerance: float) -> str:
        shown = [v if bad else 0.0 for v, bad in zip(values, wrong, strict=True)]
        at = next((i for i, v in enumerate(shown) if v != v), None)
        if at is None:
            at = max(range(count), key=shown.__getitem__)
        where = _position(at, shape)
        return f"Greatest {name} difference: {values[at]} at index {where}" + _allowed(
            tolerance, exact
        )

    return (
        f"Tensor-likes are not {'equal' if exact else 'close'}!\n\n"
        f"Mismatched elements: {sum(wrong)} / {count} ({sum(wrong) / count:.1%})\n"
        f"{greatest(absolute, 'absolute', atol)}\n"
        f"{greatest(relative, 'relative', rtol)}"
    )


def _position(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    position = []
    for size in reversed(shape):
        flat, index = divmod(flat, size)
        position.append(index)
    return tuple(reversed(position))


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: _Message = None,
) -> None:
    """Raise AssertionError unless ``|actual - expected| <= atol + rtol * |expected|`` everywhere.

    Args:
        actual: a tensor, a number, or nested sequences and mappings of them.
        expected: the same structure with the wanted values.
        rtol: relative tolerance; 1.3e-6 for float32, 1e-7 for float64, 0 for integers unless given.
        atol: absolute tolerance; 1e-5 for float32, 1e-7 for float64, 0 for integers unless given.
        equal_nan: count two nans as equal.
        check_dtype: also compare dtypes.
        check_stride: also compare strides.
        msg: replaces the message; a function gets the message and returns another.
        allow_subclasses: False asks for the same class on both sides.
        check_device, check_layout: accepted; there is one device and one layout.

    Example:
        >>> import backlit as torch
        >>> torch.testing.assert_close(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    """
    rules = _Rules(rtol, atol, equal_nan, check_dtype, check_stride, allow_subclasses)
    try:
        _compare(actual, expected, rules, ())
    except _Mismatch as mismatch:
        text = mismatch.message
        if mismatch.path:
            item = "".join(f"[{key!r}]" for key in mismatch.path)
            text += f"\n\nThe failure occurred for item {item}"
        if msg is not None:
            text = msg(text) if callable(msg) else msg
    else:
        return
    raise AssertionError(text)


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any = "cpu",
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Any:
    """A tensor of uniform random values from `low` (inclusive) to `high` (exclusive).

    Unless given, the range is -9 to 9 for floats, -9 to 10 for signed integers, 0 to 10 for uint8.

    Example:
        >>> import backlit as torch
        >>> torch.testing.make_tensor((2, 3), dtype=torch.int64, low=0, high=2).shape
        torch.Size([2, 3])
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    least, most = _range(dtype, low, high)
    count = math.prod(sizes)
    spread = noncontiguous and count > 1  # as in PyTorch: every second element of twice as many
    drawn = (*sizes[:-1], 2 * sizes[-1]) if spread else sizes
    if dtype.is_complex:
        parts = _C.empty((*drawn, 2), dtype=dtype.to_real()).uniform_(least, most)
        values = _C.view_as_complex(parts)
    elif dtype.is_floating_point:
        values = _C.empty(drawn, dtype=dtype).uniform_(least, most)
    else:
        values = _C.randint(int(least), int(most), drawn, dtype=dtype)
    if spread:
        values = values[..., ::2]
    if exclude_zero:
        smallest = _C.finfo(dtype).tiny if dtype.is_floating_point or dtype.is_complex else 1  # type: ignore[call-arg, attr-defined]
        values[values == 0] = smallest
    return values.requires_grad_() if requires_grad else values


def _range(dtype: Any, low: float | None, high: float | None) -> tuple[float, float]:
    if dtype == _C.bool:
        own = (0.0, 2.0)
    elif dtype.is_floating_point or dtype.is_complex:
        own = (-9.0, 9.0)
    else:
        own = (0.0 if dtype == _C.uint8 else -9.0, 10.0)
    least = own[0] if low is None else low
    most = own[1] if high is None else high
    if least >= most:
        raise ValueError(f"make_tensor: `low` must be less than `high`, but got {least} >= {most}")
    return least, most
