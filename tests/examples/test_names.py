"""The classifiers of names: the same numbers under three names of the library, and good ones."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
# the least that is right in the end; the arguments of a short run
CLASSIFIERS = {"names_rnn.py": (290, "300"), "names_gru.py": (310, "1")}


def output(*command):
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(text):
    """(mean losses, how many are right)."""
    losses = [float(loss) for loss in re.findall(r"mean loss ([\d.]+)", text)]
    return losses, [int(right) for right in re.findall(r"right: (\d+) of", text)]


@pytest.fixture
def as_torch(tmp_path):
    """A copy of an example that says `import torch`."""

    def copy(name):
        text = (EXAMPLES / name).read_text()
        assert text.count("import backlit as torch\n") == 1
        shutil.copy(EXAMPLES / "names.py", tmp_path)
        path = tmp_path / name
        path.write_text(text.replace("import backlit as torch\n", "import torch\n"))
        return path

    return copy


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_learns(name):
    losses, right = numbers(output(EXAMPLES / name))
    assert right[-1] >= CLASSIFIERS[name][0]
    assert losses[-1] < 0.1 < losses[0]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_backlit_run(name, as_torch):
    _, short = CLASSIFIERS[name]
    assert output("-m", "backlit", "run", as_torch(name), short) == output(EXAMPLES / name, short)


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed to compare with"
)
def test_same_numbers_as_pytorch(name, as_torch):
    _, short = CLASSIFIERS[name]
    mine, theirs = numbers(output(EXAMPLES / name, short)), numbers(output(as_torch(name), short))
    assert len(theirs[0]) >= 1
    assert mine[0] == pytest.approx(theirs[0], abs=2e-4)
    assert mine[1] == pytest.approx(theirs[1], abs=1)
