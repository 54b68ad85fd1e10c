"""Layers of convolutions, fold and unfold: first values, results, gradients, texts and errors."""

import random
import warnings

import pytest

import backlit

from oracle import same

LAYERS = {
    "Conv1d(4, 6, 3)": (2, 4, 9),
    "Conv1d(4, 6, 3, padding='same', dilation=2)": (4, 9),
    "Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=2, groups=2)": (2, 4, 9, 8),
    "Conv2d(4, 6, 4, padding='same', bias=False)": (2, 4, 9, 8),
    "Conv2d(4, 6, 3, padding='valid', dtype=torch.float64)": (4, 9, 8),
    "Conv3d(2, 4, 2, stride=2, padding=1)": (2, 2, 4, 5, 3),
    "ConvTranspose1d(4, 6, 3, stride=2, output_padding=1)": (2, 4, 9),
    "ConvTranspose2d(4, 6, 3, 2, 1, 1, 2, False, 2)": (2, 4, 5, 4),
    "ConvTranspose3d(2, 4, 2)": (2, 3, 2, 3),
    "Unfold(3, padding=1)": (2, 4, 5, 6),
    "Unfold((3, 2), stride=2, dilation=(1, 2))": (4, 7, 6),
}


def layer(torch, text):
    torch.manual_seed(7)
    return eval(f"torch.nn.{text}")


@pytest.mark.parametrize("text", LAYERS)
def test_layers(text):
    def run(torch):
        made = layer(torch, text)
        dtype = torch.float64 if "float64" in text else torch.float32
        x = torch.rand(LAYERS[text], dtype=dtype).requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch copies an input that "same" pads unevenly
            y = made(x)
        (y * y).sum().backward()
        gradients = [x.grad, *(p.grad for p in made.parameters())]
        return [repr(made), made.state_dict(), y.detach(), gradients]

    same(run, 2e-5)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("Conv1d(2, 3, 3, padding=2, padding_mode='{}')", (1, 2, 7)),
        ("Conv2d(2, 3, (3, 2), padding=(1, 2), padding_mode='{}')", (1, 2, 5, 6)),
        ("Conv2d(2, 3, 4, padding='same', padding_mode='{}')", (1, 2, 5, 6)),
        ("Conv3d(2, 3, 3, padding=1, padding_mode='{}')", (1, 2, 3, 4, 3)),
    ],
)
def test_padding_modes(mode, text, shape):
    try:
        backlit.nn.functional.pad(backlit.zeros(1, 1, 3), [1, 1], mode="reflect")
    except NotImplementedError:
        pytest.skip("nn.functional.pad is not there yet")

    def run(torch):
        made = layer(torch, text.format(mode))
        x = torch.rand(shape).requires_grad_()
        made(x).exp().sum().backward()
        return [repr(made), x.grad, made.weight.grad]

    same(run, 1e-4)


@pytest.mark.parametrize(
    "text",
    [
        "Conv2d(3, 4, 3, groups=2)",
        "Conv2d(4, 3, 3, groups=2)",
        "Conv2d(4, 4, 3, groups=0)",
        "Conv3d(4, 4, 3, padding='same', stride=2)",
        "Conv2d(2, 2, 3)(torch.zeros(2, 2))",
        "Conv2d(2, 2, 3)(torch.zeros(1, 3, 4, 4))",
        "Conv2d(2, 2, 5)(torch.zeros(1, 2, 4, 4))",
        "Conv2d(2, 2, 3)(torch.zeros(1, 2, 4, 4, dtype=torch.float64))",
        "Conv2d(2, 2, 3, dilation=(1, 2, 3), padding='same')(torch.zeros(1, 2, 4, 4))",
        "ConvTranspose2d(4, 4, 3, padding_mode='reflect')",
        "ConvTranspose2d(2, 2, 3)(torch.zeros(1, 2, 4, 4), output_size=[9, 9])",
        "ConvTranspose2d(2, 2, 3)(torch.zeros(1, 2, 4, 4), output_size=[9])",
        "Fold((4, 5), 3)(torch.zeros(1, 4, 12))",
    ],
)
def test_errors(text):
    result = same(lambda torch: layer(torch, text))
    assert result[0] == "raised"


@pytest.mark.parametrize("size", [[9, 9], [10, 9], [1, 2, 10, 10]])
def test_output_size(size):
    def run(torch):
        made = layer(torch, "ConvTranspose2d(2, 3, 3, stride=2)")
        return made(torch.rand(1, 2, 4, 4), output_size=size).detach()

    same(run, 1e-5)


