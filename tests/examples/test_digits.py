"""The digits example: accurate and quick, on backlit and, by the same lines, on PyTorch."""

import runpy
from pathlib import Path

import pytest

import backlit

pytest.importorskip("sklearn", reason="scikit-learn has the digits; it is an extra")
EXAMPLE = Path(__file__).parents[2] / "examples" / "digits.py"


@pytest.fixture(scope="module")
def digits():
    return runpy.run_path(str(EXAMPLE))


@pytest.fixture(scope="module")
def data(digits):
    return digits["load"]()


def test_split(data):
    assert len(data.train_x) == 1437
    assert len(data.test_x) == 360
    assert data.train_x.max() == 1.0


def test_accuracy_and_time(digits, data):
    seen = []
    result = digits["train"](backlit, data, report=lambda epoch, loss: seen.append(epoch))
    assert result.accuracy >= 0.97
    assert result.seconds < 10
    assert seen == list(range(digits["EPOCHS"]))
    assert result.losses[-1] < 0.02


def test_same_seed_same_numbers(digits, data):
    runs = [digits["train"](backlit, data, epochs=2).losses for _ in range(2)]
    assert runs[0] == runs[1]


def test_same_losses_as_pytorch(digits, data):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed to compare with")
    ours = digits["train"](backlit, data, epochs=3)
    theirs = digits["train"](torch, data, epochs=3)
    assert ours.losses == pytest.approx(theirs.losses, rel=1e-4)
