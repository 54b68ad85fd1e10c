"""The explanation in Markdown, with the derivations in LaTeX between dollar signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._latex import derivation
from ._words import Section, Words

if TYPE_CHECKING:
    from ._explanation import Explanation


def to_markdown(explanation: Explanation) -> str:
    """Headings, tables, equations."""
    words = Words(explanation)
    parts = [f"# {_plain(words.title())}", *words.subtitle()]
    parts += [_table(section) for section in (words.forward(), words.locals()) if section.rows]
    parts.append(f"## {words.chain_title()}")
    for variable in words.variables():
        parts.append(f"### {_plain(words.variable_title(variable))}")
        parts += words.variable_intro(variable)
        parts.append(f"$$\n{derivation(words, variable)}\n$$")
        for split in variable.splits:
            parts += [f"**{_plain(split.title)}**", _rows(["", "value", "share"], split.rows())]
        parts += [f"- {words.check_line(variable, check)[0]}" for check in variable.checks]
    return "\n\n".join([*parts, *words.left_out()]) + "\n"


def _table(section: Section) -> str:
    titles = [column.title for column in section.columns]
    rows = [[f"`{cell}`" if cell else "" for cell in row] for row in section.rows]
    return "\n\n".join([f"## {section.title}", _rows(titles, rows), *section.after])


def _rows(titles: list[str], rows: list[list[str]] | list[tuple[str, str, str]]) -> str:
    lines = [" | ".join(titles), " | ".join("---" for _ in titles)]
    lines += [" | ".join(_cell(cell) for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(text: str) -> str:
    """On one line; a bar would end the cell."""
    lines = text.strip("`").splitlines()
    if len(lines) > 1:
        return "<br>".join(f"`{line}`" for line in lines)
    return text.replace("|", "\\|")


def _plain(text: str) -> str:
    return text.replace("_", "\\_").replace("*", "\\*")
