"""Unpooling, fractional and power pooling, response normalisation, beside PyTorch."""

import math

import pytest
from nn.test_pooling import image, with_gradients

import backlit

from oracle import same


@pytest.mark.parametrize("dims", (1, 2, 3))
@pytest.mark.parametrize("window", [(2,), (3, 2), (3, 1, 1)])
def test_unpooling(dims, window):
    def run(torch):
        F = torch.nn.functional
        x = image(torch, 2, 3, *(6, 7, 5)[:dims])
        found = getattr(F, f"max_pool{dims}d")(x, *window, return_indices=True)
        unpool = getattr(F, f"max_unpool{dims}d")
        sizes = list(x.shape[2:])
        return with_gradients(torch, unpool(*found, *window, output_size=sizes), x)

    same(run, 1e-12)


def test_of_several_elements_for_one_place_the_last_one_stays():
    """PyTorch leaves open which; here it is the same at any number of threads."""
    x = backlit.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], requires_grad=True)
    indices = backlit.tensor([[[[0, 3], [0, 0]]]])
    y = backlit.nn.functional.max_unpool2d(x, indices, 1, output_size=(2, 2))
    assert y.flatten().tolist() == [4, 0, 0, 2]


@pytest.mark.parametrize(
    "call",
    [
        "2d(y, i, 2, output_size=(9, 9))",
        "2d(y, i, 2, output_size=(4,))",
        "2d(y, i, 2, output_size=(2, 3, 4, 6))",
        "2d(y, i[:1], 2)",
        "2d(y, i.int(), 2)",
        "2d(y, i + 100, 2)",
        "2d(y[0, 0], i[0, 0], 2)",
        "2d(y[0], i[0], 2)",
        "2d(y[:0], i[:0], 2)",
        "2d(y[:, :0], i[:, :0], 2)",
        "2d(y.int(), i, 2)",
        "1d(y[0], i[0] % 6, 2, output_size=(9,))",
        "3d(y[0], i[0], 2, 0)",
        "3d(y[None], i[None] + 1000, 2)",
        "3d(y[None], i[None], 2, 0)",
    ],
)
def test_unpooling_of_what_does_not_fit(call):
    def run(torch):
        y, i = torch.nn.functional.max_pool2d(image(torch, 2, 3, 4, 6), 2, return_indices=True)
        unpool = {f"max_unpool{d}d": getattr(torch.nn.functional, f"max_unpool{d}d") for d in "123"}
        return eval(f"max_unpool{call}", {"y": y, "i": i, **unpool})

    same(run)


@pytest.mark.parametrize("dims", (2, 3))
def test_fractional(dims):
    """Given samples, and those of the generator: the same windows from the same seed."""
    for arguments in (
        {"output_size": 3},
        {"output_ratio": (0.7, 0.5, 0.6)[:dims]},
        {"output_size": 1},
    ):

        def run(torch, arguments=arguments):
            x = image(torch, 2, 3, *(7, 9, 6)[:dims])
            pool = getattr(torch.nn.functional, f"fractional_max_pool{dims}d")
            samples = torch.rand(2, 3, dims, dtype=x.dtype)
            given = pool(x, 2, **arguments, return_indices=True, _random_samples=samples)
            torch.manual_seed(3)
            drawn = pool(x, (2, 3, 2)[:dims], **arguments)
            return with_gradients(torch, given, x), drawn

        def seeded(torch, run=run):
            torch.manual_seed(1)
            return run(torch)

        same(seeded, 1e-12)


@pytest.mark.parametrize(
    "call",
    [
        "x, 2",
        "x, 9, 3",
        "x[0, 0], 2, 3",
        "x[:, :0], 2, 3",
        "x, (2, 2, 2), 3",
        "x, 2, (3, 3, 3)",
        "x.int(), 2, 3, _random_samples=s.int()",
        "x, 2, 3, _random_samples=s.double()",
    ],
)
def test_fractional_of_what_does_not_fit(call):
    def run(torch):
        x, s = torch.ones(2, 3, 5, 6), torch.full((2, 3, 2), 0.5)
        pool = torch.nn.functional.fractional_max_pool2d
        return eval(f"pool({call})", {"x": x, "s": s, "pool": pool})

    same(run)


@pytest.mark.parametrize("dims", (1, 2, 3))
@pytest.mark.parametrize("p", (1, 2, 3.0, math.inf))
def test_power_means(dims, p):
    def run(torch):
        x = image(torch, 2, 3, *(6, 7, 5)[:dims]).abs() + 1
        x = x.detach().requires_grad_()
        pool = getattr(torch.nn.functional, f"lp_pool{dims}d")
        y = pool(x, p, 2, ceil_mode=True), pool(x, p, 3, 1)
        return with_gradients(torch, y, x)

    same(run, 1e-9)


@pytest.mark.parametrize("sizes", [(2, 7, 3), (2, 7, 3, 2), (1, 5, 2, 2, 3)])
@pytest.mark.parametrize("size", (1, 2, 3, 5))
def test_response_norm(sizes, size):
    def run(torch):
        x = image(torch, *sizes)
        y = torch.nn.functional.local_response_norm(x, size, 0.3, 0.6, 2.0)
        return with_gradients(torch, y, x)

    same(run, 1e-12)


LAYERS = [
    ("LPPool1d(2, 2)", (3, 8)),
    ("LPPool2d(2, (2, 1), ceil_mode=True)", (3, 3, 4)),
    ("LPPool3d(1, 2)", (3, 2, 4, 2)),
    ("LocalResponseNorm(3, alpha=0.1)", (1, 5, 3, 2)),
    ("FractionalMaxPool2d(2, 3, _random_samples=torch.full((1, 3, 2), 0.3).double())", (3, 6, 7)),
    ("FractionalMaxPool3d(2, output_ratio=0.5)", (3, 6, 7, 4)),
]


@pytest.mark.parametrize(("layer", "sizes"), LAYERS, ids=[layer for layer, _ in LAYERS])
def test_layers(layer, sizes):
    def run(torch):
        torch.manual_seed(0)
        x = image(torch, *sizes).abs().detach().requires_grad_()
        y = eval(f"torch.nn.{layer}", {"torch": torch})(x + 1)
        return with_gradients(torch, y, x)

    same(run, 1e-10)


@pytest.mark.parametrize(
    "layer",
    [
        "FractionalMaxPool2d(2)",
        "FractionalMaxPool2d(2, 3, 0.5)",
        "FractionalMaxPool3d(2, output_ratio=1.5)",
    ],
)
def test_wrong_layers(layer):
    same(lambda torch: eval(f"torch.nn.{layer}", {"torch": torch}))


def test_pooling_and_unpooling_layers_in_a_row():
    def run(torch):
        x = image(torch, 2, 3, 5, 6)
        y, indices = torch.nn.MaxPool2d(2, return_indices=True)(x)
        return torch.nn.MaxUnpool2d(2)(y, indices, output_size=x.size())

    same(run)
