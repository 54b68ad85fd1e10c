"""Pooling beside PyTorch: combinations of arguments, ties, nan, places, layers, nodes."""

import itertools

import pytest

from oracle import same


def image(torch, *sizes, dtype="float64"):
    n = 1
    for size in sizes:
        n *= size
    values = torch.arange(n, dtype=getattr(torch, dtype)) * 7 % 11 - 4
    return values.view(sizes).requires_grad_(values.is_floating_point())


def with_gradients(torch, result, x):
    """The result, and first and second derivatives of the sum of its squares."""
    values = result[0] if isinstance(result, tuple) else result
    (first,) = torch.autograd.grad(values.pow(2).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.pow(2).sum(), x)
    return result, first, second


GRIDS = [
    (kernel, stride, padding, dilation, ceil_mode)
    for kernel, stride, padding, dilation, ceil_mode in itertools.product(
        (1, 2, 3, 4), (None, 1, 2, 3), (0, 1, 2), (1, 2, 3), (False, True)
    )
    if padding <= kernel // 2
]


@pytest.mark.parametrize("kernel", (1, 2, 3, 4))
def test_grids_of_maxima(kernel):
    """Values with many ties, so that the first of a window must win."""
    for arguments in GRIDS:
        if arguments[0] != kernel or (kernel - 1) * arguments[3] >= 7 + 2 * arguments[2]:
            continue

        def run(torch, arguments=arguments):
            x = image(torch, 2, 7, 9)
            y = torch.nn.functional.max_pool2d(x, *arguments, return_indices=True)
            z = torch.nn.functional.max_pool2d(x, *arguments)
            return with_gradients(torch, y, x), z

        same(run, 1e-12)


@pytest.mark.parametrize("kernel", (1, 2, 3, 4))
def test_grids_of_averages(kernel):
    for arguments in GRIDS:
        if arguments[0] != kernel or arguments[3] != 1:
            continue
        for include_pad in (True, False):

            def run(torch, arguments=arguments, include_pad=include_pad):
                x = image(torch, 2, 7, 9)
                k, s, p, _, ceil_mode = arguments
                y = torch.nn.functional.avg_pool2d(x, k, s, p, ceil_mode, include_pad)
                return with_gradients(torch, y, x)

            same(run, 1e-12)


@pytest.mark.parametrize("dims", (1, 2, 3))
@pytest.mark.parametrize("kind", ("avg", "max"))
def test_adaptive_sizes(kind, dims):
    for size in (1, 2, 3, 5, 6, 8, 13):

        def run(torch, size=size):
            x = image(torch, 2, *(6, 5, 7)[:dims])
            pool = getattr(torch.nn.functional, f"adaptive_{kind}_pool{dims}d")
            more = (True,) if kind == "max" else ()
            return with_gradients(torch, pool(x, size, *more), x)

        same(run, 1e-12)


@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_nan_and_infinity_win_as_in_pytorch(dtype):
    def run(torch):
        inf, nan = float("inf"), float("nan")
        rows = [[nan, 1, nan, 2, -inf, -inf], [3, inf, inf, nan, -inf, -inf], [0, 1, 2, 3, -inf, 1]]
        x = torch.tensor([rows], dtype=getattr(torch, dtype))
        pool = torch.nn.functional.max_pool2d
        adaptive = torch.nn.functional.adaptive_max_pool2d
        found = [pool(x, 2, 1, 0, 1, False, True), pool(x, 3, 2, 1, 1, True, True)]
        return str([*found, adaptive(x, 2, True), torch.nn.functional.avg_pool2d(x, 2)])

    same(run)


@pytest.mark.parametrize("dtype", ("uint8", "int8", "int16", "int32", "int64"))
def test_integers(dtype):
    def run(torch):
        x = torch.arange(2 * 5 * 40).view(2, 5, 40).to(getattr(torch, dtype)) * 37
        pool = torch.nn.functional.max_pool2d
        return pool(x, 3, 2, 1, return_indices=True), pool(x, 2, 1)

    same(run)


def test_averages_of_integers_go_towards_zero():
    same(
        lambda torch: torch.nn.functional.avg_pool2d(image(torch, 3, 5, 5, dtype="int64"), 2, 1, 1)
    )


@pytest.mark.parametrize("sizes", [(2, 3, 40, 67), (1, 1, 9, 300)])
def test_long_rows(sizes):
    """Rows beyond the width of vectors, with a rest."""

    def run(torch):
        F = torch.nn.functional
        x = image(torch, *sizes, dtype="float32")
        pools = [F.max_pool2d(x, 3, stride, 1, return_indices=True) for stride in (1, 2, 3)]
        means = [F.avg_pool2d(x, 3, stride, 1) for stride in (1, 2, 3)]
        total = sum(y[0].square().sum() for y in pools) + sum(y.square().sum() for y in means)
        return pools, means, torch.autograd.grad(total, x)

    same(run, 1e-5)


LAYERS = [
    ("MaxPool1d(2)", (3, 8)),
    ("MaxPool1d(3, 2, 1, return_indices=True)", (2, 3, 8)),
    ("MaxPool2d((2, 3), (1, 2), (1, 0), ceil_mode=True)", (2, 3, 5, 8)),
    ("MaxPool3d(2, return_indices=True)", (2, 3, 4, 4, 5)),
    ("AvgPool1d(3, 1, 1, count_include_pad=False)", (3, 8)),
    ("AvgPool2d(2, divisor_override=3)", (3, 4, 5)),
    ("AvgPool3d((1, 2, 2), ceil_mode=True)", (1, 3, 3, 4, 5)),
    ("AdaptiveAvgPool1d(3)", (3, 8)),
    ("AdaptiveAvgPool2d((None, 3))", (3, 4, 8)),
    ("AdaptiveAvgPool3d(2)", (3, 4, 8, 3)),
    ("AdaptiveMaxPool1d(3)", (3, 8)),
    ("AdaptiveMaxPool2d((None, 3), return_indices=True)", (3, 4, 8)),
    ("AdaptiveMaxPool3d(2)", (3, 4, 8, 3)),
]


@pytest.mark.parametrize(("layer", "sizes"), LAYERS, ids=[layer for layer, _ in LAYERS])
def test_layers(layer, sizes):
    def run(torch):
        x = image(torch, *sizes)
        y = eval(f"torch.nn.{layer}", {"torch": torch})(x)
        return with_gradients(torch, y, x)

    same(run, 1e-12)


@pytest.mark.parametrize(
    "call",
    [
        "max_pool1d(x[0], 2)",
        "max_pool2d(x, 2)",
        "max_pool3d(x, (1, 2, 2))",
        "avg_pool1d(x[0], 2)",
        "avg_pool2d(x, 2)",
        "avg_pool3d(x[None], (1, 2, 2))",
        "adaptive_avg_pool2d(x, 2)",
        "adaptive_avg_pool2d(x, 1)",
        "adaptive_max_pool2d(x, 2)",
        "adaptive_max_pool3d(x, 1)",
    ],
)
def test_names_of_nodes(call):
    def run(torch):
        x = image(torch, 2, 3, 4, 4)
        y = eval(call, {"x": x, **vars(torch.nn.functional)})
        return y.grad_fn.name() if hasattr(y.grad_fn, "name") else type(y.grad_fn).__name__

    same(run)
