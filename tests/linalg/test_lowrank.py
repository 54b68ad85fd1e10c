"""`svd_lowrank` and `pca_lowrank` beside PyTorch, up to the signs of vectors."""

import numpy as np
import pytest

from oracle import same


def matrix(t, *shape):
    return t.from_numpy(np.random.RandomState(sum(shape)).standard_normal(shape))


CALLS = [
    "t.svd_lowrank(a(6, 4), 3)",
    "t.svd_lowrank(a(4, 6), 3, niter=1)",
    "t.svd_lowrank(a(2, 5, 7), 2)",
    "t.svd_lowrank(a(6, 4))",
    "t.svd_lowrank(a(6, 4), 2, M=a(1, 4))",
    "t.pca_lowrank(a(6, 4))",
    "t.pca_lowrank(a(6, 4), 2, center=False)",
    "t.pca_lowrank(a(3, 8), 2)",
    "t.pca_lowrank(a(6, 4), 5)",
    "t.pca_lowrank(a(6, 4), niter=-1)",
]


@pytest.mark.parametrize("call", CALLS)
def test_call(call):
    def run(t):
        t.manual_seed(0)
        U, S, V = eval(call, {"t": t, "a": lambda *shape: matrix(t, *shape)})
        return U.abs(), S, V.abs(), U @ S.diag_embed() @ V.mT

    same(run, 1e-9)


def test_gradient():
    def run(t):
        t.manual_seed(0)
        x = matrix(t, 6, 4).requires_grad_()
        _, S, _ = t.svd_lowrank(x, 2)
        S.sum().backward()
        return x.grad

    same(run, 1e-8)
