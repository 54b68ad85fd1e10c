"""A sample: one way to call one structured operation, from which all checks are derived.

To add a sample for a new registry row, write a line in the `samples_*.py` of its family (every
file of that name in this folder is found; a new family is a new file with a list `SAMPLES`):

    *samples("sum mean", "x | x, 0 | x, (0, -1), keepdim=True", wrong="x, 2", x=real("M N")),

- First the names of the operations: those of `torch` as they are, others as `nn.linear`,
  `linalg.norm`, `special.logit`, and `Tensor.view` for what is only a method.
- Then the calls, separated by ` | ` or line ends. `T` is the library; capital letters are sizes;
  every other name is an input, given behind. Write sizes as letters, not as numbers: the checks
  choose them (0, 1, large), and a call such as `x, (N, M)` follows. Together the calls set every
  parameter of the row (test_registry_closure.py compares).
- Inputs: `real(shape, low, high)`, `index(shape, below)`, `mask(shape)`, `rising(shape)`. Real
  inputs take every dtype and layout, and gradients flow to them unless they are `constant`.
- `wrong=` lists calls that raise; class and first sentence of the message are compared.
- `large=dict(M=300)` chooses sizes for the check of threads, where the defaults are too much.
- `unlike={"dtype bool": "why"}` leaves out the checks whose label the pattern is found in.

The checks are in test_registry_values.py, test_registry_gradients.py and test_registry_forms.py.
A row that cannot be sampled is listed in test_registry_closure.py with the place that tests it.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SIZES = {"K": 2, "M": 3, "N": 4, "P": 5}
# Sizes that make the inputs large enough for several threads, by the number of letters in use.
LARGE = {0: (), 1: (100_003,), 2: (251, 401), 3: (31, 61, 53), 4: (7, 19, 23, 31)}


@dataclass(frozen=True)
class Input:
    """A tensor to draw: its kind, shape and range."""

    kind: str  # "real", "index", "mask"
    shape: tuple[str, ...]
    low: float = -2.0
    high: float = 2.0
    below: str = ""  # of indices: the size that they stay below
    order: str = ""  # "rising", "distinct"
    constant: bool = False  # never requires grad

    def dims(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        return tuple(sizes[s] if s in sizes else int(s) for s in self.shape)

    def draw(self, sizes: Mapping[str, int], seed: int) -> Any:
        """The same numbers in every run; distinct ones, if real."""
        random = np.random.RandomState(seed)
        shape = self.dims(sizes)
        if self.kind == "mask":
            return random.random_sample(shape) < 0.6
        if self.kind == "index":
            below = sizes[self.below] if self.below in sizes else int(self.below)
            if self.order == "distinct":
                return random.permutation(below)[: math.prod(shape)].reshape(shape)
            return random.randint(0, max(below, 1), shape)
        values = self.low + (self.high - self.low) * random.random_sample(shape)
        return np.sort(values) if self.order == "rising" else values

    def as_integers(self, values: Any) -> Any:
        """Small numbers of the input's range, for the check of integers and bools."""
        low, high = max(self.low, 0.0), max(self.high, 1.0)
        shift = np.arange(values.size).reshape(values.shape) * 7 % 5
        return np.clip(shift, math.ceil(low), math.floor(high)).astype("int64")


def real(shape: str = "", low: float = -2.0, high: float = 2.0, *, constant: bool = False) -> Input:
    """Floating-point numbers between low and high; gradients flow to them if not constant."""
    return Input("real", tuple(shape.split()), low, high, constant=constant)


def rising(shape: str, low: float = -2.0, high: float = 2.0) -> Input:
    """Floating-point numbers in order along the last dimension."""
    return Input("real", tuple(shape.split()), low, high, order="rising")


def index(shape: str, below: str, distinct: bool = False) -> Input:
    """int64 numbers from 0 to below (a size or a number)."""
    return Input("index", tuple(shape.split()), below=below, order="distinct" * distinct)


def mask(shape: str) -> Input:
    """Bools."""
    return Input("mask", tuple(shape.split()))


