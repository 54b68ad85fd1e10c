"""AdaptiveLogSoftmaxWithLoss beside PyTorch: the same seed gives the same layer."""

import pytest
from derivatives import numbers

from oracle import same


def layer(torch, **options):
    torch.manual_seed(3)
    return torch.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10, 15], div_value=2.0, **options)


@pytest.mark.parametrize("target", ([1, 6, 19, 4], [0, 1, 2, 3], [12, 13, 12, 5]))
def test_values_and_gradients(target):
    def run(torch):
        made = layer(torch, head_bias=True, dtype=torch.float64)
        x = torch.tensor(numbers(4, 8), dtype=torch.float64, requires_grad=True)
        result = made(x, torch.tensor(target))
        (result.output * torch.arange(4.0)).sum().backward(retain_graph=True)
        result.loss.backward()
        gradients = [p.grad for p in (x, *made.parameters())]
        return result, result.loss, gradients, made.state_dict()

    same(run, 1e-12)


def test_classes_and_predictions():
    def run(torch):
        made = layer(torch)
        x = torch.tensor(numbers(40, 8)) * 4
        single = made(x[0], torch.tensor(7))
        made.reset_parameters()
        return made.log_prob(x), made.predict(x), single, made.predict(x[:1]), repr(made)

    same(run, 1e-5)


@pytest.mark.parametrize("cutoffs", ([], [5, 5], [5, 20], [0, 3], [5, 4], [2.5, 3], [-1, 4]))
def test_wrong_cutoffs(cutoffs):
    made = same(lambda torch: torch.nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs))
    assert made[:2] == ("raised", "ValueError")


@pytest.mark.parametrize(
    "shape, target",
    [
        ((3, 8), [1, 6]),
        ((3, 8), [[1, 6, 2]]),
        ((3, 8), 1),
        ((8,), [1]),
        ((1, 3, 8), [1]),
        ((3, 8), [1, 20, 2]),
        ((3, 8), [1, -1, 2]),
    ],
)
def test_wrong_calls(shape, target):
    def run(torch):
        return layer(torch)(torch.zeros(shape), torch.tensor(target))

    assert same(run)[0] == "raised"
