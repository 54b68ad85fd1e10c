"""Padding and packing of sequences against PyTorch."""

import pytest

from oracle import same

SEQUENCES = "[torch.arange(3.), torch.arange(10., 15.), torch.arange(20., 21.)]"
WIDE = "[torch.arange(6.).view(3, 2), torch.arange(10., 20.).view(5, 2)]"
FALLING = "[torch.arange(3.), torch.arange(2.), torch.arange(1.)]"
PADDED = "torch.arange(24.).view(4, 3, 2)"
PACKED = f"rnn.pack_sequence({SEQUENCES}, enforce_sorted=False)"

CALLS = [
    f"rnn.pad_sequence({SEQUENCES})",
    f"rnn.pad_sequence({SEQUENCES}, True)",
    f"rnn.pad_sequence({SEQUENCES}, True, -1.5)",
    f"rnn.pad_sequence({SEQUENCES}, batch_first=True, padding_side='left')",
    f"rnn.pad_sequence({WIDE}, padding_value=7)",
    "rnn.pad_sequence(torch.ones(2, 3))",
    "rnn.pad_sequence([torch.tensor([1, 2]), torch.tensor([3])])",
    f"rnn.pack_sequence({FALLING})",
    PACKED,
    f"rnn.pack_sequence({WIDE}, False)",
    f"rnn.pack_padded_sequence({PADDED}, [4, 2, 1])",
    f"rnn.pack_padded_sequence({PADDED}, torch.tensor([3, 2, 2]))",
    f"rnn.pack_padded_sequence({PADDED}, [1, 4, 2], enforce_sorted=False)",
    f"rnn.pack_padded_sequence({PADDED}, [3, 2, 2, 1], batch_first=True)",
    f"rnn.pad_packed_sequence({PACKED})",
    f"rnn.pad_packed_sequence({PACKED}, True)",
    f"rnn.pad_packed_sequence({PACKED}, True, -2.0)",
    f"rnn.pad_packed_sequence({PACKED}, total_length=7)",
    f"rnn.unpack_sequence({PACKED})",
    f"rnn.unpack_sequence(rnn.pack_sequence({WIDE}, False))",
    f"rnn.unpad_sequence(rnn.pad_sequence({SEQUENCES}), torch.tensor([3, 5, 1]))",
    f"rnn.unpad_sequence(rnn.pad_sequence({SEQUENCES}, True), torch.tensor([3, 5, 1]), True)",
    "rnn.invert_permutation(torch.tensor([2, 0, 3, 1]))",
    "rnn.invert_permutation(None)",
]
WRONG = [
    "rnn.pad_sequence(3)",
    "rnn.pad_sequence([])",
    f"rnn.pad_sequence({SEQUENCES}, padding_side='top')",
    f"rnn.pack_sequence({SEQUENCES})",
    f"rnn.pack_padded_sequence({PADDED}, [1, 4, 2])",
    f"rnn.pack_padded_sequence({PADDED}, [4, 2])",
    f"rnn.pack_padded_sequence({PADDED}, [4, 2, 0])",
    "rnn.pack_padded_sequence(torch.zeros(0, 2), [1, 1])",
    f"rnn.pad_packed_sequence({PACKED}, total_length=3)",
    "rnn.PackedSequence(torch.zeros(3))",
]


@pytest.mark.parametrize("call", CALLS + WRONG)
def test_calls(call):
    same(lambda lib: eval(call, {"torch": lib, "rnn": lib.nn.utils.rnn}))


@pytest.mark.parametrize("batch_first", [False, True])
def test_gradients(batch_first):
    """To padded sequences and back; what is padding gets no gradient."""

    def program(lib):
        rnn = lib.nn.utils.rnn
        leaf = lib.arange(24.0, dtype=lib.float64).view(4, 3, 2).requires_grad_()
        lengths = [2, 3, 1, 3] if batch_first else [1, 4, 2]
        packed = rnn.pack_padded_sequence(leaf, lengths, batch_first, False)
        padded, _ = rnn.pad_packed_sequence(packed, batch_first, -1.0)
        (first,) = lib.autograd.grad((padded**3).sum(), leaf, create_graph=True)
        (second,) = lib.autograd.grad((first**2).sum(), leaf)
        sequences = [lib.ones(n, requires_grad=True) for n in (2, 3)]
        (rnn.pad_sequence(sequences) ** 2).sum().backward()
        return first, second, [s.grad for s in sequences]

    same(program, 1e-12)


def test_packed_sequence_is_a_named_tuple():
    def program(lib):
        packed = eval(PACKED, {"torch": lib, "rnn": lib.nn.utils.rnn})
        data, batch_sizes, order, way_back = packed
        assert isinstance(packed, tuple)
        assert packed.data is data
        assert packed[1] is batch_sizes
        assert packed.to(lib.float32) is packed
        assert packed.cpu() is packed
        assert packed._replace(data=data + 1).sorted_indices is order
        pair = lib.nn.utils.rnn.PackedSequence([data, batch_sizes])
        dtypes = [packed.double(), packed.long(), packed.int(), packed.short(), packed.char()]
        found = [packed.byte(), packed.to(dtype=lib.float64), packed.float(), *dtypes, pair]
        return packed._fields, packed.is_cuda, packed.is_pinned(), way_back, found

    same(program)


@pytest.mark.parametrize(
    "shapes", [((2, 3), (1, 2)), ((2, 3, 4), (1, 3, 5)), ((2, 3, 4), (1, 2, 5))]
)
def test_padding_sequences_of_other_widths(shapes):
    same(lambda t: t.nn.utils.rnn.pad_sequence([t.ones(s) for s in shapes]))


def test_celu_of_integers():
    same(lambda t: t.nn.functional.celu(t.arange(3)))
