"""CTC beside PyTorch, and beside the sum over all alignments."""

import itertools
import math

import pytest
from derivatives import numbers

import backlit

from oracle import same

TARGETS = [[1, 2, 0], [3, 3, 1], [2, 0, 0]]
ONE_AFTER_THE_OTHER = [1, 2, 3, 3, 1, 2]


def log_probs(torch, *shape):
    logits = torch.tensor(numbers(*shape), dtype=torch.float64, requires_grad=True)
    return logits, logits.log_softmax(-1)


def with_gradients(torch, loss, *inputs):
    weights = torch.arange(1.0, loss.numel() + 1, dtype=torch.float64).reshape(loss.shape)
    return loss, *torch.autograd.grad((loss * weights).sum(), inputs)


@pytest.mark.parametrize("reduction", ("none", "sum", "mean"))
@pytest.mark.parametrize("zero_infinity", (False, True))
@pytest.mark.parametrize("steps", ((6, 5, 4), (6, 3, 0), (2, 6, 1)))
def test_padded_and_joined_targets(reduction, zero_infinity, steps):
    """Repeated labels need a blank between them, so three steps are too few for the second."""

    def run(torch):
        for target in (TARGETS, ONE_AFTER_THE_OTHER):
            for lengths in (tuple, torch.tensor, list):
                logits, x = log_probs(torch, 6, 3, 4)
                loss = torch.nn.functional.ctc_loss(
                    x,
                    torch.tensor(target),
                    lengths(steps),
                    lengths((2, 3, 1)),
                    reduction=reduction,
                    zero_infinity=zero_infinity,
                )
                yield with_gradients(torch, loss, x, logits)

    same(lambda torch: list(run(torch)), 1e-12)


@pytest.mark.parametrize("dtype", ("int32", "int64", "float32"))
def test_types_of_targets(dtype):
    def run(torch):
        _, x = log_probs(torch, 5, 2, 3)
        target = torch.tensor([[1, 2], [2, 2]]).to(getattr(torch, dtype))
        return torch.nn.functional.ctc_loss(x, target, (5, 4), (2, 1))

    same(run, 1e-12)


def test_one_sample_another_blank_and_no_labels():
    def run(torch):
        logits, x = log_probs(torch, 4, 3)
        loss = torch.nn.CTCLoss(blank=2, reduction="none")
        one = loss(x, torch.tensor([0, 1]), torch.tensor(4), torch.tensor(2))
        _, batch = log_probs(torch, 4, 2, 3)
        empty = loss(batch, torch.tensor([[5, -1], [0, 1]]), (4, 3), (0, 2))
        return with_gradients(torch, one, logits), empty, repr(loss)

    same(run, 1e-12)


def test_sum_over_all_alignments():
    x = backlit.tensor(numbers(4, 3), dtype=backlit.float64).log_softmax(-1)
    steps = x.tolist()
    chance = {}
    for alignment in itertools.product(range(3), repeat=4):
        merged = [c for c, _ in itertools.groupby(alignment)]
        spelt = tuple(c for c in merged if c)
        probability = math.exp(sum(step[c] for step, c in zip(steps, alignment, strict=True)))
        chance[spelt] = chance.get(spelt, 0.0) + probability
    for spelt, probability in chance.items():
        target = backlit.tensor(spelt, dtype=backlit.int64)
        loss = backlit.nn.functional.ctc_loss(x, target, (4,), (len(spelt),), reduction="sum")
        assert loss.item() == pytest.approx(-math.log(probability), rel=1e-12)


def test_second_derivatives():
    """PyTorch has none; gradgradcheck compares with finite differences."""
    logits = backlit.tensor(numbers(4, 2, 3), dtype=backlit.float64, requires_grad=True)

    def loss(z):
        target = backlit.tensor([[1, 1], [2, 0]])
        return backlit.nn.functional.ctc_loss(z.log_softmax(-1), target, (4, 3), (2, 1))

    assert backlit.autograd.gradcheck(loss, (logits,))
    assert backlit.autograd.gradgradcheck(loss, (logits,))


WRONG = {
    "reduction": ([[1, 2], [2, 2]], (5, 4), (2, 1), {"reduction": "all"}),
    "joined too long": ([1, 2, 1, 1], (5, 4), (2, 1), {}),
    "joined too short": ([1, 2], (5, 4), (2, 1), {}),
    "padded too short": ([[1, 2], [2, 2]], (5, 4), (2, 3), {}),
    "targets of one": ([[1, 2]], (5, 4), (2, 1), {}),
    "dimensions": ([[[1, 2]]], (5, 4), (2, 1), {}),
    "steps": ([[1, 2], [2, 2]], (6, 4), (2, 1), {}),
    "negative steps": ([[1, 2], [2, 2]], (5, -4), (2, 1), {}),
    "negative length": ([[1, 2], [2, 2]], (5, 4), (2, -1), {}),
    "one step count": ([[1, 2], [2, 2]], (5,), (2, 1), {}),
    "one length": ([[1, 2], [2, 2]], (5, 4), (2,), {}),
    "blank": ([[1, 2], [2, 2]], (5, 4), (2, 1), {"blank": 3}),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_calls(case):
    target, steps, lengths, options = WRONG[case]

    def run(torch):
        _, x = log_probs(torch, 5, 2, 3)
        return torch.nn.functional.ctc_loss(x, torch.tensor(target), steps, lengths, **options)

    assert same(run)[0] == "raised"


def test_wrong_tensors():
    def floating_lengths(torch):
        _, x = log_probs(torch, 5, 1, 3)
        lengths = torch.tensor([5.0]), torch.tensor([1])
        return torch.nn.functional.ctc_loss(x, torch.tensor([[1]]), *lengths)

    def empty(torch):
        x = torch.zeros(0, 1, 3)
        return torch.nn.functional.ctc_loss(x, torch.tensor([[1]]), (0,), (1,))

    def vector(torch):
        return torch.nn.functional.ctc_loss(torch.zeros(3), torch.tensor([[1]]), (1,), (1,))

    for run in (floating_lengths, empty, vector):
        assert same(run)[0] == "raised"
    with pytest.raises(TypeError, match="two tensors or two sequences"):
        x = backlit.zeros(5, 1, 3)
        backlit.nn.functional.ctc_loss(x, backlit.tensor([[1]]), (5,), backlit.tensor([1]))
