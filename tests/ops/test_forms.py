"""Every elementwise operation per dtype, in place, into out=, per number of threads."""

from __future__ import annotations

import itertools
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from ops.compare import (
    LIBRARIES,
    SHARED,
    array,
    assert_same,
    attempt,
    draw,
    gradients,
    tensors,
    torch,
    verdict,
)

import backlit

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]
SMALL = [np.array([0, 1, 2, 3]), np.array([1, 3, 1, 2]), np.array([2, 1, 1, 3])]


def dtype_combinations(arity):
    if arity == 1:
        return [(d,) for d in DTYPES]
    pairs = list(itertools.product(DTYPES, repeat=2))
    return pairs if arity == 2 else [(a, b, b) for a, b in pairs]


# Bools that PyTorch refuses because of a step inside of a composition or kernel.
BOOLS_IN_OURS_ONLY = re.compile(r"softsign|tanhshrink|ldexp")
UNSIGNED_IN_OURS_ONLY = re.compile(r"hardtanh")  # it needs a negative limit
# PyTorch has no derivative for the in-place forms of these.
BACKWARD_IN_OURS_ONLY = re.compile(r"acosh|asinh|atanh")


@pytest.mark.parametrize("case", SHARED, ids=str)
def test_dtypes(case):
    for dtypes in dtype_combinations(case.arity):
        arrays = [x.astype(d) for x, d in zip(SMALL, dtypes, strict=False)]
        mine, theirs = (
            attempt(case.run, lib, *tensors(lib, arrays, requires_grad=False)) for lib in LIBRARIES
        )
        where = f"{dtypes}"
        if isinstance(theirs, str) and "bool" in dtypes and BOOLS_IN_OURS_ONLY.search(str(case)):
            continue
        if (
            isinstance(theirs, str)
            and "uint8" in dtypes
            and UNSIGNED_IN_OURS_ONLY.search(str(case))
        ):
            continue
        if isinstance(mine, str) or isinstance(theirs, str):
            assert verdict(mine) == verdict(theirs), where
        else:
            rtol = 1e-6 if mine.dtype != backlit.float64 else 1e-9
            assert_same(array(mine), array(theirs), rtol, rtol, where)


def in_place(case):
    """`T.name(a, ...)` as `name_` of a clone of a, or None where there is no such form."""
    call = re.fullmatch(r"[TF](\.special)?\.(\w+)\(a(?:, )?(.*)\)", case.expression)
    if not call or not hasattr(backlit.Tensor, call[2] + "_"):
        return None
    return f"{call[2]}_", call[3]


@pytest.mark.parametrize("case", [case for case in SHARED if in_place(case)], ids=str)
def test_in_place(case):
    name, arguments = in_place(case)
    layouts = {
        "whole": lambda t: t,
        "transposed": lambda t: t.transpose(0, 1),
        "part": lambda t: t[1:, ::2],
    }
    for label, view in layouts.items():
        arrays = draw(case.domain, [(3, 4)] * 3)
        outcomes = []
        for lib in LIBRARIES:
            inputs = tensors(lib, arrays)
            names = dict(zip("abc", [view(t) for t in inputs], strict=False))
            base = inputs[0] * 1
            target = view(base)

            def change(target=target, lib=lib, names=names):
                code = f"target.{name}({arguments})"
                return eval(code, {"T": lib, "target": target, **names})

            result = attempt(change)
            if not isinstance(result, str):
                assert result is target
                result = [array(base), target.grad_fn and target.grad_fn.name().split("::")[-1]]
                result.append(attempt(gradients, base, inputs, lib))
            outcomes.append(result)
        mine, theirs = outcomes
        if isinstance(mine, str) or isinstance(theirs, str):
            assert verdict(mine) == verdict(theirs), label
            continue
        assert_same(mine[0], theirs[0], 1e-7, 1e-9, label)
        assert mine[1] == theirs[1] or BACKWARD_IN_OURS_ONLY.search(name), label
        if isinstance(theirs[2], str) and BACKWARD_IN_OURS_ONLY.search(name):
            continue
        if isinstance(mine[2], str) or isinstance(theirs[2], str):
            assert verdict(mine[2]) == verdict(theirs[2]), label
            continue
        for g, expected in zip(mine[2], theirs[2], strict=True):
            assert (g is None) == (expected is None)
            if g is not None:
                assert_same(array(g), array(expected), 1e-6, 1e-8, f"{label}: gradient")


