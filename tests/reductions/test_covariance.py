"""cov, corrcoef, gradient, cumulative_trapezoid and renorm against PyTorch."""

import pytest

from oracle import same

X = [[0.3, -1.2, 2.5, 0.7], [1.1, 0.4, -0.6, 3.2], [-2.2, 0.9, 1.3, -0.1]]
SMOOTH = """
x.cov() | x.cov(correction=0) | t.cov(x[0]) | t.cov(x, fweights=t.tensor([1, 2, 3, 1]))
t.cov(x, aweights=w) | t.cov(x, fweights=t.tensor([1, 2, 3, 1]), aweights=w, correction=2)
x.corrcoef() | t.corrcoef(x[0]) | t.gradient(x)[0] | t.gradient(x)[1] | t.gradient(x, dim=1)[0]
t.gradient(x, spacing=2.0, edge_order=2)[1] | t.gradient(x, spacing=[0.5, 3.0])[0]
t.gradient(x, spacing=(t.tensor([0.0, 1.0, 4.0, 4.5]),), dim=1)[0]
t.gradient(x, spacing=(t.tensor([0.0, 1.0, 4.0, 4.5]),), dim=-1, edge_order=2)[0]
t.cumulative_trapezoid(x) | t.cumulative_trapezoid(x, dx=0.5, dim=0)
t.cumulative_trapezoid(x, t.tensor([0.0, 1.0, 4.0, 4.5])) | t.cumulative_trapezoid(x, x * x)
t.renorm(x, 2, 0, 1.5) | t.renorm(x, 1, 1, 2) | x.renorm(3, 0, 2.5) | t.renorm(x, 2, -1, 100.0)
(x * 1).renorm_(2, 0, 1.0) | t.trapezoid(x, t.tensor([0.0, 1.0, 4.0, 4.5]))
t.diff(x, 0, prepend=x)
"""
PLAIN = """
t.cov(t.tensor([1, 2, 4])) | t.cov(t.tensor(2.0)) | t.cov(t.ones(0)) | t.cov(t.ones(2, 0))
t.cov(t.ones(2, 1)) | t.cov(x, correction=5) | t.cov(t.ones(2, 2, 2)) | t.cov(t.tensor([True]))
t.cov(x, fweights=t.ones(4)) | t.cov(x, fweights=t.ones(4, 1).long())
t.cov(x, fweights=t.ones(2).long()) | t.cov(x, fweights=t.tensor([-1, 2, 3, 4]))
t.cov(x, aweights=t.ones(4).long()) | t.cov(x, aweights=-t.ones(4)) | t.cov(x, aweights=t.zeros(4))
t.corrcoef(t.ones(2, 2, 2)) | t.corrcoef(t.tensor(2.0)) | t.corrcoef(t.tensor([1, 2]))
t.gradient(t.tensor([1, 2, 4, 7])) | t.gradient(t.tensor([1.0])) | t.gradient(x, edge_order=3)
t.gradient(x, spacing=[2.0]) | t.gradient(x, spacing=[2.0, 1.0], dim=1) | t.gradient(x, dim=(0, 0))
t.gradient(x, dim=5) | t.gradient(x, dim=()) | t.gradient(t.tensor(1.0))
t.gradient(x, spacing=(t.ones(3, 1), t.ones(4))) | t.gradient(x.to(t.uint8))
t.cumulative_trapezoid(t.tensor(1.0)) | t.cumulative_trapezoid(x, t.ones(3))
t.cumulative_trapezoid(x, dim=5) | t.cumulative_trapezoid(t.tensor([1, 2, 4]))
t.cumulative_trapezoid(t.tensor([1, 2, 4]), t.tensor([0, 1, 5])) | t.cumulative_trapezoid(t.ones(0))
t.renorm(x, -2, 0, 1) | t.renorm(x, 2, 0, -1) | t.renorm(x[0], 2, 0, 1) | t.renorm(x, 2, 5, 1)
t.renorm(x.long(), 2, 0, 1) | t.renorm(x, t.inf, 0, 0.5) | t.trapezoid(x, t.ones(3))
"""


def expressions(text):
    return [line.strip() for line in text.replace("\n", "|").split("|") if line.strip()]


@pytest.mark.parametrize("text", expressions(SMOOTH))
def test_value_and_two_derivatives(text):
    def fn(t):
        x = t.tensor(X, dtype=t.float64, requires_grad=True)
        w = t.tensor([0.5, 1.0, 0.2, 2.0], dtype=t.float64, requires_grad=True)
        y = eval(text, {"t": t, "x": x, "w": w})
        inputs = [x, w] if "w)" in text or "w," in text else [x]
        first = t.autograd.grad(y.sin().sum(), inputs, create_graph=True)
        second = t.autograd.grad(sum(g.square().sum() for g in first), inputs)
        return y.detach(), first, second

    same(fn, 1e-9)


@pytest.mark.parametrize("text", expressions(PLAIN))
def test_edges_and_errors(text):
    same(lambda t: eval(text, {"t": t, "x": t.tensor(X)}), 1e-6)
