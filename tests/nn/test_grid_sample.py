"""Images at given places, beside PyTorch: modes, paddings, gradients, places on the border."""

import itertools

import pytest

import backlit

from oracle import same

COMBINATIONS = list(
    itertools.product(
        ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (False, True)
    )
)


def inputs(torch, dims, batch=2):
    sizes = (batch, 2, *(4, 5, 3)[:dims])
    count = 2 * batch * (60 if dims == 3 else 20)
    x = (torch.arange(count, dtype=torch.float64) * 7 % 11 - 4).view(sizes)
    places = (torch.arange(batch * 24 * dims, dtype=torch.float64) * 0.731 % 4.2 - 2.1).sin() * 1.9
    grid = places.view(batch, *((2, 3, 4) if dims == 3 else (4, 6)), dims)
    return x.requires_grad_(), grid.requires_grad_()


@pytest.mark.parametrize(("mode", "padding", "align_corners"), COMBINATIONS)
@pytest.mark.parametrize("dims", (2, 3))
def test_against_pytorch(mode, padding, align_corners, dims):
    def run(torch):
        x, grid = inputs(torch, dims)
        y = torch.nn.functional.grid_sample(x, grid, mode, padding, align_corners)
        gradients = torch.autograd.grad(y.square().sum(), (x, grid))
        return y, *gradients

    same(run, 1e-10)


@pytest.mark.parametrize(("padding", "align_corners"), [("zeros", True), ("border", False)])
def test_derivatives_of_two_orders(padding, align_corners):
    x, grid = inputs(backlit, 2, 1)
    x, grid = x[:, :, :3, :2].detach(), grid[:, :2, :3].detach()

    def run(x, grid):
        return backlit.nn.functional.grid_sample(x, grid, "bilinear", padding, align_corners)

    points = x.requires_grad_(), grid.requires_grad_()
    assert backlit.autograd.gradcheck(run, points)
    assert backlit.autograd.gradgradcheck(run, points)


@pytest.mark.parametrize(("mode", "padding", "align_corners"), COMBINATIONS)
def test_places_on_elements_and_borders(mode, padding, align_corners):
    def run(torch):
        x = torch.arange(12.0).view(1, 1, 3, 4)
        places = torch.tensor([-3.0, -1.5, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 1.25, 2.0, 5.0])
        grid = torch.stack(torch.meshgrid(places, places, indexing="ij"), -1).unsqueeze(0)
        return torch.nn.functional.grid_sample(x, grid, mode, padding, align_corners)

    same(run, 1e-5)


@pytest.mark.parametrize(
    "call",
    [
        "x, g, 'cubic'",
        "x, g, padding_mode='mirror'",
        "x, g[..., :1]",
        "x, g[:1]",
        "x[0], g",
        "x, g[0]",
        "x[..., :0], g",
        "x[:0], g[:0]",
        "x[:, :0], g",
        "x, g[:, :0]",
        "x, g",
        "x.view(2, 2, 2, 2, 5), torch.zeros(2, 2, 2, 2, 3, dtype=x.dtype), 'bicubic'",
    ],
)
def test_what_does_not_fit(call):
    def run(torch):
        x, g = (t.detach() for t in inputs(torch, 2))
        f = torch.nn.functional.grid_sample
        return eval(f"f({call})", {"x": x, "g": g, "f": f, "torch": torch})

    same(run, 1e-10)


@pytest.mark.parametrize("align_corners", (False, True))
@pytest.mark.parametrize("size", [(2, 1, 3, 4), (2, 1, 1, 3), (2, 1, 2, 3, 4)])
def test_affine_grid(align_corners, size):
    def run(torch):
        dims = len(size) - 2
        theta = (torch.arange(2.0 * dims * (dims + 1)) * 0.37).view(2, dims, dims + 1)
        theta = theta.double().requires_grad_()
        y = torch.nn.functional.affine_grid(theta, size, align_corners=align_corners)
        return y, torch.autograd.grad(y.square().sum(), theta)

    same(run, 1e-10)


@pytest.mark.parametrize(
    "call",
    [
        "t, (2, 3, 4)",
        "t, (3, 3, 4, 5)",
        "t[0], (2, 3, 4, 5)",
        "t, (2, 3, 4, 5, 6)",
        "t, (2, 3, 0, 5)",
        "t.int(), (2, 3, 4, 5)",
        "t, (2, 3, 4, 5)",
    ],
)
def test_affine_grids_that_do_not_fit(call):
    def run(torch):
        f = torch.nn.functional.affine_grid
        return eval(f"f({call})", {"t": torch.ones(2, 2, 3), "f": f})

    same(run, 1e-6)
