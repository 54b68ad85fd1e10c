"""Every elementwise formula reads as text and LaTeX, and what is read is what is computed."""

import re

import mpmath
import pytest
from formula_text import value_of

import backlit as torch
from backlit import _C

FORMULAS = {f["name"]: f for f in _C._formulas()}
DIFFERENTIABLE = [name for name, f in FORMULAS.items() if any(f["locals"])]
PARAMETERS = {"eps": 0.01, "n": 2, "min": -0.4, "max": 0.9, "min_val": -0.4, "max_val": 0.9}


def sample(domain, at):
    low, high = domain
    return low + (high - low) * at


def points(formula):
    """Places inside of the domain, away from the kinks at round numbers."""
    for shares in [(0.83, 0.37, 0.61), (0.21, 0.73, 0.44), (0.57, 0.58, 0.9)]:
        values = {
            v: sample(d, s)
            for v, d, s in zip(formula["variables"], formula["domain"], shares, strict=False)
        }
        if formula["name"].startswith(("soft_margin", "hinge", "margin")):
            values[formula["variables"][-1]] = 1.0
        yield values | {p: PARAMETERS.get(p, 0.7) for p in formula["parameters"]}


@pytest.mark.parametrize("name", FORMULAS)
def test_every_formula_has_text_and_latex(name):
    formula = FORMULAS[name]
    for reading in [formula["value"], *formula["locals"]]:
        if reading is None:
            continue
        text, latex = reading
        assert text and latex
        assert "\\" not in text and text.isprintable()
        assert latex.isascii()
        assert latex.count("{") == latex.count("}")
        assert latex.count("\\left") == latex.count("\\right")
        assert not re.search(
            r"--|−−|\+ −|− −|\*|//|\b1·|·1\b|nan if.*else 0", text.split("(nan")[0]
        )


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_local_derivative_is_that_of_the_value(name):
    formula = FORMULAS[name]
    value = formula["value"][0]
    for given in points(formula):
        y = value_of(value, **given)
        for variable, reading in zip(formula["variables"], formula["locals"], strict=True):
            if reading is None:
                continue
            read = value_of(reading[0], y=y, **given)

            def f(x, given=given, variable=variable):
                return value_of(value, **(given | {variable: x}))

            expected = mpmath.diff(f, given[variable], h=mpmath.mpf(2) ** -20)
            assert float(read) == pytest.approx(float(expected), rel=1e-4, abs=1e-4), (
                name,
                variable,
                given,
            )


def calls():
    """(id, operation, row) of the public elementwise operations."""
    for home, operations in _C._operations.items():
        for operation in operations.values():
            for row in operation.__rows__:
                if row["elementwise"] and row["name"] in DIFFERENTIABLE:
                    yield f"{home}.{row['name']}", operation, row


CALLS = {key: (operation, row) for key, operation, row in calls()}


@pytest.mark.parametrize("key", CALLS)
def test_a_node_reads_as_it_computes(key):
    operation, row = CALLS[key]
    formula = FORMULAS[row["name"]]
    given = next(points(formula))
    operands = [
        torch.tensor([given[v]], dtype=torch.float64, requires_grad=True)
        for v in formula["variables"]
    ]
    if row["name"] == "where":
        operands[0] = torch.tensor([True])
    parameters = [given[p] for p in formula["parameters"]]
    if row["signature"].startswith(("add", "sub", "rsub")):
        y = operation(*operands, **dict(zip(formula["parameters"], parameters, strict=True)))
    elif row["name"] == "polygamma":
        y = operation(2, *operands)
    else:
        y = operation(*operands, *parameters)
    node = y.grad_fn
    values = {v: t.item() for v, t in zip(formula["variables"], operands, strict=True)}
    assert node._operation == row["name"]
    text = node._value_text(values=values, digits=17)
    # constants of the formulas are shown with six digits
    assert float(value_of(text)) == pytest.approx(y.item(), rel=1e-5, abs=1e-9), text
    values["y"] = y.item()
    for i, t in enumerate(operands):
        local = node._local(i) if t.requires_grad else None
        if local is None:
            continue
        text = node._local_text(i, values=values, digits=17)
        assert float(value_of(text)) == pytest.approx(local.item(), rel=1e-5, abs=1e-9), text


@pytest.mark.parametrize(
    ("call", "local"),
    [
        (lambda x: x**2, "2·x"),
        (lambda x: x**3, "3·x²"),
        (lambda x: x**2.5, "2.5·x^1.5"),
        (lambda x: x**-1, "−1/x²"),
        (lambda x: 2**x, "y·ln(2)"),
        (lambda x: 1 - x, "−1"),
        (lambda x: x / 4, "0.25"),
        (lambda x: torch.sigmoid(x), "y·(1 − y)"),
        (lambda x: torch.nn.functional.silu(x), "σ(x)·(1 + x·(1 − σ(x)))"),
        (lambda x: torch.nn.functional.gelu(x), "0.5·(1 + erf(x/√2)) + x·exp(−0.5·x²)/√(2·π)"),
        (lambda x: torch.nn.functional.softplus(x), "1 if x > 20 else σ(x)"),
        (lambda x: torch.nn.functional.logsigmoid(x), "σ(−x)"),
    ],
)
def test_as_a_textbook_would(call, local):
    node = call(torch.tensor([2.0], requires_grad=True)).grad_fn
    found = [pair[0] for pair in node._local_formulas if pair is not None]
    assert found == [local]


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("w", "2 \\cdot w"),
        ("w1", "2 \\cdot w_{1}"),
        ("w_12", "2 \\cdot w_{12}"),
        ("x_hat", "2 \\cdot \\hat{x}"),
        ("theta", "2 \\cdot \\theta"),
        ("loss_a", "2 \\cdot \\mathrm{loss\\_a}"),
        ("layers.0.bias", "2 \\cdot \\mathrm{layers.0.bias}"),
        ("\\bar{w}", "2 \\cdot \\bar{w}"),
        ("a - b", "2 \\cdot \\left(\\mathrm{a - b}\\right)"),
    ],
)
def test_names_in_latex(name, latex):
    node = (torch.tensor([2.0], requires_grad=True) ** 2).grad_fn
    assert node._local_text(0, {"x": name}, latex=True) == latex
