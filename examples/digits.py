"""Handwritten digits: a 64-128-64-10 network, ReLU, Adam, on scikit-learn's 1,797 real scans.

    python examples/digits.py

Trains on 80 % of the scans, tests on the rest, and does the same with PyTorch where it is
installed: `train` takes the library as an argument, so both run the same lines.
"""

import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import backlit as torch

EPOCHS = 40
BATCH = 64
SEED = 0


class Data(NamedTuple):
    """Training and test scans, as arrays of float32 in [0, 1] and int64 labels."""

    train_x: Any
    train_y: Any
    test_x: Any
    test_y: Any


class Result(NamedTuple):
    """What one training run gives."""

    losses: list[float]  # mean loss of each epoch
    accuracy: float  # on the test scans
    seconds: float


def load() -> Data:
    """The scans, split 80/20 by the seed."""
    import numpy as np
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    x = (digits.data[order] / 16).astype(np.float32)
    y = digits.target[order].astype(np.int64)
    cut = len(x) * 4 // 5
    return Data(x[:cut], y[:cut], x[cut:], y[cut:])


def build(lib: Any) -> Any:
    """The network, in the library `lib`."""
    nn = lib.nn
    return nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)
    )


def train(
    lib: Any, data: Data, epochs: int = EPOCHS, report: Callable[[int, float], None] | None = None
) -> Result:
    """Train and test the network with the library `lib` (backlit, or PyTorch)."""
    lib.manual_seed(SEED)
    x, y, test_x, test_y = (lib.from_numpy(a) for a in data)
    model = build(lib)
    criterion = lib.nn.CrossEntropyLoss()
    optimizer = lib.optim.Adam(model.parameters(), lr=2e-3)
    losses = []
    start = time.perf_counter()
    for epoch in range(epochs):
        order = lib.randperm(len(x))
        total = 0.0
        for first in range(0, len(x), BATCH):
            batch = order[first : first + BATCH]
            optimizer.zero_grad()
            loss = criterion(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(x))
        if report is not None:
            report(epoch, losses[-1])
    seconds = time.perf_counter() - start
    with lib.no_grad():
        right = (model(test_x).argmax(1) == test_y).sum().item()
    return Result(losses, right / len(test_x), seconds)


def train_with_bar(lib: Any, data: Data, title: str, epochs: int = EPOCHS) -> Result:
    """`train` with a progress bar: rich's where it is installed, a plain one otherwise."""
    try:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        return _train_with_plain_bar(lib, data, title, epochs)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}, loss {task.fields[loss]:.4f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task(title, total=epochs, loss=float("nan"))

        def report(epoch: int, loss: float) -> None:
            progress.update(task, completed=epoch + 1, loss=loss)

        return train(lib, data, epochs, report)


def _train_with_plain_bar(lib: Any, data: Data, title: str, epochs: int) -> Result:
    live = sys.stdout.isatty()  # elsewhere only the last state is of use

    def report(epoch: int, loss: float) -> None:
        if not live and epoch + 1 < epochs:
            return
        done = 30 * (epoch + 1) // epochs
        bar = "#" * done + "." * (30 - done)
        end = "\n" if epoch + 1 == epochs else ""
        print(f"\r{title} [{bar}] epoch {epoch + 1}/{epochs}, loss {loss:.4f}", end=end, flush=True)

    return train(lib, data, epochs, report)


def pytorch() -> Any | None:
    """PyTorch, if it is installed and is not what this script runs on already."""
    try:
        import torch as other
    except ImportError:
        return None
    return None if other is torch else other


def main() -> None:
    data = load()
    ours = train_with_bar(torch, data, torch.__name__)
    print(f"test accuracy: {ours.accuracy:.2%}")
    print(f"time: {ours.seconds:.2f} s")
    other = pytorch()
    if other is None:
        print("PyTorch's time: not measured, there is no PyTorch beside this library")
        return
    train(other, data, epochs=1)  # let it warm up
    theirs = train_with_bar(other, data, "PyTorch")
    print(f"PyTorch's test accuracy: {theirs.accuracy:.2%}")
    print(
        f"PyTorch's time: {theirs.seconds:.2f} s, "
        f"{theirs.seconds / ours.seconds:.1f} times {torch.__name__}'s"
    )


if __name__ == "__main__":
    main()
