"""Adam and AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit import Tensor
from backlit._C import _optim

from ._optimizer import Optimizer, check_options, number, run_closure
from ._plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable

_adam_step = _optim.adam_step  # type: ignore[attr-defined]
_SLOTS = ("step", "exp_avg", "exp_avg_sq")
_SLOTS_AMSGRAD = (*_SLOTS, "max_exp_avg_sq")


class Adam(Optimizer):
    """w ← w - lr m̂ / (√v̂ + eps), with running means m of g and v of g² (Kingma and Ba 2014).

    m ← β1 m + (1 - β1) g and v ← β2 v + (1 - β2) g²; m̂ = m / (1 - β1ᵗ) and v̂ = v / (1 - β2ᵗ).
    The gradient g includes weight_decay w, unless `decoupled_weight_decay` (AdamW).

        >>> model = Linear(2, 1)
        >>> opt = Adam(model.parameters(), lr=1e-3)
        >>> loss = model(torch.ones(4, 2)).square().mean()
        >>> opt.zero_grad(); loss.backward(); opt.step()
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for i, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
        if not weight_decay >= 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        check_options(type(self).__name__, capturable=capturable, differentiable=differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name in ("amsgrad", "maximize", "capturable", "decoupled_weight_decay"):
                group.setdefault(name, False)
            for param in group["params"]:
                known = self.state.get(param, {})
                if "step" in known and not isinstance(known["step"], Tensor):
                    known["step"] = _step_count(float(known["step"]))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient."""
        loss = None if closure is None else run_closure(closure)
        for group in self.param_groups:
            amsgrad = group["amsgrad"]
            plan = self._plans.get(id(group))
            if plan is None or not plan.fits(group, amsgrad):
                slots = _SLOTS_AMSGRAD if amsgrad else _SLOTS
                start = _start_amsgrad if amsgrad else _start
                plan = make_plan(self, group, amsgrad, slots, start)
            steps, exp_avgs, exp_avg_sqs, *largest = plan.slots
            beta1, beta2 = group["betas"]
            lr = group["lr"]
            if type(lr) is not float:
                lr, beta1, beta2 = number(lr), number(beta1), number(beta2)
            params = plan.params
            _adam_step(
                params,
                [param.grad for param in params],
                exp_avgs,
                exp_avg_sqs,
                largest[0] if largest else None,
                steps,
                lr,
                beta1,
                beta2,
                group["eps"],
                group["weight_decay"],
                group["decoupled_weight_decay"],
                amsgrad,
                group["maximize"],
            )
        return loss


class AdamW(Adam):
    """Adam with decoupled weight decay: w ← (1 - lr weight_decay) w before Adam's update.

    Loshchilov and Hutter 2017.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


def _step_count(value: float = 0.0) -> Tensor:
    wide = bl.get_default_dtype() == bl.float64
    return bl.tensor(value, dtype=bl.float64 if wide else bl.float32)


def _start(param: Tensor) -> dict[str, Any]:
    return {
        "step": _step_count(),
        "exp_avg": bl.zeros_like(param, requires_grad=False),
        "exp_avg_sq": bl.zeros_like(param, requires_grad=False),
    }


def _start_amsgrad(param: Tensor) -> dict[str, Any]:
    return {**_start(param), "max_exp_avg_sq": bl.zeros_like(param, requires_grad=False)}
