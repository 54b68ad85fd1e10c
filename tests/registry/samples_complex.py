"""Samples of what makes complex numbers and takes them apart."""

from __future__ import annotations

from registry.sample import mask, real, samples

EMPTY = "PyTorch's tensor of an empty array has strides of 0"
SAMPLES = [
    *samples(
        "complex", "x, y | real=x, imag=y", wrong="x, m", x=real("M N"), y=real("N"), m=mask("N")
    ),
    # of negative sizes PyTorch's derivative has the wrong sign
    *samples("polar", "x, y | abs=x, angle=y", x=real("M N", 0.1, 2.0), y=real("N")),
    *samples(
        "view_as_complex view_as_complex_copy",
        "x",
        wrong="v",
        x=real("M 2"),
        v=real("M 3"),
        unlike={"size M=0": EMPTY, "gradient": "PyTorch has none of the copy"},
    ),
    *samples(
        "view_as_real view_as_real_copy",
        "T.complex(x, y)",
        wrong="x",
        x=real("M N"),
        y=real("N"),
        unlike={"size [MN]=0": EMPTY},
    ),
    *samples(
        "real imag conj conj_physical resolve_conj angle abs sgn is_conj is_complex",
        "T.complex(x, y)",
        x=real("M N"),
        y=real("N"),
    ),
    *samples(
        "Tensor.half Tensor.bfloat16 Tensor.cfloat Tensor.cdouble",
        "x | x, memory_format=T.preserve_format",
        x=real("M N"),
        unlike={"finite differences": "the results are not float64", "gradient": "fewer digits"},
    ),
]
