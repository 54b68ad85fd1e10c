"""Training steps of recurrent networks: sequences of 50 steps, single sequences, single steps."""

from __future__ import annotations

from typing import Any

from ._measure import Work, case
from .networks import training_step

INPUTS, HIDDEN, CLASSES, STEPS, BATCH = 64, 128, 10, 50, 32


def last_step_classifier(torch: Any, name: str, **options: Any) -> tuple[Any, Any]:
    """A network whose last output is classified, and its optimizer."""
    nn: Any = torch.nn

    class Classifier(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = getattr(nn, name)(INPUTS, HIDDEN, **options)
            self.head = nn.Linear(HIDDEN, CLASSES)

        def forward(self, x: Any) -> Any:
            output, _ = self.network(x)
            return self.head(output[-1])

    torch.manual_seed(0)
    model = Classifier()
    return model, torch.optim.Adam(model.parameters())


def sequence_step(torch: Any, name: str, steps: int = STEPS, batch: int = BATCH) -> Work:
    model, optimizer = last_step_classifier(torch, name)
    x, y = torch.rand(steps, batch, INPUTS), torch.randint(0, CLASSES, (batch,))
    return training_step(torch, model, torch.nn.CrossEntropyLoss(), optimizer, x, y)


def steps_of(name: str, aim: str) -> Any:
    title = f"{name} step, {INPUTS}-{HIDDEN}, {STEPS} steps, batch {BATCH}, Adam"
    return case(title, aim)(lambda torch: sequence_step(torch, name))


SEQUENCES = [steps_of("LSTM", "≥ 1.5"), steps_of("GRU", "≥ 1.5"), steps_of("RNN", "≥ 1.5")]


@case("LSTM step, one sequence of 10 steps, Adam", "≥ 3")
def one_sequence(torch: Any) -> Work:
    return sequence_step(torch, "LSTM", 10, 1)


@case("LSTM without gradients, 50 steps, batch 32", "≥ 1")
def inference(torch: Any) -> Work:
    model, _ = last_step_classifier(torch, "LSTM")
    x = torch.rand(STEPS, BATCH, INPUTS)

    def run() -> None:
        with torch.no_grad():
            model(x)

    return run


@case("GRUCell: 10 steps of batch 1, forward and backward", "≥ 3")
def cell(torch: Any) -> Work:
    torch.manual_seed(0)
    model, x = torch.nn.GRUCell(16, 32), torch.rand(10, 1, 16)

    def run() -> None:
        h = torch.zeros(1, 32)
        for step in x:
            h = model(step, h)
        h.sum().backward()

    return run
