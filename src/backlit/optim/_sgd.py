"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backlit import Tensor
from backlit._C import _optim

from ._optimizer import Optimizer, check_options, number, run_closure
from ._plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable

_sgd_step = _optim.sgd_step  # type: ignore[attr-defined]


class SGD(Optimizer):
    """w ← w - lr v, with v ← momentum v + (1 - dampening) g; without momentum, v = g.

    The gradient g includes weight_decay w. The first v is g. `nesterov` uses g + momentum v.

        >>> model = Linear(2, 1)
        >>> opt = SGD(model.parameters(), lr=0.1, momentum=0.9)
        >>> loss = model(torch.ones(4, 2)).square().mean()
        >>> opt.zero_grad(); loss.backward(); opt.step()
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_options("SGD", differentiable=differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("nesterov", False)
            group.setdefault("maximize", False)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient."""
        loss = None if closure is None else run_closure(closure)
        for group in self.param_groups:
            momentum = group["momentum"]
            lr, decay = group["lr"], group["weight_decay"]
            if type(lr) is not float:
                lr = number(lr)
            if isinstance(decay, Tensor):
                decay = number(decay)
            if momentum:
                self._momentum_step(group, lr, momentum, decay)
                continue
            params = group["params"]
            _sgd_step(
                params,
                [param.grad for param in params],
                None,
                lr,
                momentum,
                group["dampening"],
                decay,
                group["nesterov"],
                group["maximize"],
            )
        return loss

    def _momentum_step(
        self, group: dict[str, Any], lr: float, momentum: float, decay: float
    ) -> None:
        plan = self._plans.get(id(group))
        if plan is None or not plan.fits(group, True):
            plan = make_plan(self, group, True, ("momentum_buffer",), _no_buffer)
        buffers = plan.slots[0]
        params = plan.params
        _sgd_step(
            params,
            [param.grad for param in params],
            buffers,
            lr,
            momentum,
            group["dampening"],
            decay,
            group["nesterov"],
            group["maximize"],
        )
        if plan.fresh:  # the first step made the buffers
            for param, buffer in zip(params, buffers, strict=False):
                self.state[param]["momentum_buffer"] = buffer


def _no_buffer(param: Tensor) -> dict[str, Any]:
    return {"momentum_buffer": None}
