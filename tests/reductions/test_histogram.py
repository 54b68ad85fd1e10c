"""histogram against PyTorch: counts, edges, weights, densities, errors."""

import math

import pytest

from oracle import same

EXPRESSIONS = """
t.histogram(x, bins=4) | t.histogram(x, 4, range=(0.0, 3.0)) | x.histogram(3)
t.histogram(x.double(), 3)
t.histogram(x, bins=t.tensor([0.0, 1.5, 3.0])) | t.histogram(x, 2, weight=t.arange(6.0))
t.histogram(x, 2, range=(0.0, 3.0), weight=t.arange(6.0), density=True)
t.histogram(x.view(2, 3), 3)
t.histogram(t.linspace(0, 1, 101), bins=10) | t.histogram(t.linspace(-3, 5, 1001), bins=37)
t.histogram(t.tensor([9.0]), bins=2, range=(0.0, 3.0), density=True)
t.histogram(t.tensor([]), bins=2)
t.histogram(t.tensor([1.0, 1.0]), bins=2) | t.histogram(x, bins=2, range=(1.0, 1.0))
t.histogram(t.tensor([1.0, t.nan, 2.0]), bins=2, range=(0.0, 3.0))
t.histogram(t.tensor([t.nan]), 2)
t.histogram(t.tensor([1.0, t.inf]), bins=2) | t.histogram(x, bins=0) | t.histogram(x, bins=-1)
t.histogram(x.long(), bins=2) | t.histogram(x, bins=2, range=(3.0, 0.0))
t.histogram(x, bins=2, range=(1.0,)) | t.histogram(x, bins=2, weight=t.ones(3))
t.histogram(x, bins=2, weight=t.ones(6).double()) | t.histogram(x, bins=t.ones(2, 2))
t.histogram(x, bins=t.ones(2).double()) | t.histogram(x, bins=t.ones(1))
t.histogram(x, bins=t.ones(0))
"""


def expressions(text):
    return [line.strip() for line in text.replace("\n", "|").split("|") if line.strip()]


@pytest.mark.parametrize("text", expressions(EXPRESSIONS))
def test_like_pytorch(text):
    def fn(t):
        x = t.tensor([1.0, 2.0, 1.0, 0.0, 1.5, 3.0])
        result = eval(text, {"t": t, "x": x})
        return type(result).__name__, tuple(result)

    same(fn, 1e-6)


POINTS = [
    "t.histogramdd(p(7, 2), [3, 2])",
    "t.histogramdd(p(7, 2), 2, weight=p(7, 1)[:, 0].abs())",
    "t.histogramdd(p(5, 3), [2, 3, 1], density=True)",
    "t.histogramdd(p(5, 2), 2, range=[-1.0, 1.0, 0.0, 2.0], density=True)",
    "t.histogramdd(p(2, 4, 2), [t.tensor([-1.0, 0.0, 0.5]), t.tensor([0.0, 2.0])])",
    "t.histogramdd(p(5, 2), [3])",
    "t.histogramdd(p(5, 2), [3, 0])",
    "t.histogramdd(p(5, 2), 3, range=[0.0])",
    "t.histogramdd(p(5, 2).long(), 3)",
    "t.histogramdd(p(5, 2), 3, weight=p(4, 1)[:, 0])",
]


@pytest.mark.parametrize("call", POINTS)
def test_boxes(call):
    def run(t):
        def points(*shape):
            steps = t.arange(math.prod(shape), dtype=t.float32).view(shape)
            return (steps * 1.7).sin() * 2

        hist, edges = eval(call, {"t": t, "p": points})
        return hist, edges

    same(run, 1e-6)
