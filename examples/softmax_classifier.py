"""A classifier of three interleaved spiral arms: DataLoader, cross entropy, AdamW, two layers.

python examples/softmax_classifier.py
"""

import math

import backlit as torch

nn = torch.nn
torch.manual_seed(0)

CLASSES, PER_CLASS = 3, 120


def spirals():
    """Points of each arm, with noise in the angle, and the number of their arm."""
    radius = torch.linspace(0.05, 1, PER_CLASS)
    points, labels = [], []
    for arm in range(CLASSES):
        start = 2 * math.pi * arm / CLASSES
        angle = start + 4 * radius + 0.15 * torch.randn(PER_CLASS)
        points.append(torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1))
        labels.append(torch.full((PER_CLASS,), arm))
    return torch.utils.data.TensorDataset(torch.cat(points), torch.cat(labels))


training, test = torch.utils.data.random_split(spirals(), [0.8, 0.2])
loader = torch.utils.data.DataLoader(training, batch_size=32, shuffle=True)
test_points, test_labels = next(iter(torch.utils.data.DataLoader(test, batch_size=len(test))))

model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, CLASSES))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)

for epoch in range(1, 31):
    total = 0.0
    for points, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(points), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    if epoch in (1, 2, 3) or epoch % 10 == 0:
        print(f"epoch {epoch:2}, loss {total / len(training):.6f}")

with torch.no_grad():
    found = model(test_points).argmax(dim=1)
print(f"test accuracy {(found == test_labels).float().mean().item():.2f}")
