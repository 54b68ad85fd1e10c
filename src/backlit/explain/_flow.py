"""Why is a gradient small, zero or huge: its norm after each node, and what each node did to it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _engine, _paths
from ._engine import Tensor
from ._files import write
from ._graph import Edge, Graph, Node
from ._numbers import number
from ._tensors import norm

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Step(NamedTuple):
    """One node on the way back from the result."""

    node: Node
    operation: str  # that the gradient passed to get here
    norm: float
    factor: float  # the norm beside the one before; 1 at the result
    zeros: str  # why elements of the local derivative are zero
    mark: str  # "largest shrink", "largest growth" or ""


@dataclass(eq=False)
class Route:
    """The way of the gradient to one variable, along its largest path."""

    variable: Node
    steps: list[Step]
    others: int  # further paths, whose gradients are added on the way

    @property
    def verdict(self) -> str:
        """The size of the gradient, and the node to blame or to thank for it."""
        last = self.steps[-1]
        if math.isnan(last.norm):
            first = next(step for step in self.steps if math.isnan(step.norm))
            return f"NaN, first behind {first.operation} at {first.node.name}"
        if last.norm == 0:
            first = next(step for step in self.steps if step.norm == 0)
            return f"zero, first behind {first.operation}: {first.zeros or first.node.name}"
        marked = [step for step in self.steps if step.mark]
        told = [f"{s.mark}: ×{short(s.factor)} by {s.operation}" for s in marked]
        return ", ".join([f"norm {short(last.norm)}", *told])


@dataclass(eq=False)
class Flow:
    """The ways of all gradients; `print` it, `plot` it, `save` it, or read `routes`."""

    result: Node
    routes: list[Route]

    def __str__(self) -> str:
        lines = [f"How the gradient of {self.result.name} flows back"]
        for route in self.routes:
            lines += ["", f"to {route.variable.name}: {route.verdict}"]
            lines += _table(route)
            if route.others:
                lines.append(f"  ({route.others} more ways join on the way)")
        return "\n".join(lines)

    __repr__ = __str__

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the norm of the gradient after each node on a logarithmic axis.

        Args:
            ax: matplotlib's axes to draw into; those of a new figure by default.

        Returns:
            The axes.

        Raises:
            ImportError: without matplotlib (``pip install 'backlit[plot]'``).
        """
        from ._flowplot import plot

        return plot(self, ax)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the form that the suffix names: .png .svg .json .txt."""
        from ._flowplot import picture

        write(
            path,
            {
                ".png": lambda: picture(self, "png"),
                ".svg": lambda: picture(self, "svg"),
                ".json": self.to_json,
                ".txt": self.__str__,
            },
        )

    def to_json(self, indent: int | None = None) -> str:
        """The document as text."""
        import json

        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; docs/explain.md describes it."""
        from ._json import plain

        return {
            "result": self.result.id,
            "routes": [
                {
                    "variable": route.variable.id,
                    "name": route.variable.name,
                    "verdict": route.verdict,
                    "others": str(route.others),
                    "steps": [
                        {
                            "node": step.node.id,
                            "name": step.node.name,
                            "operation": step.operation,
                            "norm": plain(step.norm),
                            "factor": plain(step.factor),
                            "zeros": step.zeros,
                            "mark": step.mark,
                        }
                        for step in route.steps
                    ],
                }
                for route in self.routes
            ],
        }


def flow_of(graph: Graph, wanted: list[Node]) -> Flow:
    """The flow to each of the wanted nodes."""
    norms = {n: norm(n.gradient) for n in graph if n.gradient is not None}
    weights = {
        edge: _paths.weight_of(_ratio(norm(edge.contribution), norms[edge.target]))
        for edge in graph.edges
        if edge.contribution is not None
    }
    best = _paths.best_ways(graph, weights, 1)
    counts = _paths.count_paths(graph)
    routes = []
    for node in wanted:
        if best.get(node):
            steps = _steps(graph, best[node][0].edges(), norms)
            routes.append(Route(node, steps, counts[node] - 1))
    return Flow(graph.result, routes)


def _steps(graph: Graph, path: _paths.Path, norms: dict[Node, float]) -> list[Step]:
    factors = [
        _ratio(norm(e.contribution) if e.contribution is not None else 0.0, norms[e.target])
        for e in path
    ]
    measured = [f for f in factors if f > 0 and math.isfinite(f)]
    low, high = min(measured, default=1.0), max(measured, default=1.0)
    steps = [Step(graph.result, "", norms[graph.result], 1.0, "", "")]
    for edge, f in zip(path, factors, strict=True):
        mark = "largest shrink" if f == low < 0.5 else "largest growth" if f == high > 2 else ""
        operation = edge.target.operation
        steps.append(Step(edge.source, operation, norms[edge.source], f, zeros_of(edge), mark))
    return steps


def zeros_of(edge: Edge) -> str:
    """`30 of 32 inputs below 0`: how many local derivatives are zero, and at which inputs."""
    local = edge.local
    if local is None or edge.target.function is None:
        return ""
    if not _engine.is_elementwise(edge.target.function):
        return ""
    zero = local == 0
    count = int(zero.sum().item())
    if count == 0:
        return ""
    many = f"{count} of {local.numel()}"
    other = _factor(edge)
    if other is not None:
        return f"{many} elements of {other} are 0"
    inputs = edge.source.value
    if inputs is None or tuple(inputs.shape) != tuple(local.shape):
        return f"{many} local gradients are 0"
    return f"{many} inputs {_region(inputs[zero])}"


def _factor(edge: Edge) -> str | None:
    """The other operand, where the local derivative is that operand itself."""
    others = [e.source.name for e in edge.target.inputs if e is not edge]
    return edge.local_text if edge.local_text in others else None


def _region(values: Tensor) -> str:
    low, high = float(values.min().item()), float(values.max().item())
    if high < 0:
        return "below 0"
    if high <= 0:
        return "at or below 0"
    if low == high:
        return f"at {number(low)}"
    return f"from {number(low)} to {number(high)}, where the local gradient is 0"


def _ratio(after: float, before: float) -> float:
    return after / before if before else 0.0


def short(x: float) -> str:
    """Three digits."""
    return f"{x:.3g}"


def _table(route: Route) -> list[str]:
    rows = [("", "after", "norm", "factor", "")]
    for step in route.steps:
        factor = f"×{short(step.factor)}" if step.operation else ""
        notes = ", ".join(note for note in (step.mark, step.zeros) if note)
        rows.append((step.operation, step.node.name, short(step.norm), factor, notes))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = []
    for operation, name, size, factor, notes in rows:
        line = f"  {operation:<{widths[0]}}  {name:<{widths[1]}}  {size:>{widths[2]}}"
        lines.append(f"{line}  {factor:>{widths[3]}}  {notes}".rstrip())
    return lines
