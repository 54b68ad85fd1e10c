"""Interpolation and shuffled pixels beside PyTorch: modes, sizes, factors, errors, layers."""

import itertools

import pytest
from nn.test_pooling import image, with_gradients

import backlit

from oracle import same

SIZES = {3: (2, 3, 7), 4: (2, 3, 5, 7), 5: (1, 2, 3, 4, 5)}
MODES = [
    *itertools.product(("nearest", "nearest-exact", "area"), (3, 4, 5), (None,), (False,)),
    *itertools.product(("linear",), (3,), (None, False, True), (False,)),
    *itertools.product(("bilinear", "bicubic"), (4,), (None, False, True), (False, True)),
    *itertools.product(("trilinear",), (5,), (None, False, True), (False,)),
]
TARGETS = [
    {"size": 1},
    {"size": 5},
    {"size": 9},
    {"scale_factor": 2},
    {"scale_factor": 0.6},
    {"scale_factor": 1.7},
    {"scale_factor": 1.7, "recompute_scale_factor": True},
    # not 2.3: where sizes double, PyTorch's gradient of nearest belongs to another factor
    {"scale_factor": 2.6, "recompute_scale_factor": False},
]


@pytest.mark.parametrize(("mode", "dims", "align_corners", "antialias"), MODES)
def test_modes(mode, dims, align_corners, antialias):
    for target in TARGETS:

        def run(torch, target=target):
            x = image(torch, *SIZES[dims])
            y = torch.nn.functional.interpolate(
                x, mode=mode, align_corners=align_corners, antialias=antialias, **target
            )
            return with_gradients(torch, y, x)

        same(run, 1e-10)


@pytest.mark.parametrize(("mode", "dims", "align_corners", "antialias"), MODES)
def test_single_precision(mode, dims, align_corners, antialias):
    """Places are found in the dtype of the image, so that none falls to the other side."""
    for n, m in ((7, 10), (10, 7), (30, 49), (49, 30), (3, 100)):

        def run(torch, n=n, m=m):
            sizes = (1, 2, *(2, 3, n)[-dims + 2 :])
            x = image(torch, *sizes, dtype="float32")
            return torch.nn.functional.interpolate(
                x,
                (2, 3, m)[-dims + 2 :],
                mode=mode,
                align_corners=align_corners,
                antialias=antialias,
            )

        same(run, 2e-5)


@pytest.mark.parametrize("mode", ("nearest", "nearest-exact"))
@pytest.mark.parametrize("dims", (3, 4, 5))
def test_bytes(mode, dims):
    def run(torch):
        x = image(torch, *SIZES[dims], dtype="int64").to(torch.uint8)
        return torch.nn.functional.interpolate(x, scale_factor=1.7, mode=mode)

    same(run)


@pytest.mark.parametrize(
    "call",
    [
        "x",
        "x, 2, 2",
        "x, (2,)",
        "x, scale_factor=(2,)",
        "x, 2, align_corners=True",
        "x, 2, antialias=True",
        "x, 2, recompute_scale_factor=True",
        "x, 0",
        "x, -1",
        "x, scale_factor=0.1",
        "x, (2.0, 3.0)",
        "x[:0], 2",
        "x[:, :0], 2",
        "x[..., :0], 2",
        "x[0], 2, mode='bilinear'",
        "x[0], 2, mode='trilinear'",
        "x[0], 2, mode='bicubic'",
        "x, 2, mode='linear'",
        "x[0, 0], 2",
        "x, 2, mode='cubic'",
        "x.long(), 2",
        "x.bool(), 2, mode='bilinear'",
        "x.int(), 2, mode='bicubic'",
        "x[0].int(), 2, mode='linear'",
        "x[0, :, :0], 2",
    ],
)
def test_wrong_calls(call):
    def run(torch):
        scope = {"x": torch.ones(2, 3, 4, 5), "f": torch.nn.functional.interpolate}
        return eval(f"f({call})", scope)

    same(run)


def test_bytes_are_refused_where_weights_would_round():
    with pytest.raises(NotImplementedError, match="bilinear"):
        backlit.nn.functional.interpolate(
            backlit.ones(1, 1, 2, 2, dtype=backlit.uint8), 3, mode="bilinear"
        )


LAYERS = [
    ("Upsample(scale_factor=2)", (1, 2, 3)),
    ("Upsample((3, 4), mode='bicubic', align_corners=True)", (1, 2, 3, 3)),
    ("Upsample(scale_factor=(1.5, 2), mode='bilinear', recompute_scale_factor=True)", (1, 2, 3, 3)),
    ("UpsamplingNearest2d(5)", (1, 2, 3, 3)),
    ("UpsamplingBilinear2d(scale_factor=2)", (1, 2, 3, 3)),
    ("PixelShuffle(2)", (1, 8, 2, 3)),
    ("PixelUnshuffle(2)", (8, 2, 4)),
    ("ChannelShuffle(3)", (2, 6, 3)),
]


@pytest.mark.parametrize(("layer", "sizes"), LAYERS, ids=[layer for layer, _ in LAYERS])
def test_layers(layer, sizes):
    def run(torch):
        x = image(torch, *sizes)
        y = eval(f"torch.nn.{layer}", {"torch": torch})(x)
        return with_gradients(torch, y, x)

    same(run, 1e-10)


@pytest.mark.parametrize("name", ("upsample", "upsample_nearest", "upsample_bilinear"))
def test_former_names_warn(name):
    same(lambda torch: getattr(torch.nn.functional, name)(image(torch, 1, 1, 2, 3), 4), 1e-12)


@pytest.mark.parametrize(("mode", "dims", "align_corners", "antialias"), MODES)
def test_names_of_nodes(mode, dims, align_corners, antialias):
    def run(torch):
        y = torch.nn.functional.interpolate(
            image(torch, *SIZES[dims]), 2, mode=mode, antialias=antialias
        )
        return y.grad_fn.name()

    if align_corners is None:
        same(run)


def test_threads_do_not_change_bits():
    before = backlit.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 5):
            backlit.set_num_threads(threads)
            x = image(backlit, 3, 5, 61, 53, dtype="float32")
            y = backlit.nn.functional.interpolate(x, (90, 71), mode="bicubic")
            (g,) = backlit.autograd.grad(y.square().sum(), x)
            found.append((y.detach().numpy().tobytes(), g.numpy().tobytes()))
    finally:
        backlit.set_num_threads(before)
    assert found[0] == found[1] == found[2]
