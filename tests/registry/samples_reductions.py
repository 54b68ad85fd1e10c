"""Sums, means, extrema, norms and counts, and what tells about whole tensors."""

from registry.sample import index, mask, real, samples

ONE_DIM = "x, 0 | x, -1 | x, 1, True | x, dim=0, keepdim=True"
SPREAD = """
    x, False | x, unbiased=True | x | x, 0 | x, (0, -1), correction=0, keepdim=True | x, 1, False
    x, None, True, True | x, -1, unbiased=False, keepdim=True | x, dim=None, correction=2
"""

SAMPLES = [
    *samples(
        "sum mean",
        """
        x | x, 0 | x, -1, True | x, (0, 1), keepdim=True | x, dtype=T.float64 | x, None
        x, 1, dtype=T.float32 | x, () | x, [-1]
        """,
        wrong="x, 2 | x, (0, 0) | x, -3 | x, dtype=3 | x, 0.5",
        x=real("M N"),
    ),
    *samples("sum mean prod amax logsumexp", "x, 1 | x, dim=0", x=real("M N P", 0.5, 1.5)),
    *samples(
        "nansum nanmean",
        "x | x, 0 | x, (0, -1), True | x, dtype=T.float64 | x, dim=1, keepdim=True",
        x=real("M N"),
    ),
    *samples(
        "prod",
        "x | x, 0 | x, -1, True | x, dim=1, keepdim=True, dtype=T.float64 | x, dtype=T.float64",
        wrong="x, (0, 1) | x, 5",
        x=real("M N", 0.8, 1.2),
        large={"M": 11, "N": 4001},
    ),
    *samples("amax amin", f"x | {ONE_DIM} | x, (0, 1)", wrong="x, 2 | x, (1, 1)", x=real("M N")),
    *samples("aminmax", "x | x, dim=0 | x, dim=-1, keepdim=True", wrong="x, dim=2", x=real("M N")),
    *samples("max min", f"x | {ONE_DIM} | x, y", wrong="x, 2", x=real("M N"), y=real("M N")),
    *samples("max min", "x, y", x=real("M 1"), y=real("N")),
    *samples(
        "argmax argmin",
        f"x | {ONE_DIM} | x, None, True",
        wrong="x, 2 | x, (0, 1)",
        x=real("M N"),
    ),
    *samples(
        "any all",
        f"x | {ONE_DIM} | x, (0, 1), True | m | m, 0",
        wrong="x, 2 | x, (0, 0)",
        x=real("M N"),
        m=mask("M N"),
    ),
    *samples("count_nonzero", "x | x, 0 | x, (0, -1) | m, dim=1", x=real("M N"), m=mask("M N")),
    *samples("var std", SPREAD, wrong="x, 2 | x, (0, 0)", x=real("M N")),
    *samples(
        "var_mean std_mean",
        """
        x | x, False | x, unbiased=True | x, 0 | x, (0, -1), correction=0, keepdim=True
        x, 1, False, True | x, -1, unbiased=False, keepdim=True | x, dim=None, correction=0.5
        """,
        x=real("M N"),
        unlike={"special": "the mean of inf is inf, where PyTorch has nan"},
    ),
    *samples(
        "norm",
        """
        x | x, 1 | x, 3, 0 | x, inf | x, -inf, -1, True | x, 0.5, (0, 1) | x, 'fro', dim=0
        x, p=2, dim=1, keepdim=True, dtype=T.float64 | x, 0
        """,
        wrong="x, 'nuclear' | x, 2, 2",
        x=real("M N", 0.5, 2),
    ),
    *samples(
        "linalg.vector_norm",
        "x | x, 1 | x, 3, 0, True | x, inf, dim=-1 | x, ord=0.5, keepdim=True, dtype=T.float64",
        wrong="x, 2, 2 | x, 'fro'",
        x=real("M N", 0.5, 2),
    ),
    *samples(
        "linalg.matrix_norm",
        "x | x, 1 | x, -inf, (0, 1) | x, inf, dim=(1, 0), keepdim=True, dtype=T.float64 | x, -1",
        wrong="x, 3 | x, 'a' | x, 'fro', (0, 0)",
        x=real("M N", 0.5, 2),
    ),
    *samples(
        "linalg.norm",
        "x | x, 1 | x, 'fro' | x, 2, 0 | x, inf, (0, 1), True, dtype=T.float64",
        wrong="x, 'a' | x, 2, 2",
        x=real("M N", 0.5, 2),
    ),
    *samples("linalg.norm", "v | v, 3 | v, 1", v=real("N", 0.5, 2)),
    *samples("dist", "x, y | x, y, 1 | x, y, p=3 | x, y, inf", x=real("M N"), y=real("N", 3, 4)),
    *samples(
        "logsumexp", "x, 0 | x, (0, 1) | x, -1, keepdim=True", wrong="x | x, 2", x=real("M N")
    ),
    *samples(
        "trace",
        "x",
        wrong="v",
        x=real("M N"),
        v=real("N"),
        unlike={"dtype bool": "works for bools, too"},
    ),
    *samples(
        "quantile nanquantile",
        """
        x, 0.3 | x, 0.7, 0 | x, 0.5, 1, True, interpolation='lower' | x, q
        x, q, dim=0, keepdim=True
        x, 0.4, interpolation='nearest' | x, q, 1, interpolation='midpoint' | x, 0.9, dim=-1
        x, 0.2, interpolation='higher'
        """,
        wrong="x, 1.5 | x, 0.5, 2 | x, 0.5, interpolation='none'",
        x=real("M N"),
        q=real("P", 0.1, 0.9),
    ),
    *samples("is_nonzero", "x", wrong="v", x=real(), v=real("N")),
    *samples("is_signed is_floating_point is_complex", "x | m", x=real("M N"), m=mask("N")),
    *samples("allclose isclose equal", "x, y | x, x | x, x + 1e-7", x=real("M N"), y=real("M N")),
    *samples(
        "allclose isclose",
        "x, x + 0.01, 0.1 | x, x + 0.01, rtol=0, atol=0.1 | x * nan, x * nan, 0, 0, True",
        x=real("M N"),
    ),
    *samples("frexp", "x", x=real("M N")),
    *samples(
        "heaviside", "x, y | x, values=y", x=real("M N", constant=True), y=real("N", constant=True)
    ),
    *samples("result_type", "x, y | x, 2 | 1, y | x, 1.5", x=real("M N"), y=real("N")),
    *samples(
        "histc",
        "x | x, 5 | x, 4, -1, 1 | x, bins=3, min=0, max=2",
        wrong="x, 0 | x, 3, 2, 1",
        x=real("M N"),
    ),
    *samples("mul", "x, y | x, 2 | x, other=y", x=real("M N"), y=real("N")),
    *samples(
        "floor_divide",
        "x, y | x, 2 | x, other=y",
        x=real("M N", constant=True),
        y=real("N", 0.5, 3, constant=True),
    ),
    *samples(
        "cov",
        "x | x, correction=0 | x, fweights=i, aweights=w",
        x=real("M N"),
        i=index("N", "3"),
        w=real("N", 0.5, 1, constant=True),
        unlike={"size|0-d|dtype|special|layout expanded": "tests/reductions"},
    ),
    *samples("corrcoef", "x", x=real("M N"), unlike={"size|expanded|special|dtype": "0 / 0"}),
    *samples(
        "renorm",
        "x, 2, 0, 1.0 | x, p=1, dim=1, maxnorm=0.5",
        wrong="x, 2, 2, 1.0",
        x=real("M N"),
    ),
]
