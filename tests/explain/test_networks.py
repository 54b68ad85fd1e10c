"""Networks: by sample, by unit, by term, flow; the truth is written out by hand in plain Python."""

import math

import pytest

import backlit as torch
from backlit import nn

INPUTS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
TARGETS = [0.0, 1.0, 1.0, 0.0]


class Xor(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 2)
        self.output = nn.Linear(2, 1)

    def forward(self, x):
        h = torch.sigmoid(self.hidden(x))
        return torch.sigmoid(self.output(h))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def by_hand(net, sample):
    """The gradients that one sample of the mean squared error over four makes."""
    x, t = INPUTS[sample], TARGETS[sample]
    w1, b1 = net.hidden.weight.tolist(), net.hidden.bias.tolist()
    w2, b2 = net.output.weight.tolist()[0], net.output.bias.tolist()[0]
    h = [sigmoid(w[0] * x[0] + w[1] * x[1] + b) for w, b in zip(w1, b1, strict=True)]
    out = sigmoid(w2[0] * h[0] + w2[1] * h[1] + b2)
    delta = 2 / 4 * (out - t) * out * (1 - out)
    hidden = [delta * w2[i] * h[i] * (1 - h[i]) for i in range(2)]
    return {
        "hidden.weight": [[hidden[i] * x[j] for j in range(2)] for i in range(2)],
        "hidden.bias": hidden,
        "output.weight": [[delta * h[0], delta * h[1]]],
        "output.bias": [delta],
    }


@pytest.fixture
def xor():
    torch.manual_seed(3)
    net = Xor().double()
    x = torch.tensor(INPUTS, dtype=torch.float64)
    y = torch.tensor(TARGETS, dtype=torch.float64).reshape(4, 1)
    loss = nn.functional.mse_loss(net(x), y)
    return net, loss


@pytest.mark.parametrize("name", ["hidden.weight", "hidden.bias", "output.weight", "output.bias"])
def test_xor_by_sample(xor, name):
    net, loss = xor
    parts = torch.explain(loss).by_sample(name)
    assert len(parts) == 4
    expected = [by_hand(net, n)[name] for n in range(4)]
    for part in parts:
        mine = torch.as_tensor(part.value, dtype=torch.float64).reshape(-1)
        theirs = torch.tensor(expected[part.position], dtype=torch.float64).reshape(-1)
        assert (mine - theirs).abs().max().item() < 1e-15
    sizes = [torch.as_tensor(part.value).norm().item() for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    gradient = dict(net.named_parameters())[name]
    (engine,) = torch.autograd.grad(loss, gradient, retain_graph=True)
    difference = torch.as_tensor(parts.total, dtype=torch.float64).reshape(-1) - engine.reshape(-1)
    assert difference.abs().max().item() < 1e-15


def test_xor_starts_on_a_plateau(xor):
    """The four samples nearly cancel: that is why the loss stays near 0.25."""
    _, loss = xor
    assert abs(loss.item() - 0.25) < 0.02
    parts = torch.explain(loss).by_sample("output.bias")
    assert abs(parts.whole) < 0.5 * sum(abs(part.value) for part in parts)


def test_one_element_by_sample_has_both_factors(xor):
    net, loss = xor
    parts = torch.explain(loss, net.hidden.weight[1, 0]).by_sample()
    for part in parts:
        expected = by_hand(net, part.position)["hidden.weight"][1][0]
        assert abs(part.value - expected) < 1e-16
        if expected:
            arriving, local = part.factors
            assert local == INPUTS[part.position][0]
            assert abs(arriving * local - expected) < 1e-16


def test_one_element_by_unit():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    x = torch.randn(6, 5, dtype=torch.float64)
    loss = (net(x) ** 2).mean()
    parts = torch.explain(loss, net[0].weight, at=(2, 3)).by_unit()
    h = torch.tanh(net[0](x)).detach()
    out = net(x).detach()
    for part in parts:
        k = part.position
        g = 2 * out[:, k] / out.numel() * net[2].weight[k, 2].item()
        expected = (g * (1 - h[:, 2] ** 2) * x[:, 3]).sum().item()
        assert abs(part.value - expected) < 1e-15
    assert abs(parts.total - parts.whole) < 1e-16


def test_by_term():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    data = ((w - 3.0) ** 2).sum()
    penalty = w.abs().sum()
    loss = data + 0.1 * penalty
    parts = torch.explain(loss, w).by_term()
    values = {part.label: part.value.tolist() for part in parts}
    assert values["data"] == [-4.0, -2.0]
    assert values["0.1·penalty"] == pytest.approx([0.1, 0.1])
    assert [p.label for p in parts] == ["data", "0.1·penalty"]


def test_a_penalty_belongs_to_no_sample(xor):
    net, loss = xor
    total = loss + 0.1 * (net.hidden.weight**2).sum()
    parts = torch.explain(total).by_sample("hidden.weight")
    difference = parts.rest - 0.2 * net.hidden.weight.detach()
    assert difference.abs().max().item() < 1e-15
    assert "from no sample" in str(parts)


def test_flow_attributes_zeros():
    x = torch.tensor([[-1.0], [-2.0], [3.0], [-0.5]])
    w = torch.tensor([[2.0]], requires_grad=True)
    loss = torch.relu(x @ w).sum()
    flow = torch.explain(loss, w).flow()
    (route,) = flow.routes
    assert route.steps[0].node.name == "loss"
    assert "3 of 4 inputs below 0" in str(flow)
    assert route.steps[-1].norm == 3.0


def test_flow_marks_the_largest_shrink_and_growth():
    a = torch.tensor(1.0, requires_grad=True)
    b = a * 100.0
    c = b * 0.001
    d = c * 3.0
    (route,) = torch.explain(d, a).flow().routes
    factors = [step.factor for step in route.steps]
    assert factors == pytest.approx([1.0, 3.0, 0.001, 100.0])
    assert [step.mark for step in route.steps] == ["", "", "largest shrink", "largest growth"]


def test_a_dead_relu_is_a_zero_with_a_reason():
    x = torch.tensor(-0.3, requires_grad=True)
    y = torch.relu(x) * 2
    explanation = torch.explain(y, x)
    assert explanation["x"].gradient.item() == 0
    assert "relu: x = -0.3000 < 0" in str(explanation)
    assert "zero, first behind relu" in str(explanation.flow())


def test_matrix_notation(xor):
    _, loss = xor
    text = str(torch.explain(loss, "hidden.weight"))
    assert "⊙" in text and "ᵀ" in text and "linear(" in text


def test_a_wide_row_leaves_the_names_their_room():
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 1))
    text = str(torch.explain(model(torch.ones(1, 4)).sum()))
    assert "model.1.weight  variable" in text
    assert all(len(line) <= 80 for line in text.splitlines())
