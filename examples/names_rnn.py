"""Which language is a name from? A recurrent network reads it letter by letter.

    python examples/names_rnn.py [names]

One name at a time, one-hot letters, plain gradient descent with clipped gradients.
"""

import sys

from names import NAMES_OF, letters_of, make_names

import backlit as torch

nn = torch.nn
LETTERS, HIDDEN = 26, 64


class NameClassifier(nn.Module):
    """(letters, 1, 26) -> (1, languages), logarithms of probabilities."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(LETTERS, HIDDEN)
        self.to_language = nn.Linear(HIDDEN, len(NAMES_OF))
        self.log_softmax = nn.LogSoftmax(dim=1)

    def forward(self, name):
        _, hidden = self.rnn(name)
        return self.log_softmax(self.to_language(hidden[0]))


def encode(name):
    """A name as a sequence of one-hot rows, (letters, 1, 26)."""
    return torch.eye(LETTERS)[letters_of(name)].unsqueeze(1)


def main(count):
    torch.manual_seed(0)
    model, criterion = NameClassifier(), nn.NLLLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03)
    total, every = 0.0, max(count // 10, 1)
    for step, (name, language) in enumerate(make_names(count, seed=0), 1):
        optimizer.zero_grad()
        loss = criterion(model(encode(name)), torch.tensor([language]))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        if step % every == 0:
            print(f"{step:5} names, mean loss {total / every:.4f}")
            total = 0.0

    test = make_names(300, seed=1)
    with torch.no_grad():
        right = sum(model(encode(name)).argmax().item() == language for name, language in test)
    print(f"right: {right} of {len(test)}")
    with torch.no_grad():
        for name, _ in test[:3]:
            chances = model(encode(name))[0].exp().tolist()
            shown = ", ".join(f"{n} {c:.2f}" for n, c in zip(NAMES_OF, chances, strict=True))
            print(f"{name:12} {shown}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
