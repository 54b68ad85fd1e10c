"""Bags of embeddings against PyTorch; limits of norms; gradients scaled by frequency."""

import numpy as np
import pytest

import backlit

from oracle import same

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")

FLAT = "torch.tensor([1, 2, 3, 0, 1, 1])"
BAGS = "torch.tensor([0, 2, 2, 5])"
GRID = "torch.tensor([[1, 2], [3, 0], [1, 1]])"
CALLS = [
    f"F.embedding_bag({GRID}, w, mode=mode)",
    f"F.embedding_bag({FLAT}, w, {BAGS}, mode=mode)",
    f"F.embedding_bag({FLAT}.int(), w, {BAGS}.int(), mode=mode)",
    f"F.embedding_bag({FLAT}, w, {BAGS}, mode=mode, padding_idx=1)",
    f"F.embedding_bag({FLAT}, w, {BAGS}, mode=mode, padding_idx=-4)",
    f"F.embedding_bag({FLAT}, w, torch.tensor([0, 3, 6]), mode=mode, include_last_offset=True)",
    f"F.embedding_bag({FLAT}[:0], w, torch.tensor([0, 0]), mode=mode)",
    f"F.embedding_bag({GRID}[:0], w, mode=mode)",
    f"F.embedding_bag({FLAT}, w.t().contiguous().t(), {BAGS}, mode=mode)",
]
WEIGHTED = [
    f"F.embedding_bag({FLAT}, w, {BAGS}, mode='sum', per_sample_weights=s)",
    f"F.embedding_bag({FLAT}, w, {BAGS}, mode='sum', per_sample_weights=s, padding_idx=1)",
    f"F.embedding_bag({GRID}, w, mode='sum', per_sample_weights=s.view(3, 2))",
]
WRONG = [
    f"F.embedding_bag({FLAT}, w, {BAGS}, per_sample_weights=s)",
    f"F.embedding_bag({FLAT}, w, {BAGS}, mode='sum', per_sample_weights=s[1:])",
    f"F.embedding_bag({FLAT}, w, {BAGS}, mode='sum', per_sample_weights=s.float())",
    f"F.embedding_bag({GRID}, w, {BAGS})",
    f"F.embedding_bag({FLAT}, w)",
    f"F.embedding_bag({FLAT}, w, {BAGS}[None])",
    f"F.embedding_bag({FLAT}, w, {BAGS} + 1)",
    f"F.embedding_bag({FLAT}, w, torch.tensor([0, 7]))",
    f"F.embedding_bag({FLAT} + 9, w, {BAGS})",
    f"F.embedding_bag({FLAT}, w, {BAGS}, mode='min')",
    f"F.embedding_bag({FLAT}.float(), w, {BAGS})",
    f"F.embedding_bag({FLAT}, w, {BAGS}, mode='max', scale_grad_by_freq=True)",
    f"F.embedding_bag({FLAT}[None, None], w)",
    f"F.embedding_bag({FLAT}, w, {BAGS}, padding_idx=4)",
    f"F.embedding_bag({FLAT}, w[0], {BAGS})",
    "nn.EmbeddingBag(4, 3, padding_idx=4)",
    "nn.EmbeddingBag(4, 3, _weight=w.t())",
    "nn.EmbeddingBag.from_pretrained(w[0])",
]


def leaves(lib):
    lib.manual_seed(0)
    weight = lib.rand(4, 3, dtype=lib.float64).requires_grad_()
    return weight, lib.rand(6, dtype=lib.float64).requires_grad_()


def run(call, lib, mode="sum"):
    w, s = leaves(lib)
    names = {"torch": lib, "nn": lib.nn, "F": lib.nn.functional, "w": w, "s": s, "mode": mode}
    y = eval(call, names)
    (y**2).sum().backward()
    return y, w.grad, s.grad


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("call", CALLS)
def test_values_and_gradients(call, mode):
    same(lambda lib: run(call, lib, mode), 1e-12)


@pytest.mark.parametrize("call", WEIGHTED)
def test_weighted_samples(call):
    same(lambda lib: run(call, lib), 1e-12)


