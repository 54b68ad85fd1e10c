"""Arrays in, the same computation on both libraries, arrays out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backlit

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
LIBRARIES = (backlit, torch)


def tensors(lib: Any, arrays: list[Any], requires_grad: bool = True) -> list[Any]:
    made = [lib.tensor(x) for x in arrays]
    for t in made:
        t.requires_grad_(requires_grad and t.is_floating_point())
    return made


def array(t: Any) -> Any:
    name = str(t.dtype).rpartition(".")[2]
    if isinstance(t, torch.Tensor) and t._is_zerotensor():  # PyTorch's zeros without memory
        return np.zeros(tuple(t.shape), name)
    return np.array(t.detach().tolist(), dtype=name).reshape(tuple(t.shape))


def draw(domain: tuple[tuple[float, float], ...], shapes: Any, dtype: str = "float64") -> list[Any]:
    """Numbers from each input's range, the same in every run."""
    random = np.random.RandomState(7)
    return [
        (low + (high - low) * random.random_sample(shape)).astype(dtype)
        for (low, high), shape in zip(domain, shapes, strict=False)
    ]


def attempt(fn: Any, *args: Any) -> Any:
    """The result, or the class of the error."""
    try:
        return fn(*args)
    except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
        return type(error).__name__


def gradients(y: Any, inputs: list[Any], lib: Any, create_graph: bool = False) -> list[Any]:
    """d(sum of cos-weighted y)/d(inputs); a weight per element, so that a mixed-up order shows."""
    n = int(np.prod(tuple(y.shape)))
    weights = np.cos(np.arange(n)).reshape(tuple(y.shape)) + 1.5
    g = lib.tensor(weights, dtype=y.dtype)
    wanted = [t for t in inputs if t.requires_grad]
    return list(
        lib.autograd.grad(
            y, wanted, g, retain_graph=True, create_graph=create_graph, allow_unused=True
        )
    )


def assert_same(mine: Any, theirs: Any, rtol: float, atol: float, what: str) -> None:
    """Equal dtype, shape and numbers; nan with nan, infinities and the signs of zeros alike."""
    assert mine.dtype == theirs.dtype, f"{what}: dtype {mine.dtype}, PyTorch {theirs.dtype}"
    assert mine.shape == theirs.shape, f"{what}: shape {mine.shape}, PyTorch {theirs.shape}"
    if mine.dtype.kind != "f":
        bad = mine != theirs
    else:
        with np.errstate(all="ignore"):
            close = np.abs(mine - theirs) <= atol + rtol * np.abs(theirs)
        same_special = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
        bad = ~(close | same_special)
    if np.any(bad):
        at = tuple(index[0] for index in np.nonzero(np.atleast_1d(bad)))
        pair = np.atleast_1d(mine)[at], np.atleast_1d(theirs)[at]
        pytest.fail(f"{what}: {np.sum(bad)} of {bad.size} differ, at {at}: {pair[0]!r}, PyTorch {pair[1]!r}")
