"""rrelu: the slopes that PyTorch draws, and their gradient."""

import pytest

from oracle import same


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("in_place", [True, False])
def test_like_pytorch(training, dtype, in_place):
    def fn(t):
        t.manual_seed(3)
        x = t.randn(5, 9, dtype=getattr(t, dtype)).t().requires_grad_()
        y = t.rrelu_(x * 1, 0.1, 0.4, training) if in_place else t.rrelu(x, 0.1, 0.4, training)
        y.sin().sum().backward()
        return y.detach(), x.grad

    same(fn, 1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "t.rrelu(t.tensor([-1, 2]))",
        "t.rrelu(t.tensor([-1, 2]), training=True)",
        "t.rrelu(t.tensor([-1.0]), 0.5, 0.1, training=True)",
        "t.rrelu(t.tensor([-1.0, 0.0, t.nan]), training=True)",
        "t.rrelu(t.tensor([-1.0], requires_grad=True)).grad_fn.name()",
        "t.nn.functional.rrelu(t.tensor([-1.0, 2.0]), training=True)",
        "t.nn.RReLU()(t.tensor([-1.0, 2.0]))",
    ],
)
def test_edges_and_errors(text):
    def fn(t):
        t.manual_seed(0)
        return eval(text, {"t": t})

    same(fn, 1e-6)
