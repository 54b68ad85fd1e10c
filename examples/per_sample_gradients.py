"""Training with clipped gradients of single samples, as differential privacy asks for.

`vmap(grad(loss))` gives one gradient for each sample. Each is scaled to a length of at most 1, so
that no sample moves the weights by more than any other may; then they are averaged.
"""

import backlit as torch

nn = torch.nn
LIMIT = 1.0

torch.manual_seed(0)
inputs = torch.randn(32, 4)
targets = (inputs[:, 0] * inputs[:, 1] > 0).float().unsqueeze(1)
targets[0] = 40.0  # an outlier: its gradient alone is longer than all others together

model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
parameters = {name: p.detach().clone() for name, p in model.named_parameters()}


def loss(parameters, x, y):
    return ((torch.func.functional_call(model, parameters, (x,)) - y) ** 2).mean()


gradients_of_samples = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))


def lengths(gradients):
    """The length of each sample's gradient over all parameters."""
    return sum(g.flatten(1).pow(2).sum(1) for g in gradients.values()).sqrt()


for step in range(1, 61):
    gradients = gradients_of_samples(parameters, inputs, targets)
    length = lengths(gradients)
    factor = (LIMIT / length).clamp(max=1.0)
    for name, g in gradients.items():
        clipped = g * factor.view(-1, *[1] * (g.dim() - 1))
        parameters[name] = parameters[name] - 0.5 * clipped.mean(0)
    if step <= 2 or step % 20 == 0:
        rest = loss(parameters, inputs[1:], targets[1:])
        print(
            f"step {step}: loss without the outlier {rest.item():.5f}, longest gradient "
            f"{length.max().item():.3f}, median {length.median().item():.3f}"
        )
