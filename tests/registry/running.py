"""Runs a sample on both libraries: inputs in any layout and dtype; compares the results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from ops.compare import array, assert_same
from registry.sample import Sample

import backlit

from oracle import first_sentence

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
LIBRARIES = (backlit, torch)
ERRORS = (RuntimeError, NotImplementedError, TypeError, ValueError, IndexError, AssertionError)


@dataclass(frozen=True)
class Layout:
    """How a leaf's memory is filled, and which view of the leaf the operation gets."""

    fill: Callable[[Any], Any]  # array -> array of the leaf
    view: Callable[[Any, tuple[int, ...]], Any]  # leaf, shape -> input


def backwards(values: Any) -> Any:
    return values.transpose(tuple(reversed(range(values.ndim))))


LAYOUTS = {
    "whole": Layout(lambda values: values, lambda leaf, shape: leaf),
    "transposed": Layout(
        lambda values: backwards(values).copy(order="C"),
        lambda leaf, shape: leaf.permute(tuple(reversed(range(leaf.dim())))),
    ),
    # every second element, from the fourth on
    "offset": Layout(
        lambda values: np.concatenate([np.zeros(3, values.dtype), values.ravel().repeat(2)]),
        lambda leaf, shape: leaf[3:][::2].view(shape),
    ),
    "expanded": Layout(
        lambda values: values[:1].copy() if values.ndim else values,
        lambda leaf, shape: leaf.expand(shape),
    ),
}


def inputs(
    lib: Any,
    sample: Sample,
    arrays: Mapping[str, Any],
    sizes: Mapping[str, int],
    layout: str = "whole",
    gradient: bool = False,
) -> tuple[dict[str, Any], list[Any]]:
    """The names of a call, and the leaves that require grad."""
    names: dict[str, Any] = dict(sizes)
    leaves = []
    for name, values in arrays.items():
        real = sample.inputs[name].kind == "real"
        # expanding would change what an index means
        chosen = LAYOUTS[layout] if real or layout != "expanded" else LAYOUTS["whole"]
        leaf = lib.tensor(chosen.fill(values))
        if gradient and name in sample.differentiated and leaf.is_floating_point():
            leaves.append(leaf.requires_grad_())
        names[name] = chosen.view(leaf, values.shape)
    return names, leaves


def attempt(run: Callable[[], Any]) -> tuple[Any, tuple[str, str] | None]:
    """(result, None) or (None, (class, first sentence) of the error)."""
    try:
        return run(), None
    except ERRORS as error:
        return None, (type(error).__name__, first_sentence(error))


def parts(value: Any, lib: Any) -> Iterator[Any]:
    """The tensors and plain values of a result, one after the other."""
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from parts(item, lib)
    else:
        yield value


def form(value: Any) -> Any:
    """How a result is put together: names of containers and of fields."""
    if isinstance(value, (tuple, list)):
        fields = [n for n in ("values", "indices", "min", "max", "sign") if hasattr(value, n)]
        fields = fields if isinstance(value, tuple) else []
        return [type(value).__name__, fields, *(form(item) for item in value)]
    return "tensor" if hasattr(value, "requires_grad") else str(value).replace("backlit.", "torch.")


def differentiable(value: Any, lib: Any) -> list[Any]:
    return [t for t in parts(value, lib) if isinstance(t, lib.Tensor) and t.requires_grad]


def assert_results(mine: Any, theirs: Any, tolerance: float, label: str) -> None:
    """Equal containers, dtypes, shapes and numbers; the same views with the same strides."""
    assert form(mine) == form(theirs), label
    for k, (a, b) in enumerate(zip(parts(mine, backlit), parts(theirs, torch), strict=True)):
        what = f"{label}: result {k}"
        if not isinstance(b, torch.Tensor):
            continue
        single = 1e-5 if b.dtype == torch.float32 else 0.0
        assert_same(array(a), array(b), max(tolerance, single), max(tolerance, single), what)
        assert a.requires_grad == b.requires_grad, what


def assert_same_memory(mine: Any, theirs: Any, names: list[dict[str, Any]], label: str) -> None:
    """What shares memory with an input in PyTorch does so here, at the same places."""
    for k, (a, b) in enumerate(zip(parts(mine, backlit), parts(theirs, torch), strict=True)):
        if not isinstance(b, torch.Tensor) or not b.numel():
            continue
        homes = [
            [
                name
                for name, value in given.items()
                if hasattr(value, "untyped_storage")
                and value.untyped_storage().data_ptr() == t.untyped_storage().data_ptr()
            ]
            for t, given in zip((a, b), names, strict=True)
        ]
        assert homes[0] == homes[1], f"{label}: result {k} lies in {homes[0]}, PyTorch {homes[1]}"
        if homes[1]:
            assert a.stride() == b.stride(), f"{label}: result {k}"
            assert a.storage_offset() == b.storage_offset(), f"{label}: result {k}"


def compare(
    sample: Sample,
    arrays: Mapping[str, Any],
    sizes: Mapping[str, int],
    label: str,
    layout: str = "whole",
    tolerance: float = 1e-9,
) -> None:
    """The result, or the error, of both libraries."""
    given = [inputs(lib, sample, arrays, sizes, layout)[0] for lib in LIBRARIES]
    outcomes = [
        attempt(lambda lib=lib, names=names: sample.run(lib, names))
        for lib, names in zip(LIBRARIES, given, strict=True)
    ]
    (mine, my_error), (theirs, their_error) = outcomes
    if my_error or their_error:
        # where several things are wrong at once, it is open which of them is told
        assert my_error, f"{label}: no error, PyTorch {their_error}"
        assert their_error, f"{label}: {my_error}, PyTorch has no error"
        return
    assert_results(mine, theirs, tolerance, label)
    assert_same_memory(mine, theirs, given, label)
