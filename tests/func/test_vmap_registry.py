"""Every row of the registry under vmap beside a loop over the samples.

Values, gradients, and changes in place. The samples of tests/registry and the cases of tests/ops
are the calls; what they leave out (matrices of a kind, layers behind a front) is added here, so
that each row is called once at least.
"""

from __future__ import annotations

import re
import zlib

import numpy as np
import pytest
from ops.cases import CASES, LETTERS
from ops.compare import array, assert_same
from registry.every import SAMPLES
from registry.running import attempt, parts
from registry.sample import Sample, index, real, samples
from registry.test_registry_closure import ELSEWHERE, OPERATIONS, is_tested

import backlit

B = 3
MATRICES = samples(
    "linalg.det linalg.slogdet linalg.inv linalg.inv_ex linalg.lu linalg.lu_factor "
    "linalg.lu_factor_ex linalg.matrix_exp linalg.qr linalg.svdvals det slogdet inverse matrix_exp "
    "pinverse qr",
    "a | c",
    a=real("M M"),
    c=real("K M M"),
)
SYMMETRIC = samples(
    "linalg.cholesky linalg.cholesky_ex linalg.eigvalsh linalg.eigh cholesky cholesky_inverse "
    "logdet",
    "a @ a.mT + T.eye(M, dtype=a.dtype) | c @ c.mT + T.eye(M, dtype=c.dtype)",
    a=real("M M"),
    c=real("K M M"),
)
SOLVERS = [
    *samples("linalg.eig linalg.eigvals linalg.svd svd", "a * a", a=real("M M")),
    *samples(
        "linalg.solve linalg.solve_ex",
        "a, b | a, v | c, b",
        a=real("M M"),
        b=real("M N"),
        v=real("M"),
        c=real("K M M"),
    ),
    *samples("linalg.solve_triangular", "a, b, upper=True", a=real("M M", 1, 2), b=real("M N")),
    *samples("linalg.lu_solve", "*T.linalg.lu_factor(a), b", a=real("M M"), b=real("M N")),
    *samples("lu_unpack", "*T.linalg.lu_factor(a)", a=real("M M")),
    *samples("linalg.ldl_factor linalg.ldl_factor_ex", "a @ a.mT", a=real("M M")),
    *samples("linalg.ldl_solve", "*T.linalg.ldl_factor(a @ a.mT), b", a=real("M M"), b=real("M N")),
    *samples("geqrf", "a", a=real("M M")),
    *samples("linalg.householder_product orgqr", "*T.geqrf(a)", a=real("M M")),
    *samples("ormqr", "*T.geqrf(a), b", a=real("M M"), b=real("M N")),
    *samples("cholesky_solve", "b, a", a=real("M M", 1, 2), b=real("M N")),
]
LAYERS = [
    *samples(
        "_C._nn.reflection_pad1d _C._nn.replication_pad1d",
        "x, (1, 2) | u, (1, 2)",
        x=real("K M N"),
        u=real("M N"),
    ),
    *samples(
        "_C._nn.reflection_pad2d _C._nn.replication_pad2d", "x, (1, 2, 1, 0)", x=real("K M N P")
    ),
    *samples(
        "_C._nn.reflection_pad3d _C._nn.replication_pad3d",
        "x, (1, 0, 1, 0, 1, 1)",
        x=real("K M 2 2 3"),
    ),
    *samples(
        "_C._nn.upsample_nearest1d _C._nn._upsample_nearest_exact1d", "x, (7,)", x=real("K M N")
    ),
    *samples(
        "_C._nn.upsample_nearest2d _C._nn._upsample_nearest_exact2d", "x, (7, 3)", x=real("K M N P")
    ),
    *samples(
        "_C._nn.upsample_nearest3d _C._nn._upsample_nearest_exact3d",
        "x, (7, 3, 2)",
        x=real("K M N P 2"),
    ),
    *samples("_C._nn.upsample_linear1d", "x, (7,), True", x=real("K M N")),
    *samples(
        "_C._nn.upsample_bilinear2d _C._nn.upsample_bicubic2d _C._nn._upsample_bilinear2d_aa "
        "_C._nn._upsample_bicubic2d_aa",
        "x, (7, 3), False",
        x=real("K M N P"),
    ),
    *samples("_C._nn.upsample_trilinear3d", "x, (7, 3, 2), False", x=real("K M N P 2")),
    *samples("_C._max_unpool2d", "x, i, (4, 4)", x=real("K M 2 2"), i=index("K M 2 2", "16")),
    *samples("_C._max_unpool3d", "x, i, (2, 4, 4)", x=real("M 1 2 2"), i=index("M 1 2 2", "32")),
]
OWN = [*MATRICES, *SYMMETRIC, *SOLVERS, *LAYERS]

