"""The lists of tensors that one `step` works on, collected once and reused."""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any

from ._state import ParamState

if TYPE_CHECKING:
    from backlit import Tensor


class Plan:
    """The parameters of a group that have a state, and their states, list by list.

    `idle` holds the parameters that had no gradient yet: they have no state.
    """

    __slots__ = ("all", "fresh", "idle", "names", "numbers", "params", "source", "states")

    def __init__(self, group: dict[str, Any], names: tuple[str | None, ...]) -> None:
        self.source: list[Tensor] = group["params"]
        self.all = list(self.source)
        self.names = names
        self.params: list[Tensor] = []
        self.idle: list[Tensor] = []
        self.states: tuple[list[Any] | None, ...] = tuple(None if n is None else [] for n in names)
        self.numbers: tuple[list[Any], ...] = ()
        self.fresh = False  # whether a state still is None

    def fits(self, group: dict[str, Any], names: tuple[str | None, ...]) -> bool:
        """Whether the group still has the same parameters, and no idle one got a gradient."""
        source = group["params"]
        if source is not self.source or names != self.names or len(source) != len(self.all):
            return False
        if not all(map(is_, source, self.all)):
            return False
        return not self.idle or all(param.grad is None for param in self.idle)

    def keep_made(self, optimizer: Any) -> None:
        """Put the states that the first step made where they belong."""
        for name, column in zip(self.names, self.states, strict=True):
            for param, value in zip(self.params, column or (), strict=False):
                if value is not None:
                    optimizer.state[param][name] = value


def make_plan(optimizer: Any, group: dict[str, Any], names: tuple[str | None, ...]) -> Plan:
    """Collect the tensors of a group, starting the state of parameters that have none.

    It is kept in the optimizer's plans unless a state is a dict that does not report changes.
    """
    plan = Plan(group, names)
    wanted = [name for name in (*optimizer._numbers, *names) if name is not None]
    columns: dict[str, list[Any]] = {name: [] for name in wanted}
    tracked = True
    for param in plan.all:
        if param.grad is None and not _started(optimizer, param, wanted):
            plan.idle.append(param)
            continue
        plan.params.append(param)
        if not wanted:
            continue
        state = optimizer.state[param]
        if not all(name in state for name in wanted):
            for name, value in optimizer._start(param, group).items():
                state.setdefault(name, value)
        tracked = tracked and type(state) is ParamState
        for name in wanted:
            columns[name].append(state[name])
    plan.numbers = tuple(columns[name] for name in optimizer._numbers)
    plan.states = tuple(None if name is None else columns[name] for name in names)
    plan.fresh = any(value is None for column in columns.values() for value in column)
    if tracked:
        optimizer._plans[id(group)] = plan
    return plan


def _started(optimizer: Any, param: Tensor, wanted: list[str]) -> bool:
    """Whether a parameter has been updated before, or needs no state to be."""
    return not wanted or (param in optimizer.state and wanted[0] in optimizer.state[param])
