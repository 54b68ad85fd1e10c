"""The programs: what they print, as they stand, through `backlit run`, and on PyTorch."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = [
    "graph_convolution.py",
    "neural_ode.py",
    "per_sample_gradients.py",
    "variational_autoencoder.py",
]


def output(*command):
    """What a program prints; on one thread, for PyTorch's sake on a busy machine."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=PROGRAMS)
def program(request):
    """A program, and what it prints."""
    path = EXAMPLES / request.param
    return path, output(path)


@pytest.fixture
def as_torch(program, tmp_path):
    """A copy that says `import torch`."""
    text = program[0].read_text()
    assert text.count("import backlit as torch\n") == 1
    path = tmp_path / program[0].name
    path.write_text(text.replace("import backlit as torch\n", "import torch\n"))
    return path


NUMBER = r"-?\d+\.?\d*(?:e-?\d+)?"


def test_through_the_command_line(program, as_torch):
    assert output("-m", "backlit", "run", as_torch) == program[1]


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed to compare with"
)
def test_same_numbers_as_pytorch(program, as_torch):
    ours, theirs = program[1].splitlines(), output(as_torch).splitlines()
    assert [re.sub(NUMBER, "#", line) for line in ours] == [
        re.sub(NUMBER, "#", line) for line in theirs
    ]
    for mine, other in zip(ours, theirs, strict=True):
        first = mine.startswith(("epoch 1:", "epoch 2:", "epoch 3:", "step 1:", "step 2:"))
        # in later steps the rounding of the first ones has grown
        numbers = [[float(n) for n in re.findall(NUMBER, line)] for line in (mine, other)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-5 if first else 2e-2, abs=2e-5)


def test_they_learn():
    def last(name):
        lines = output(EXAMPLES / name).splitlines()
        return [float(n) for n in re.findall(NUMBER, lines[-1])]

    assert last("graph_convolution.py")[-1] >= 95  # percent of the nodes
    assert last("neural_ode.py")[-1] < 0.5  # the radius of the spiral is 1
