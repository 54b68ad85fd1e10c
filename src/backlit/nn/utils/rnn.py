"""`nn.utils.rnn`: sequences of several lengths, padded to one tensor or packed into one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import backlit as bl

if TYPE_CHECKING:
    from typing_extensions import Self

    from backlit import Tensor


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Sequences of several lengths without padding: the first step of all, the second, and so on.

    `data` holds the rows of all steps, (sum of the lengths, *); `batch_sizes` how many of them
    belong to each step, longest sequence first. `sorted_indices` is the order in which the
    sequences were put for that, `unsorted_indices` the way back; None if nothing was reordered.
    Made by `pack_sequence` and `pack_padded_sequence`.

        >>> pack_sequence([backlit.tensor([1, 2, 3]), backlit.tensor([4])]).data
        tensor([1, 4, 2, 3])
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """The same with `data.to(...)`; itself where that changes nothing."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def cpu(self, *args: Any, **kwargs: Any) -> Self:
        """`to("cpu")`."""
        return self.to(*args, **{"device": "cpu", **kwargs})

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        """`to("cuda")`."""
        return self.to(*args, **{"device": "cuda", **kwargs})

    def pin_memory(self) -> Self:
        """Not here: pinned memory is for copies to an accelerator."""
        raise NotImplementedError(
            "backlit: pin_memory() of a PackedSequence; there is only the CPU"
        )

    def double(self) -> Self:
        """`to(float64)`."""
        return self.to(dtype=bl.float64)

    def float(self) -> Self:
        """`to(float32)`."""
        return self.to(dtype=bl.float32)

    def half(self) -> Self:
        """`to(float16)`."""
        return self.to(dtype=bl.float16)

    def long(self) -> Self:
        """`to(int64)`."""
        return self.to(dtype=bl.int64)

    def int(self) -> Self:
        """`to(int32)`."""
        return self.to(dtype=bl.int32)

    def short(self) -> Self:
        """`to(int16)`."""
        return self.to(dtype=bl.int16)

    def char(self) -> Self:
        """`to(int8)`."""
        return self.to(dtype=bl.int8)

    def byte(self) -> Self:
        """`to(uint8)`."""
        return self.to(dtype=bl.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data lies on a GPU."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Whether the data lies in pinned memory."""
        return self.data.is_pinned()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes one; None for None.

    >>> invert_permutation(backlit.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    places = bl.arange(permutation.numel(), dtype=permutation.dtype)
    return bl.empty_like(permutation).scatter_(0, permutation, places)


def _steps_in_use(lengths: Tensor, steps: int) -> Tensor:
    """Which sequence is still running at which step. (B) -> (steps, B)."""
    return bl.arange(steps).unsqueeze(1) < lengths


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Pack padded sequences, (T, B, *), or (B, T, *) with batch_first.

    `lengths` must fall, unless enforce_sorted is False: then the sequences are reordered.
    Raises RuntimeError for lengths that do not fall, are not positive, or not one per sequence.

        >>> padded = backlit.tensor([[1, 2, 0], [3, 4, 5]])
        >>> pack_padded_sequence(padded, [2, 3], batch_first=True, enforce_sorted=False).data
        tensor([3, 1, 4, 2, 5])
    """
    counts, order = bl.as_tensor(lengths, dtype=bl.int64), None
    if not enforce_sorted:
        counts, order = bl.sort(counts, descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    padded = input.transpose(0, 1) if batch_first else input
    _check_lengths(padded, counts)
    running = _steps_in_use(counts, int(counts[0]))
    data = padded[: running.size(0)][running]
    return PackedSequence(data, running.sum(1), order)


def _check_lengths(padded: Tensor, lengths: Tensor) -> None:
    if padded.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    steps, batch = padded.shape[:2]
    if lengths.dim() != 1 or lengths.numel() != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {lengths.numel()} "
            f"(batch_size={batch})"
        )
    if int(lengths.min()) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if bool((lengths[1:] > lengths[:-1]).any()):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You "
            "can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement if you do not need ONNX exportability."
        )
    if int(lengths[0]) > steps:
        raise RuntimeError(
            f"Expected lengths up to the {steps} steps of the input, but got {int(lengths[0])}."
        )


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Undo `pack_padded_sequence`: (padded sequences (T, B, *), lengths (B)).

    T is the longest length, or `total_length`; ValueError if that is less.

        >>> packed = pack_sequence([backlit.tensor([1, 2, 3]), backlit.tensor([4])])
        >>> pad_packed_sequence(packed, batch_first=True)
        (tensor([[1, 2, 3],
                [4, 0, 0]]), tensor([3, 1]))
    """
    data, batch_sizes, _, way_back = sequence
    steps, batch = batch_sizes.numel(), int(batch_sizes[0])
    if total_length is not None and total_length < steps:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, "
            f"but got total_length={total_length} and max sequence length being {steps}"
        )
    lengths = (batch_sizes.unsqueeze(1) > bl.arange(batch)).sum(0)
    running = _steps_in_use(lengths, steps if total_length is None else total_length)
    padded = data.new_full([*running.shape, *data.shape[1:]], padding_value)
    padded = padded.index_put((running,), data)
    if batch_first:
        padded = padded.transpose(0, 1)
    if way_back is not None:
        padded = padded.index_select(0 if batch_first else 1, way_back)
        lengths = lengths[way_back]
    return padded, lengths


def _fail_to_fit(a: Tensor, b: Tensor) -> NoReturn:
    sizes = enumerate(zip(a.shape[1:], b.shape[1:], strict=False), 1)
    unequal = [(m, n, dim) for dim, (m, n) in sizes if m != n] if a.dim() == b.dim() else []
    if unequal:
        m, n, dim = unequal[-1]
        raise RuntimeError(
            f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton "
            f"dimension {dim}. Sequences may differ in the first dimension alone."
        )
    raise RuntimeError(
        "pad_sequence: sequences must have one number of dimensions. "
        f"Got shapes {list(a.shape)} and {list(b.shape)}."
    )


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (L_i, *) beside each other in one tensor, (T, B, *), or (B, T, *) with batch_first.

    >>> pad_sequence([backlit.tensor([1, 2, 3]), backlit.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    sequences = tuple(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    steps = max(sequence.size(0) for sequence in sequences)
    first = sequences[0]
    columns = []
    for sequence in sequences:
        if sequence.shape[1:] != first.shape[1:]:
            _fail_to_fit(first, sequence)
        rest = steps - sequence.size(0)
        if rest:
            padding = first.new_full([rest, *first.shape[1:]], padding_value)
            both = [sequence, padding] if padding_side == "right" else [padding, sequence]
            sequence = bl.cat(both)
        columns.append(sequence)
    return bl.stack(columns, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """Undo `pad_sequence`: the first `lengths[i]` steps of each sequence."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [
        sequence[: int(length)] for sequence, length in zip(padded_sequences, lengths, strict=True)
    ]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (L_i, *), longest first unless enforce_sorted is False.

    >>> pack_sequence([backlit.tensor([1, 2]), backlit.tensor([3])]).batch_sizes
    tensor([2, 1])
    """
    lengths = bl.as_tensor([sequence.size(0) for sequence in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Undo `pack_sequence`: the sequences in their first order."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