@pytest.mark.parametrize("call", WRONG)
def test_wrong_calls(call):
    same(lambda lib: run(call, lib))


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_second_derivatives(mode):
    """Which PyTorch does not have: against finite differences, and the same from single rows."""
    w, s = leaves(backlit)
    index, offsets = eval(FLAT, {"torch": backlit}), eval(BAGS, {"torch": backlit})
    samples = s if mode == "sum" else None

    def bags(w, *samples):
        weights = samples[0] if samples else None
        bag = backlit.nn.functional.embedding_bag
        return bag(index, w, offsets, mode=mode, per_sample_weights=weights)

    given = (w,) if samples is None else (w, samples)
    assert backlit.autograd.gradcheck(bags, given)
    assert backlit.autograd.gradgradcheck(bags, given)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_same_bits_at_any_number_of_threads(mode):
    before, found = backlit.get_num_threads(), []
    random = np.random.RandomState(0)
    index = backlit.tensor(random.randint(0, 50, 4000))
    offsets = backlit.tensor(np.arange(0, 4000, 13))
    try:
        for threads in (1, 2, 5):
            backlit.set_num_threads(threads)
            backlit.manual_seed(0)
            bag = backlit.nn.EmbeddingBag(50, 40, mode=mode)
            y = bag(index, offsets)
            (y**2).sum().backward()
            found.append([y.detach().numpy().tobytes(), bag.weight.grad.numpy().tobytes()])
    finally:
        backlit.set_num_threads(before)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    "text",
    [
        "EmbeddingBag(5, 3)",
        "EmbeddingBag(5, 3, padding_idx=-2, mode='sum')",
        "EmbeddingBag(5, 3, max_norm=1.0, norm_type=1.0, mode='max')",
        "EmbeddingBag(5, 3, include_last_offset=True)",
        "EmbeddingBag.from_pretrained(torch.ones(5, 3), padding_idx=1)",
        "EmbeddingBag.from_pretrained(torch.ones(5, 3), freeze=False)",
    ],
)
def test_module(text):
    def program(lib):
        lib.manual_seed(0)
        bag = eval(text, {"torch": lib, **vars(lib.nn)})
        y = bag(lib.tensor([1, 2, 2, 3]), lib.tensor([0, 3, 4]))
        if y.requires_grad:
            y.sum().backward()
        return repr(bag), y, bag.weight, bag.weight.grad, bag.weight.requires_grad

    same(program, 1e-6)


@pytest.mark.parametrize("padding", [None, 1])
def test_embedding_scales_gradients_by_frequency(padding):
    def program(lib):
        w, _ = leaves(lib)
        index = lib.tensor([[1, 1, 2], [1, 2, 3]])
        y = lib.nn.functional.embedding(index, w, padding, scale_grad_by_freq=True)
        (g,) = lib.autograd.grad((y**2).sum(), w, create_graph=lib is backlit)
        return y, g

    same(program, 1e-12)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags_scale_gradients_by_frequency(mode):
    """By how often an index occurs itself; PyTorch 2.13 scales rows by the counts of others."""
    index, offsets = eval(FLAT, {"torch": backlit}), eval(BAGS, {"torch": backlit})
    gradients = []
    for scale in (False, True):
        w, _ = leaves(backlit)
        bag = backlit.nn.functional.embedding_bag
        y = bag(index, w, offsets, mode=mode, scale_grad_by_freq=scale)
        gradients.append(backlit.autograd.grad((y**2).sum(), w)[0])
    count = backlit.bincount(index, minlength=4).clamp(min=1).unsqueeze(1)
    assert backlit.allclose(gradients[1], gradients[0] / count)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_the_last_offset_ends_the_last_bag(mode):
    """As documented; some of PyTorch's kernels go on to the last index instead."""
    index, offsets = eval(FLAT, {"torch": backlit}), backlit.tensor([0, 3, 4])
    w, s = leaves(backlit)
    weights = s if mode == "sum" else None
    bag = backlit.nn.functional.embedding_bag
    kept = None if weights is None else s[:4]
    y = bag(index, w, offsets, None, 2, False, mode, False, weights, True)
    expected = bag(index[:4], w, offsets[:2], None, 2, False, mode, False, kept)
    assert y.tolist() == expected.tolist()
    for ours, theirs in zip(
        backlit.autograd.grad(y.sum(), (w, s), allow_unused=True),
        backlit.autograd.grad(expected.sum(), (w, s), allow_unused=True),
        strict=True,
    ):
        assert (ours is None and theirs is None) or ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("name", ["Embedding", "EmbeddingBag"])
def test_sparse_gradients_are_refused(name):
    layer = getattr(backlit.nn, name)(3, 2, sparse=True)
    with pytest.raises(NotImplementedError, match="sparse gradients are not implemented"):
        layer(backlit.tensor([[0, 1]]))
