"""Function transforms: vmap, per-sample gradients, Jacobians and Hessians."""

from __future__ import annotations

from typing import Any

from ._measure import Work, case

BATCH, INPUTS, HIDDEN, CLASSES = 64, 20, 128, 5


def network(torch: Any) -> Any:
    torch.manual_seed(0)
    nn: Any = torch.nn
    return nn.Sequential(
        nn.Linear(INPUTS, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, HIDDEN), nn.Tanh(),
        nn.Linear(HIDDEN, CLASSES),
    )  # fmt: skip


@case(f"per-sample gradients, vmap(grad), {INPUTS}-{HIDDEN}-{HIDDEN}-{CLASSES}, batch {BATCH}", "")
def per_sample_gradients(torch: Any) -> Work:
    model = network(torch)
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    x, y = torch.randn(BATCH, INPUTS), torch.randint(0, CLASSES, (BATCH,))

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        output = torch.func.functional_call(model, parameters, (x.unsqueeze(0),))
        return torch.nn.functional.cross_entropy(output, y.unsqueeze(0))

    gradients = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    return lambda: gradients(parameters, x, y)


@case(f"ensemble of 10 networks, {INPUTS}-{HIDDEN}-{HIDDEN}-{CLASSES}, batch {BATCH}", "")
def ensemble(torch: Any) -> Work:
    models = [network(torch) for _ in range(10)]
    state = torch.func.stack_module_state(models)
    x = torch.randn(BATCH, INPUTS)

    def run(parameters: Any, buffers: Any, x: Any) -> Any:
        return torch.func.functional_call(models[0], (parameters, buffers), (x,))

    every = torch.vmap(run, in_dims=(0, 0, None))
    return lambda: every(*state, x)


@case("vmap of sin(2 a).sum(), batch 64 of 20 numbers", "")
def short_function(torch: Any) -> Work:
    run = torch.vmap(lambda a: (a * 2).sin().sum())
    x = torch.randn(BATCH, INPUTS)
    return lambda: run(x)


def bowl(torch: Any, size: int) -> tuple[Any, Any]:
    torch.manual_seed(0)
    w, x = torch.randn(size, size), torch.randn(size)
    return lambda x: (torch.tanh(w @ x) ** 2).sum(), x


@case("hessian of a function of 10 numbers", "")
def small_hessian(torch: Any) -> Work:
    f, x = bowl(torch, 10)
    run = torch.func.hessian(f)
    return lambda: run(x)


@case("hessian of a function of 300 numbers", "")
def large_hessian(torch: Any) -> Work:
    f, x = bowl(torch, 300)
    run = torch.func.hessian(f)
    return lambda: run(x)


@case("hessians of 16 samples, vmap(hessian), 10 numbers each", "")
def hessians(torch: Any) -> Work:
    f, _ = bowl(torch, 10)
    run, x = torch.vmap(torch.func.hessian(f)), torch.randn(16, 10)
    return lambda: run(x)


@case(f"jacrev of a network, {HIDDEN} of {HIDDEN}", "")
def jacobian(torch: Any) -> Work:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(HIDDEN, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, HIDDEN)
    )
    run, x = torch.func.jacrev(model), torch.randn(HIDDEN)
    return lambda: run(x)
