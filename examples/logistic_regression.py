"""Logistic regression: which of two clouds a point belongs to, and how sure that is.

python examples/logistic_regression.py
"""

import backlit as torch

nn = torch.nn
torch.manual_seed(0)

SAMPLES = 200
labels = (torch.arange(SAMPLES) % 2).float().unsqueeze(1)
points = torch.randn(SAMPLES, 2) + torch.tensor([1.5, -1.0]) * (2 * labels - 1)

model = nn.Linear(2, 1)
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.1, weight_decay=1e-3)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=25, gamma=0.5)

for epoch in range(1, 101):
    optimizer.zero_grad()
    loss = criterion(model(points), labels)
    loss.backward()
    optimizer.step()
    schedule.step()
    if epoch % 20 == 0:
        (rate,) = schedule.get_last_lr()
        print(f"epoch {epoch:3}, loss {loss.item():.6f}, learning rate {rate:.5f}")

with torch.no_grad():
    right = ((model(points) > 0) == (labels > 0.5)).float().mean()
    between = torch.sigmoid(model(torch.zeros(1, 2)))
print(f"accuracy {right.item():.3f}, probability halfway {between.item():.4f}")
