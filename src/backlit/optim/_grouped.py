"""Optimizers whose rule is in the core: one call updates all parameters of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import backlit as bl
from backlit import Tensor

from ._optimizer import Optimizer, run_closure
from ._plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable

_ABSENT = {"maximize": False, "foreach": None, "capturable": False, "differentiable": False}


class GroupedOptimizer(Optimizer):
    """Subclasses name the core's function, the state it works on, and how that state starts."""

    _update: ClassVar[Callable[..., None]]
    # 0-d tensors per parameter, and tensors of its shape: names in the order of the core's rule
    _numbers: ClassVar[tuple[str, ...]] = ("step",)
    # options that old checkpoints lack, and their meaning then
    _absent: ClassVar[dict[str, Any]] = {}

    def _states(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        """The names of the states in the order of the core's rule; None for an absent one."""
        raise NotImplementedError

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """The state of a parameter before its first step; None for what the step makes."""
        raise NotImplementedError

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient."""
        loss = None if closure is None else run_closure(closure)
        for group in self.param_groups:
            states = self._states(group)
            plan = self._plans.get(id(group))
            if plan is None or not plan.fits(group, states):
                check_runnable(group)
                plan = make_plan(self, group, states)
            self._update(plan.params, plan.states, plan.numbers, group)
            if plan.fresh:
                plan.keep_made(self)
        return loss

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in (_ABSENT | self._absent).items():
                if name in self.defaults:
                    group.setdefault(name, value)
            for param in group["params"]:
                known = self.state.get(param, {})
                for name in self._numbers:
                    if name in known and not isinstance(known[name], Tensor):
                        known[name] = number_state(float(known[name]))


def check_runnable(group: dict[str, Any]) -> None:
    """Raise for options that PyTorch refuses on a CPU when a step is taken."""
    if group.get("capturable"):
        raise AssertionError(
            "If capturable=True, params and state_steps must be on supported devices: "
            "['cuda', 'xpu', 'hpu', 'privateuseone', 'xla']. Got tensors on the CPU. "
            "Try capturable=False."
        )
    if group.get("foreach") and group.get("differentiable"):
        raise AssertionError(
            "_foreach ops don't support autograd. Got foreach=True with differentiable=True. "
            "Try foreach=None."
        )


def number_state(value: float = 0.0) -> Tensor:
    """A number of a parameter's state, as the 0-d tensor that PyTorch keeps it in."""
    wide = bl.get_default_dtype() == bl.float64
    return bl.tensor(value, dtype=bl.float64 if wide else bl.float32)


def filled(param: Tensor, value: float) -> Tensor:
    """A state of the parameter's shape that starts at `value`, in both parts of complex numbers."""
    start = complex(value, value) if param.is_complex() else value
    return bl.full_like(param, start, requires_grad=False)


def zeros(param: Tensor) -> Tensor:
    """A state of the parameter's shape."""
    return bl.zeros_like(param, requires_grad=False)
