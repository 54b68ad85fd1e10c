"""Padding beside PyTorch: layers, borders in all dimensions, dtypes, nodes."""

import pytest
from nn.test_pooling import image, with_gradients

from oracle import same

LAYERS = [
    ("ConstantPad1d(2, 0.5)", (3, 5)),
    ("ConstantPad2d((1, 0, -1, 2), -1)", (2, 3, 5)),
    ("ConstantPad3d(1, 2)", (2, 3, 2, 3)),
    ("ZeroPad1d((1, -2))", (3, 5)),
    ("ZeroPad2d(1)", (1, 2, 3, 4)),
    ("ZeroPad3d((0, 1, 2, 1, 0, 1))", (2, 1, 2, 3)),
    ("ReflectionPad1d(3)", (3, 5)),
    ("ReflectionPad2d((1, 2, 0, 1))", (2, 3, 5)),
    ("ReflectionPad3d(1)", (1, 2, 2, 3, 2)),
    ("ReplicationPad1d((7, -1))", (3, 5)),
    ("ReplicationPad2d(3)", (2, 1, 3, 5)),
    ("ReplicationPad3d((1, 0, 0, 4, -1, 2))", (2, 3, 2, 3)),
    ("CircularPad1d((4, 5))", (3, 5)),
    ("CircularPad2d((1, 2, 3, 0))", (2, 3, 5)),
    ("CircularPad3d(1)", (2, 3, 2, 3)),
]


@pytest.mark.parametrize(("layer", "sizes"), LAYERS, ids=[layer for layer, _ in LAYERS])
def test_layers(layer, sizes):
    def run(torch):
        x = image(torch, *sizes)
        y = eval(f"torch.nn.{layer}", {"torch": torch})(x)
        return with_gradients(torch, y, x)

    same(run)


@pytest.mark.parametrize("kind", ("reflection", "replication"))
@pytest.mark.parametrize("dims", (1, 2, 3))
def test_functions_behind(kind, dims):
    def run(torch):
        pad = getattr(torch._C._nn, f"{kind}_pad{dims}d")
        x = image(torch, 2, *(3, 4, 5)[:dims])
        return with_gradients(torch, pad(x, [1, 2, 0, 1, 1, 2][: 2 * dims]), x)

    same(run)


def test_wrong_dimensions_of_a_circular_layer():
    same(lambda torch: torch.nn.CircularPad2d(1)(torch.ones(2, 3)))
    same(lambda torch: torch.nn.ReflectionPad1d(1)(torch.ones(2, 3, 4, 5)))


@pytest.mark.parametrize("dtype", ("bool", "uint8", "int16", "int32", "int64", "float32"))
@pytest.mark.parametrize("mode", ("constant", "reflect", "replicate", "circular"))
def test_dtypes(dtype, mode):
    def run(torch):
        x = (torch.arange(24) % 5).view(2, 3, 4).to(getattr(torch, dtype))
        return torch.nn.functional.pad(x, (1, 2, 2, 1), mode)

    same(run)


@pytest.mark.parametrize("dtype", ("bool", "uint8", "int32", "float64"))
@pytest.mark.parametrize("value", (-1, 2.5, 300, float("nan"), True))
def test_values(dtype, value):
    same(
        lambda torch: str(
            torch.constant_pad_nd(torch.ones(2, dtype=getattr(torch, dtype)), (1, 1), value)
        )
    )


def test_the_result_is_a_copy():
    def run(torch):
        x = torch.zeros(2, 3)
        torch.nn.functional.pad(x, (0, 0)).fill_(1)
        torch.nn.functional.pad(x, (-1, 0)).fill_(1)
        torch.nn.functional.pad(x, (0, 0), "reflect").fill_(1)
        return x

    same(run)


@pytest.mark.parametrize(
    ("sizes", "padding", "mode"),
    [
        ((2, 3), (1, 1), "constant"),
        ((2, 3), (1, 1), "reflect"),
        ((2, 3, 4), (1, 1, 1, 1), "reflect"),
        ((2, 3, 4, 2), (1,) * 6, "reflect"),
        ((2, 3), (1, 1), "replicate"),
        ((2, 3, 4), (1, 1, 1, 1), "replicate"),
        ((2, 3, 4, 2), (1,) * 6, "replicate"),
    ],
)
def test_names_of_nodes(sizes, padding, mode):
    same(lambda torch: torch.nn.functional.pad(image(torch, *sizes), padding, mode).grad_fn.name())
