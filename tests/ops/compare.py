"""Arrays in, the same computation on both libraries, arrays out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ops.cases import CASES

import backlit

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
LIBRARIES = (backlit, torch)
SHARED = [case for case in CASES if case.is_known_to(torch)]


def tensors(lib: Any, arrays: list[Any], requires_grad: bool = True) -> list[Any]:
    made = [lib.tensor(x) for x in arrays]
    for t in made:
        t.requires_grad_(requires_grad and t.is_floating_point())
    return made


def array(t: Any) -> Any:
    name = str(t.dtype).rpartition(".")[2].replace("bfloat16", "float32")
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


def verdict(result: Any) -> str:
    return result if isinstance(result, str) else "no error"


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


def assert_same(mine: Any, theirs: Any, rtol: float, atol: float, what: str, at: Any = ()) -> None:
    """Equal dtype, shape and numbers; nan with nan, infinities alike. `at` names the places."""
    assert mine.dtype == theirs.dtype, f"{what}: dtype {mine.dtype}, PyTorch {theirs.dtype}"
    assert mine.shape == theirs.shape, f"{what}: shape {mine.shape}, PyTorch {theirs.shape}"
    if mine.dtype.kind in "fc":
        with np.errstate(all="ignore"):
            close = np.abs(mine - theirs) <= atol + rtol * np.abs(theirs)
        bad = ~(close | (mine == theirs) | (np.isnan(mine) & np.isnan(theirs)))
    else:
        bad = mine != theirs
    places = np.nonzero(bad.ravel())[0]
    if len(places):
        told = "; ".join(
            f"at {at[k] if len(at) else k} {mine.ravel()[k]}, PyTorch {theirs.ravel()[k]}"
            for k in places[:3]
        )
        pytest.fail(f"{what}: {len(places)} of {bad.size} differ: {told}")
