"""A neural ordinary differential equation: a network learns the velocity behind a spiral.

The network gives dy/dt; Runge and Kutta's method of order four follows it from the first point.
Gradients flow back through all steps of the solver.
"""

import backlit as torch

nn = torch.nn
STEP = 0.1

torch.manual_seed(0)
rotation = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])


def spiral(y):
    return y**3 @ rotation


def follow(velocity, y, steps):
    """Points (steps + 1, 2) along the path that starts in y."""
    path = [y]
    for _ in range(steps):
        k1 = velocity(y)
        k2 = velocity(y + STEP / 2 * k1)
        k3 = velocity(y + STEP / 2 * k2)
        k4 = velocity(y + STEP * k3)
        y = y + STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        path.append(y)
    return torch.stack(path)


with torch.no_grad():
    observed = follow(spiral, torch.tensor([2.0, 0.0]) * 0.6, 60)


class Velocity(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))

    def forward(self, y):
        return self.layers(y**3)


model = Velocity()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)

for epoch in range(1, 201):
    optimizer.zero_grad()
    # a short stretch from many points of the path at once, each the start of the next
    predicted = follow(model, observed[:-10], 10)
    wanted = torch.stack([observed[i : len(observed) - 10 + i] for i in range(11)])
    loss = (predicted - wanted).pow(2).mean()
    loss.backward()
    optimizer.step()
    if epoch <= 3 or epoch % 50 == 0:
        print(f"epoch {epoch}: mean squared distance {loss.item():.6f}")

with torch.no_grad():
    end = follow(model, observed[0], 60)[-1]
print(f"distance at the end of the whole path: {(end - observed[-1]).norm().item():.3f}")
