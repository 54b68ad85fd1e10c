"""The worked examples of the tutorials, digit for digit: the truth is computed by hand."""

import pytest

import backlit as torch
from backlit import nn


def products(variable):
    return [(path.factors, path.product) for path in variable.paths]


def test_one_weight():
    x, y = torch.tensor(1.0), torch.tensor(2.0)
    w = torch.tensor(1.0, requires_grad=True)
    y_hat = w * x
    s = y_hat - y
    loss = s**2
    explanation = torch.explain(loss, w)
    graph = explanation.graph
    values = {name: graph.find(name).value.item() for name in ("y_hat", "s", "loss")}
    assert values == {"y_hat": 1.0, "s": -1.0, "loss": 1.0}
    assert products(explanation["w"]) == [([-2.0, 1.0, 1.0], -2.0)]
    text = str(explanation)
    assert "2·s" in text and "2·(-1)" in text
    assert "= -2 · 1 · 1" in text
    assert "loss → s → y_hat → w" in text
    assert text.startswith("∂loss/∂w = -2\n")


def test_vectors():
    x = torch.tensor([2.0, 3.0], requires_grad=True)
    w = torch.tensor([4.0, 5.0], requires_grad=True)
    b = torch.tensor([7.0], requires_grad=True)
    y = torch.dot(w, x) + b
    explanation = torch.explain(y)
    gradients = {v.node.name: v.gradient.tolist() for v in explanation.variables}
    assert gradients == {"x": [4.0, 5.0], "w": [2.0, 3.0], "b": [1.0]}
    assert all(check.agrees for v in explanation.variables for check in v.checks)
    assert "∂y/∂x = [4, 5]" in str(explanation)


def test_three_variables():
    x, y, z = (torch.tensor(v, requires_grad=True) for v in (1.0, 3.0, 3.0))
    p = x * y
    s = y * z
    q = p + s
    r = q**2
    explanation = torch.explain(r)
    assert explanation.graph.find("q").value.item() == 12
    assert explanation.graph.result.value.item() == 144
    assert products(explanation["x"]) == [([24.0, 1.0, 3.0], 72.0)]
    assert products(explanation["z"]) == [([24.0, 1.0, 3.0], 72.0)]
    assert sorted(products(explanation["y"])) == [
        ([24.0, 1.0, 1.0], 24.0),
        ([24.0, 1.0, 3.0], 72.0),
    ]
    assert explanation["y"].total == 96
    assert "= 72 + 24" in str(explanation)


def test_a_direct_and_an_indirect_path():
    x = torch.tensor(2.0, requires_grad=True)
    w = torch.tensor(3.0, requires_grad=True)
    y = torch.sin(x * w + 1) * x
    explanation = torch.explain(y)
    text = str(explanation)
    assert "cos(7)" in text and "0.7539" in text
    assert "= 2 · 0.7539 · 1 · 3" in text and "= 4.5234" in text
    assert "= 4.5234 + 0.6570" in text and "= 5.1804" in text
    assert "∂y/∂w = 3.0156" in text


def test_diamonds_in_a_row():
    x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    v = x
    for _ in range(30):
        v = v * 0.5 + v * 0.25
    variable = torch.explain(v, x, max_paths=3)["x"]
    assert variable.path_count == 2**30
    assert [path.product for path in variable.paths] == [0.5**30, 0.5**29 * 0.25, 0.5**29 * 0.25]
    assert variable.total == 0.75**30
    listed = sum(path.product for path in variable.paths)
    assert listed + variable.remainder == variable.gradient.item() == 0.75**30


def test_the_training_loop():
    w = torch.tensor([1.0], requires_grad=True)
    seen, losses = [], []
    for epoch in range(100):
        for x, y in [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]:
            y_pred = x * w
            loss = (y_pred - y) ** 2
            if epoch == 0:
                variable = torch.explain(loss, w)["w"]
                seen.append(variable.gradient.item())
                assert variable.checks[0].agrees
            loss.backward()
            w.data = w.data - 0.01 * w.grad.data
            w.grad.data.zero_()
        losses.append(loss.item())
    assert seen == [-2.0, -7.840000152587891, -16.228801727294922]
    assert losses[0] == 7.315943717956543
    assert (4.0 * w).item() == 7.999998569488525


def test_one_weight_of_the_digits_classifier():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    x, target = torch.rand(64, 64), torch.randint(0, 10, (64,))
    loss = nn.functional.cross_entropy(model(x), target)
    weight = model[0].weight
    explanation = torch.explain(loss, weight[2, 3])
    text = str(explanation)
    (variable,) = explanation.variables
    samples, units = variable.splits
    (engine,) = torch.autograd.grad(loss, weight)
    whole = engine[2, 3].item()
    for parts in (samples, units):
        assert len(parts) == 64 and parts.rest == 0
        assert sum(part.value for part in parts) == pytest.approx(whole, rel=1e-5)
    for part in samples:
        if part.factors:
            assert part.factors[1] == x[part.position, 3].item()
    assert "by sample, 64 of them" in text and "cross_entropy" in text
