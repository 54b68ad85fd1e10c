"""A gradient split into parts: by sample, by unit, by term of the loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ._engine import Tensor
from ._exact import exact_sum
from ._numbers import count, number
from ._tensors import brief, norm

_MOST_LINES = 12


class Part(NamedTuple):
    """One part: what it came from, and how much of the gradient it is."""

    label: str
    position: int  # of the sample, the unit, the term
    value: Tensor | float
    share: float  # signed: -0.2 is a fifth of all that is added up, against the whole
    factors: tuple[float, ...] = ()  # of a single number: gradient that arrives, local derivative


@dataclass(eq=False)
class Parts:
    """All parts of one gradient, largest first.

    Iterating gives `Part`s; `rest` is what belongs to none of them.
    """

    kind: str  # "sample", "unit", "term"
    title: str
    parts: list[Part]
    whole: Tensor | float
    rest: Tensor | float
    rest_label: str = ""
    digits: int = 4

    def __iter__(self) -> Iterator[Part]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, i: int) -> Part:
        return self.parts[i]

    @property
    def total(self) -> Tensor | float:
        """The sum of all parts and the rest: the gradient."""
        if isinstance(self.whole, float):
            values = [p.value for p in self.parts if isinstance(p.value, float)]
            return exact_sum([*values, float(self.rest)])
        return sum((part.value for part in self.parts), self.rest)

    def rows(self) -> list[tuple[str, str, str]]:
        """(what, value, share) of the largest parts, then the rest and the sum."""
        found = []
        shown = self.parts[:_MOST_LINES]
        for part in shown:
            found.append((part.label, self._value(part), percent(part.share)))
        hidden = self.parts[len(shown) :]
        if hidden:
            more = sum((part.value for part in hidden[1:]), hidden[0].value)
            share = percent(sum(part.share for part in hidden))
            label = f"{count(len(hidden))} smaller {self.kind}s"
            found.append((label, brief(more, self.digits), share))
        if norm(self.rest) > 0 and self.rest_label:
            found.append((self.rest_label, brief(self.rest, self.digits), ""))
        found.append(("sum", brief(self.whole, self.digits), ""))
        return found

    def _value(self, part: Part) -> str:
        text = brief(part.value, self.digits)
        if not part.factors:
            return text
        return f"{' · '.join(number(x, self.digits) for x in part.factors)} = {text}"

    def __str__(self) -> str:
        rows = self.rows()
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [self.title]
        for label, value, share in rows:
            line = f"  {label:<{widths[0]}}  {value:>{widths[1]}}  {share:>{widths[2]}}"
            lines.append(line.rstrip())
        return "\n".join(lines)

    __repr__ = __str__

    def to_dict(self) -> dict[str, Any]:
        """For JSON; docs/explain.md describes it."""
        from ._json import plain, value

        return {
            "kind": self.kind,
            "title": self.title,
            "parts": [
                {
                    "label": part.label,
                    "index": part.position,
                    "value": value(part.value),
                    "share": plain(part.share),
                    "factors": plain(list(part.factors)),
                }
                for part in self.parts
            ],
            "rest": value(self.rest),
            "rest_label": self.rest_label,
            "whole": value(self.whole),
        }


def along_whole(part: Tensor | float, whole: Tensor | float) -> float:
    """How far the part goes in the direction of the whole."""
    if isinstance(part, float) or isinstance(whole, float):
        return float(part) if float(whole) >= 0 else -float(part)
    return float((part.double() * whole.double()).sum().item())


def percent(share: float) -> str:
    """`12.5%`, without the sign of a zero."""
    text = f"{share:.1%}"
    return "0.0%" if text == "-0.0%" else text


def ranked(
    kind: str,
    title: str,
    found: Sequence[tuple[str, int, Tensor | float, tuple[float, ...]]],
    whole: Tensor | float,
    rest_label: str,
    digits: int,
) -> Parts:
    """Parts from (label, position, value, factors), largest first, and what is left over."""
    lengths = [along_whole(value, whole) for _, _, value, _ in found]
    everything = sum(map(abs, lengths)) or 1.0
    parts = [
        Part(label, position, value, length / everything, factors)
        for (label, position, value, factors), length in zip(found, lengths, strict=True)
    ]
    parts.sort(key=lambda part: -norm(part.value))
    rest: Tensor | float
    if isinstance(whole, float):
        listed = [part.value for part in parts if isinstance(part.value, float)]
        rest = exact_sum([whole, *(-x for x in listed)])
        if abs(rest) <= 1e-6 * max([abs(whole), *map(abs, listed)]):
            rest = 0.0  # rounding
    else:
        rest = whole.double() - sum((p.value.double() for p in parts), whole.double() * 0)  # type: ignore[union-attr]
        largest = max([norm(whole), *(norm(p.value) for p in parts)])
        if norm(rest) <= 1e-5 * largest:
            rest = rest * 0
    return Parts(kind, title, parts, whole, rest, rest_label, digits)
