"""Layers that are one node: what they were not given is not shown, and convolutions run again."""

import pytest

import backlit as torch
from backlit import nn

CONVOLUTIONS = {
    "plain": (nn.Conv2d, {"kernel_size": 2}),
    "stride": (nn.Conv2d, {"kernel_size": 3, "stride": 2, "padding": 1}),
    "dilation": (nn.Conv2d, {"kernel_size": 2, "dilation": 2, "padding": 2}),
    "groups": (nn.Conv2d, {"kernel_size": 3, "groups": 2, "padding": "same"}),
    "patches": (nn.Conv2d, {"kernel_size": 5, "stride": 5}),
    "transposed": (nn.ConvTranspose2d, {"kernel_size": 3, "stride": 2, "output_padding": 1}),
    "line": (nn.Conv1d, {"kernel_size": 3, "stride": 3}),
    "room": (nn.Conv3d, {"kernel_size": (1, 2, 3), "padding": (0, 1, 1)}),
}


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no_bias"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_is_checked_by_finite_differences(name, bias):
    make, options = CONVOLUTIONS[name]
    torch.manual_seed(0)
    conv = make(4, 4, bias=bias, **options).double()
    dims = {nn.Conv1d: 1, nn.Conv3d: 3}.get(make, 2)
    x = torch.randn(2, 4, *[5] * dims, dtype=torch.float64)
    loss = conv(x).tanh().sum()
    explanation = loss.explain(conv.weight)
    shown = str(explanation)
    assert "cannot be run" not in shown
    for check in explanation.variables[0].checks:
        assert check.agrees, check


def test_what_a_layer_was_not_given_is_no_constant():
    torch.manual_seed(0)
    x = torch.randn(3, 1, 2)
    lstm, conv = nn.LSTM(2, 2), nn.Conv1d(1, 1, 2, bias=False)
    loss = lstm(x)[0].sum()
    (layer,) = [n for n in torch.explain(loss).graph if n.operation == "lstm"]
    assert len(layer.inputs) == 7  # x, h, c, two weights, two biases; no projection
    loss = conv(x.permute(1, 2, 0)[:, :1]).sum()
    (layer,) = [n for n in torch.explain(loss).graph if "conv" in n.operation]
    assert [edge.source.name for edge in layer.inputs][1:] == ["conv.weight"]
