"""Random graphs of random operations: paths, sums, text and document against brute force."""

import json
import math

from hypothesis import given, settings, strategies as st

import backlit as torch
from backlit.explain._numbers import number

UNARY = {
    "sin": torch.sin,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "square": torch.square,
    "abs": torch.abs,
    "shrink": lambda x: x * 0.5,
    "turn": lambda x: 1.0 - x,
}
BINARY = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "maximum": torch.maximum,
    "smooth": lambda a, b: a / (1.5 + b * b),
}

STEPS = st.lists(
    st.tuples(st.sampled_from([*UNARY, *BINARY]), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=9,
)
VALUES = st.lists(st.floats(-2, 2), min_size=1, max_size=3)


def build(values, steps, dtype):
    """A result that uses the last value, computed from the leaves step by step."""
    leaves = [torch.tensor(v, dtype=dtype, requires_grad=True) for v in values]
    made = list(leaves)
    for name, i, j in steps:
        a, b = made[-1 - i % len(made)], made[-1 - j % len(made)]
        made.append(UNARY[name](a) if name in UNARY else BINARY[name](a, b))
    return leaves, made[-1]


def all_paths(graph, node):
    """Every path from the result to `node`, one by one."""
    found, waiting = [], [(graph.result, ())]
    while waiting:
        current, edges = waiting.pop()
        if current is node:
            found.append(edges)
        waiting += [
            (edge.source, (*edges, edge))
            for edge in current.inputs
            if edge.source.kind != "constant"
        ]
    return found


def product(path):
    return math.prod([edge.local.item() for edge in path])


@settings(max_examples=150, deadline=None)
@given(VALUES, STEPS, st.integers(1, 5))
def test_paths_of_a_random_graph(values, steps, max_paths):
    _, result = build(values, steps, torch.float64)
    explanation = torch.explain(result, max_paths=max_paths)
    for variable in explanation.variables:
        paths = all_paths(explanation.graph, variable.node)
        assert variable.path_count == len(paths)
        products = sorted((product(path) for path in paths), key=abs, reverse=True)
        listed = [path.product for path in variable.paths]
        assert len(listed) == min(max_paths, len(paths))
        for mine, theirs in zip(listed, products, strict=False):
            assert math.isclose(abs(mine), abs(theirs), rel_tol=1e-12, abs_tol=1e-300)
        scale = sum(map(abs, products)) + 1e-300
        assert abs(math.fsum(products) - variable.total) <= 1e-13 * scale
        assert abs(math.fsum([*listed, variable.remainder]) - variable.total) <= 1e-15 * scale
        engine = variable.checks[0]
        assert engine.what == "engine" and engine.agrees
        assert abs(engine.value.item() - variable.total) <= 1e-13 * scale


@settings(max_examples=60, deadline=None)
@given(VALUES, STEPS)
def test_engine_gives_the_same_bits(values, steps):
    leaves, result = build(values, steps, torch.float64)
    graph = torch.explain(result).graph
    found = torch.autograd.grad(result, leaves, allow_unused=True)
    for leaf, engine in zip(leaves, found, strict=True):
        node = graph.of(leaf)
        assert (node is None) == (engine is None)
        if node is not None:
            assert node.gradient.item() == engine.item()


@settings(max_examples=60, deadline=None)
@given(VALUES, STEPS)
def test_text_and_document_agree(values, steps):
    _, result = build(values, steps, torch.float32)
    explanation = torch.explain(result)
    text, document = str(explanation), json.loads(explanation.to_json())
    assert all(len(line) <= 80 for line in text.splitlines())
    flat = " ".join(text.split())
    for variable in document["variables"]:
        assert variable["title"] in text
        for path in variable["paths"]:
            assert f"= {number(path['product'])}" in flat
        for check in variable["checks"]:
            assert " ".join(check["text"].split()) in flat
    ids = {node["id"] for node in document["nodes"]}
    assert ids == set(document["order"]["forward"])
    assert {edge["from"] for edge in document["edges"]} <= ids
    assert explanation.to_markdown() and explanation.to_latex()


SHAPES = st.sampled_from([(), (1,), (3,), (2, 3), (4, 1)])
TENSOR_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["sin", "tanh", "relu", "add", "mul", "sub", "sum0", "mean", "t", "mm"]),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=7,
)


def tensor_step(name, a, b):
    if name in UNARY:
        return UNARY[name](a)
    if name == "sum0":
        return a.sum(0) if a.dim() else a * 2
    if name == "mean":
        return a.mean()
    if name == "t":
        return a.t() if a.dim() == 2 else a.reshape(-1)
    if name == "mm":
        return a @ a.t() if a.dim() == 2 else a * a
    try:
        return BINARY[name](a, b)
    except RuntimeError:  # shapes do not fit
        return BINARY[name](a, a.detach() * 0.5)


@settings(max_examples=80, deadline=None)
@given(st.lists(SHAPES, min_size=1, max_size=3), TENSOR_STEPS, st.integers(0, 5))
def test_paths_of_random_tensors_add_up(shapes, steps, seed):
    torch.manual_seed(seed)
    leaves = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    made = list(leaves)
    for name, i, j in steps:
        made.append(tensor_step(name, made[-1 - i % len(made)], made[-1 - j % len(made)]))
    result = made[-1].sum() * 1.5
    explanation = torch.explain(result, max_paths=3)
    for variable in explanation.variables:
        total = sum((path.product for path in variable.paths), variable.remainder)
        difference = (
            (torch.as_tensor(total, dtype=torch.float64) - variable.gradient).abs().max().item()
        )
        assert difference <= 1e-12 * (1 + variable.gradient.abs().max().item())
        assert all(check.agrees is not False for check in variable.checks), str(explanation)
    assert str(explanation) and explanation.to_json() and str(explanation.flow())
