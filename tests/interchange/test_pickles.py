"""Pickles and copies of what is not a tensor; element-by-element Python; formats of parameters."""

import copy
import pickle

import pytest

from oracle import same


def test_generators_keep_their_state():
    def fn(t):
        generator = t.Generator().manual_seed(3)
        t.rand(5, generator=generator)
        copies = [pickle.loads(pickle.dumps(generator)), copy.deepcopy(generator)]
        return [(c.initial_seed(), t.rand(2, generator=c)) for c in copies]

    same(fn)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_named_results(again):
    def fn(t):
        result = again(t.max(t.tensor([[1.0, 3.0], [4.0, 2.0]]), 1))
        return result.values, result.indices, repr(result)

    same(fn)


EXPRESSIONS = [
    "t.ones(2, 3).t().apply_(lambda v: v + 1)",
    "t.ones(2, dtype=t.int64).apply_(lambda v: v + 1)",
    "t.ones(0).apply_(lambda v: v)",
    "t.ones(2).map_(t.tensor([3.0]), lambda a, b: a + b)",
    "t.ones(2, requires_grad=True).apply_(lambda v: v)",
    "t.ones(2, requires_grad=True).map_(t.ones(2), lambda a, b: a)",
    "t.ones(2).map_(t.tensor([3]), lambda a, b: a)",
    "t.ones(2).is_cpu",
    "f'{t.tensor(1.5):.3f}'",
    "f'{t.nn.Parameter(t.tensor(1.5))}'",
    "f'{t.nn.Parameter(t.tensor(1.5)):.3f}'",
]


@pytest.mark.parametrize("source", EXPRESSIONS)
def test_expression(source):
    same(lambda t: eval(source, {"t": t}))
