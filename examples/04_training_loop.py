"""The lecture's training loop: fit y = w · x to three points, one sample at a time."""

import backlit as torch

x_data = [1.0, 2.0, 3.0]
y_data = [2.0, 4.0, 6.0]
w = torch.tensor([1.0], requires_grad=True)


def forward(x):
    return x * w


def loss(x, y):
    return (forward(x) - y) ** 2


print("predict (before training)", 4, forward(4).item())

for epoch in range(100):
    for x, y in zip(x_data, y_data, strict=True):
        error = loss(x, y)
        error.backward()
        print("\tgrad:", x, y, w.grad.item())
        with torch.no_grad():
            w -= 0.01 * w.grad
        w.grad.zero_()  # gradients add up until they are cleared
    print("progress:", epoch, error.item())
    if epoch == 0:
        first = error

print("predict (after training)", 4, forward(4).item())
print("the first epoch's loss as a tensor:", first)