ALL = [*SAMPLES, *OWN]
# The shape of what these give depends on values: refused, as in PyTorch.
DYNAMIC = re.compile(r"nonzero\(|argwhere|unique|masked_select|bincount|repeat_interleave")
# Rows that no sample calls: random numbers are compared in test_vmap_random.py.
NOT_CALLED = [why for why, place in ELSEWHERE.items() if "random" in place or "memory" in place]
NOT_CALLED += [
    r"_C\._(pinv|least_squares|tensordot|chain_matmul|einsum|embedding_bag)",  # behind their fronts
    r"_C\._fractional_max_pool[23]d",
]
# Changes of the memory itself, which are refused.
REFUSED = re.compile(r"as_strided_$|set_$|resize_$|resize_as_$")


def batched_arrays(sample: Sample) -> dict[str, list]:
    return {
        name: [spec.draw(sample.sizes(), zlib.crc32(name.encode()) + 7 * b) for b in range(B)]
        for name, spec in sample.inputs.items()
    }


def choices(names):
    """Which inputs carry the batch: all, the first, the others."""
    found = [tuple(names)]
    if len(names) > 1:
        found += [tuple(names[:1]), tuple(names[1:])]
    return found


class Outputs:
    """The tensors of a result, and whatever else is in it."""

    def __init__(self, result):
        every = list(parts(result, backlit))
        self.tensors = [t for t in every if isinstance(t, backlit.Tensor)]
        self.others = [t for t in every if not isinstance(t, backlit.Tensor)]


def by_loop(run, tensors, batched):
    """The outputs stacked; None where their shapes or structures differ."""
    rows = [
        Outputs(run({n: t[b].clone() if n in batched else t for n, t in tensors.items()}))
        for b in range(B)
    ]
    if len({len(row.tensors) for row in rows}) > 1:
        return None, rows
    columns = list(zip(*(row.tensors for row in rows), strict=True))
    if any(len({tuple(t.shape) for t in column}) > 1 for column in columns):
        return None, rows
    return [backlit.stack(column) for column in columns], rows


def by_vmap(run, tensors, batched, in_dim=0):
    others = []

    def function(*values):
        outputs = Outputs(run(dict(zip(tensors, values, strict=True))))
        others.append(outputs.others)
        return outputs.tensors

    dims = tuple(in_dim if name in batched else None for name in tensors)
    moved = [t.movedim(0, in_dim) if n in batched else t for n, t in tensors.items()]
    return backlit.vmap(function, in_dims=dims)(*moved), others


def gradients(outputs, leaves):
    outputs = [t for t in outputs if t.requires_grad]
    if not outputs or not leaves:
        return []
    weights = [
        backlit.tensor(np.cos(np.arange(t.numel()) + k).reshape(tuple(t.shape)) + 1.5).to(t.dtype)
        for k, t in enumerate(outputs)
    ]
    found = backlit.autograd.grad(outputs, leaves, weights, allow_unused=True)
    return [backlit.zeros_like(x) if g is None else g for g, x in zip(found, leaves, strict=True)]


def compare(run, arrays, label, differentiated=(), in_place=False):
    for batched in choices(list(arrays)):
        tensors = {
            name: backlit.tensor(np.stack(rows) if name in batched else rows[0])
            for name, rows in arrays.items()
        }
        leaves = [
            t.requires_grad_()
            for name, t in tensors.items()
            if name in differentiated and t.is_floating_point()
        ]
        compare_one(run, tensors, batched, leaves, f"{label}, batch in {batched}", in_place)


