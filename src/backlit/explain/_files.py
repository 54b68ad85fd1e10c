"""The files in page/ that pages, drawings and notebooks are made of."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "page"


@cache
def part(name: str) -> str:
    """The text of one of them."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def styles(*names: str) -> str:
    """Style sheets, one after the other."""
    return "".join(part(name) for name in names)
