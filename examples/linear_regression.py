"""Linear regression: a line through noisy points, by gradient descent and in closed form.

python examples/linear_regression.py
"""

import backlit as torch

torch.manual_seed(0)
x = torch.linspace(-1, 1, 50).unsqueeze(1)
y = 3 * x - 1 + 0.1 * torch.randn(50, 1)

weight = torch.zeros(1, 1, requires_grad=True)
bias = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([weight, bias], lr=0.5)

for step in range(41):
    loss = ((x @ weight + bias - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(f"step {step:2}, loss {loss.item():.6f}")

print(f"by descent:     y = {weight.item():.4f} x {bias.item():+.4f}")

# The normal equations: (Xᵀ X) θ = Xᵀ y, with a column of ones for the bias.
columns = torch.cat([x, torch.ones(50, 1)], dim=1)
slope, offset = torch.linalg.solve(columns.T @ columns, columns.T @ y).flatten().tolist()
print(f"in closed form: y = {slope:.4f} x {offset:+.4f}")