def compare_one(run, tensors, batched, leaves, label, in_place):
    (expected, loop_error) = attempt(lambda: by_loop(run, tensors, batched))
    in_dim = -1 if len(batched) == 1 and not in_place else 0
    found, error = attempt(lambda: by_vmap(run, tensors, batched, in_dim))
    if loop_error:
        assert error, f"{label}: no error, each sample {loop_error}"
        return
    stacked, rows = expected
    if stacked is None or (error and DYNAMIC.search(label)):
        assert error, f"{label}: no error, samples differ in shape"
        assert error[0] == "RuntimeError", f"{label}: {error}"
        return
    if error and any(isinstance(value, bool) for row in rows for value in row.others):
        assert error[0] == "RuntimeError", f"{label}: {error}"
        return
    shared = error and ("is not possible" in error[1] or "broadcast shape" in error[1])
    if shared and next(iter(tensors)) not in batched:
        return
    if error and error[0] == "NotImplementedError" and "as_strided" in label and in_place:
        return
    assert not error, f"{label}: {error}"
    outputs, others = found
    assert str(others[0]) == str(rows[0].others), label
    assert len(outputs) == len(stacked), label
    for k, (mine, theirs) in enumerate(zip(outputs, stacked, strict=True)):
        assert_same(array(mine), array(theirs), 1e-9, 1e-9, f"{label}: result {k}")
        assert mine.requires_grad == theirs.requires_grad or not leaves, f"{label}: result {k}"
    theirs, loop_error = attempt(lambda: gradients(stacked, leaves))
    mine, error = attempt(lambda: gradients(outputs, leaves))
    assert (error and error[0]) == (loop_error and loop_error[0]), label
    pairs = zip(mine or (), theirs or (), strict=True)
    for k, (mine, theirs) in enumerate(pairs):
        assert_same(array(mine), array(theirs), 1e-8, 1e-8, f"{label}: gradient {k}")


@pytest.mark.parametrize("sample", [s for s in ALL if s.inputs], ids=str)
def test_sample(sample):
    sizes = sample.sizes()
    compare(
        lambda tensors: sample.run(backlit, {**sizes, **tensors}),
        batched_arrays(sample),
        str(sample),
        sample.differentiated,
    )


IN_PLACE = [
    s
    for s in SAMPLES
    if s.home in ("torch", "Tensor")
    and s.call.args
    and getattr(s.call.args[0], "id", "") in s.inputs
    and hasattr(backlit.Tensor, s.name + "_")
]


@pytest.mark.parametrize("sample", IN_PLACE, ids=str)
def test_in_place(sample):
    """On a copy made inside, or outside for what all samples share."""
    sizes, first = sample.sizes(), sample.call.args[0].id

    def run(tensors):
        copied = {name: t * 1 if name == first else t for name, t in tensors.items()}
        result = sample.run(backlit, {**sizes, **copied}, "in place")
        return result, copied[first]

    compare(run, batched_arrays(sample), f"{sample} in place", sample.differentiated, True)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_elementwise(case):
    shapes = [(2, 4), (4,), ()]
    for k, shape in enumerate(shapes):
        random = np.random.RandomState(k)
        arrays = {
            letter: [
                low + (high - low) * random.random_sample(shapes[(k + i) % 3] if i else shape)
                for _ in range(B)
            ]
            for i, (letter, (low, high)) in enumerate(zip(LETTERS, case.domain, strict=False))
        }
        compare(
            lambda tensors: case.run(backlit, *tensors.values()), arrays, str(case), tuple(arrays)
        )


@pytest.mark.parametrize("full", sorted(OPERATIONS))
def test_every_row_is_called(full):
    called = {f"{s.home.replace('_C._nn', 'nn')}.{s.name}" for s in OWN}
    listed = any(re.fullmatch(why, full) for why in NOT_CALLED) or REFUSED.search(full)
    elsewhere = any(re.fullmatch(why, full) for why in ELSEWHERE)
    elementwise = all(row["elementwise"] for row in OPERATIONS[full])
    assert full in called or listed or elementwise or (is_tested(full) and not elsewhere), full
