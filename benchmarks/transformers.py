"""A character-level GPT, and the loss of a model with many classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ._measure import Work, case

EXAMPLE = Path(__file__).parents[1] / "examples" / "char_gpt.py"


@case("character GPT, 4 layers of 128, 12×64 characters, AdamW step", "≥ 1.6")
def character_gpt(torch: Any) -> Work:
    # the example's own lines, on the library that is measured
    source = EXAMPLE.read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": EXAMPLE.stem, "__file__": str(EXAMPLE)}
    exec(compile(source.replace("backlit", torch.__name__), EXAMPLE, "exec"), names)
    torch.manual_seed(0)
    text = names["Text"](names["README"].read_text(encoding="utf-8"))
    model = names["GPT"](len(text.letters))
    optimizer = names["optimizer_of"](model)
    x, y = text.batch()
    return lambda: names["train_step"](model, optimizer, x, y)


@case("cross entropy of 4096×10000 scores, forward and backward", "≥ 2", pairs=15)
def many_classes(torch: Any) -> Work:
    torch.manual_seed(0)
    scores = torch.randn(4096, 10000, requires_grad=True)
    target = torch.randint(10000, (4096,))

    def step() -> None:
        scores.grad = None
        torch.nn.functional.cross_entropy(scores, target).backward()

    return step
