"""Errors inside modules say which module they came from, and stay PyTorch's otherwise."""

import sys
import traceback

import pytest

import backlit as torch
from backlit import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 4), nn.Linear(5, 2)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def shown(call):
    """What a traceback shows of the error, and the error."""
    with pytest.raises(Exception) as caught:
        call()
    error = caught.value
    return "".join(traceback.format_exception_only(type(error), error)), error


def test_the_inner_module_and_its_place():
    text, error = shown(lambda: nn.Sequential(nn.Flatten(), Net())(torch.ones(2, 3)))
    assert text.startswith("RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x4 and 5x2)")
    linear = "Linear(in_features=5, out_features=2, bias=True)"
    assert f"backlit: in {linear}, which is '1.layers.1' of Sequential" in text
    assert text.count("backlit: in") == 1
    if sys.version_info >= (3, 11):
        assert "backlit: in" not in str(error)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_layer_of_a_sequence(depth):
    model = nn.Sequential(nn.Flatten(), nn.Linear(8, 3))
    for _ in range(depth):
        model = nn.Sequential(nn.Identity(), model)
    text, _ = shown(lambda: model(torch.ones(2, 3)))
    linear = "Linear(in_features=8, out_features=3, bias=True)"
    place = ".".join(["1"] * (depth + 1))
    assert f"backlit: in {linear}, which is '{place}' of Sequential" in text
    assert text.count("backlit: in") == 1


def test_a_module_alone():
    text, _ = shown(lambda: nn.Conv2d(3, 4, 3)(torch.ones(2, 5, 8, 8)))
    assert text.rstrip().endswith("backlit: in Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1))")


def test_hooks_and_other_exceptions():
    model = nn.Sequential(nn.ReLU())
    model.register_forward_hook(lambda *_: {}["missing"])
    text, error = shown(lambda: model(torch.ones(1)))
    assert isinstance(error, KeyError)
    assert error.args == ("missing",)
    if sys.version_info >= (3, 11):
        assert "backlit: in Sequential" in text


def test_a_module_that_cannot_be_shown_keeps_its_error():
    class Broken(nn.Linear):
        def extra_repr(self):
            raise ZeroDivisionError

    text, error = shown(lambda: nn.Sequential(Broken(3, 2))(torch.ones(1, 4)))
    assert isinstance(error, RuntimeError)
    assert "mat1 and mat2 shapes" in text
