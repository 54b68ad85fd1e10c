"""Gradients of a dot product: y = w · x + b.

The derivative of y with respect to x is w, with respect to w is x, with respect to b is 1.
"""

import backlit as torch

x = torch.tensor([2.0, 3.0], requires_grad=True)
w = torch.tensor([4.0, 5.0], requires_grad=True)
b = torch.tensor([7.0], requires_grad=True)

y = torch.dot(w, x) + b
y.backward()

print("y:", y)
print("x_grad:", x.grad)
print("w_grad:", w.grad)
print("b_grad:", b.grad)
