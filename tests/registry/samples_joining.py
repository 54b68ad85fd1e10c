"""Tensors put together: cat, stack, grids and their kin."""

from registry.sample import mask, real, samples

SAMPLES = [
    *samples(
        "cat concat concatenate",
        "(x, y) | (x, y), 0 | (x, x), -1 | (x,) | tensors=[x, y, x], dim=0 | (x, m) | (x, e)",
        wrong="() | (x, z) | (x, y), 2 | (x, 3) | x",
        x=real("M N"),
        y=real("P N"),
        z=real("7"),
        m=mask("K N"),
        e=real("0"),
        unlike={"error message": "another name is the same function, which says its first"},
    ),
    *samples(
        "stack",
        "(x, y) | (x, y), 1 | (x,), -1 | tensors=(x, x), dim=2 | (x, m)",
        wrong="() | (x, z) | (x, y), 3",
        x=real("M N"),
        y=real("M N"),
        z=real("7"),
        m=mask("M N"),
    ),
    *samples(
        "hstack vstack dstack column_stack row_stack",
        "(x, y) | (v, w) | (s, s) | tensors=(x, x, y) | (x, m)",
        wrong="() | (x, z) | 3",
        x=real("M N"),
        y=real("M N"),
        v=real("N"),
        w=real("N"),
        s=real(),
        z=real("7 7 7 7"),
        m=mask("M N"),
        unlike={"error message": "another name is the same function, which says its first"},
    ),
    *samples(
        "block_diag", "x, y | v, x | s, x | x", x=real("M N"), y=real("K P"), v=real("N"), s=real()
    ),
    *samples(
        "cartesian_prod",
        "v, w | v | v, w, v",
        wrong="x, v",
        v=real("M"),
        w=real("N"),
        x=real("M N"),
        large={"M": 31, "N": 41},
    ),
    *samples(
        "combinations",
        "v | v, 3 | v, 2, True | v, r=1, with_replacement=True",
        wrong="x | v, -1",
        v=real("N"),
        x=real("M N"),
        large={"N": 30},
    ),
    *samples(
        "meshgrid",
        """
        v, w, indexing='ij' | v, w, indexing='xy' | (v, w, v), indexing='ij' | s, v, indexing='ij'
        """,
        wrong="v, x, indexing='ij' | v, w, indexing='ab'",
        v=real("M"),
        w=real("N"),
        s=real(),
        x=real("M N"),
        large={"M": 31, "N": 41},
        unlike={"error message": "PyTorch prints the tensor"},
    ),
    *samples(
        "vander",
        "v | v, 3 | v, N=2, increasing=True | v, None, True",
        wrong="x | v, -1",
        v=real("N"),
        x=real("M N"),
        large={"N": 300},
        unlike={"gradient": "PyTorch changes in place what it needs again"},
    ),
    *samples(
        "diagonal_scatter",
        "x, v | x, v[1:], 1 | x, src=v, offset=0, dim1=1, dim2=0",
        wrong="x, x | x, v, 0, 0, 0",
        x=real("M M"),
        v=real("M"),
        large={"M": 301},
    ),
    *samples(
        "select_scatter",
        "x, v, 0, 1 | x, w, -1, -1 | x, src=v, dim=0, index=0",
        wrong="x, w, 0, 0 | x, v, 0, 9",
        x=real("M N"),
        v=real("N"),
        w=real("M"),
    ),
    *samples(
        "slice_scatter",
        "x, x * 2 | x, y, 0, 1, 2 | x, y, dim=0, start=0, end=3, step=3 | x, y, 0, -1",
        wrong="x, x, 0, 1 | x, y, 2",
        x=real("M N"),
        y=real("1 N"),
    ),
]
