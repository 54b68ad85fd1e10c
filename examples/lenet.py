"""LeNet-5 on handwritten digits: two convolutions, two poolings, three linear layers.

    python examples/lenet.py [--epochs 4]

The scans are scikit-learn's, 8×8, enlarged to the 28×28 that the network was made for. With
`import torch` in place of the line below this is a PyTorch program, and prints the same losses.
LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition" (1998).
"""

import argparse
import time

import backlit as torch

nn, F = torch.nn, torch.nn.functional


class LeNet(nn.Module):
    """(batch, 1, 28, 28) -> (batch, 10) scores."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return self.fc3(F.relu(self.fc2(x)))


def load():
    """Training and test sets: images of 28×28 in [0, 1], and digits."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.from_numpy(digits.images).float().unsqueeze(1) / 16
    images = F.interpolate(images, size=(28, 28), mode="bilinear", align_corners=False)
    labels = torch.from_numpy(digits.target).long()
    order = torch.randperm(len(labels))
    images, labels = images[order], labels[order]
    sets = torch.utils.data.TensorDataset
    return sets(images[:1437], labels[:1437]), sets(images[1437:], labels[1437:])


def epoch(model, optimizer, batches):
    """One pass over the training set; returns the loss of every step."""
    losses = []
    model.train()
    for images, labels in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
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
    model = LeNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    start = time.perf_counter()
    for number in range(1, epochs + 1):
        losses = epoch(model, optimizer, batches)
        print(f"epoch {number}: loss {losses[0]:.5f} to {losses[-1]:.5f}")
    seconds = time.perf_counter() - start
    print(f"accuracy on the test set: {accuracy(model, *test.tensors):.3f}, {seconds:.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=4)
    main(parser.parse_args().epochs)
