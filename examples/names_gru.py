"""Which language is a name from? A gated recurrent network reads batches of names, both ways.

    python examples/names_gru.py [epochs]

Names of different lengths are packed; letters are embedded; two layers with dropout; Adam.
"""

import sys

from names import NAMES_OF, letters_of, make_names

import backlit as torch

nn = torch.nn
BATCH, EMBEDDED, HIDDEN = 32, 16, 32
PADDING = 26  # a 27th letter


class NameClassifier(nn.Module):
    """(longest, names) letters and (names) lengths -> (names, languages)."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(27, EMBEDDED, padding_idx=PADDING)
        self.gru = nn.GRU(EMBEDDED, HIDDEN, num_layers=2, bidirectional=True, dropout=0.2)
        self.to_language = nn.Linear(2 * HIDDEN, len(NAMES_OF))

    def forward(self, letters, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(letters), lengths)
        _, hidden = self.gru(packed)
        both_ways = torch.cat([hidden[-2], hidden[-1]], dim=1)
        return self.to_language(both_ways)


def batches(names):
    """Letters (longest, BATCH), lengths (BATCH) from the longest on, languages (BATCH)."""
    for start in range(0, len(names), BATCH):
        some = sorted(names[start : start + BATCH], key=lambda pair: -len(pair[0]))
        letters = [torch.tensor(letters_of(name)) for name, _ in some]
        lengths = torch.tensor([len(name) for name, _ in some])
        languages = torch.tensor([language for _, language in some])
        yield nn.utils.rnn.pad_sequence(letters, padding_value=PADDING), lengths, languages


def main(epochs):
    torch.manual_seed(0)
    model, criterion = NameClassifier(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    train, test = list(batches(make_names(960, seed=0))), list(batches(make_names(320, seed=1)))
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for letters, lengths, languages in train:
            optimizer.zero_grad()
            loss = criterion(model(letters, lengths), languages)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            guesses = [model(letters, lengths).argmax(1) for letters, lengths, _ in test]
        right = sum(
            (guess == languages).sum().item()
            for guess, (_, _, languages) in zip(guesses, test, strict=True)
        )
        print(f"epoch {epoch}: mean loss {total / len(train):.4f}, right: {right} of 320")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