@dataclass(frozen=True)
class Sample:
    """One call of one operation."""

    home: str  # "torch", "nn", "linalg", ...; "Tensor" for what is only a method
    name: str
    arguments: str
    inputs: dict[str, Input] = field(hash=False)
    large: dict[str, int] = field(default_factory=dict, hash=False)
    unlike: dict[str, str] = field(default_factory=dict, hash=False)
    raises: bool = False

    def __str__(self) -> str:
        return f"{self.home}.{self.name}({self.arguments})"

    @property
    def call(self) -> ast.Call:
        node = ast.parse(f"f({self.arguments})", mode="eval").body
        assert isinstance(node, ast.Call)
        return node

    @property
    def reals(self) -> list[str]:
        return [name for name, spec in self.inputs.items() if spec.kind == "real"]

    @property
    def differentiated(self) -> list[str]:
        """Inputs that gradients flow to."""
        return [name for name in self.reals if not self.inputs[name].constant]

    @property
    def letters(self) -> list[str]:
        """The sizes in use, in order of appearance."""
        found = [s for spec in self.inputs.values() for s in spec.shape]
        return [s for s in dict.fromkeys(found) if s in SIZES]

    def sizes(self, **changes: int) -> dict[str, int]:
        return {**SIZES, **changes}

    def large_sizes(self) -> dict[str, int]:
        letters = self.letters
        return {**SIZES, **dict(zip(letters, LARGE[len(letters)], strict=True)), **self.large}

    def draw(self, sizes: Mapping[str, int]) -> dict[str, Any]:
        return {
            name: spec.draw(sizes, zlib.crc32(name.encode())) for name, spec in self.inputs.items()
        }

    def can_draw(self, sizes: Mapping[str, int]) -> bool:
        """Whether there are values: no index stays below 0."""
        return all(
            sizes.get(spec.below, 1) or 0 in spec.dims(sizes) for spec in self.inputs.values()
        )

    def reason(self, label: str) -> str:
        """Why a check is left out; empty if it is not."""
        return next((why for pattern, why in self.unlike.items() if re.search(pattern, label)), "")

    def is_left_out(self, label: str) -> bool:
        return bool(self.reason(label))

    def run(self, lib: Any, names: Mapping[str, Any], form: str = "") -> Any:
        """The result; `form` is "function", "method" or "in place", by default what there is."""
        form = form or ("method" if self.home == "Tensor" else "function")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._evaluate(lib, names, form)

    def _evaluate(self, lib: Any, names: Mapping[str, Any], form: str) -> Any:
        scope = {"T": lib, "F": lib.nn.functional, "inf": math.inf, "nan": math.nan, **names}
        if form == "function":
            home = {"torch": "T", "nn": "F"}.get(self.home, f"T.{self.home}")
            return eval(f"{home}.{self.name}({self.arguments})", scope)
        call = self.call
        first, rest = ast.unparse(call.args[0]), [ast.unparse(a) for a in call.args[1:]]
        rest += [ast.unparse(k) for k in call.keywords]
        name = self.name + "_" * (form == "in place")
        return eval(f"({first}).{name}({', '.join(rest)})", scope)


def samples(
    names: str,
    calls: str,
    *,
    wrong: str = "",
    large: dict[str, int] | None = None,
    unlike: dict[str, str] | None = None,
    **inputs: Input,
) -> list[Sample]:
    """Every call with every one of the operations."""
    made = []
    for full in names.split():
        home, _, name = full.rpartition(".")
        for text, raises in ((calls, False), (wrong, True)):
            for arguments in re.split(r" \| |\n", text.strip()):
                if arguments.strip():
                    used = {
                        key: spec
                        for key, spec in inputs.items()
                        if re.search(rf"\b{key}\b", arguments)
                    }
                    made.append(
                        Sample(
                            home or "torch",
                            name,
                            arguments.strip(),
                            used,
                            large or {},
                            unlike or {},
                            raises,
                        )
                    )
    return made
