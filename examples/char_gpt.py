"""A small GPT that learns to write this repository's README, character by character.

    python examples/char_gpt.py [--steps 300]

Four layers of 128, written as such models are written for PyTorch: with `import torch` in place of
the line below it runs there, and prints the same losses. `backlit run` does the reverse.
"""

import argparse
import time
from pathlib import Path

import backlit as torch

nn, F = torch.nn, torch.nn.functional

LAYERS, HEADS, WIDTH = 4, 4, 128
BLOCK, BATCH = 64, 12  # characters of context; samples of a step
README = Path(__file__).resolve().parents[1] / "README.md"


class Attention(nn.Module):
    """Every character looks at those before it."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        batch, length, width = x.size()
        q, k, v = (
            part.view(batch, length, HEADS, width // HEADS).transpose(1, 2)
            for part in self.qkv(x).split(width, dim=2)
        )  # (batch, heads, length, width / heads)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).contiguous().view(batch, length, width))


class MLP(nn.Module):
    """What every character makes of what it saw."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(WIDTH, 4 * WIDTH)
        self.gelu = nn.GELU()
        self.proj = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        return self.proj(self.gelu(self.fc(x)))


class Block(nn.Module):
    """One layer."""

    def __init__(self):
        super().__init__()
        self.ln_1 = nn.LayerNorm(WIDTH)
        self.attn = Attention()
        self.ln_2 = nn.LayerNorm(WIDTH)
        self.mlp = MLP()

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """Scores of the next character at every place: (batch, length) -> (batch, length, letters)."""

    def __init__(self, letters):
        super().__init__()
        self.tokens = nn.Embedding(letters, WIDTH)
        self.places = nn.Embedding(BLOCK, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.ln_f = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, letters, bias=False)
        self.apply(self.initialise)
        self.head.weight = self.tokens.weight  # one matrix reads and writes characters

    @staticmethod
    def initialise(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, index, targets=None):
        x = self.tokens(index) + self.places(torch.arange(index.size(1)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.ln_f(x))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))

    @torch.no_grad()
    def generate(self, index, count):
        """`index` (batch, length) with `count` more characters."""
        for _ in range(count):
            logits, _ = self(index[:, -BLOCK:])
            following = torch.multinomial(F.softmax(logits[:, -1], dim=-1), num_samples=1)
            index = torch.cat((index, following), dim=1)
        return index


class Text:
    """A text as numbers, and batches of it."""

    def __init__(self, text):
        self.letters = sorted(set(text))
        self.number = {letter: i for i, letter in enumerate(self.letters)}
        self.data = torch.tensor([self.number[letter] for letter in text])

    def batch(self):
        """Random pieces, and the same one character later: (BATCH, BLOCK) each."""
        starts = torch.randint(len(self.data) - BLOCK, (BATCH,)).tolist()
        x = torch.stack([self.data[i : i + BLOCK] for i in starts])
        y = torch.stack([self.data[i + 1 : i + 1 + BLOCK] for i in starts])
        return x, y

    def decode(self, numbers):
        return "".join(self.letters[i] for i in numbers)


def optimizer_of(model):
    """AdamW; biases, norms and other vectors do not decay."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.1},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))


def train_step(model, optimizer, x, y):
    """One step of AdamW; returns the loss before it."""
    _, loss = model(x, y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss


def main(steps):
    torch.manual_seed(1337)
    text = Text(README.read_text(encoding="utf-8"))
    model = GPT(len(text.letters))
    optimizer = optimizer_of(model)
    start = time.perf_counter()
    for step in range(steps):
        loss = train_step(model, optimizer, *text.batch())
        if step % 10 == 0 or step == steps - 1:
            print(f"step {step}: loss {loss.item():.4f}")
    print(f"{(time.perf_counter() - start) / steps * 1e3:.1f} ms a step")
    begin = text.data[:1].view(1, 1)
    print(text.decode(model.generate(begin, 200)[0].tolist()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    main(parser.parse_args().steps)
