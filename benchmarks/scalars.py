"""Work whose cost is the fixed cost of an operation: one number at a time."""

from __future__ import annotations

from typing import Any

from ._measure import Work, case


@case("the lecture's training loop (`examples/04`), per sample", "≥ 12", per=30)
def training_loop(torch: Any) -> Work:
    x_data = [1.0, 2.0, 3.0]
    y_data = [2.0, 4.0, 6.0]
    w = torch.tensor([1.0], requires_grad=True)

    def forward(x: float) -> Any:
        return x * w

    def loss(x: float, y: float) -> Any:
        return (forward(x) - y) ** 2

    def ten_epochs() -> None:
        for _epoch in range(10):
            for x, y in zip(x_data, y_data, strict=True):
                error = loss(x, y)
                error.backward()
                w.grad.item()  # the lecture prints it
                with torch.no_grad():
                    w.sub_(0.01 * w.grad)
                w.grad.zero_()
            error.item()

    return ten_epochs


@case("`a * b` on one element", "≥ 8", per=100)
def product(torch: Any) -> Work:
    a, b = torch.tensor([2.0]), torch.tensor([3.0])

    def work() -> None:
        for _ in range(100):
            a * b

    return work


@case("`a * b` on one element, recorded", "≥ 8", per=100)
def recorded_product(torch: Any) -> Work:
    a = torch.tensor([2.0], requires_grad=True)
    b = torch.tensor([3.0])

    def work() -> None:
        for _ in range(100):
            a * b

    return work


NODES = 100_000


@case("scalar graph of 100,000 nodes: build, backward and release, per node", "≥ 20", NODES, 5)
def scalar_graph(torch: Any) -> Work:
    a = torch.tensor(0.999, requires_grad=True)
    b = torch.tensor(0.001, requires_grad=True)

    def work() -> None:
        y = torch.tensor(1.0)
        for _ in range(NODES // 2):
            y = y * a + b
        y.backward()
        a.grad = b.grad = None

    return work
