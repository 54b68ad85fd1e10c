"""Graphs of all kinds: custom functions, several outputs, in-place changes, traces, loops."""

import json

import pytest

import backlit as torch
from backlit import nn


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x * x * g


def changed_in_place(x):
    y = x * 2
    y[0] = 0
    y.add_(1)
    return (y**2).sum()


def recurrent(x):
    w = torch.full((3, 3), 0.1, requires_grad=True)
    h = torch.zeros(4, 3)
    for _ in range(5):
        h = torch.tanh(x + h @ w)
    return h.sum()


def gradient_of_gradient(x):
    (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    return (g**2).sum()


GRAPHS = {
    "custom": lambda x: Cube.apply(x).sum() * 2,
    "unbind": lambda x: sum(row.sum() * i for i, row in enumerate(x.unbind())),
    "split": lambda x: sum((part * part).sum() for part in x.split(2)),
    "max": lambda x: x.max(1)[0].sum(),
    "dropout": lambda x: nn.functional.dropout(x, 0.5).sum(),
    "layer_norm": lambda x: (nn.functional.layer_norm(x, (3,)) ** 2).sum(),
    "batch_norm": lambda x: (nn.BatchNorm1d(3)(x) ** 2).mean(),
    "in place": changed_in_place,
    "index": lambda x: x[torch.tensor([0, 1, 1])].sum(),
    "cat": lambda x: torch.cat([x, x * 2]).mean(),
    "where": lambda x: torch.where(x > 0, x, x * 0.1).sum(),
    "recurrent": recurrent,
    "gradient of gradient": gradient_of_gradient,
    "empty": lambda x: x[:0].sum(),
    "einsum": lambda x: torch.einsum("ij,kj->ik", x, x).sum(),
    "integers": lambda x: (x * torch.tensor([1, 2, 3])).sum(),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_every_form_of_every_graph(name):
    torch.manual_seed(0)
    x = torch.randn(4, 3, requires_grad=True)
    result = GRAPHS[name](x)
    explanation = torch.explain(result)
    for variable in explanation.variables:
        assert variable.checks[0].agrees, str(explanation)
        assert all(check.agrees is not False for check in variable.checks), str(explanation)
    assert json.loads(explanation.to_json())["result"] == explanation.graph.result.id
    assert explanation.to_latex() and explanation.to_markdown() and str(explanation.flow())


def test_a_custom_function_by_its_name_and_factor():
    s = torch.tensor(2.0, requires_grad=True)
    y = Cube.apply(s)
    explanation = torch.explain(y, s)
    assert explanation["s"].paths[0].factors == [12.0]
    assert "Cube(s)" in str(explanation)
    assert explanation.graph.result.saved[0].item() == 2.0


def test_a_leaf_itself():
    s = torch.tensor(2.0, requires_grad=True)
    explanation = torch.explain(s)
    assert explanation["s"].gradient.item() == 1.0
    assert explanation["s"].path_count == 1


def test_turns_of_a_loop_are_numbered_and_have_their_line():
    w = torch.tensor(0.5, requires_grad=True)
    h = torch.tensor(1.0)
    for _ in range(3):
        h = h * w
    graph = torch.explain(h, w).graph
    assert [n.name for n in graph if n.name.startswith("h")] == ["h#1", "h#2", "h#3", "h#4"]
    assert graph.find("h#1").kind == "constant"  # what h was before the loop
    assert {n.location.source for n in graph if n.inputs} == {"h = h * w"}


def test_nothing_is_called_zero_that_is_not_known():
    def hidden():
        return torch.tensor(5.0)

    w = torch.tensor(1.0, requires_grad=True)
    y = (w + 0) + hidden()
    explanation = torch.explain(y, w)
    (unknown,) = [n for n in explanation.graph if n.kind == "constant" and n.value is None]
    assert "not computed" in str(explanation)
    assert unknown.value is None


def test_a_trace_keeps_all_values_beyond_backward():
    w = torch.tensor(1.0, requires_grad=True)
    with torch.trace():
        y = torch.exp((w + 1) * torch.tensor(2.0))
    y.backward()
    explanation = torch.explain(y, w)
    assert all(node.value is not None for node in explanation.graph)
    assert explanation["w"].checks[0].agrees


def test_networkx():
    networkx = pytest.importorskip("networkx")
    w = torch.tensor(3.0, requires_grad=True)
    loss = (w * w - 1.0) ** 2
    graph = torch.explain(loss).graph
    exported = graph.to_networkx()
    assert networkx.is_directed_acyclic_graph(exported)
    assert exported.number_of_nodes() == len(graph)
    assert exported.number_of_edges("n0", graph.of(w).consumers[0].target.id) == 2
    assert [n.id for n in reversed(graph)] == [n.id for n in graph][::-1]


def test_hooks_do_not_run():
    w = torch.tensor(1.0, requires_grad=True)
    seen = []
    w.register_hook(seen.append)
    y = w * 2
    y.register_hook(seen.append)
    torch.explain(y**2, w)
    assert not seen


def test_a_constant_that_is_gone_keeps_the_name_in_the_source():
    def loss_of(w):
        target = torch.tensor([3.0, 4.0])
        return (w - target).sum()

    w = torch.tensor([1.0, 2.0], requires_grad=True)
    explanation = torch.explain(loss_of(w), w)
    target = explanation.graph.find("target")
    assert target.kind == "constant" and target.value is None
    assert "w - target" in str(explanation)
