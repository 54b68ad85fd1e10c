"""The lists of tensors that one `step` of SGD or Adam works on, collected once and reused."""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any

from ._state import ParamState

if TYPE_CHECKING:
    from collections.abc import Callable

    from backlit import Tensor


class Plan:
    """Parameters of a group that have been updated before, and their state, list by list.

    `idle` holds the parameters that had no gradient yet: they have no state.
    """

    __slots__ = ("all", "fresh", "idle", "params", "slots", "source", "tag")

    def __init__(self, group: dict[str, Any], tag: Any) -> None:
        self.source: list[Tensor] = group["params"]
        self.all = list(self.source)
        self.tag = tag
        self.params: list[Tensor] = []
        self.idle: list[Tensor] = []
        self.slots: tuple[list[Any], ...] = ()
        self.fresh = False  # whether a slot still holds None

    def fits(self, group: dict[str, Any], tag: Any) -> bool:
        """Whether the group still has the same parameters, and no idle one got a gradient."""
        source = group["params"]
        if source is not self.source or tag != self.tag or len(source) != len(self.all):
            return False
        if not all(map(is_, source, self.all)):
            return False
        return not self.idle or all(param.grad is None for param in self.idle)


def make_plan(
    optimizer: Any,
    group: dict[str, Any],
    tag: Any,
    names: tuple[str, ...],
    start: Callable[[Tensor], dict[str, Any]],
) -> Plan:
    """Collect the tensors of a group; `start(param)` makes the state of a parameter's first step.

    It is kept in the optimizer's plans unless a state is a dict that does not report changes.
    """
    plan = Plan(group, tag)
    columns: list[list[Any]] = [[] for _ in names]
    tracked = True
    for param in plan.all:
        known = param in optimizer.state
        if param.grad is None and not (known and names[0] in optimizer.state[param]):
            plan.idle.append(param)
            continue
        state = optimizer.state[param]
        if not all(name in state for name in names):
            for name, value in start(param).items():
                state.setdefault(name, value)
        tracked = tracked and type(state) is ParamState
        plan.params.append(param)
        for name, column in zip(names, columns, strict=False):
            column.append(state[name])
    plan.slots = tuple(columns)
    plan.fresh = any(value is None for column in columns for value in column)
    if tracked:
        optimizer._plans[id(group)] = plan
    return plan
