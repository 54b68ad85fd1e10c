"""The explanation as text for a terminal: 80 columns, colours only where they show."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from ._variables import PathTerm, Variable
from ._words import Section, Words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table

    from ._explanation import Explanation

WIDTH = 80
_INDENT = "  "


def to_text(explanation: Explanation, color: bool | None = None, width: int = WIDTH) -> str:
    """The whole explanation; colours on a terminal unless told otherwise."""
    from rich.console import Console
    from rich.text import Text

    if color is None:
        color = sys.stdout is not None and sys.stdout.isatty()
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    words = Words(explanation)
    _print_head(console, words)
    for section in (words.forward(), words.locals()):
        _print_table(console, section)
    console.print()
    console.print(Text(words.chain_title(), style="bold underline"))
    for i, variable in enumerate(words.variables()):
        if i:
            console.print()
        _print_variable(console, words, variable)
    for line in words.left_out():
        console.print()
        console.print(Text(_INDENT + line, style="dim"))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _print_head(console: Console, words: Words) -> None:
    from rich.text import Text

    console.print(Text(words.title(), style="bold"))
    for line in words.subtitle():
        console.print(Text(line, style="dim"))


def _print_table(console: Console, section: Section) -> None:
    from rich.table import Table
    from rich.text import Text

    if not section.rows:
        return
    console.print()
    console.print(Text(section.title, style="bold underline"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in section.columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=column.right,
        )
    for row in section.rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(_indented(table))
    for line in section.after:
        console.print(Text(_INDENT + line, style="dim"))


def _indented(renderable: Table) -> Padding:
    from rich.padding import Padding

    return Padding(renderable, (0, 0, 0, len(_INDENT)))


def _print_variable(console: Console, words: Words, variable: Variable) -> None:
    from rich.text import Text

    console.print(Text(_INDENT + words.variable_title(variable), style="bold"))
    for line in words.variable_intro(variable):
        console.print(Text(_INDENT + line, style="dim"))
    for i, term in enumerate(variable.paths):
        _print_path(console, words, variable, term, i)
    for line in words.sum_lines(variable):
        console.print(Text(_INDENT + line))
    for split in variable.splits:
        console.print()
        for line in str(split).splitlines():
            console.print(Text(_INDENT + line))
        console.print()
    for check in variable.checks:
        text, good = words.check_line(variable, check)
        style = "" if good is None else "green" if good else "bold red"
        for line in words.wrapped(text, " ", 7):
            console.print(Text(_INDENT + line, style=style))


def _print_path(console: Console, words: Words, variable: Variable, term: PathTerm, i: int) -> None:
    from rich.text import Text

    number = f"path {i + 1}: " if variable.path_count > 1 else ""
    for line in words.wrapped(number + words.route(term), " → ", 4):
        console.print(Text(_INDENT + line))
    for line in words.product_lines(variable, term):
        console.print(Text(_INDENT * 2 + line))
