"""Random programs of views, in-place changes and arithmetic give PyTorch's values, gradients,
second derivatives and errors."""

from __future__ import annotations

import pytest
from autograd.programs import program, run

import backlit

from oracle import assert_close

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these programs")


@pytest.mark.parametrize("block", range(8))
def test_random_programs(block: int) -> None:
    for seed in range(100 * block, 100 * block + 100):
        steps = program(seed, length=4 + seed % 8)
        try:
            assert_close(run(backlit, steps), run(torch, steps), 1e-7)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, steps {steps}") from error
