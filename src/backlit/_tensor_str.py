"""Tensors as text, equal to PyTorch's to the character.

The order of decisions: is the tensor so large that only its edges are shown (`_is_summarised`)? How
is a number written (`_NumberFormat`, chosen from the shown numbers alone)? How do rows wrap and
nest (`_vector`, `_nested`)? What follows the numbers: size, dtype, gradient (`_suffixes`)?

Everything works on nested lists (`Tensor.tolist`), so that printing records no operation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from . import _C


class PrintOptions:
    """What `set_printoptions` sets."""

    __slots__ = ("edgeitems", "linewidth", "precision", "sci_mode", "threshold")

    precision: int
    threshold: float
    edgeitems: int
    linewidth: int
    sci_mode: bool | None

    def __init__(self) -> None:
        self.use_profile("default")
        self.sci_mode = None

    def use_profile(self, name: str) -> None:
        """Take the four numbers of a named profile; an unknown name changes nothing."""
        if name in _PROFILES:
            self.precision, self.threshold, self.edgeitems, self.linewidth = _PROFILES[name]

    def as_dict(self) -> dict[str, Any]:
        names = ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")
        return {name: getattr(self, name) for name in names}


# name: precision, threshold, edgeitems, linewidth
_PROFILES: dict[str, tuple[int, float, int, int]] = {
    "default": (4, 1000, 3, 80),
    "short": (2, 1000, 2, 80),
    "full": (4, math.inf, 3, 80),
}
PRINT_OPTS = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Choose how tensors are printed.

    Args:
        precision: digits after the point (4 unless set).
        threshold: tensors with more elements than this show only their edges (1000).
        edgeitems: how many items are shown at each edge of such a tensor (3).
        linewidth: characters per line (80).
        profile: ``default``, ``short`` or ``full``, applied before the other arguments.
        sci_mode: write floats as 1.0000e+00 always (True), never (False), or when their range asks
            for it (None). As in PyTorch, a call without it resets it to None.

    Example:
        >>> import backlit as torch
        >>> torch.set_printoptions(precision=2)
        >>> torch.tensor([1.12345])
        tensor([1.12])
        >>> torch.set_printoptions(profile="default")
    """
    if profile is not None:
        PRINT_OPTS.use_profile(profile)
    if precision is not None:
        PRINT_OPTS.precision = precision
    if threshold is not None:
        PRINT_OPTS.threshold = threshold
    if edgeitems is not None:
        PRINT_OPTS.edgeitems = edgeitems
    if linewidth is not None:
        PRINT_OPTS.linewidth = linewidth
    PRINT_OPTS.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The options in force, as a dictionary that `set_printoptions` accepts."""
    return PRINT_OPTS.as_dict()


class printoptions:
    """Context manager: `set_printoptions(**options)` inside, the former options afterwards."""

    def __init__(self, **options: Any) -> None:
        self._options = options

    def __enter__(self) -> None:
        self._former = get_printoptions()
        set_printoptions(**self._options)

    def __exit__(self, *_: object) -> None:
        set_printoptions(**self._former)


class _NumberFormat:
    """How each number of one tensor is written: to one width, with or without exponent."""

    __slots__ = ("spec", "suffix", "width")

    def __init__(self, values: list[Any], is_float: bool) -> None:
        self.suffix = ""
        if not is_float:
            self.spec: str | None = None
            self.width = max((len(str(v)) for v in values), default=1)
            return
        shown = [v for v in values if v and math.isfinite(v)]
        whole = all(v == int(v) for v in shown)
        if self._wants_exponent(shown, whole):
            self.spec = f".{PRINT_OPTS.precision}e"
        elif whole:
            self.spec, self.suffix = ".0f", "."
        else:
            self.spec = f".{PRINT_OPTS.precision}f"
        extra = len(self.suffix)
        self.width = max((len(format(v, self.spec)) + extra for v in shown), default=1)
        if whole and not shown:
            self.width = 1

    @staticmethod
    def _wants_exponent(shown: list[float], whole: bool) -> bool:
        if not shown:
            return False
        if PRINT_OPTS.sci_mode is not None:
            return PRINT_OPTS.sci_mode
        sizes = [abs(v) for v in shown]
        smallest, largest = min(sizes), max(sizes)
        return largest / smallest > 1000.0 or largest > 1.0e8 or (not whole and smallest < 1.0e-4)

    def __call__(self, value: Any) -> str:
        if self.spec is None:
            return str(value).rjust(self.width)
        text = format(value, self.spec)
        if self.suffix and math.isfinite(value):
            text += self.suffix
        return text.rjust(self.width)


class _ComplexFormat:
    """How each complex number is written: the parts each in a format of their own."""

    __slots__ = ("_imag", "_real", "width")

    def __init__(self, values: list[Any]) -> None:
        self._real = _NumberFormat([v.real for v in values], True)
        self._imag = _NumberFormat([v.imag for v in values], True)
        self.width = self._real.width + self._imag.width + 1

    def __call__(self, value: Any) -> str:
        imaginary = (self._imag(value.imag) + "j").lstrip()
        sign = "" if imaginary[0] in "+-" else "+"
        return self._real(value.real) + sign + imaginary


_Format = _NumberFormat | _ComplexFormat


def _vector(row: list[Any], write: _Format, indent: int, summarise: bool) -> str:
    """One row in brackets, broken into lines of at most `linewidth` characters."""
    edge = PRINT_OPTS.edgeitems
    if summarise and len(row) > 2 * edge:
        items = [write(v) for v in row[:edge]] + [" ..."] + [write(v) for v in row[-edge:]]
    else:
        items = [write(v) for v in row]
    per_line = max(1, (PRINT_OPTS.linewidth - indent) // (write.width + 2))
    if len(items) <= per_line:
        return "[" + ", ".join(items) + "]"
    lines = (", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line))
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(data: Any, depth: int, write: _Format, indent: int, summarise: bool) -> str:
    """`depth` levels of brackets; `indent` is the column of the first one."""
    if depth == 0:
        return write(data)
    if depth == 1:
        return _vector(data, write, indent, summarise)
    edge = PRINT_OPTS.edgeitems
    if summarise and len(data) > 2 * edge:
        parts = [_nested(d, depth - 1, write, indent + 1, True) for d in data[:edge]]
        parts.append("...")
        parts += [_nested(d, depth - 1, write, indent + 1, True) for d in data[-edge:]]
    else:
        parts = [_nested(d, depth - 1, write, indent + 1, summarise) for d in data]
    return "[" + ("," + "\n" * (depth - 1) + " " * (indent + 1)).join(parts) + "]"


def _flat(data: Any, depth: int) -> Iterator[Any]:
    """The numbers of `depth` nested lists in order."""
    if depth == 0:
        yield data
    elif depth == 1:
        yield from data
    else:
        for part in data:
            yield from _flat(part, depth - 1)


def _edges(t: Any, dim: int) -> Any:
    """Nested lists of the shown part of each axis, with one stand-in where items are left out.

    The stand-in keeps the list longer than `2 * edgeitems`, which is how `_nested` knows where to
    write the dots; it repeats a shown item, so the number format is not changed by it.
    """
    edge = PRINT_OPTS.edgeitems
    size = t.shape[0]
    if dim == 1:
        if size <= 2 * edge:
            return t.tolist()
        head = t[:edge].tolist()
        return [*head, head[0], *t[size - edge :].tolist()]
    if size <= 2 * edge:
        return [_edges(t[i], dim - 1) for i in range(size)]
    head = [_edges(t[i], dim - 1) for i in range(edge)]
    return [*head, head[0], *(_edges(t[i], dim - 1) for i in range(size - edge, size))]


def _contents(t: Any, indent: int) -> str:
    """The numbers of a non-empty tensor."""
    dim = t.dim()
    summarise = t.numel() > PRINT_OPTS.threshold
    if summarise and dim > 0:
        if not PRINT_OPTS.edgeitems:
            return "[...]"
        data = _edges(t, dim)
    else:
        data = t.tolist()
    values = list(_flat(data, dim))
    is_float = t.dtype.is_floating_point
    write = _ComplexFormat(values) if t.is_complex() else _NumberFormat(values, is_float)
    return _nested(data, dim, write, indent, summarise)


def _gradient_suffix(t: Any) -> str | None:
    try:
        node = t.grad_fn
    except RuntimeError:  # an in-place change of one of several views: no node can be told
        return "grad_fn=<Invalid>"
    if node is not None:
        return f"grad_fn=<{type(node).__name__}>"
    return "requires_grad=True" if t.requires_grad else None


def _suffixes(t: Any, empty: bool) -> list[str]:
    """What is said after the numbers."""
    found = []
    if (empty and t.dim() != 1) or (not empty and not PRINT_OPTS.edgeitems):
        found.append(f"size={tuple(t.shape)}")
    dtype = t.dtype
    default = _C.get_default_dtype()
    plain = (_C.int64, _C.bool, default.to_complex() if default != _C.float16 else _C.complex64)
    if dtype != default and (empty or dtype not in plain):
        found.append(f"dtype={dtype}")
    gradient = _gradient_suffix(t)
    if gradient is not None:
        found.append(gradient)
    return found


def tensor_repr(t: Any, *, tensor_contents: str | None = None) -> str:
    """The text of a tensor; `tensor_contents` replaces the numbers."""
    kind = type(t)
    plain = kind is _C.Tensor or kind.__name__ in ("Parameter", "Buffer")
    prefix = "tensor(" if plain else kind.__name__ + "("
    indent = len(prefix)
    empty = t.numel() == 0
    if tensor_contents is not None:
        text = prefix + tensor_contents
    elif empty:
        text = prefix + "[]"
    else:
        text = prefix + _contents(t.detach(), indent)
    used = len(text) - text.rfind("\n") - 1  # columns used in the last line
    for suffix in _suffixes(t, empty):
        # PyTorch counts two more columns than are used
        if used + 2 + len(suffix) + 2 > PRINT_OPTS.linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix) - 2
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"


def parameter_repr(t: Any) -> str:
    """The text of an `nn.Parameter`."""
    return "Parameter containing:\n" + tensor_repr(t)


def tensor_format(t: Any, spec: str) -> str:
    """`format(t, spec)`: a 0-d tensor formats as its number; others accept no format."""
    if t.dim() == 0 and type(t) is _C.Tensor:  # a Parameter prints as what it is
        return format(t.item(), spec)
    return object.__format__(t, spec)
