"""RMSprop, Adagrad, Adadelta and Adamax, composed of tensor operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl

from ._adam import _step_count
from ._optimizer import Optimizer, active, check_options, number, run_closure

if TYPE_CHECKING:
    from collections.abc import Callable

    from backlit import Tensor


class _Composed(Optimizer):
    """An optimizer that updates parameter by parameter."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient."""
        loss = run_closure(closure)
        with bl.no_grad():
            for group in self.param_groups:
                for param, grad in active(group):
                    state = self.state[param]
                    if not state:
                        state.update(self._start(param, group))
                    if group["maximize"]:
                        grad = -grad
                    if group["weight_decay"]:
                        grad = grad.add(param, alpha=group["weight_decay"])
                    state["step"] += 1
                    self._update(param, grad, state, group, number(group["lr"]))
        return loss

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def _update(
        self, param: Tensor, grad: Tensor, state: Any, group: dict[str, Any], lr: float
    ) -> None:
        raise NotImplementedError


def _nonnegative(**values: Any) -> None:
    """Raise on a negative value; a 0 in a name stands for a space in the message."""
    for name, value in values.items():
        if not value >= 0.0:
            raise ValueError(f"Invalid {name.replace('0', ' ')}: {value}")


def _zeros(param: Tensor) -> Tensor:
    return bl.zeros_like(param, requires_grad=False)


class RMSprop(_Composed):
    """w ← w - lr g / (√v + eps), with v ← alpha v + (1 - alpha) g² (Hinton 2012).

    `centered` subtracts the squared running mean of g from v; `momentum` averages the updates.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        _nonnegative(
            learning0rate=lr,
            epsilon0value=eps,
            momentum0value=momentum,
            weight_decay0value=weight_decay,
            alpha0value=alpha,
        )
        check_options("RMSprop", capturable=capturable, differentiable=differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": _step_count(), "square_avg": _zeros(param)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = _zeros(param)
        if group["centered"]:
            state["grad_avg"] = _zeros(param)
        return state

    def _update(
        self, param: Tensor, grad: Tensor, state: Any, group: dict[str, Any], lr: float
    ) -> None:
        alpha, average = group["alpha"], state["square_avg"]
        average.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            mean = state["grad_avg"]
            mean.lerp_(grad, 1 - alpha)
            scale = average.addcmul(mean, mean, value=-1).sqrt_()
        else:
            scale = average.sqrt()
        scale.add_(group["eps"])
        if group["momentum"] > 0:
            buffer = state["momentum_buffer"]
            buffer.mul_(group["momentum"]).addcdiv_(grad, scale)
            param.add_(buffer, alpha=-lr)
        else:
            param.addcdiv_(grad, scale, value=-lr)


class Adagrad(_Composed):
    """w ← w - lr g / (√s + eps), with s the sum of all g² so far (Duchi et al. 2011)."""

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        _nonnegative(
            learning0rate=lr,
            lr_decay0value=lr_decay,
            weight_decay0value=weight_decay,
            initial_accumulator_value0value=initial_accumulator_value,
            epsilon0value=eps,
        )
        check_options("Adagrad", differentiable=differentiable)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param].update(self._start(param, group))

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        total = bl.full_like(param, group["initial_accumulator_value"], requires_grad=False)
        return {"step": _step_count(), "sum": total}

    def _update(
        self, param: Tensor, grad: Tensor, state: Any, group: dict[str, Any], lr: float
    ) -> None:
        rate = lr / (1 + (state["step"].item() - 1) * group["lr_decay"])
        state["sum"].addcmul_(grad, grad, value=1)
        param.addcdiv_(grad, state["sum"].sqrt().add_(group["eps"]), value=-rate)


class Adadelta(_Composed):
    """w ← w - lr √(u + eps) / √(v + eps) g, running means v of g² and u of the squared updates."""

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        if not lr >= 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        _nonnegative(epsilon0value=eps, weight_decay0value=weight_decay)
        check_options("Adadelta", capturable=capturable, differentiable=differentiable)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": _step_count(), "square_avg": _zeros(param), "acc_delta": _zeros(param)}

    def _update(
        self, param: Tensor, grad: Tensor, state: Any, group: dict[str, Any], lr: float
    ) -> None:
        rho, eps = group["rho"], group["eps"]
        squares, updates = state["square_avg"], state["acc_delta"]
        squares.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        delta = updates.add(eps).sqrt_().div_(squares.add(eps).sqrt_()).mul_(grad)
        updates.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        param.add_(delta, alpha=-lr)


class Adamax(_Composed):
    """Adam with the largest |g| of an exponential window instead of √v (Kingma and Ba 2014)."""

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        _nonnegative(learning0rate=lr, epsilon0value=eps, weight_decay0value=weight_decay)
        for i, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
        check_options("Adamax", capturable=capturable, differentiable=differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": _step_count(), "exp_avg": _zeros(param), "exp_inf": _zeros(param)}

    def _update(
        self, param: Tensor, grad: Tensor, state: Any, group: dict[str, Any], lr: float
    ) -> None:
        beta1, beta2 = group["betas"]
        state["exp_avg"].lerp_(grad, 1 - beta1)
        largest = state["exp_inf"].mul_(beta2)
        largest.copy_(bl.maximum(largest, grad.abs().add_(group["eps"])))
        rate = lr / (1 - beta1 ** state["step"].item())
        param.addcdiv_(state["exp_avg"], largest, value=-rate)
