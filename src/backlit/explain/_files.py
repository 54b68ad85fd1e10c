"""Files: the parts in page/ that pages and drawings are made of, and what is saved."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from .._files import written_beside

_FOLDER = Path(__file__).parent / "page"


@cache
def part(name: str) -> str:
    """The text of one of them."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def styles(*names: str) -> str:
    """Style sheets, one after the other."""
    return "".join(part(name) for name in names)


def write(path: str | os.PathLike[str], forms: Mapping[str, Callable[[], str | bytes]]) -> None:
    """Write the form that the suffix of `path` names."""
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in forms:
        raise ValueError(
            f"explain: cannot save as {suffix or 'a file without suffix'!r}. "
            f"Use one of {' '.join(forms)}."
        )
    content = forms[suffix]()
    if isinstance(content, str):
        content = (content if content.endswith("\n") else content + "\n").encode()
    with written_beside(path) as file:
        file.write(content)