def draw(choose):
    """A convolution of random sizes: (transposed, shapes of x, w and bias, arguments)."""
    dims = choose.choice([1, 2, 2, 3])
    transposed = choose.random() < 0.4
    groups, inner, outer = choose.choice([1, 1, 2, 3]), choose.randint(1, 9), choose.randint(1, 17)

    def each(*values):
        return [choose.choice(values) for _ in range(dims)]

    stride, dilation, kernel = each(1, 1, 2, 3), each(1, 1, 2), each(1, 2, 3, 5)
    arguments = {
        "stride": stride,
        "padding": [choose.randint(0, min(2, size - 1)) for size in kernel],
        "dilation": dilation,
        "groups": groups,
    }
    if transposed:
        arguments["output_padding"] = [
            choose.randrange(max(pair)) for pair in zip(stride, dilation, strict=True)
        ]
    samples, sizes = choose.choice([1, 2, 5, 17]), each(9, 10, 12, 33) if dims < 3 else each(9, 10)
    x = (samples, groups * (outer if transposed else inner), *sizes)
    w = (groups * outer, inner, *kernel)
    bias = groups * (inner if transposed else outer)
    return f"conv{'_transpose' * transposed}{dims}d", (x, w, (bias,)), arguments


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("seed", range(25))
def test_random_sizes(seed, dtype):
    """Values, gradients of both orders: many sizes meet every path through the kernels."""
    name, shapes, arguments = draw(random.Random(seed))

    def run(torch):
        made = [
            (torch.arange(torch.Size(shape).numel()) * (37 + k) % 19 - 9).reshape(shape)
            for k, shape in enumerate(shapes)
        ]
        if dtype == "int64":
            return getattr(torch, name)(*made, **arguments)
        made = [t.to(getattr(torch, dtype)).div(8).requires_grad_() for t in made]
        y = getattr(torch, name)(*made, **arguments)
        g = y.detach().cos().requires_grad_()
        first = torch.autograd.grad(y, made, g, create_graph=True)
        second = torch.autograd.grad([t.square().sum() for t in first[:2]], [*made[:2], g])
        # errors of sums are relative to the largest one
        return [t.detach() / (1 + t.detach().abs().max()) for t in (y, *first, *second)]

    same(run, 2e-4 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("samples", [0, 3])
def test_no_samples(samples):
    def run(torch):
        x = torch.ones(samples, 2, 5, 5, requires_grad=True)
        w = torch.ones(3, 2, 3, 3, requires_grad=True)
        torch.conv2d(x, w).sum().backward()
        return [x.grad, w.grad]

    same(run)


# stride 1 and few output channels: the gradient of the input is a convolution of g; or not quite
GRADIENTS = {
    "conv2d(x, w, groups=6, padding=1)": ((3, 6, 9, 11), (6, 1, 3, 3)),
    "conv2d(x, w, groups=3, padding=(2, 0), dilation=(2, 1))": ((2, 6, 9, 8), (6, 2, 3, 2)),
    "conv2d(x, w, padding=4)": ((2, 3, 6, 5), (2, 3, 3, 3)),
    "conv2d(x, w, padding=1, stride=2)": ((2, 3, 6, 5), (2, 3, 3, 3)),
    "conv2d(x, w)": ((2, 40, 33, 35), (32, 40, 4, 2)),
    "conv2d(x, w, padding=2)": ((2, 9, 8, 8), (9, 9, 5, 5)),
    "conv1d(x, w, padding=3, dilation=3)": ((2, 2, 40), (8, 2, 3)),
    "conv3d(x, w, padding=1)": ((2, 2, 5, 6, 4), (3, 2, 3, 2, 3)),
    "conv_transpose2d(x, w, padding=1, groups=2)": ((2, 4, 7, 6), (4, 3, 3, 3)),
    "conv_transpose1d(x, w, dilation=2, output_padding=1)": ((2, 4, 7), (4, 3, 3)),
}


@pytest.mark.parametrize("call", GRADIENTS)
def test_gradient_of_the_input(call):
    def run(torch):
        torch.manual_seed(3)
        x, w = (torch.randn(shape, dtype=torch.float64) for shape in GRADIENTS[call])
        x.requires_grad_()
        w.requires_grad_()
        y = eval(f"torch.nn.functional.{call}")
        weights = torch.arange(y.numel(), dtype=torch.float64).reshape(y.shape).sin()
        g = torch.autograd.grad((y * weights).sum(), (x, w), create_graph=True)
        return *g, *torch.autograd.grad(g[0].square().sum(), w)

    same(run, 1e-11)