@pytest.mark.parametrize("case", [c for c in SHARED if c.expression.startswith("T.")], ids=str)
def test_out(case):
    arrays = draw(case.domain, [(3, 4)] * 3)
    for shape, dtype in [
        ((3, 4), "float64"),
        ((0,), "float64"),
        ((3, 4), "float32"),
        ((3, 4), "int64"),
    ]:
        outcomes = []
        for lib in LIBRARIES:
            inputs = tensors(lib, arrays, requires_grad=False)
            out = lib.tensor(np.zeros(shape, dtype))
            names = dict(zip("abc", inputs, strict=False))
            code = f"{case.expression[:-1]}, out=out)"
            result = attempt(eval, code, {"T": lib, "out": out, **names})
            if not isinstance(result, str):
                assert result is out
                result = array(out)
            outcomes.append(result)
        mine, theirs = outcomes
        if isinstance(theirs, str):  # some of PyTorch's functions have no out=, or do not convert
            continue
        assert not isinstance(mine, str), mine
        assert_same(mine, theirs, 5e-6, 1e-9, f"out of {shape} {dtype}")


@pytest.fixture
def threads():
    before = backlit.get_num_threads()
    yield backlit.set_num_threads
    backlit.set_num_threads(before)


@pytest.mark.parametrize("case", SHARED, ids=str)
def test_threads_do_not_change_bits(case, threads):
    arrays = draw(case.domain, [(100_003,)] * 3, "float32")
    results = []
    for count in (1, 2, 5):
        threads(count)
        inputs = [backlit.tensor(x).requires_grad_() for x in arrays]
        y = attempt(case.run, backlit, *inputs)
        if isinstance(y, str):
            return
        found = [y]
        if y.requires_grad:
            g = attempt(backlit.autograd.grad, y, inputs, backlit.ones_like(y))
            found += [] if isinstance(g, str) else list(g)
        results.append([np.asarray(t.detach()).tobytes() for t in found])
    assert results[0] == results[1] == results[2]
    with torch.no_grad():
        theirs = case.run(torch, *[torch.from_numpy(x) for x in arrays])
    rtol = 2e-5 if theirs.dtype != torch.float64 else 1e-9
    assert_same(np.asarray(y.detach()), theirs.numpy(), rtol, 1e-4, "large")


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_angles_do_not_depend_on_their_neighbours(name):
    """A tile with a large number in it takes another loop than one without."""
    function = getattr(backlit, name)
    small = backlit.linspace(-40.0, 40.0, 9_999)
    beside = function(backlit.cat([small, backlit.tensor([1e9])]))[:-1]
    assert np.array_equal(function(small).numpy(), beside.numpy())


VALUES_OF_ALL = """
import pickle, sys
sys.path.insert(0, {tests!r})
import numpy as np, backlit
from ops.cases import CASES
random = np.random.RandomState(3)
results = {{}}
for case in CASES:
    for dtype in ("float32", "float64", "int32"):
        x = [(l + (h - l) * random.random_sample(1000)).astype(dtype) for l, h in case.domain]
        try:
            y = case.run(backlit, *[backlit.tensor(v) for v in x])
        except (RuntimeError, NotImplementedError):
            continue
        results[str(case), dtype] = np.array(y.tolist(), str(y.dtype)[6:])
pickle.dump(results, open(sys.argv[1], "wb"))
"""


def test_instruction_sets_agree(tmp_path):
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found = []
    for isa in ("generic", "v3", "v4"):
        path = tmp_path / isa
        code = VALUES_OF_ALL.format(tests=tests)
        environment = {**os.environ, "BACKLIT_ISA": isa}
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, env=environment)
        found.append(pickle.loads(path.read_bytes()))
    assert len(found[0]) > 300
    for other in found[1:]:
        assert other.keys() == found[0].keys()
        for key, portable in found[0].items():
            ulps = 64 * np.finfo(portable.dtype).eps if portable.dtype.kind == "f" else 0
            assert_same(other[key], portable, ulps, ulps, str(key))
