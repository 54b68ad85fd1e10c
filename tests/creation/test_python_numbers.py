"""Python's numbers and types where PyTorch takes them: dtypes, operands, sizes, conversions."""

import pytest

from oracle import same

DTYPES = """
t.zeros(2, dtype=p) | t.ones(2, dtype=p) | t.tensor([0, 1], dtype=p) | t.arange(2, dtype=p)
t.ones(2).to(p) | t.ones(2).to(dtype=p) | t.ones(2).sum(dtype=p) | t.ones(2).new_zeros(3, dtype=p)
t.ones(2).type(p) | t.can_cast(p, t.float32) | str(t.promote_types(p, t.int8))
t.full((2,), 1, dtype=p)
t.zeros_like(t.ones(2), dtype=p)
"""
NUMBERS = """
t.add(2, 3) | t.add(2, 3.0) | t.add(True, False) | t.add(2, 3, alpha=2) | t.sub(2, 3)
t.sub(True, False) | t.mul(2, 3) | t.multiply(2, 2.5) | t.mul(True, True) | t.div(2, 3)
t.div(7, 2, rounding_mode='floor') | t.div(-7, 2, rounding_mode='trunc') | t.true_divide(1, 4)
t.divide(2, 3) | t.floor_divide(7, 2) | t.subtract(2.5, True) | t.sin(2) | t.exp(1.0)
t.zeros(2).copy_(3) | t.zeros(2).copy_(True) | t.zeros(2, dtype=t.int64).copy_(3.7)
t.fill(t.ones(2), 3) | t.fill(t.ones(2), t.tensor(3)) | t.fill(t.ones(2), t.tensor([3]))
t.fill_(t.ones(2), 3) | t.zero_(t.ones(2)) | t.detach_(t.ones(2))
"""
SIZES = """
t.Size([1, 2]) * 2 | 2 * t.Size([1, 2]) | t.Size([1]) + (2,) | (1,) + t.Size([2])
t.Size([1]) + [2]
t.Size(['a']) | t.Size([1.5]) | t.Size(3) | t.Size([t.tensor(3), 2]) | t.Size([True])
t.Size([1, 2])[:1] | t.Size((2, 3)) == (2, 3) | hash(t.Size([2])) == hash((2,)) | t.Size().numel()
"""
CONVERSIONS = """
float(t.ones(2)) | int(t.ones(0)) | float(t.ones(1, 1)) | int(t.tensor(2.7)) | int(t.tensor(t.nan))
int(t.tensor(t.inf)) | complex(t.tensor(2.0)) | range(3)[t.tensor(2)] | range(3)[t.tensor(2.0)]
round(t.tensor(2.5)) | divmod(t.tensor(7), 2) | t.ones(2) + [1, 2] | [1] + t.ones(2)
t.ones(2) < 'a'
f'{t.tensor([2.5]):.3f}'
"""
WRONG = """
t.zeros(2, dtype='float32') | t.zeros([2.5]) | t.full((2,), t.tensor([3]))
"""


def expressions(text):
    return [line.strip() for line in text.replace("\n", "|").split("|") if line.strip()]


@pytest.mark.parametrize("text", expressions(DTYPES))
@pytest.mark.parametrize("python_type", [float, int, bool])
def test_python_types_are_dtypes(text, python_type):
    same(lambda t: eval(text, {"t": t, "p": python_type}))


@pytest.mark.parametrize("text", expressions(NUMBERS + SIZES + CONVERSIONS + WRONG))
def test_like_pytorch(text):
    same(lambda t: eval(text, {"t": t}))


@pytest.mark.parametrize("limits", ["finfo(float)", "iinfo(int)", "iinfo(float)", "finfo(str)"])
def test_limits_of_python_types(limits):
    def fn(t):
        found = eval(f"t.{limits}", {"t": t})
        return found.min, found.max, found.bits, found.dtype

    same(fn)


def test_a_size_keeps_its_type():
    def fn(t):
        size = t.Size([1, 2])
        joined = size.__add__((3,))
        return [type(s).__name__ for s in (size * 2, 2 * size, joined, size[1:])]

    same(fn)
