"""Batch and instance normalisation beside PyTorch: results, gradients, running statistics."""

import numpy as np
import pytest

from oracle import same


def numbers(lib, *shape):
    """Normal numbers that depend on the shape alone."""
    values = np.random.RandomState(sum(shape)).standard_normal(shape) * 2 + 0.5
    return lib.from_numpy(values).requires_grad_()


def run(lib, made, shape, evaluate):
    layer = eval(f"nn.{made}", {"nn": lib.nn}).double()
    x = numbers(lib, *shape)
    for _ in range(2):
        y = layer(x)
    if evaluate:
        y = layer.eval()(x)
    parameters = [x, *layer.parameters()]
    first = lib.autograd.grad((y**3).sum(), parameters, create_graph=True)
    second = lib.autograd.grad((first[0] ** 2).sum(), parameters)
    return (
        repr(layer),
        y.detach(),
        [g.detach() for g in first],
        second,
        dict(layer.state_dict()),
    )


LAYERS = [
    ("BatchNorm1d(3)", (4, 3)),
    ("BatchNorm1d(3, momentum=None, affine=True)", (4, 3, 5)),
    ("BatchNorm2d(3, bias=False)", (4, 3, 2, 5)),
    ("BatchNorm2d(3, track_running_stats=False)", (4, 3, 2, 5)),
    ("BatchNorm3d(3, eps=0.1, momentum=0.3)", (4, 3, 2, 2, 3)),
    ("InstanceNorm1d(3, affine=True)", (4, 3, 5)),
    ("InstanceNorm1d(3, affine=True, bias=False)", (3, 5)),
    ("InstanceNorm2d(3, affine=True, track_running_stats=True)", (4, 3, 2, 5)),
    ("InstanceNorm2d(3, 0.1, 0.4, True, True)", (3, 2, 5)),
    ("InstanceNorm3d(3, affine=True)", (2, 3, 2, 2, 3)),
]


@pytest.mark.parametrize("evaluate", [False, True], ids=["training", "evaluation"])
@pytest.mark.parametrize(("made", "shape"), LAYERS)
def test_layer(made, shape, evaluate):
    same(lambda lib: run(lib, made, shape, evaluate), 1e-9)


CALLS = [
    "nn.InstanceNorm2d(3)(o(2, 3, 4, 4))",
    "nn.InstanceNorm1d(2)(o(2, 3, 4))",  # warns
    "nn.InstanceNorm1d(2, affine=True)(o(2, 3, 4))",
    "nn.InstanceNorm1d(2, affine=True)(o(3, 4))",
    "nn.InstanceNorm1d(2)(o(2))",
    "nn.InstanceNorm2d(2)(o(2, 3))",
    "nn.InstanceNorm3d(2)(o(2, 3))",
    "nn.BatchNorm1d(2)(o(2, 2, 3, 4))",
    "nn.BatchNorm2d(2)(o(2, 3))",
    "nn.BatchNorm3d(2)(o(2, 3))",
    "nn.functional.instance_norm(o(2, 3, 1))",
    "nn.functional.instance_norm(o(2, 3))",
    "nn.functional.instance_norm(o(2, 3, 4), use_input_stats=False)",
    "nn.functional.instance_norm(o(2, 3, 4), o(3))",
    "nn.functional.instance_norm(o(2, 3, 4), o(3), o(3), use_input_stats=False)",
    "nn.functional.instance_norm(o(2, 3, 4), o(3), o(3), o(3), o(3), False, 0.1, 0.5)",
    "nn.functional.instance_norm(o(2, 3, 4), o(2), o(2))",
    "nn.functional.instance_norm(o(2, 3, 4), weight=o(2))",
]


@pytest.mark.parametrize("call", CALLS)
def test_call(call):
    same(lambda lib: eval(call, {"nn": lib.nn, "o": lib.ones}), 1e-6)
