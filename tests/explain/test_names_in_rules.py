"""Rules of gradients with the names of the program in place of their letters."""

import backlit as torch


def test_a_name_that_is_another_rules_letter_stays():
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0])
    w = torch.tensor([0.5, 0.5], requires_grad=True)
    y_hat = x * w
    loss = torch.nn.functional.mse_loss(y_hat, y)
    graph = torch.explain(loss).graph
    (edge,) = [e for e in graph.find("loss").inputs if e.source.name == "y_hat"]
    assert edge.local_text == "2/n (y_hat - y)"
