"""The character GPT: the same losses as on PyTorch, by the same lines; through `backlit run`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "char_gpt.py"
SOURCE = EXAMPLE.read_text(encoding="utf-8")
PYTORCH = SOURCE.replace("import backlit as torch\n", "import torch\n")


def losses(source, steps=4):
    """Of the first steps, with the program's lines as they are."""
    names = {"__name__": "char_gpt", "__file__": str(EXAMPLE)}
    exec(compile(source, EXAMPLE, "exec"), names)
    names["torch"].manual_seed(1337)
    text = names["Text"](names["README"].read_text(encoding="utf-8"))
    model = names["GPT"](len(text.letters))
    optimizer = names["optimizer_of"](model)
    return [names["train_step"](model, optimizer, *text.batch()).item() for _ in range(steps)]


def test_one_line_is_the_difference():
    assert PYTORCH != SOURCE
    assert "backlit" not in PYTORCH.partition('"""\n')[2].replace("backlit run", "")


def test_same_losses_as_pytorch():
    pytest.importorskip("torch", reason="PyTorch is not installed to compare with")
    ours = losses(SOURCE)
    assert ours == pytest.approx(losses(PYTORCH), rel=1e-5)
    assert ours[-1] < ours[0] - 0.2


def test_backlit_run_takes_it_unchanged(tmp_path):
    """A program that says `import torch`, beside a README of its own."""
    (tmp_path / "examples").mkdir()
    script = tmp_path / "examples" / "char_gpt.py"
    script.write_text(PYTORCH, encoding="utf-8")
    (tmp_path / "README.md").write_text("to be or not to be " * 20, encoding="utf-8")
    command = [sys.executable, "-m", "backlit", "run", str(script), "--steps", "12"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    first, last = (float(re.search(rf"step {i}: loss (\S+)", told)[1]) for i in (0, 11))
    assert last < first / 1.5
