"""Samples of what makes complex numbers and takes them apart."""

from __future__ import annotations

from registry.sample import mask, real, samples

EMPTY = "PyTorch's tensor of an empty array has strides of 0"
INFINITE = "an infinite part times a finite number is nan in one place or another"
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
        "cumprod logcumsumexp cumsum",
        "T.complex(x, y), 0 | T.complex(x, y), dim=-1",
        x=real("M N"),
        y=real("M N"),
        unlike={"large": "products overflow", "special": INFINITE},
    ),
    *samples(
        "prod",
        "T.complex(x, y) | T.complex(x, y), 1 | T.complex(x, y), dim=0, keepdim=True",
        x=real("M N"),
        y=real("M N"),
        unlike={"large": "products overflow"},
    ),
    *samples(
        "logsumexp",
        "T.complex(x, y), 1 | T.complex(x, y), (0, 1), keepdim=True",
        x=real("M N"),
        y=real("M N"),
    ),
    *samples("linalg.cross", "T.complex(x, y), T.complex(y, x)", x=real("M 3"), y=real("M 3")),
    *samples("cov corrcoef", "T.complex(x, y)", x=real("M N"), y=real("M N")),
    *samples(
        "vander",
        "T.complex(x, y), N=3",
        x=real("N"),
        y=real("N"),
        unlike={"gradient": "PyTorch changes what it saved", "special": INFINITE},
    ),
    *samples("renorm", "T.complex(x, y), 2, 0, 1.5", x=real("M N"), y=real("M N")),
    *samples(
        "isclose allclose equal logaddexp nn.l1_loss",
        "T.complex(x, y), T.complex(y, x) | T.complex(x, y), T.complex(x, y)",
        x=real("M N"),
        y=real("M N"),
        unlike={"special": INFINITE},
    ),
    *samples("sinc nn.softsign", "T.complex(x, y)", x=real("M N"), y=real("M N")),
    *samples(
        "lerp",
        "T.complex(x, y), T.complex(y, x), 0.3 - 1j | T.complex(x, y), *[T.complex(y, x)] * 2",
        x=real("M N"),
        y=real("M N"),
    ),
    *samples("ldexp pow", "T.complex(x, y), T.complex(y, x)", x=real("N", 0.5, 2), y=real("N")),
    *samples(
        "nn.pad",
        """
        T.complex(x, y), (1, 2) | T.complex(x, y), (1, 2), 'reflect'
        T.complex(x, y), (1, 2), 'replicate' | T.complex(x, y), (1, 2), 'circular'
        """,
        x=real("M N"),
        y=real("M N"),
    ),
    *samples(
        "conv1d conv_transpose1d",
        "T.complex(x, y), T.complex(w, v), T.complex(b, c) | T.complex(x, y), T.complex(w, v)",
        wrong="x, T.complex(w, v)",
        x=real("K 2 P"),
        y=real("K 2 P"),
        w=real("2 2 3"),
        v=real("2 2 3"),
        b=real("2"),
        c=real("2"),
        unlike={"special": INFINITE},
    ),
    *samples(
        "nn.unfold",
        "T.complex(x, y), 2, padding=1",
        x=real("K 2 M N"),
        y=real("K 2 M N"),
    ),
    *samples(
        "nn.fold",
        "T.complex(x, y), (3, 4), 2",
        x=real("K 4 6"),
        y=real("K 4 6"),
    ),
    *samples(
        "Tensor.half Tensor.bfloat16 Tensor.cfloat Tensor.cdouble",
        "x | x, memory_format=T.preserve_format",
        x=real("M N"),
        unlike={"finite differences": "the results are not float64", "gradient": "fewer digits"},
    ),
]
