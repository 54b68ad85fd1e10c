"""Changes of a tensor's own sizes, strides and memory."""

from __future__ import annotations

import pytest
from derivatives import derivatives, numbers, tensors

import backlit

from oracle import same

CHANGES = {
    "t_": lambda x: x.t_(),
    "transpose_": lambda x: x.transpose_(0, -1),
    "swapaxes_": lambda x: x.swapaxes_(-1, 0),
    "swapdims_": lambda x: x.swapdims_(1, 0),
    "unsqueeze_": lambda x: x.unsqueeze_(-1),
    "squeeze_": lambda x: x.unsqueeze_(0).squeeze_(),
    "squeeze_ one": lambda x: x.unsqueeze_(0).squeeze_(0),
    "squeeze_ some": lambda x: x.unsqueeze_(0).squeeze_((0, 1)),
    "as_strided_": lambda x: x.as_strided_((2, 2), (1, 2), 1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_plain(name):
    def run(torch):
        x = torch.arange(6.0).reshape(2, 3)
        x = x.clone()
        y = CHANGES[name](x)
        return y is x, x, x.stride(), x.storage_offset(), x._version

    same(run)


@pytest.mark.parametrize("name", CHANGES)
def test_recorded(name):
    def run(torch, x):
        y = x * 2
        before = y.view(-1)
        CHANGES[name](y)
        return y * y, before * 3, y.view_as(y) + 1

    same(derivatives(run, numbers(2, 3)), 1e-12)


def test_of_a_view():
    def run(torch, x):
        y = x * 2
        row = y[1]
        row.unsqueeze_(0)
        row.mul_(5)
        return y, row

    same(derivatives(run, numbers(2, 3)), 1e-12)
    same(lambda torch: str((torch.ones(2, requires_grad=True) * 2).unsqueeze_(0).grad_fn)[:18])


def test_of_a_leaf():
    same(lambda torch: torch.ones(2, 3, requires_grad=True).t_())

    def run(torch):
        x = torch.ones(2, 3, requires_grad=True)
        with torch.no_grad():
            x.t_()
        (x * torch.arange(6.0).reshape(3, 2)).sum().backward()
        return x.grad

    same(run)


def test_resize():
    def run(torch):
        x = torch.arange(6)
        smaller = x.resize_(2, 2)
        y = torch.arange(4.0).reshape(2, 2).t()
        y.resize_(4)
        z = torch.ones(2).resize_as_(torch.ones(1, 2))
        grown = torch.arange(3).resize_((2, 3))
        return smaller is x, x, x.resize_(3, 2), y, z, grown.shape, grown[0], grown._version

    same(run)
    for call in (
        lambda torch: torch.ones(2, requires_grad=True).resize_(3),
        lambda torch: (torch.ones(2, requires_grad=True) * 2).resize_(3),
    ):
        same(call)
    with pytest.raises(RuntimeError, match="negative"):
        backlit.ones(2).resize_(-1)


def test_memory_that_others_see_does_not_grow():
    x = backlit.arange(3)
    y = x[1:]
    with pytest.raises(NotImplementedError, match="shared"):
        x.resize_(300)
    assert y.tolist() == [1, 2]


def test_set():
    def run(torch):
        source = torch.arange(6.0)
        x = torch.zeros(2)
        x.set_(source[::2])
        y = torch.zeros(2).set_(source, 1, (2, 2), (2, 1))
        z = torch.zeros(2).set_(source.untyped_storage())
        y.mul_(10)
        w = torch.zeros(2).set_(source.untyped_storage(), 2, (3,))
        return x, x.stride(), y, z, w, torch.ones(2).set_(), x._version, source._version

    same(run)
    same(lambda torch: torch.zeros(2).set_(torch.arange(2)))
    same(lambda torch: torch.zeros(2, requires_grad=True).set_(torch.ones(2)))
    with pytest.raises(RuntimeError, match="out of bounds"):
        backlit.zeros(2).set_(backlit.zeros(3), 1, (3,))
    with pytest.raises(NotImplementedError, match="not recorded"):
        (backlit.zeros(2, requires_grad=True) * 1).set_(backlit.zeros(3))


def test_as_strided_scatter_and_sum_to_size():
    def scattered(torch, x, s):
        return torch.as_strided_scatter(x, s, (2, 2), (1, 2), 1)

    same(derivatives(scattered, numbers(2, 3), numbers(2, 2), order=0))
    # PyTorch 2.13 passes x the gradient of the part that src replaced, so no comparison here
    x, s = (t.requires_grad_() for t in tensors(backlit, [numbers(2, 3), numbers(2, 2)]))
    assert backlit.autograd.gradgradcheck(lambda *xs: scattered(backlit, *xs), (x, s))
    assert backlit.autograd.gradcheck(lambda *xs: scattered(backlit, *xs), (x, s))
    same(lambda torch: torch.as_strided_scatter(torch.ones(2, 3), torch.ones(3), (2,), (1,)))
    same(
        derivatives(
            lambda torch, x: (x.sum_to_size(2, 1), x.sum_to_size((3,)), x.sum_to_size(1)),
            numbers(2, 3),
        ),
        1e-12,
    )
    same(lambda torch: torch.ones(2, 3).sum_to_size(2))
