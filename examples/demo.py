"""What `make demo` runs: the five tutorials beside their expected results, then the digits.

Each tutorial script runs as it is; its output is taken apart into the figures that the tutorial
prints, and each figure is compared with the expected one.
"""

import contextlib
import io
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent

# PyTorch 2.13 with the same seed
XOR_LOSSES = {
    500: 0.25003349781036377,
    1000: 0.2500123679637909,
    1500: 0.24999651312828064,
    2000: 0.2499828338623047,
    2500: 0.24997061491012573,
    3000: 0.2499592900276184,
    3500: 0.24994848668575287,
    4000: 0.24993795156478882,
    4500: 0.24992720782756805,
    5000: 0.2499161958694458,
}


class Figure(NamedTuple):
    """One printed figure: where it stands, and what it should be."""

    label: str  # the text before it in the output, unique in the script
    expected: str
    tolerance: float = 0.0  # 0: the same characters


class Tutorial(NamedTuple):
    script: str
    title: str
    figures: list[Figure]


TUTORIALS = [
    Tutorial(
        "01_vectors.py",
        "Vectors: y = w · x + b",
        [
            Figure("x_grad:", "tensor([4., 5.])"),
            Figure("w_grad:", "tensor([2., 3.])"),
            Figure("b_grad:", "tensor([1.])"),
        ],
    ),
    Tutorial(
        "02_one_weight.py",
        "One weight: loss = (w · x - y)²",
        [
            Figure("loss:", "tensor(1., grad_fn=<PowBackward0>)"),
            Figure("w.grad:", "tensor(-2.)"),
        ],
    ),
    Tutorial(
        "03_three_variables.py",
        "Three variables: r = (x · y + y · z)²",
        [
            Figure("r:", "144.0"),
            Figure("dr/dx:", "72.0"),
            Figure("dr/dy:", "96.0"),
            Figure("dr/dz:", "72.0"),
        ],
    ),
    Tutorial(
        "04_training_loop.py",
        "The training loop, 100 epochs",
        [
            Figure("predict (before training) 4", "4.0"),
            Figure("\tgrad: 1.0 2.0", "-2.0"),
            Figure("\tgrad: 2.0 4.0", "-7.840000152587891"),
            Figure("\tgrad: 3.0 6.0", "-16.228801727294922"),
            Figure("progress: 0", "7.315943717956543"),
            Figure("progress: 1", "3.9987640380859375"),
            Figure("progress: 2", "2.1856532096862793"),
            Figure("progress: 98", "9.094947017729282e-13"),
            Figure("progress: 99", "9.094947017729282e-13"),
            Figure("predict (after training) 4", "7.999998569488525"),
            Figure(
                "the first epoch's loss as a tensor:", "tensor([7.3159], grad_fn=<PowBackward0>)"
            ),
        ],
    ),
    Tutorial(
        "05_xor.py",
        "XOR, 2-2-1, 5000 epochs; expected: PyTorch, same seed",
        [Figure(f"Epoch {epoch}, Loss:", str(loss), 1e-6) for epoch, loss in XOR_LOSSES.items()],
    ),
]


def run(script: str) -> str:
    """What a script of this folder prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        runpy.run_path(str(FOLDER / script), run_name="__main__")
    return printed.getvalue()


def find(label: str, output: str) -> str:
    """The rest of the first line that starts with `label`."""
    for line in output.splitlines():
        if line.startswith(label + " "):
            return line[len(label) + 1 :].strip()
    return "(not printed)"


def agrees(figure: Figure, got: str) -> bool:
    if got == figure.expected:
        return True
    try:
        return abs(float(got) - float(figure.expected)) <= figure.tolerance
    except ValueError:
        return False


def compare(tutorial: Tutorial, show: Callable[[str], None] = print) -> int:
    """Run a tutorial, show its figures beside the expected ones, return how many differ."""
    output = run(tutorial.script)
    rows = []
    for figure in tutorial.figures:
        got = find(figure.label, output)
        rows.append((figure.label.strip(), figure.expected, got, agrees(figure, got)))
    widths = [max(len(row[i]) for row in [*rows, ("", "expected", "backlit")]) for i in range(3)]
    a, b, c = widths
    show(f"\n{tutorial.title}  ({tutorial.script})")
    show(f"  {'':{a}}  {'expected':{b}}  {'backlit':{c}}")
    for label, expected, got, ok in rows:
        show(f"  {label:{a}}  {expected:{b}}  {got:{c}}  {'✓' if ok else '✗ differs'}")
    return sum(not row[3] for row in rows)


def main() -> int:
    wrong = sum(compare(tutorial) for tutorial in TUTORIALS)
    total = sum(len(tutorial.figures) for tutorial in TUTORIALS)
    print(f"\n{total - wrong} of {total} figures agree\n")
    print("Handwritten digits: 64-128-64-10, ReLU, Adam  (digits.py)", flush=True)
    try:
        import sklearn  # noqa: F401
    except ImportError:
        print("  not run: scikit-learn is not installed (pip install 'backlit[examples]')")
    else:
        runpy.run_path(str(FOLDER / "digits.py"), run_name="__main__")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
