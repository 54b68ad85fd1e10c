"""Optimizer state that knows when it was changed from outside.

`step` runs on lists of tensors collected once (a plan). Any change to a parameter's state or to
the table of states clears the plans, so the next `step` collects them again.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def _clearing(name: str, base: type) -> Callable[..., Any]:
    inner = getattr(base, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.plans.clear()
        return inner(self, *args, **kwargs)

    method.__name__ = name
    return method


_CHANGES = ("__setitem__", "__delitem__", "clear", "pop", "popitem", "setdefault", "update")


class ParamState(dict[str, Any]):
    """The state of one parameter."""

    __slots__ = ("plans",)
    plans: dict[Any, Any]

    def __init__(self, plans: dict[Any, Any], items: Any = ()) -> None:
        self.plans = plans
        super().__init__(items)

    __setitem__, __delitem__, clear, pop, popitem, setdefault, update = (  # type: ignore[assignment]
        _clearing(name, dict) for name in _CHANGES
    )

    def __reduce__(self) -> Any:  # type: ignore[override]
        return dict, (dict(self),)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()


class StateTable(defaultdict[Any, Any]):
    """The states of all parameters, by parameter; a missing one is created on access."""

    plans: dict[Any, Any]

    def __init__(self, plans: dict[Any, Any], items: Any = ()) -> None:
        self.plans = plans
        super().__init__(dict)
        for key, state in dict(items).items():
            dict.__setitem__(self, key, self._tracked(state))

    def _tracked(self, state: Any) -> Any:
        return ParamState(self.plans, state) if type(state) in (dict, ParamState) else state

    def __missing__(self, key: Any) -> ParamState:
        state = ParamState(self.plans)
        self[key] = state
        return state

    __setitem__, __delitem__, clear, pop, popitem, setdefault, update = (  # type: ignore[assignment]
        _clearing(name, defaultdict) for name in _CHANGES
    )

    def __reduce__(self) -> Any:
        return defaultdict, (dict,), None, None, iter(list(self.items()))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()
