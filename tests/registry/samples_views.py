"""Views, and copies of the elements in another arrangement."""

from registry.sample import index, mask, real, samples

SAMPLES = [
    *samples(
        "transpose swapaxes swapdims", "x, 0, 1 | x, -1, 0", wrong="x, 0, 3 | x, 0", x=real("M N P")
    ),
    *samples("t", "x | v", wrong="y", x=real("M N"), v=real("N"), y=real("M N P")),
    *samples("adjoint", "x | y", wrong="v", x=real("M N"), v=real("N"), y=real("M N P")),
    *samples(
        "permute",
        "x, (2, 0, 1) | x, [0, -1, 1] | x, dims=(1, 0, 2)",
        wrong="x, (0, 1) | x, (0, 0, 1) | x, (0, 1, 3)",
        x=real("M N P"),
    ),
    *samples(
        "movedim moveaxis",
        "x, 0, -1 | x, (0, 1), (2, 0) | x, source=1, destination=0",
        wrong="x, (0, 1), (2,) | x, 0, 3 | x, (0, 0), (1, 2)",
        x=real("M N P"),
    ),
    *samples(
        "reshape",
        "x, (N, M) | x, (-1,) | x, shape=(M, 1, N)",
        wrong="x, (7, 5) | x, (-1, -1)",
        x=real("M N"),
    ),
    *samples(
        "Tensor.view",
        "x, (M, N, 1) | x, M, N | x, T.int64 | x, dtype=T.int64 | x, size=(M, N)",
        wrong="x, (7, 5) | x, -1, -1 | x.t(), (N * M,)",
        x=real("M N"),
        unlike={
            "transposed|expanded": "an error, which says at which dimension: below",
            "dtype": "numbers of another size are not seen as these bits",
        },
    ),
    *samples(
        "Tensor.view_as Tensor.reshape_as",
        "x, y",
        wrong="x, x[0]",
        x=real("M N"),
        y=real("M 1 N"),
        unlike={"transposed|expanded": "not viewable"},
    ),
    *samples("Tensor.expand_as", "x, y", wrong="y, x", x=real("M 1"), y=real("M N")),
    *samples("Tensor.type_as", "x, y | x, m", x=real("M N"), y=real("N"), m=mask("N")),
    *samples(
        "Tensor.expand",
        "x, (M, N) | x, P, -1, N | x, size=(M, N), implicit=False",
        wrong="x, (7, 1) | x, N | x, -1, M, 1",
        x=real("M 1"),
    ),
    *samples(
        "broadcast_to", "x, (P, M, N) | x, size=(M, N)", wrong="x, (7, 9) | x, (N,)", x=real("M 1")
    ),
    *samples(
        "broadcast_tensors",
        "x, y | x | x, y, y",
        wrong="x, z",
        x=real("M 1"),
        y=real("N"),
        z=real("7 7"),
    ),
    *samples(
        "Tensor.repeat",
        "x, 2, 1 | x, (2, 1, 2) | x, repeats=(1, 2) | x, 0, 1",
        wrong="x, 2 | x, -1, 1",
        x=real("M N"),
    ),
    *samples("tile", "x, (2,) | x, (2, 1, 2) | x, dims=(2, 2)", wrong="x, (-1,)", x=real("M N")),
    *samples(
        "Tensor.unfold",
        "x, 1, 2, 1 | x, 0, 2, 2 | x, dimension=-1, size=1, step=1",
        wrong="x, 0, 9, 1 | x, 0, 1, 0 | x, 2, 1, 1 | x, 0, -1, 1",
        x=real("M N"),
    ),
    *samples(
        "as_strided",
        "x, (2, 2), (1, 2) | x, (3, 2), (1, 1), 1 | x, size=(2,), stride=(2,), storage_offset=0",
        wrong="x, (2, 2), (1,) | x, (9, 9), (9, 9) | x, (2,), (-1,)",
        x=real("M N"),
        unlike={"transposed|offset|expanded": "PyTorch counts places of the storage, which differ"},
    ),
    *samples(
        "select",
        "x, 0, 1 | x, -1, -1 | x, dim=1, index=0",
        wrong="x, 0, 3 | x, 2, 0 | x, 0, -4",
        x=real("M N"),
    ),
    *samples(
        "narrow",
        "x, 0, 1, 2 | x, -1, 0, 1 | x, dim=1, start=-2, length=1",
        wrong="x, 0, 2, 2 | x, 2, 0, 1 | x, 0, 0, -1",
        x=real("M N"),
    ),
    *samples(
        "squeeze",
        "x | x, 1 | x, 0 | x, (0, 1) | x, dim=-2",
        wrong="x, 3 | x, (0, 0)",
        x=real("M 1 N"),
    ),
    *samples("unsqueeze", "x, 0 | x, -1 | x, dim=1", wrong="x, 3 | x, -4", x=real("M N")),
    *samples(
        "flatten",
        "x | x, 1 | x, 0, 1 | x, start_dim=-2, end_dim=-1",
        wrong="x, 2, 1 | x, 3",
        x=real("M N P"),
    ),
    *samples(
        "unflatten",
        "x, 0, (M, 1) | x, -1, (-1, 1) | x, dim=1, sizes=(1, N)",
        wrong="x, 0, (7, 7) | x, 2, (1,) | x, 0, ()",
        x=real("M N"),
        unlike={"0-d": "a 0-d tensor passes for one of size 1"},
    ),
    *samples("ravel fliplr flipud", "x", x=real("M N")),
    *samples(
        "flip", "x, (0,) | x, (0, -1) | x, dims=(1,)", wrong="x, (0, 0) | x, (2,)", x=real("M N")
    ),
    *samples(
        "roll",
        "x, 1 | x, -2, 0 | x, (1, 2), (0, 1) | x, shifts=1, dims=-1",
        wrong="x, (1, 2) | x, 1, 2",
        x=real("M N"),
        unlike={"0-d": "a 0-d tensor passes for one of size 1"},
    ),
    *samples(
        "rot90",
        "x | x, 2 | x, -1, (1, 0) | x, k=3, dims=(0, 1)",
        wrong="x, 1, (0, 0) | x, 1, (0,) | v",
        x=real("M N"),
        v=real("N"),
    ),
    *samples(
        "diagonal",
        "x | x, 1 | x, -1, 1, 0 | x, offset=1, dim1=0, dim2=1 | y, 0, 0, 2",
        wrong="x, 0, 0, 0 | x, 0, 0, 2 | v",
        x=real("M N"),
        y=real("M N P"),
        v=real("N"),
    ),
    *samples(
        "diag",
        "x | x, 1 | v | v, diagonal=-1",
        wrong="y",
        x=real("M N"),
        y=real("M N P"),
        v=real("N"),
        large={"N": 300},
    ),
    *samples(
        "diag_embed",
        "x | x, 1 | x, -1, 0, 2 | x, offset=1, dim1=0, dim2=1",
        wrong="x, 0, 0, 0",
        x=real("M N"),
        large={"M": 11, "N": 100},
    ),
    *samples("diagflat", "x | x, 1 | x, offset=-1", x=real("M N"), large={"M": 11, "N": 31}),
    *samples(
        "triu tril",
        "x | x, 1 | x, -1 | x, diagonal=2 | y",
        wrong="v",
        x=real("M N"),
        y=real("K M N"),
        v=real("N"),
    ),
    *samples(
        "chunk unsafe_chunk",
        "x, 2 | x, 3, 1 | x, chunks=2, dim=-1",
        wrong="x, 0 | x, 2, 2",
        x=real("M N"),
    ),
    *samples(
        "split",
        "x, 2 | x, 1, 1 | x, (1, M - 1) | x, split_size_or_sections=M, dim=0",
        wrong="x, -1 | x, (1, 7) | x, 2, 2",
        x=real("M N"),
        large={"M": 251, "N": 401},
        unlike={"method": "its parameter is split_size there", "large": "a node per part"},
    ),
    *samples(
        "unsafe_split",
        "x, 2 | x, 1, 1 | x, split_size=M, dim=0",
        wrong="x, -1 | x, 2, 2",
        x=real("M N"),
        large={"M": 11, "N": 23},
    ),
    *samples(
        "split_with_sizes unsafe_split_with_sizes",
        "x, (1, M - 1) | x, (N,), 1 | x, split_sizes=[M], dim=0",
        wrong="x, (1, 7) | x, (1, M - 1), 2 | x, (-1, M + 1)",
        x=real("M N"),
    ),
    *samples(
        "tensor_split",
        "x, 2 | x, (1, 2) | x, 3, 1 | x, T.tensor([1]), 1 | x, 2, dim=-1",
        wrong="x, 0 | x, 2, 2",
        x=real("M N"),
    ),
    *samples(
        "hsplit",
        "x, (1,) | x, 1 | v, (1, 2) | x, (2,)",
        wrong="x, 7 | s, 1",
        x=real("M N"),
        v=real("N"),
        s=real(),
    ),
    *samples(
        "vsplit",
        "x, (1,) | x, 1 | x, (2,)",
        wrong="x, 7 | v, 1",
        x=real("M N"),
        v=real("N"),
    ),
    *samples(
        "dsplit",
        "x, (1,) | x, 1 | x, (2,)",
        wrong="x, 7 | y, 1",
        x=real("M N P"),
        y=real("M N"),
    ),
    *samples(
        "unbind",
        "x | x, 1 | x, dim=-1",
        wrong="x, 2 | s",
        x=real("M N"),
        s=real(),
        large={"M": 23, "N": 31},
    ),
    *samples(
        "clone positive conj conj_physical resolve_conj resolve_neg",
        "x",
        x=real("M N"),
        unlike={"in place": "nothing is written: the tensor is its own conjugate"},
    ),
    *samples("real", "x", x=real("M N")),
    *samples("imag", "", wrong="x", x=real("M N")),
    *samples(
        "Tensor.contiguous Tensor.cpu Tensor.double Tensor.float Tensor.int Tensor.long"
        " Tensor.short Tensor.char Tensor.byte Tensor.bool",
        "x | m | x, memory_format=T.contiguous_format",
        x=real("M N", 0, 3),
        m=mask("N"),
        unlike={"special": "what nan is as an integer is up to the processor"},
    ),
    *samples(
        "Tensor.to",
        """
        x, T.float32 | x, y | x, m | x, 'cpu' | x, 'cpu', T.int64, False, True
        x, T.float64, copy=True | x, y, False, True | x, T.int64, False, True
        x, device='cpu', dtype=T.float64, non_blocking=True
        """,
        wrong="x, 'gpu'",
        x=real("M N", 0, 3),
        y=real("N"),
        m=mask("N"),
    ),
    *samples(
        "atleast_1d atleast_2d atleast_3d",
        "x | s | (x, s) | v, s",
        x=real("M N"),
        s=real(),
        v=real("N"),
    ),
    *samples(
        "repeat_interleave",
        """
        x, 2 | x, 2, 0 | x, i, 1 | v, i | x, repeats=2, dim=-1, output_size=2 * N | i
        i, output_size=int(i.sum()) | x, T.tensor([2]), 0
        x, repeats=i, dim=1, output_size=int(i.sum())
        """,
        wrong="x, -1 | x, 2, 2 | x, i, 0 | x, T.tensor([1.5])",
        x=real("M N"),
        v=real("N"),
        i=index("N", "3"),
        unlike={
            "method": "PyTorch's does not take counts alone",
            "0-d": "a 0-d tensor passes for one of size 1",
        },
    ),
    *samples(
        "as_strided_scatter",
        "x, y, (2, 2), (1, 2) | x, src=y, size=(2, 2), stride=(1, 2), storage_offset=1",
        wrong="x, y, (2, 3), (1, 2)",
        x=real("M N"),
        y=real("2 2"),
        unlike={
            "transposed|offset|expanded": "PyTorch counts places of the storage, which differ",
            "gradient": "PyTorch's is 0 where src is not, and flows where it is",
        },
    ),
    *samples(
        "Tensor.sum_to_size", "x, N | x, (1, N) | x, size=(M, 1)", wrong="x, 7", x=real("M N")
    ),
    # views as copies
    *samples("alias_copy t_copy", "x", x=real("M N")),
    *samples("transpose_copy", "x, 0, 1 | x, dim0=0, dim1=-1", wrong="x, 0, 3", x=real("M N")),
    *samples("permute_copy", "x, (1, 0) | x, dims=(0, 1)", wrong="x, (0, 0)", x=real("M N")),
    *samples("select_copy", "x, 0, 1 | x, dim=-1, index=0", wrong="x, 0, 9", x=real("M N")),
    *samples(
        "slice_copy",
        "x | x, 0, 1 | x, dim=1, start=0, end=-1, step=2 | x, 1, None, 2",
        wrong="x, 2",
        x=real("M N"),
    ),
    *samples(
        "narrow_copy", "x, 0, 1, 2 | x, dim=1, start=0, length=1", wrong="x, 0, 2, 2", x=real("M N")
    ),
    *samples("squeeze_copy", "x | x, 1 | x, (0, 1) | x, dim=-2", wrong="x, 3", x=real("M 1 N")),
    *samples("unsqueeze_copy", "x, 0 | x, dim=-1", wrong="x, 4", x=real("M N")),
    *samples(
        "view_copy",
        "x, (N, M) | x, size=(-1,) | x, T.int64 | x, dtype=T.int64",
        wrong="x, (7, 5)",
        x=real("M N"),
        unlike={
            "transposed|expanded": "as view, it needs memory that can be seen so",
            "dtype": "numbers of another size are not seen as these bits",
        },
    ),
    *samples(
        "expand_copy",
        "x, (M, N) | x, size=(-1, N), implicit=False",
        wrong="x, (7, 1)",
        x=real("M 1"),
    ),
    *samples(
        "diagonal_copy",
        "x | x, 1 | x, offset=-1, dim1=1, dim2=0",
        wrong="x, 0, 0, 0",
        x=real("M N"),
    ),
    *samples(
        "unfold_copy",
        "x, 1, 2, 1 | x, dimension=0, size=1, step=2",
        wrong="x, 0, 9, 1",
        x=real("M N"),
    ),
    *samples(
        "as_strided_copy",
        "x, (2, 2), (1, 2) | x, size=(2,), stride=(2,), storage_offset=1",
        wrong="x, (9, 9), (9, 9)",
        x=real("M N"),
        unlike={"transposed|offset|expanded": "PyTorch counts places of the storage, which differ"},
    ),
    *samples(
        "split_copy", "x, 2 | x, 1, 1", wrong="x, -1", x=real("M N"), large={"M": 11, "N": 23}
    ),
    *samples(
        "split_with_sizes_copy",
        "x, (1, M - 1) | x, split_sizes=(N,), dim=1",
        wrong="x, (1, 7)",
        x=real("M N"),
    ),
    *samples("unbind_copy", "x | x, dim=1", wrong="x, 2", x=real("M N"), large={"M": 11, "N": 23}),
]
