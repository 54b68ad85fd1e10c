"""Joining tensors of which some are empty."""

import pytest

from oracle import same


@pytest.mark.parametrize("shape", [(0,), (0, 5), (3, 0)], ids=str)
def test_gradient_of_an_empty_part_has_its_shape(shape):
    def run(torch):
        empty = torch.zeros(shape, requires_grad=True)
        x = torch.ones(3, 5, requires_grad=True)
        dim = 1 if shape == (3, 0) else 0
        y = torch.cat([empty, x], dim)
        return torch.autograd.grad(y.sum(), (empty, x))

    same(run)
