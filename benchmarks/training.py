"""What goes around a network: optimizer steps, data loading, and Hessian-vector products."""

from __future__ import annotations

from typing import Any

from ._measure import Case, Work, case

OPTIMIZERS = {
    "SGD, momentum": lambda o, ps: o.SGD(ps, lr=1e-3, momentum=0.9),
    "Adam": lambda o, ps: o.Adam(ps),
    "AdamW": lambda o, ps: o.AdamW(ps, amsgrad=True),
    "RMSprop": lambda o, ps: o.RMSprop(ps, momentum=0.9, centered=True),
    "Adagrad": lambda o, ps: o.Adagrad(ps),
    "Adadelta": lambda o, ps: o.Adadelta(ps),
    "Adamax": lambda o, ps: o.Adamax(ps),
    "NAdam": lambda o, ps: o.NAdam(ps),
    "RAdam": lambda o, ps: o.RAdam(ps),
    "ASGD": lambda o, ps: o.ASGD(ps),
    "Rprop": lambda o, ps: o.Rprop(ps),
    "Adafactor": lambda o, ps: o.Adafactor(ps),
}


def optimizer_step(torch: Any, name: str) -> Work:
    """A step over ten weights of 16 x 16 and their biases, and the new gradients' removal."""
    torch.manual_seed(0)
    shapes = [(16, 16), (16,)] * 10
    params = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
    optimizer = OPTIMIZERS[name](torch.optim, params)
    grads = [torch.randn(shape) for shape in shapes]

    def step() -> None:
        for param, grad in zip(params, grads, strict=True):
            param.grad = grad
        optimizer.step()
        optimizer.zero_grad()

    return step


def _step_case(name: str) -> Case:
    @case(f"optimizer step, 20 parameters: {name}", "≥ 8", pairs=9)
    def prepare(torch: Any) -> Work:
        return optimizer_step(torch, name)

    return prepare


steps = [_step_case(name) for name in OPTIMIZERS]


@case("L-BFGS step, strong Wolfe, 10 iterations on 100 unknowns", "≥ 8", pairs=9)
def lbfgs(torch: Any) -> Work:
    torch.manual_seed(0)
    scale = torch.linspace(1, 10, 100)
    start = torch.randn(100)

    def step() -> None:
        w = start.clone().requires_grad_()
        optimizer = torch.optim.LBFGS([w], max_iter=10, line_search_fn="strong_wolfe")

        def closure() -> Any:
            optimizer.zero_grad()
            loss = (scale * w**2 - w.cos()).sum()
            loss.backward()
            return loss

        optimizer.step(closure)

    return step


@case("Hessian-vector product of a 64-64-1 network, batch 16", "≥ 8", pairs=15)
def hessian_vector(torch: Any) -> Work:
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
    params = list(model.parameters())
    x, y = torch.randn(16, 64), torch.randn(16, 1)
    direction = [torch.randn(param.shape) for param in params]

    def product() -> Any:
        loss = ((model(x) - y) ** 2).mean()
        grads = torch.autograd.grad(loss, params, create_graph=True)
        return torch.autograd.grad(grads, params, direction)

    return product


def tensors(torch: Any, samples: int) -> Any:
    torch.manual_seed(0)
    x, y = torch.rand(samples, 8), torch.randint(0, 10, (samples,))
    return torch.utils.data.TensorDataset(x, y)


def one_epoch(loader: Any) -> Work:
    def epoch() -> None:
        for _batch in loader:
            pass

    return epoch


@case("DataLoader, 100,000 samples of 8 numbers, batch 100, shuffled", "≥ 2", pairs=5)
def loader(torch: Any) -> Work:
    data = tensors(torch, 100_000)
    return one_epoch(torch.utils.data.DataLoader(data, batch_size=100, shuffle=True))


class Squares:
    """Samples that Python computes one by one."""

    def __init__(self, torch: Any, length: int) -> None:
        self.rows = torch.rand(length, 8)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.rows[index], index * index


@case("DataLoader, 10,000 samples of a Python dataset, batch 100", "≥ 2", pairs=5)
def python_loader(torch: Any) -> Work:
    return one_epoch(torch.utils.data.DataLoader(Squares(torch, 10_000), batch_size=100))


@case("DataLoader, 10,000 samples of a Python dataset, batch 100, 2 workers", "", pairs=3)
def worker_loader(torch: Any) -> Work:
    data = Squares(torch, 10_000)
    return one_epoch(torch.utils.data.DataLoader(data, batch_size=100, num_workers=2))
