"""A small residual network on handwritten digits: convolutions, batch normalisation, shortcuts.

    python examples/resnet.py [--epochs 3]

With `import torch` in place of the line below this is a PyTorch program, and prints the same
losses. He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2015).
"""

import argparse
import time

import backlit as torch

nn, F = torch.nn, torch.nn.functional


class Block(nn.Module):
    """relu(x + f(x)), where f is two convolutions; the shortcut follows a change of size."""

    def __init__(self, channels_in, channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(channels),
            )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    """(batch, 1, 8, 8) -> (batch, 10) scores."""

    def __init__(self, width=16):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.blocks = nn.Sequential(
            Block(width, width), Block(width, 2 * width, stride=2), Block(2 * width, 4 * width, 2)
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4 * width, 10)

    def forward(self, x):
        return self.fc(torch.flatten(self.pool(self.blocks(self.stem(x))), 1))


def load():
    """Training and test sets: images of 8×8 in [0, 1], and digits."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.from_numpy(digits.images).float().unsqueeze(1) / 16
    labels = torch.from_numpy(digits.target).long()
    order = torch.randperm(len(labels))
    images, labels = images[order], labels[order]
    sets = torch.utils.data.TensorDataset
    return sets(images[:1437], labels[:1437]), sets(images[1437:], labels[1437:])


def epoch(model, optimizer, schedule, batches):
    """One pass over the training set; returns the loss of every step."""
    losses = []
    model.train()
    for images, labels in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def accuracy(model, images, labels):
    model.eval()
    return (model(images).argmax(1) == labels).float().mean().item()


def main(epochs):
    torch.manual_seed(0)
    train, test = load()
    batches = torch.utils.data.DataLoader(train, batch_size=64, shuffle=True)
    model = ResNet()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    steps = epochs * len(batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)
    start = time.perf_counter()
    for number in range(1, epochs + 1):
        losses = epoch(model, optimizer, schedule, batches)
        print(f"epoch {number}: loss {losses[0]:.5f} to {losses[-1]:.5f}")
    seconds = time.perf_counter() - start
    print(f"accuracy on the test set: {accuracy(model, *test.tensors):.3f}, {seconds:.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=3)
    main(parser.parse_args().epochs)
