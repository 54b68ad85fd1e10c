"""Every sample as function, method and in place; wrong calls; numbers of threads."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from ops.compare import array, assert_same
from registry.every import SAMPLES, WRONG
from registry.running import (
    LIBRARIES,
    assert_results,
    attempt,
    differentiable,
    inputs,
    parts,
    torch,
)

import backlit


def begins_with_tensor(sample):
    arguments = sample.call.args
    return (
        bool(arguments) and isinstance(arguments[0], ast.Name) and arguments[0].id in sample.inputs
    )


def has_form(sample, suffix=""):
    return begins_with_tensor(sample) and hasattr(backlit.Tensor, sample.name + suffix)


METHODS = [s for s in SAMPLES if s.home == "torch" and has_form(s) and not s.is_left_out("method")]
IN_PLACE = [s for s in SAMPLES if s.home in ("torch", "Tensor") and has_form(s, "_")]


@pytest.mark.parametrize("sample", METHODS, ids=str)
def test_method_is_function(sample):
    names, _ = inputs(backlit, sample, sample.draw(sample.sizes()), sample.sizes())
    mine, error = attempt(lambda: sample.run(backlit, names))
    method, method_error = attempt(lambda: sample.run(backlit, names, "method"))
    theirs = attempt(lambda: sample.run(torch, their_names(sample), "method"))
    assert (method_error and method_error[0]) == (theirs[1] and theirs[1][0])
    if not error and not method_error:
        for a, b in zip(parts(mine, backlit), parts(method, backlit), strict=True):
            if isinstance(a, backlit.Tensor):
                assert_same(array(b), array(a), 0, 0, "method")


def their_names(sample):
    return inputs(torch, sample, sample.draw(sample.sizes()), sample.sizes())[0]


@pytest.mark.parametrize("sample", IN_PLACE, ids=str)
def test_in_place(sample):
    """On a copy of the first input: what it returns, changes, and sends back as gradients."""
    first = sample.call.args[0].id
    for layout in ("whole", "transposed", "offset"):
        if sample.is_left_out(f"in place, layout {layout}"):
            continue
        outcomes = []
        for lib in LIBRARIES:
            names, leaves = inputs(
                lib, sample, sample.draw(sample.sizes()), sample.sizes(), layout, True
            )
            target = names[first] * 1
            names[first] = target

            def run(lib=lib, names=names, leaves=leaves, target=target):
                result = sample.run(lib, names, "in place")
                assert result is target
                version = target._version
                if not target.requires_grad:
                    return [array(target), version]
                g = lib.autograd.grad(target.cos().sum(), leaves, allow_unused=True)
                return [array(target), version, *(None if t is None else array(t) for t in g)]

            outcomes.append(attempt(run))
        (mine, my_error), (theirs, their_error) = outcomes
        assert (my_error and my_error[0]) == (their_error and their_error[0]), (
            layout,
            my_error,
            their_error,
        )
        if my_error:
            continue
        assert_same(mine[0], theirs[0], 1e-9, 1e-9, layout)
        assert (mine[1] > 0) == (theirs[1] > 0), f"{layout}: version {mine[1]}"
        for a, b in zip(mine[2:], theirs[2:], strict=True):
            a, b = (np.zeros(1) if t is None else t for t in (a, b))
            assert_same(
                np.broadcast_to(a, np.broadcast_shapes(a.shape, b.shape)),
                np.broadcast_to(b, np.broadcast_shapes(a.shape, b.shape)),
                1e-8,
                1e-9,
                f"{layout}: gradient",
            )


@pytest.mark.parametrize("sample", WRONG, ids=str)
def test_wrong_call(sample):
    outcomes = []
    for lib in LIBRARIES:
        names, _ = inputs(lib, sample, sample.draw(sample.sizes()), sample.sizes())
        outcomes.append(attempt(lambda lib=lib, names=names: sample.run(lib, names))[1])
    mine, theirs = outcomes
    assert theirs, "PyTorch takes it"
    assert mine, f"no error, PyTorch {theirs}"
    same_class, same_text = (a == b for a, b in zip(mine, theirs, strict=True))
    assert (same_class or sample.is_left_out("error class")) and (
        same_text or sample.is_left_out("error message")
    ), f"{mine}, PyTorch {theirs}"


@pytest.fixture
def threads():
    before = backlit.get_num_threads()
    yield backlit.set_num_threads
    backlit.set_num_threads(before)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.reals], ids=str)
def test_threads_do_not_change_bits(sample, threads):
    if sample.is_left_out("large"):
        pytest.skip(sample.reason("large"))
    sizes = sample.large_sizes()
    arrays = sample.draw(sizes)
    found = []
    for count in (1, 2, 5):
        threads(count)
        names, leaves = inputs(backlit, sample, arrays, sizes, "whole", True)
        result = sample.run(backlit, names)
        tensors = [t.detach() for t in parts(result, backlit) if isinstance(t, backlit.Tensor)]
        outputs = differentiable(result, backlit)
        if outputs:
            tensors += [
                g
                for g in backlit.autograd.grad(
                    outputs, leaves, [t.detach() + 1 for t in outputs], allow_unused=True
                )
                if g is not None
            ]
        tensors = [t.float() if t.dtype == backlit.bfloat16 else t for t in tensors]
        found.append([np.asarray(t).tobytes() for t in tensors])
    assert found[0] == found[1] == found[2]
    with torch.no_grad():
        theirs = sample.run(torch, inputs(torch, sample, arrays, sizes)[0])
    with backlit.no_grad():
        mine = sample.run(backlit, inputs(backlit, sample, arrays, sizes)[0])
    assert_results(mine, theirs, 1e-8, "large")
