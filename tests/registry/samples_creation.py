"""Tensors from sizes, numbers and data."""

from registry.sample import real, samples

SAMPLES = [
    *samples(
        "arange",
        """
        5 | 2.5 | 1, 5 | 0, 1, 0.25 | start=1, end=4, step=2 | 5, dtype=T.float64
        3, -1, -1, dtype=T.float64 | end=3
        """,
        wrong="5, 1 | 0, 5, 0",
    ),
    *samples(
        "linspace",
        "0, 1, 5 | start=0, end=9, steps=4, dtype=T.float64 | 1, 0, 1 | 0, 1, 0",
        wrong="0, 1, -1",
    ),
    *samples(
        "logspace",
        "0, 1, 5 | 0, 3, 4, 2.0 | start=0, end=2, steps=3, base=3, dtype=T.float64",
        wrong="0, 1, -1",
    ),
    *samples(
        "zeros ones", "2, 3 | (2, 3) | 0 | size=(2,), dtype=T.int32 | ()", wrong="-1 | 'a' | 1.5"
    ),
    *samples(
        "eye", "3 | 2, 3 | n=3, m=2, dtype=T.int64 | n=2, dtype=T.float64 | 0", wrong="-1 | 2, -1"
    ),
    *samples(
        "full",
        "(2, 3), 1.5 | (), True | (2,), fill_value=3 | size=(2,), fill_value=1, dtype=T.float64",
        wrong="2, 3 | (-1,), 0",
    ),
    *samples("zeros_like ones_like", "x | x, dtype=T.int32 | input=x", wrong="3", x=real("M N")),
    *samples("full_like", "x, 2 | x, fill_value=1.5, dtype=T.float64", wrong="x", x=real("M N")),
    *samples(
        "Tensor.new_zeros Tensor.new_ones",
        "x, 2, 3 | x, (2,) | x, size=(2, 1), dtype=T.int32",
        wrong="x, -1",
        x=real("M N"),
    ),
    *samples(
        "Tensor.new_full",
        "x, (2, 3), 1.5 | x, size=(2,), fill_value=3, dtype=T.int64",
        wrong="x, 2, 2",
        x=real("M N"),
    ),
    *samples(
        "Tensor.new_tensor",
        "x, [1, 2] | x, data=[[1.5]], dtype=T.float64 | x, 3",
        wrong="x, [[1], [2, 3]]",
        x=real("M N"),
    ),
    *samples("range", "0, 4 | 1, 2, 0.25 | start=1, end=4, step=2, dtype=T.float64"),
    *samples("scalar_tensor", "2.5 | 3, dtype=T.int64 | s=True"),
    *samples(
        "tensor", "[1, 2] | 1.5 | data=[[True]], dtype=T.float64", wrong="'a' | [[1], [2, 3]]"
    ),
    *samples("as_tensor", "[1, 2] | data=[1.5], dtype=T.float64 | x", x=real("M N")),
    *samples(
        "asarray",
        "[1, 2] | obj=[1.5], dtype=T.float64, copy=True, requires_grad=True | x",
        x=real("M N"),
    ),
    *samples(
        "frombuffer",
        """
        bytearray(range(8)), dtype=T.uint8
        buffer=bytearray(range(8)), dtype=T.int16, count=2, offset=2
        """,
        wrong="bytearray(3), dtype=T.int32 | bytearray(4), dtype=T.int8, offset=5",
    ),
]
