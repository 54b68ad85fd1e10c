"""Random numbers are PyTorch's to the bit: where its compiler fuses product and sum, so do we."""

import math

import pytest

from oracle import same

CALLS = {
    "uniform_": lambda lib, n, d: lib.empty(n, dtype=d).uniform_(
        -1 / math.sqrt(3), 1 / math.sqrt(3)
    ),
    "uniform_ shifted": lambda lib, n, d: lib.empty(n, dtype=d).uniform_(0.3, 2.7),
    "normal_": lambda lib, n, d: lib.empty(n, dtype=d).normal_(0.3, 1.7),
    "rand": lambda lib, n, d: lib.rand(n, dtype=d),
    "randn": lambda lib, n, d: lib.randn(n, dtype=d),
    "cauchy_": lambda lib, n, d: lib.empty(n, dtype=d).cauchy_(1.3, 2.7),
    "log_normal_": lambda lib, n, d: lib.empty(n, dtype=d).log_normal_(0.3, 0.7),
    "exponential_": lambda lib, n, d: lib.empty(n, dtype=d).exponential_(1.7),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [0, 1, 7, 15, 16, 17, 31, 1000, 3001])
@pytest.mark.parametrize("call", CALLS)
def test_same_bits(call, n, dtype):
    def run(lib):
        lib.manual_seed(n)
        x = CALLS[call](lib, n, getattr(lib, dtype))
        return x, lib.rand(2)  # and as many numbers were drawn

    same(run)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("call", ["uniform_", "normal_"])
def test_strided_tensors_are_filled_in_order(call, dtype):
    def run(lib):
        lib.manual_seed(3)
        x = lib.zeros(40, 6, dtype=getattr(lib, dtype))
        getattr(x.t()[1:, ::2], call)(0.3, 1.7)
        return x

    same(run)
