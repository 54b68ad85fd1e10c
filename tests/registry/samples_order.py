"""Sorting, selection, sets and scans."""

from registry.sample import index, real, rising, samples

# PyTorch's order of equal elements changes with sizes and versions; its choice is not compared.
OPEN = {"expanded|dtype|special": "PyTorch leaves open which of equal elements is named"}

SAMPLES = [
    *samples(
        "cumsum cumprod",
        "x, 0 | x, -1 | x, 1, dtype=T.float64 | x, dim=0, dtype=T.float64",
        wrong="x | x, 2",
        x=real("M N", 0.7, 1.3),
        large={"M": 11, "N": 10_007},
        unlike={"dtype complex128": "PyTorch's derivative of cumprod mixes them with their parts"},
    ),
    *samples("cumsum cumprod", "v, 0", v=real("N", 0.99, 1.01)),
    *samples("cummax cummin logcumsumexp", "x, 0 | x, dim=-1", wrong="x | x, 2", x=real("M N")),
    *samples(
        "sort",
        """
        x | x, 0 | x, -1, True | x, dim=0, descending=True | x, stable=True | x, stable=True, dim=0
        x, stable=True, dim=1, descending=True
        """,
        wrong="x, 2 | x, stable=3",
        x=real("M N"),
    ),
    *samples(
        "argsort",
        "x | x, 0 | x, -1, True | x, stable=True, dim=0, descending=True",
        wrong="x, 2",
        x=real("M N"),
    ),
    *samples("msort", "x", x=real("M N")),
    *samples(
        "topk",
        "x, K | x, 1, 0 | x, K, -1, False | x, K, dim=1, largest=True, sorted=True",
        wrong="x, N + 1 | x, -1 | x, 1, 2",
        x=real("M N"),
        unlike=OPEN,
    ),
    *samples(
        "kthvalue",
        "x, K | x, 1, 0 | x, 2, -1, True | x, k=K, dim=1, keepdim=True",
        wrong="x, 0 | x, N + 1 | x, 1, 2",
        x=real("M N"),
        unlike=OPEN,
    ),
    *samples(
        "median nanmedian",
        "x | x, 0 | x, -1, True | x, dim=0, keepdim=True",
        wrong="x, 2",
        x=real("M N"),
        unlike=OPEN,
    ),
    *samples("mode", "x | x, 0 | x, -1, True | x, dim=1", wrong="x, 2", x=real("M N"), unlike=OPEN),
    *samples(
        "unique",
        """
        x | x, True, True | i | i, return_counts=True | i, True, True, True | i, dim=0
        i, sorted=True, return_inverse=True, return_counts=True, dim=1
        """,
        x=real("M N"),
        i=index("M N", "3"),
        large={"M": 31, "N": 1001},
        unlike={"gradient|finite|large": "has no derivative: tests/reductions"},
    ),
    *samples(
        "unique_consecutive",
        "i | i, True, True | i, dim=0 | j, return_inverse=True, return_counts=True, dim=-1 | x",
        x=real("M N"),
        i=index("M N", "3"),
        j=index("N", "2"),
        unlike={"gradient|finite|large": "has no derivative: tests/reductions"},
    ),
    *samples(
        "searchsorted",
        """
        s, x | s, x, right=True | s, x, side='right' | s, x, out_int32=True | s, 0.3
        s, 0.3, right=True, out_int32=True, side='right'
        """,
        wrong="s, x, side='middle' | s, x, right=True, side='left'",
        s=rising("N"),
        x=real("M P"),
        unlike={"special .*(s|all)": "not in order, then", "dtype bool": "works for bools, too"},
    ),
    *samples(
        "searchsorted",
        "s, x | s, x, sorter=T.argsort(s) | s[0], 0.3, sorter=T.argsort(s[0])",
        wrong="s, y",
        s=rising("M N"),
        x=real("M P"),
        y=real("P N"),
        unlike={"special .*(s|all)": "not in order, then", "dtype bool": "works for bools, too"},
    ),
    *samples(
        "bucketize",
        """
        x, s | x, s, right=True | x, s, out_int32=True, right=False
        0.3, s, right=True, out_int32=True
        """,
        wrong="x, x",
        s=rising("N"),
        x=real("M P"),
        unlike={"special .*(s|all)": "not in order, then", "dtype bool": "works for bools, too"},
    ),
    *samples(
        "isin",
        """
        i, j | i, j, assume_unique=False, invert=True | x, y | i, 2
        i, 2, assume_unique=True, invert=True
        2, j | 2, j, assume_unique=True, invert=True
        """,
        i=index("M N", "6"),
        j=index("P", "6"),
        x=real("M N"),
        y=real("P"),
        large={"P": 300},
        unlike={"dtype bool": "works for bools, too"},
    ),
    *samples(
        "bincount",
        "i | i, w | i, minlength=9 | i, weights=w, minlength=2",
        wrong="x | i - 3 | i, w[:1]",
        i=index("N", "6"),
        w=real("N"),
        x=real("N"),
    ),
    *samples(
        "diff",
        "x | x, 2 | x, 1, 0 | x, n=1, dim=-1, prepend=y, append=x | x, 0",
        wrong="x, -1 | x, 1, 2",
        x=real("M N"),
        y=real("M 1"),
    ),
    *samples(
        "cumulative_trapezoid",
        "x | x, y | x, dx=0.5 | x, dx=2, dim=0 | x, x * 2, dim=0",
        x=real("M N"),
        y=real("N"),
        unlike={"special|dtype bool": "as trapezoid"},
    ),
    *samples(
        "trapezoid",
        "x | x, y | x, dx=0.5 | x, dx=2, dim=0 | x, x * 2, dim=0",
        wrong="x, dim=2",
        x=real("M N"),
        y=real("N"),
        unlike={
            "special": "the sum is inf, where PyTorch subtracts inf from inf",
            "dtype bool": "works for bools, too",
        },
    ),
]
