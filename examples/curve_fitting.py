"""Curve fitting with L-BFGS: a damped oscillation through noisy measurements.

python examples/curve_fitting.py
"""

import backlit as torch

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)

time = torch.linspace(0, 10, 80)
NAMES = ("amplitude", "decay", "frequency", "phase")
TRUE = torch.tensor([2.0, 0.3, 1.7, 0.5])


def oscillation(parameters):
    amplitude, decay, frequency, phase = parameters
    return amplitude * torch.exp(-decay * time) * torch.cos(frequency * time + phase)


measured = oscillation(TRUE) + 0.05 * torch.randn(80)
fitted = torch.tensor([1.0, 0.1, 1.5, 0.0], requires_grad=True)
optimizer = torch.optim.LBFGS([fitted], max_iter=5, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = (oscillation(fitted) - measured).square().mean()
    loss.backward()
    return loss


for step in range(6):
    loss = optimizer.step(closure)
    print(f"after {5 * step:2} iterations: loss {loss.item():.8f}")

# The inverse of the Hessian at the minimum says how well each parameter is known.
loss = (oscillation(fitted) - measured).square().sum() / 2
(slope,) = torch.autograd.grad(loss, fitted, create_graph=True)
rows = [torch.autograd.grad(part, fitted, retain_graph=True)[0] for part in slope]
variance = 2 * loss.item() / (80 - 4) * torch.linalg.inv(torch.stack(rows)).diagonal()
for name, value, spread, true in zip(NAMES, fitted, variance.sqrt(), TRUE, strict=True):
    print(f"{name:10} {value.item():8.5f} ± {spread.item():.5f}, in truth {true.item()}")
