"""Nodes remember the Python instruction of the user's program that made them."""

import ast
import functools
import sys
import types

import executing
import pytest

import backlit as torch
from backlit.autograd import graph


def source(node):
    """The expression that made a node, and its line counted from the start of its function."""
    code, lasti = node._location
    line = next(line for start, end, line in code.co_lines() if start <= lasti < end)
    frame = types.SimpleNamespace(f_code=code, f_lasti=lasti, f_lineno=line, f_globals=globals())
    found = executing.Source.executing(frame)
    return ast.unparse(found.node), found.node.lineno - code.co_firstlineno


@pytest.fixture
def x():
    return torch.tensor([2.0, 3.0], requires_grad=True)


def test_the_expression_and_its_line(x):
    product = x * 2
    both = (product + 1, product.sin())
    assert source(product.grad_fn) == ("x * 2", 1)
    assert [source(y.grad_fn)[0] for y in both] == ["product + 1", "product.sin()"]


def test_the_offset_is_the_frame_s(x):
    seen = []

    def note(t):
        seen.append(sys._getframe(1).f_lasti)
        return t

    y = torch.exp(note(x))
    code, lasti = y.grad_fn._location
    assert code is sys._getframe().f_code
    assert lasti > seen[0] and lasti % 2 == 0


def test_layers_name_the_line_that_called_them(x):
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.LayerNorm(3))
    y = net(x)
    loss = torch.nn.functional.mse_loss(y, torch.zeros(3))
    node, lines = loss.grad_fn, []
    while node is not None:
        if node._location:
            lines.append(source(node)[0])
        node = next((n for n, _ in node.next_functions if n is not None), None)
    assert lines[0] == "torch.nn.functional.mse_loss(y, torch.zeros(3))"
    assert set(lines[1:]) == {"net(x)"}


def test_custom_functions_in_place_changes_and_views(x):
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, t):
            return t * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    y = Twice.apply(x)
    y.mul_(3)
    assert source(y.grad_fn)[0] == "y.mul_(3)"
    assert source(y.grad_fn.next_functions[0][0])[0] == "Twice.apply(x)"
    y[0] += 1
    assert source(y.grad_fn)[0].startswith("y[0]")


def test_decorators_generators_and_methods(x):
    class Model:
        @functools.lru_cache  # noqa: B019
        def scaled(self):
            return x * 5

    def each():
        yield x * 7

    assert source(Model().scaled().grad_fn)[0] == "x * 5"
    assert source(next(each()).grad_fn)[0] == "x * 7"
    assert source([x * i for i in (1, 2)][1].grad_fn)[0] == "x * i"


def test_recorded_gradients_name_the_line_of_backward(x):
    (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    assert source(g.grad_fn)[0].startswith("torch.autograd.grad(")


def test_leaves_come_from_nowhere(x):
    assert (x * 2).grad_fn.next_functions[0][0]._location is None


def test_the_switch(x):
    assert graph.is_recording_locations()
    graph.set_record_locations(False)
    try:
        assert not graph.is_recording_locations()
        assert (x * 2).grad_fn._location is None
    finally:
        graph.set_record_locations(True)
    assert (x * 2).grad_fn._location is not None


def test_the_code_is_kept_as_long_as_the_graph_only():
    space = {"torch": torch, "x": torch.tensor(1.0, requires_grad=True)}
    code = compile("y = x * 2", "<somewhere>", "exec")
    before = sys.getrefcount(code)
    exec(code, space)
    assert space["y"].grad_fn._location[0] is code
    assert sys.getrefcount(code) == before + 1
    del space["y"]
    assert sys.getrefcount(code) == before
