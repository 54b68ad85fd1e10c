"""Elementwise operations as test cases: the registry's write themselves, the fronts are listed.

A case is an expression over `T` (the library) and the tensors a, b, c, with the range that each of
them is drawn from. A new formula becomes a case without an entry here.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

import backlit
from backlit import _C

LETTERS = "abc"
# Rule and kinds as core/formulas/formula.h counts them.
DERIVATIVE, NOT_DIFFERENTIABLE, NOT_IMPLEMENTED = range(3)
FLOATS, INTEGERS, BOOLS, SIXTEEN_BITS = 1, 2, 4, 8

# Values for parameters that have no default, or whose default hides something.
PARAMETERS = {
    "celu.alpha": 1.3,
    "elu.alpha": 0.7,
    "softplus.beta": 1.5,
    "softplus.threshold": 2.0,
}


def homes(lib: Any) -> dict[str, Any]:
    """What `T` and `F` in an expression stand for."""
    return {"T": lib, "F": lib._C._nn if lib is backlit else lib.nn.functional}


@dataclass(frozen=True)
class Case:
    """One way to call one elementwise operation."""

    expression: str
    domain: tuple[tuple[float, float], ...]
    rule: int = DERIVATIVE

    @property
    def arity(self) -> int:
        return len(self.domain)

    def __str__(self) -> str:
        return self.expression

    def run(self, lib: Any, *tensors: Any) -> Any:
        names = dict(zip(LETTERS, tensors, strict=False))
        return eval(self.expression, {**homes(lib), **names})

    def is_known_to(self, lib: Any) -> bool:
        """Whether the library has it; finite differences alone check what PyTorch lacks."""
        home, _, path = self.expression.partition("(")[0].partition(".")
        found = homes(lib).get(home)
        for name in path.split(".") if found is not None else ():
            found = getattr(found, name, None)
        return found is not None or home not in homes(lib)


def functions() -> dict[str, tuple[dict[str, Any], str]]:
    """Elementwise rows that are functions: name -> (row, home)."""
    found = {}
    for home, operations in _C._operations.items():
        for name, operation in operations.items():
            for row in operation.__rows__:
                plain = row["name"] == name and not name.endswith("_")
                if row["elementwise"] and plain:
                    found[name] = (row, home)
    return found


def written_by_registry() -> list[Case]:
    cases = []
    for name, (row, home) in sorted(functions().items()):
        inside = row["signature"][row["signature"].index("(") + 1 : -1]
        parameters = [p.strip() for p in inside.split(",") if p.strip() != "*"]
        arguments = list(LETTERS[: row["arity"]])
        for text in parameters[row["arity"] :]:
            key, _, default = text.rsplit(" ", 1)[1].partition("=")
            value = PARAMETERS.get(f"{name}.{key}", default)
            arguments.append(f"{key}={value}" if "*" in inside else str(value))
        prefix = {"torch": "T", "nn": "F", "special": "T.special"}[home]
        domain = tuple(tuple(pair) for pair in row["domain"])
        cases.append(Case(f"{prefix}.{name}({', '.join(arguments)})", domain, row["rule"]))
    return cases


ANY, POSITIVE, SIZED = (-3.0, 3.0), (0.1, 3.0), (0.5, 3.0)


def fronts() -> list[Case]:
    table: dict[tuple[tuple[float, float], ...], str] = {
        (ANY,): """
            T.square(a) | T.threshold(a, 0.3, -1.5)
            T.add(a, 2) | T.sub(2, a) | 2 - a | a - 2 | T.rsub(a, 2) | T.rsub(a, 2, alpha=3) | a * 3
            a / 3 | a**2 | a**3 | a**0 | a**1 | 2**a | T.pow(2.5, a) | T.float_power(a, 2)
            T.clamp(a, -1, 1) | T.clamp(a, min=0.5) | T.clamp(a, max=0.5) | T.clamp_min(a, 0.5)
            T.clamp_max(a, 0.5) | T.nan_to_num(a) | T.nan_to_num(a, 1.0, 2.0, 3.0) | F.gelu(a)
            F.gelu(a, approximate='tanh') | F.softshrink(a, 0.3) | T.celu(a, 1.3)
            T.where(a > 0, a, 2.0) | T.where(a > 0, 1.0, a) | T.copysign(a, -1.0) | T.xlogy(a, 2.0)
            T.special.xlog1py(a, 2.0) | T.add(a, 2, alpha=3) | T.positive(a) | a + 1 | 1 - a
        """,
        ((-9.3, 9.3),): """
            T.round(a, decimals=1) | T.round(a, decimals=-1) | T.round(a) | T.fmod(a, 0.7)
            T.remainder(a, 0.7) | T.div(a, 0.7, rounding_mode='floor')
            T.div(a, 0.7, rounding_mode='trunc')
        """,
        ((0.4, 3.0),): """
            a**0.5 | a**-0.5 | a**-1 | a**-2 | a**2.7 | 2 / a | T.pow(a, -1.3) | T.div(2, a)
            T.xlogy(2.0, a) | T.special.xlog1py(2.0, a) | T.special.zeta(2.5, a)
            T.polygamma(0, a) | T.polygamma(1, a) | T.polygamma(3, a) | T.float_power(a, 0.3)
        """,
        ((0.1, 0.9),): "T.logit(a) | T.logit(a, 0.2) | T.logit(a, eps=1e-6)",
        ((1.3, 4.0),): "T.mvlgamma(a, 1) | T.mvlgamma(a, 3)",
        (ANY, ANY): """
            T.add(a, b, alpha=2) | T.sub(a, b, alpha=0.5) | T.sub(a, b) | T.rsub(a, b, alpha=2)
            a + b | a - b | a * b | T.prelu(a, b) if b.dim() == 0 else T._prelu_kernel(a, b)
            T.where(a > b, a, b) | T.clamp(a, min=b) | T.clamp(a, max=b) | T.clamp_min(a, b)
            T.clamp_max(a, b) | T.lerp(a, b, 0.3) | T.lerp(a, b, 0.7) | T.clamp(a, b, b + 1)
        """,
        (ANY, SIZED): """
            T.div(a, b) | T.true_divide(a, b) | T.div(a, b, rounding_mode='floor')
            T.div(a, b, rounding_mode='trunc') | a / b | a % b
        """,
        (POSITIVE, ANY): "T.pow(a, b) | T.float_power(a, b) | a**b",
        (ANY, ANY, ANY): """
            T.addcmul(a, b, c) | T.addcmul(a, b, c, value=0.5) | T.lerp(a, b, c) | T.clamp(a, b, c)
        """,
        (ANY, ANY, SIZED): "T.addcdiv(a, b, c) | T.addcdiv(a, b, c, value=0.5)",
    }
    return [
        Case(expression.strip(), domain)
        for domain, text in table.items()
        for expression in re.split(r" \| |\n", text.strip())
        if expression.strip() and "_prelu_kernel" not in expression
    ]


CASES = written_by_registry() + fronts()
DIFFERENTIABLE = [case for case in CASES if case.rule == DERIVATIVE]

# Zeros, signs, kinks of the formulas, the smallest and the largest numbers, infinities and nan.
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 6.0, 20.0, 21.0, -21.0, 2.5, 0.3]
SPECIAL += [-0.3, 1e-3, 100.0, -100.0, 1e-310, -1e-310, 1e300, -1e300, 2.0**31, -(2.0**31) - 1]
INFINITE = [float("inf"), float("-inf"), float("nan")]


def special_inputs(arity: int) -> list[list[float]]:
    """Columns of special values: all combinations of fewer values for more inputs."""
    values = SPECIAL + INFINITE
    if arity == 2:
        values = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 3.0, 1e-310, 1e300, -1e300, *INFINITE]
    if arity == 3:
        values = [0.0, -0.0, 1.0, -1.0, 0.3, *INFINITE]
    return [list(column) for column in zip(*itertools.product(values, repeat=arity), strict=True)]
