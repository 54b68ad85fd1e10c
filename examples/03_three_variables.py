"""Three variables and a node that is reached twice: r = (x · y + y · z)² at x = 1, y = 3, z = 3.

y takes part in both products, so its gradient is a sum over two paths: 24 through p, 72 through s.
"""

import backlit as torch

x = torch.tensor(1.0, requires_grad=True)
y = torch.tensor(3.0, requires_grad=True)
z = torch.tensor(3.0, requires_grad=True)

p = x * y
s = y * z
q = p + s
r = q**2
r.backward()

print("r:", r.item())
print("dr/dx:", x.grad.item())
print("dr/dy:", y.grad.item())
print("dr/dz:", z.grad.item())
