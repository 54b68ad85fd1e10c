"""Products at the edges of tiles, panels and blocks, by the kernels of every instruction set.

The numbers are small integers, whose products and sums are exact in any order: NumPy's integer
product is the truth to the last bit.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

import backlit as torch

EDGES = [1, 2, 5, 7, 16, 17, 48, 65, 97]
DEPTHS = [1, 16, 127, 129, 300]
THIN = [(m, k, n) for m in (2, 5, 12) for k in (60, 200) for n in (256, 301)]
THIN += [(n, k, m) for m, k, n in THIN]


def check(m, k, n, dtype, transposed):
    rng = np.random.default_rng(m * 7919 + k * 31 + n)
    a, b = rng.integers(-4, 5, (m, k)), rng.integers(-4, 5, (k, n))
    lies = [torch.tensor(x, dtype=dtype) for x in (a, b)]
    # the same matrix from memory that holds its transpose
    left, right = (
        x.t().contiguous().t() if t else x for x, t in zip(lies, transposed, strict=True)
    )
    assert np.array_equal((left @ right).numpy(), a @ b), (m, k, n, dtype, transposed)
    row = torch.arange(n).to(dtype)
    assert np.array_equal(torch.addmm(row, left, right).numpy(), a @ b + np.arange(n))
    added = torch.addmm(torch.ones(m, n, dtype=dtype), left, right, beta=3, alpha=2)
    assert np.array_equal(added.numpy(), 2 * (a @ b) + 3)


def check_all():
    forms = [(False, False), (True, False), (False, True), (True, True)]
    case = 0
    for m in EDGES:
        for n in EDGES:
            for k in DEPTHS:
                case += 1
                check(m, k, n, (torch.float32, torch.float64)[case % 2], forms[case // 2 % 4])
    for m, k, n in [*THIN, (200, 700, 150), (64, 5000, 64), (7, 4000, 130), (700, 650, 601)]:
        for form in forms:
            check(m, k, n, torch.float32, form)


@pytest.mark.parametrize("isa", ["generic", "v3", "v4"])
def test_every_edge_is_exact(isa):
    environment = {**os.environ, "BACKLIT_ISA": isa}
    subprocess.run([sys.executable, __file__], env=environment, check=True)


def test_the_bits_do_not_depend_on_the_threads():
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    try:
        for m, k, n in [(500, 300, 200), (90, 2000, 100), (64, 64, 1000)]:
            a, b = torch.randn(m, k), torch.randn(k, n)
            results = []
            for count in (1, 2, 3, 8):
                torch.set_num_threads(count)
                results.append((a @ b, torch.addmm(b[0], a, b)))
            for product, added in results[1:]:
                assert torch.equal(product, results[0][0])
                assert torch.equal(added, results[0][1])
    finally:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    check_all()
