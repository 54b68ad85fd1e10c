"""Stochastic gradient descent with momentum, averaged SGD, and Rprop."""

from __future__ import annotations

from typing import Any

from backlit import Tensor
from backlit._C import _optim

from ._checks import check_fused, check_lr, check_nonnegative, check_one_element
from ._grouped import GroupedOptimizer, filled, number_state, zeros
from ._optimizer import number


class SGD(GroupedOptimizer):
    """w ← w - lr v, with v ← momentum v + (1 - dampening) g; without momentum, v = g.

    The gradient g includes weight_decay w. The first v is g. `nesterov` uses g + momentum v.

        >>> model = Linear(2, 1)
        >>> opt = SGD(model.parameters(), lr=0.1, momentum=0.9)
        >>> loss = model(torch.ones(4, 2)).square().mean()
        >>> opt.zero_grad(); loss.backward(); opt.step()
    """

    _update = _optim.sgd  # type: ignore[attr-defined]
    _numbers = ()
    _absent = {"nesterov": False, "fused": None}  # noqa: RUF012

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
        check_one_element(lr)
        # NaN passes, as in PyTorch
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
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
        check_fused(self)

    def _states(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("momentum_buffer",) if group["momentum"] else (None,)

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": None}


class ASGD(GroupedOptimizer):
    """w ← (1 - lambd η) w - η g, and their average ax from step t0 on (Polyak, Juditsky 1992).

    η = lr / (1 + lambd lr t)^alpha after t steps; ax ← ax + (w - ax) / max(1, t - t0).

        >>> model = Linear(2, 1)
        >>> opt = ASGD(model.parameters(), lr=0.1, t0=0)
        >>> model(torch.ones(4, 2)).square().mean().backward()
        >>> opt.step()
        >>> opt.state[model.bias]["ax"].shape
        torch.Size([1])
    """

    _update = _optim.asgd  # type: ignore[attr-defined]
    _numbers = ("step", "eta", "mu")

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_nonnegative(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _states(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("ax",)

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": number_state(),
            "eta": number_state(number(group["lr"])),
            "mu": number_state(1.0),
            "ax": zeros(param),
        }


class Rprop(GroupedOptimizer):
    """w ← w - s sign(g), each element with a step size s of its own (Riedmiller and Braun 1993).

    s grows by etas[1] while the sign of g stays, within step_sizes. Where it turns, s shrinks by
    etas[0] and the element waits for a step.

        >>> model = Linear(2, 1)
        >>> opt = Rprop(model.parameters(), lr=0.1)
        >>> model(torch.ones(4, 2)).square().mean().backward()
        >>> opt.step()
        >>> opt.state[model.bias]["step_size"]
        tensor([0.1000])
    """

    _update = _optim.rprop  # type: ignore[attr-defined]

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _states(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("prev", "step_size")

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        size = filled(param, number(group["lr"]))
        return {"step": number_state(), "prev": zeros(param), "step_size": size}
