"""The functions of core/formulas/math.h against libm, in units in the last place."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLAGS = ["-std=c++20", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]

# Largest error allowed, float32 and float64. The measured ones lie below by about a tenth.
BOUNDS = {
    "exp": (1.1, 1.1),
    "exp2": (1.5, 1.3),
    "expm1": (1.6, 2.0),
    "sigmoid": (2.0, 1.9),
    "sinh": (1.7, 1.7),
    "cosh": (1.5, 1.5),
    "tanh": (2.0, 2.2),
    "erf": (1.7, 1.3),
    "erfc": (0.6, 3.5),
    "log": (1.0, 1.0),
    "log2": (0.51, 0.8),
    "log10": (0.51, 0.8),
    "log1p": (1.0, 1.0),
    "asinh": (0.51, 1.8),
    "acosh": (0.51, 1.8),
    "atanh": (0.51, 1.8),
    "pow": (0.51, 1.0),
    "logaddexp": (1.7, 1.5),
    "sin": (0.9, 1.6),
    "cos": (0.9, 1.6),
    "tan": (1.3, 3.0),
    "bounded::sin": (0.9, 1.6),
    "bounded::cos": (0.9, 1.6),
    "bounded::tan": (1.3, 3.0),
    "asin": (1.3, 1.3),
    "acos": (1.2, 1.2),
    "atan": (2.0, 1.8),
    "atan2": (2.0, 2.0),
    "sqrt": (0.5, 0.5),
    "rsqrt": (1.5, 1.5),
    "hypot": (0.51, 1.3),
    "floor": (0, 0),
    "ceil": (0, 0),
    "trunc": (0, 0),
    "round": (0, 0),
    "fmod": (0, 0),
    "nextafter": (0, 0),
    "maximum": (0, 0),
    "minimum": (0, 0),
}

compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")


@pytest.mark.skipif(compiler is None, reason="no C++ compiler")
@pytest.mark.parametrize("march", ["baseline", "native"])
def test_error_bounds(tmp_path: Path, march: str) -> None:
    assert compiler is not None
    program = tmp_path / "math_ulp"
    flags = [] if march == "baseline" else ["-march=native"]
    if flags and platform.machine() == "arm64":
        flags = ["-mcpu=native"]
    source = Path(__file__).with_name("math_ulp.cpp")
    command = [
        *compiler.split(),
        *FLAGS,
        *flags,
        f"-I{ROOT / 'core'}",
        str(source),
        "-o",
        str(program),
    ]
    subprocess.run(command, check=True)
    lines = subprocess.run(
        [program], check=True, capture_output=True, text=True
    ).stdout.splitlines()

    wrong, measured = [], set()
    for name, dtype, ulps, *worst in map(str.split, lines):
        if name == "integers":
            assert ulps == "0", "integer arithmetic"
            continue
        measured.add((name, dtype))
        bound = BOUNDS[name][dtype == "float64"]
        if not float(ulps) <= bound:
            wrong.append(f"{name} {dtype}: {ulps} ulp at {worst}, allowed {bound}")
    assert not wrong, "\n".join(wrong)
    assert measured == {(n, d) for n in BOUNDS for d in ("float32", "float64")}
