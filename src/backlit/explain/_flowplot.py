"""The flow of gradients as a picture: one row per node, its gradient's norm on a logarithmic axis.

The routes to the variables share their beginning, so they are drawn as one tree, from the result
at the top. Each node is a dot, and the line that leads to it is what its operation did to the norm.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, NamedTuple

from ._flow import Flow, Step, short
from ._graph import Node

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.layout_engine import LayoutEngine

_SHRINK, _GROWTH, _ZERO, _PLAIN = "#b8480f", "#1b62a5", "#a3123f", "#6b6b6b"
_FONT = 8.5  # points
_ROW, _TEXT = 0.22, 0.062  # inches that a row and a letter of this font take
_MOST_INCHES = 30.0
_MOST_TICKS = 7
_EXPONENTS = (-300, 300)  # that a logarithmic axis can show with room on both sides


class Row(NamedTuple):
    """One node of the picture, a row below the one before."""

    step: Step
    parent: int | None  # the row that the gradient came from
    is_variable: bool
    mark: str  # of all nodes: "largest shrink", "largest growth" or ""


class Scale(NamedTuple):
    """Where norms stand, those without a logarithm at the rims."""

    low: int  # exponents of the outermost powers of ten
    high: int
    has_zero: bool
    has_infinity: bool

    @property
    def step(self) -> int:
        """Powers of ten from one tick to the next."""
        return math.ceil((self.high - self.low + 1) / _MOST_TICKS)

    @property
    def zero(self) -> float:
        return 10.0 ** (self.low - self.step)

    @property
    def infinity(self) -> float:
        return 10.0 ** (self.high + self.step)

    def place(self, norm: float) -> float:
        """On the axis; NaN is drawn where infinities are."""
        if norm == 0:
            return self.zero
        return norm if math.isfinite(norm) else self.infinity


def plot(flow: Flow, ax: Axes | None = None) -> Axes:
    """Draw into `ax`, or into a new figure of pyplot."""
    rows = _rows(flow)
    if ax is None:
        _require_matplotlib()
        from matplotlib import pyplot

        ax = pyplot.figure(figsize=_size(rows), layout=_layout()).add_subplot()
    _draw(flow, rows, ax)
    return ax


def picture(flow: Flow, form: str) -> bytes:
    """A file, made without pyplot, whose windows and open figures belong to the user."""
    _require_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rows = _rows(flow)
    figure = Figure(figsize=_size(rows), layout=_layout())
    _draw(flow, rows, figure.add_subplot())
    file = io.BytesIO()
    with rc_context({"svg.hashsalt": "backlit"}):  # the same flow gives the same file
        figure.savefig(file, format=form, dpi=150, metadata={"Date": None} if form == "svg" else {})
    return file.getvalue()


def _require_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "explain: plotting a flow needs the package matplotlib. "
            "Install it with: pip install 'backlit[plot]'"
        ) from error


def _layout() -> LayoutEngine:
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1)  # inches around everything


def _rows(flow: Flow) -> list[Row]:
    """The tree of all routes; below each node its shorter branches come first."""
    steps: dict[Node, Step] = {}
    children: dict[Node, list[Node]] = {}
    for route in flow.routes:
        before: Node | None = None
        for step in route.steps:
            if step.node not in steps:
                steps[step.node] = step
                if before is not None:
                    children.setdefault(before, []).append(step.node)
            before = step.node
    depth: dict[Node, int] = {}  # of the branch below
    for node in reversed(steps):  # a node stands behind its parent
        depth[node] = 1 + max((depth[child] for child in children.get(node, ())), default=0)
    variables = {route.variable for route in flow.routes}
    shrink = min((s.factor for s in steps.values() if s.mark == "largest shrink"), default=None)
    growth = max((s.factor for s in steps.values() if s.mark == "largest growth"), default=None)
    rows: list[Row] = []
    waiting: list[tuple[Node, int | None]] = [(flow.result, None)] if steps else []
    while waiting:
        node, parent = waiting.pop()
        step = steps[node]
        mark = step.mark if step.factor in (shrink, growth) else ""
        below = sorted(children.get(node, ()), key=depth.__getitem__, reverse=True)
        waiting += [(child, len(rows)) for child in below]
        rows.append(Row(step, parent, node in variables, mark))
    return rows


def _size(rows: list[Row]) -> tuple[float, float]:
    """Inches: room for every row, and for the words on both sides."""
    names = max((len(row.step.node.name) for row in rows), default=0)
    notes = max((len(_note(row)) for row in rows), default=0)
    return 4.5 + _TEXT * (names + notes), min(1.3 + _ROW * len(rows), _MOST_INCHES)


def _draw(flow: Flow, rows: list[Row], ax: Axes) -> None:
    ax.set_title(f"How the gradient of {flow.result.name} flows back", loc="left", fontsize=11)
    ax.set_xlabel("norm of the gradient", fontsize=_FONT)
    ax.set_xscale("log")
    scale = _scale(rows)
    _axes(rows, scale, ax)
    for i, row in enumerate(rows):
        x, color = scale.place(row.step.norm), _color(row)
        if row.parent is not None:
            before = scale.place(rows[row.parent].step.norm)
            width = 2.4 if row.mark else 0.9
            line = color if row.mark else "#b5b5b5"
            ax.plot([before, x], [row.parent, i], color=line, linewidth=width, zorder=2)
        filled = color if row.is_variable else "white"
        marker = "o" if 0 < row.step.norm < math.inf else "X"
        ax.plot(x, i, marker, color=color, markerfacecolor=filled, markersize=5.5, zorder=3)
    inches = ax.get_window_extent().height / ax.figure.dpi
    shown = _readable(rows, math.ceil(0.75 * _ROW * len(rows) / inches))
    ax.set_yticks(shown, [rows[i].step.node.name for i in shown], fontsize=_FONT)
    for i, label in zip(shown, ax.get_yticklabels(), strict=True):
        label.set_fontweight("bold" if rows[i].is_variable else "normal")
        ax.text(
            1.015,
            i,
            _note(rows[i]),
            transform=ax.get_yaxis_transform(),  # beside the axes, at the height of the row
            verticalalignment="center",
            fontsize=_FONT,
            color=_color(rows[i]),
            fontweight="bold" if rows[i].mark else "normal",
        )


def _axes(rows: list[Row], scale: Scale, ax: Axes) -> None:
    """Ticks at powers of ten, zero and infinity in bands of their own, the result at the top."""
    ticks = [10.0**e for e in range(scale.low, scale.high + 1, scale.step)]
    labels = [short(x) for x in ticks]
    half = 10.0 ** (scale.step / 2)
    left, right = ticks[0] / half, 10.0**scale.high * half
    if scale.has_zero:
        ax.axvspan(scale.zero / half, scale.zero * half, color="#f3f0ee", zorder=0)
        ticks, labels, left = [scale.zero, *ticks], ["0", *labels], scale.zero / half
    if scale.has_infinity:
        ax.axvspan(scale.infinity / half, scale.infinity * half, color="#f3f0ee", zorder=0)
        ticks, labels = [*ticks, scale.infinity], [*labels, "inf, NaN"]
        right = scale.infinity * half
    ax.set_xticks(ticks, labels, fontsize=_FONT)
    ax.set_xticks([], minor=True)
    ax.set_xlim(left, right)
    ax.set_ylim(len(rows) - 0.3, -0.7)
    ax.tick_params(length=0)
    ax.grid(axis="x", color="#e4e4e4", linewidth=0.7)
    ax.set_axisbelow(True)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)


def _scale(rows: list[Row]) -> Scale:
    norms = [row.step.norm for row in rows]
    exponents = [math.log10(x) for x in norms if 0 < x < math.inf] or [0.0]
    low = max(math.floor(min(exponents)), _EXPONENTS[0])
    high = min(math.ceil(max(exponents)), _EXPONENTS[1])
    return Scale(low, high, 0 in norms, not all(map(math.isfinite, norms)))


def _readable(rows: list[Row], apart: int) -> list[int]:
    """The rows that are told in words: marks first, then as many as do not overlap."""
    if apart <= 1:
        return list(range(len(rows)))
    zeros = [i for i, row in enumerate(rows) if row.step.norm == 0]
    wanted = [i for i, row in enumerate(rows) if row.mark] + zeros[:1]
    chosen: list[int] = []
    for i in [*wanted, *range(0, len(rows), apart)]:
        if all(abs(i - other) >= apart for other in chosen):
            chosen.append(i)
    return sorted(chosen)


def _color(row: Row) -> str:
    if not 0 < row.step.norm < math.inf:
        return _ZERO
    return {"largest shrink": _SHRINK, "largest growth": _GROWTH}.get(row.mark, _PLAIN)


def _note(row: Row) -> str:
    """`×0.25 relu, largest shrink, 30 of 32 inputs below 0`."""
    step = row.step
    if row.parent is None:
        return f"norm {short(step.norm)}"
    told = f"×{short(step.factor)} {step.operation}"
    return ", ".join(part for part in (told, row.mark, step.zeros) if part)
