"""The text of tensors, against literals: what PyTorch 2.13 prints."""

import pytest

import backlit as torch
from backlit._tensor_str import get_printoptions, printoptions, tensor_repr


@pytest.fixture(autouse=True)
def default_options():
    yield
    torch.set_printoptions(profile="default")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "tensor([])"),
        (1.5, "tensor(1.5000)"),
        (3, "tensor(3)"),
        (True, "tensor(True)"),
        ([True, False], "tensor([ True, False])"),
        ([1.0, 2.0], "tensor([1., 2.])"),
        ([-0.0], "tensor([-0.])"),
        ([-0.0, 1.5], "tensor([-0.0000, 1.5000])"),
        ([1e8], "tensor([100000000.])"),
        ([1e-5], "tensor([1.0000e-05])"),
        ([1.0, 1e5], "tensor([1.0000e+00, 1.0000e+05])"),
        ([123456789.0], "tensor([1.2346e+08])"),
        ([float("nan"), float("inf"), -1.0], "tensor([nan, inf, -1.])"),
        ([[1, 2], [3, 4]], "tensor([[1, 2],\n        [3, 4]])"),
    ],
)
def test_values(values, text):
    assert repr(torch.tensor(values)) == text


def test_dtype_is_told_where_it_is_not_the_usual_one():
    assert repr(torch.tensor(1.5, dtype=torch.float64)) == "tensor(1.5000, dtype=torch.float64)"
    assert repr(torch.tensor([1], dtype=torch.int32)) == "tensor([1], dtype=torch.int32)"
    assert repr(torch.zeros(0, dtype=torch.int64)) == "tensor([], dtype=torch.int64)"


def test_size_is_told_where_it_cannot_be_seen():
    assert repr(torch.zeros(0, 3)) == "tensor([], size=(0, 3))"


def test_gradient():
    x = torch.tensor([2.7048], requires_grad=True)
    assert repr(x) == "tensor([2.7048], requires_grad=True)"
    assert repr(x**2) == "tensor([7.3159], grad_fn=<PowBackward0>)"


def test_parameter():
    p = torch.nn.Parameter(torch.zeros(2))
    assert repr(p) == "Parameter containing:\ntensor([0., 0.], requires_grad=True)"


def test_large_tensors_show_their_edges():
    assert repr(torch.arange(2000)) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"


def test_printing_records_nothing():
    x = torch.ones(50, 50, requires_grad=True)
    y = x * 2
    before = y._version
    repr(y)
    y.sum().backward()
    assert y._version == before
    assert x.grad.sum().item() == 5000.0


def test_format():
    assert f"{torch.tensor(1.5):.3f}" == "1.500"
    assert f"{torch.tensor(3)}" == "3"
    assert f"{torch.tensor([1.0])}" == "tensor([1.])"
    with pytest.raises(TypeError, match="unsupported format string"):
        format(torch.tensor([1.0]), ".2f")


def test_options():
    torch.set_printoptions(precision=2)
    assert repr(torch.tensor([1.12345])) == "tensor([1.12])"
    torch.set_printoptions(threshold=5)
    assert repr(torch.arange(10)) == "tensor([0, 1, 2,  ..., 7, 8, 9])"
    torch.set_printoptions(profile="default", sci_mode=True)
    assert repr(torch.tensor([1.0])) == "tensor([1.0000e+00])"
    torch.set_printoptions(precision=4)  # as in PyTorch, takes sci_mode back
    assert get_printoptions()["sci_mode"] is None


def test_options_for_a_block():
    with printoptions(precision=1, sci_mode=True):
        assert repr(torch.tensor([1.5])) == "tensor([1.5e+00])"
    assert repr(torch.tensor([1.5])) == "tensor([1.5000])"


def test_contents_can_be_replaced():
    assert tensor_repr(torch.tensor([1.0]), tensor_contents="...") == "tensor(...)"
