"""Muon: momentum whose matrices are made orthogonal before they are applied."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit import Tensor

from ._checks import check_one_element
from ._grouped import zeros
from ._optimizer import Optimizer, active_reals, number, run_closure

if TYPE_CHECKING:
    from collections.abc import Callable

_LR_ADJUSTMENTS = (None, "original", "match_rms_adamw")


class Muon(Optimizer):
    """w ← (1 - lr weight_decay) w - lr' O, with O near the orthogonal factor of the momentum.

    For matrices only. The momentum m ← momentum m + (1 - momentum) g, with Nesterov's look ahead,
    goes through `ns_steps` Newton-Schulz iterations x ← a x + (b A + c A²) x with A = x xᵀ, which
    pull all its singular values towards 1. They run in bfloat16. (Jordan 2024)

    `adjust_lr_fn` says how lr' depends on a matrix of n rows and k columns: "original" (or None)
    is lr √max(1, n/k), "match_rms_adamw" is 0.2 lr √max(n, k).

        >>> opt = Muon([backlit.zeros(3, 2, requires_grad=True)], lr=0.02)
        >>> opt.param_groups[0]["ns_steps"]
        5
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_one_element(lr)
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in _LR_ADJUSTMENTS:
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.dim() != 2:
                    raise ValueError(
                        "Muon only supports 2D parameters whereas we found a parameter with size: "
                        f"{param.size()}"
                    )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient."""
        loss = run_closure(closure)
        with bl.no_grad():
            for group in self.param_groups:
                for param, grad in active_reals("Muon", group):
                    state = self.state[param]
                    if "momentum_buffer" not in state:
                        state["momentum_buffer"] = zeros(grad)
                    _update(param, grad, state["momentum_buffer"], group)
        return loss


def _update(param: Tensor, grad: Tensor, buffer: Tensor, group: dict[str, Any]) -> None:
    if grad.dim() != 2:
        raise ValueError("Param gradient must be a 2D matrix")
    lr, momentum = number(group["lr"]), group["momentum"]
    buffer.lerp_(grad, 1 - momentum)
    update = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
    update = _orthogonalized(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
    param.mul_(1 - lr * group["weight_decay"])
    rows, columns = param.shape
    if group["adjust_lr_fn"] == "match_rms_adamw":
        lr = lr * (0.2 * math.sqrt(max(rows, columns)))
    else:
        lr = lr * math.sqrt(max(1, rows / columns))
    param.add_(update, alpha=-lr)


def _orthogonalized(x: Tensor, coefficients: Any, steps: int, eps: float) -> Tensor:
    """A matrix with the singular vectors of x and singular values near 1."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = x.size(0) > x.size(1)
    x = x.bfloat16()
    if tall:
        x = x.T
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = bl.addmm(x, bl.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
