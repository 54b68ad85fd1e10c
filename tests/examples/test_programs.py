"""The example programs: the same numbers as on PyTorch, and under `import torch`."""

import importlib.util
import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
# the lines that are compared: where training is chaotic, rounding shows after some steps
PROGRAMS = {
    "linear_regression.py": None,
    "logistic_regression.py": None,
    "softmax_classifier.py": 4,
    "matrix_factorisation.py": 4,
    "curve_fitting.py": None,
    "cartpole.py": 6,
    "graph_convolution.py": 3,
    "neural_ode.py": 3,
    "per_sample_gradients.py": 3,
    "variational_autoencoder.py": 3,
}
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def printed(output):
    """What each program prints, run once."""
    return {name: output(EXAMPLES / name) for name in PROGRAMS}


def parts(text, lines):
    """The words and the numbers of the first lines."""
    text = "\n".join(text.splitlines()[:lines])
    return NUMBER.sub("#", text), [float(number) for number in NUMBER.findall(text)]


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed to compare with"
)
@pytest.mark.parametrize("name", PROGRAMS)
def test_same_numbers_as_pytorch(printed, output, as_torch, name):
    words, numbers = parts(printed[name], PROGRAMS[name])
    their_words, their_numbers = parts(output(as_torch(name)), PROGRAMS[name])
    assert words == their_words
    assert numbers == pytest.approx(their_numbers, rel=1e-4, abs=2e-5)


@pytest.mark.parametrize("name", PROGRAMS)
def test_unchanged_through_the_command_line(printed, output, as_torch, name):
    assert output("-m", "backlit", "run", as_torch(name)) == printed[name]


def last_number(text):
    return parts(text, None)[1][-1]


def test_they_learn(printed):
    assert "y = 3.0" in printed["linear_regression.py"]
    assert "accuracy 0.99" in printed["logistic_regression.py"]
    assert last_number(printed["softmax_classifier.py"]) > 0.9
    assert last_number(printed["matrix_factorisation.py"]) < 0.05
    assert last_number(printed["graph_convolution.py"]) >= 95  # percent of the nodes
    assert last_number(printed["neural_ode.py"]) < 0.5  # the radius of the spiral is 1
    poles = re.findall(r"mean +([\d.]+)", printed["cartpole.py"])
    assert float(poles[-1]) > 3 * float(poles[5])
