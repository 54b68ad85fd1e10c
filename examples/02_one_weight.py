"""One weight, one sample: loss = (w · x - y)² at x = 1, y = 2, w = 1.

By hand: y_hat = 1, s = y_hat - y = -1, loss = 1; then
dloss/dw = dloss/ds · ds/dy_hat · dy_hat/dw = (2 · s) · 1 · x = -2.
"""

import backlit as torch

x = torch.tensor(1.0)
y = torch.tensor(2.0)
w = torch.tensor(1.0, requires_grad=True)

y_hat = w * x
s = y_hat - y
loss = s**2
print("loss:", loss)

loss.backward()
print("w.grad:", w.grad)

# the next step of training, and the loss there
with torch.no_grad():
    w -= 0.01 * w.grad
print("w after one step:", w)
print("loss after one step:", (w * x - y) ** 2)
