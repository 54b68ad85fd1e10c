"""Training steps of networks: from four samples to a batch of 256."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ._measure import Work, case


def training_step(torch: Any, model: Any, criterion: Any, optimizer: Any, x: Any, y: Any) -> Work:
    def step() -> None:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()

    return step


def xor_step(torch: Any, make_optimizer: Any) -> Work:
    nn = torch.nn
    torch.manual_seed(0)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    model = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1), nn.Sigmoid())
    optimizer = make_optimizer(model.parameters())
    return training_step(torch, model, nn.MSELoss(), optimizer, x, y)


@case("XOR step: nn.Sequential, MSELoss, SGD", "≥ 10")
def xor_sgd(torch: Any) -> Work:
    return xor_step(torch, lambda parameters: torch.optim.SGD(parameters, lr=0.05))


@case("XOR step: nn.Sequential, MSELoss, Adam", "≥ 12")
def xor_adam(torch: Any) -> Work:
    return xor_step(torch, lambda parameters: torch.optim.Adam(parameters, lr=0.05))


def classifier(torch: Any, sizes: list[int], batch: int) -> tuple[Any, Any, Any]:
    nn = torch.nn
    torch.manual_seed(0)
    layers: list[Any] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    return model, torch.rand(batch, sizes[0]), torch.randint(0, sizes[-1], (batch,))


@case("digits classifier step, 64-128-64-10, batch 64, Adam", "≥ 5")
def digits(torch: Any) -> Work:
    model, x, y = classifier(torch, [64, 128, 64, 10], 64)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    return training_step(torch, model, torch.nn.CrossEntropyLoss(), optimizer, x, y)


@case("784-1024-1024-10 step, batch 256, SGD with momentum", "≥ 2", pairs=15)
def wide(torch: Any) -> Work:
    model, x, y = classifier(torch, [784, 1024, 1024, 10], 256)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return training_step(torch, model, torch.nn.CrossEntropyLoss(), optimizer, x, y)


@case("DataLoader over 1,797 samples, batch 64, shuffled: one epoch", "", pairs=9)
def loader(torch: Any) -> Work:
    data = torch.utils.data.TensorDataset(torch.rand(1797, 64), torch.randint(0, 10, (1797,)))
    batches = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True)

    def epoch() -> None:
        for _x, _y in batches:
            pass

    return epoch
