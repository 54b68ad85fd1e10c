"""Gradient clipping; parameters as a vector."""

import pytest

from oracle import same


def params(lib):
    made = [
        lib.nn.Parameter(lib.ones(2)),
        lib.nn.Parameter(lib.ones(3)),
        lib.nn.Parameter(lib.ones(1)),
    ]
    made[0].grad = lib.tensor([3.0, -4.0])
    made[1].grad = lib.tensor([0.0, 12.0, 0.5])
    return made


@pytest.mark.parametrize("norm", [2.0, 1.0, float("inf"), 3])
@pytest.mark.parametrize("limit", [1.0, 100.0])
def test_clip_grad_norm(norm, limit):
    def run(lib):
        ps = params(lib)
        total = lib.nn.utils.clip_grad_norm_(ps, limit, norm)
        return total, [p.grad for p in ps]

    same(run, 1e-6)


def test_nonfinite_norm():
    def run(lib):
        ps = params(lib)
        ps[0].grad[0] = float("nan")
        return lib.nn.utils.clip_grad_norm_(ps, 1.0, error_if_nonfinite=True)

    same(run)


def test_clip_grad_value():
    def run(lib):
        ps = params(lib)
        lib.nn.utils.clip_grad_value_(ps, 1.5)
        return [p.grad for p in ps]

    same(run)


def test_vector():
    def run(lib):
        ps = params(lib)
        vec = lib.nn.utils.parameters_to_vector(ps)
        lib.nn.utils.vector_to_parameters(vec.detach() * 2, ps)
        return vec.detach(), [p.data for p in ps]

    same(run)
