"""Convolutions: a training step of LeNet, and single layers as they occur in larger networks."""

from __future__ import annotations

from typing import Any

from ._measure import Case, Work, case
from .networks import training_step


@case("LeNet step: batch 64 of 28 x 28, Adam", "≥ 2", pairs=15)
def lenet(torch: Any) -> Work:
    nn = torch.nn
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )
    x, y = torch.rand(64, 1, 28, 28), torch.randint(0, 10, (64,))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return training_step(torch, model, nn.CrossEntropyLoss(), optimizer, x, y)


def layer(
    title: str, shape: tuple[int, ...], channels: int, kernel: int, **options: int
) -> list[Case]:
    """A convolution forward, and forward and backward to its input and its weight."""

    def prepare(torch: Any) -> tuple[Any, Any]:
        torch.manual_seed(0)
        made = torch.nn.Conv2d(shape[1], channels, kernel, **options)
        return made, torch.rand(shape).requires_grad_()

    @case(f"{title}: forward", "≥ 1", pairs=9)
    def forward(torch: Any) -> Work:
        made, x = prepare(torch)

        def run() -> None:
            with torch.no_grad():
                made(x)

        return run

    @case(f"{title}: forward and backward", "≥ 1", pairs=9)
    def both(torch: Any) -> Work:
        made, x = prepare(torch)
        leaves = [x, *made.parameters()]
        g = torch.rand(made(x).shape)
        return lambda: torch.autograd.grad(made(x), leaves, g)

    return [forward, both]


SINGLE = [
    *layer("3 x 3, 64 -> 64 channels, 56 x 56, batch 4", (4, 64, 56, 56), 64, 3, padding=1),
    *layer("1 x 1, 256 -> 64 channels, 56 x 56, batch 4", (4, 256, 56, 56), 64, 1),
    *layer(
        "3 x 3, depthwise, 64 channels, 56 x 56, batch 4",
        (4, 64, 56, 56),
        64,
        3,
        padding=1,
        groups=64,
    ),
    *layer("3 x 3, 256 -> 256 channels, 14 x 14, batch 4", (4, 256, 14, 14), 256, 3, padding=1),
]
