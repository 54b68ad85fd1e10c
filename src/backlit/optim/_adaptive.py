"""RMSprop, Adagrad and Adadelta: step sizes from the squares of gradients."""

from __future__ import annotations

from typing import Any

from backlit import Tensor
from backlit._C import _optim

from ._checks import check_fused, check_lr, check_nonnegative
from ._grouped import GroupedOptimizer, filled, number_state, zeros


class RMSprop(GroupedOptimizer):
    """w ← w - lr g / (√v + eps), with v ← alpha v + (1 - alpha) g² (Hinton 2012).

    `centered` subtracts the squared running mean of g from v; `momentum` averages the updates.

        >>> opt = RMSprop(Linear(2, 1).parameters(), lr=0.01, momentum=0.9)
        >>> opt.param_groups[0]["alpha"]
        0.99
    """

    _update = _optim.rmsprop  # type: ignore[attr-defined]
    _absent = {"momentum": 0, "centered": False}  # noqa: RUF012

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
        check_lr(lr)
        check_nonnegative(eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
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

    def _states(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return (
            "square_avg",
            "momentum_buffer" if group["momentum"] > 0 else None,
            "grad_avg" if group["centered"] else None,
        )

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        names = [name for name in self._states(group) if name is not None]
        return {"step": number_state()} | {name: zeros(param) for name in names}


class Adagrad(GroupedOptimizer):
    """w ← w - lr g / (√s + eps), with s the sum of all g² so far (Duchi et al. 2011).

    The rate at step t is lr / (1 + (t - 1) lr_decay).

        >>> model = Linear(2, 1)
        >>> opt = Adagrad(model.parameters(), initial_accumulator_value=0.5)
        >>> opt.state[model.bias]["sum"]
        tensor([0.5000])
    """

    _update = _optim.adagrad  # type: ignore[attr-defined]
    _absent = {"fused": None}  # noqa: RUF012

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
        check_lr(lr)
        check_nonnegative(
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
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
        check_fused(self)
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param].update(self._start(param, self.defaults))

    def _states(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("sum",)

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        total = filled(param, group["initial_accumulator_value"])
        return {"step": number_state(), "sum": total}

    def share_memory(self) -> None:
        """Refused: tensors are not shared between processes."""
        raise NotImplementedError("Adagrad.share_memory: not implemented in backlit.")


class Adadelta(GroupedOptimizer):
    """w ← w - lr √(u + eps) / √(v + eps) g, running means v of g² and u of the squared updates.

    Zeiler 2012.

        >>> opt = Adadelta(Linear(2, 1).parameters())
        >>> opt.param_groups[0]["rho"]
        0.9
    """

    _update = _optim.adadelta  # type: ignore[attr-defined]

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
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_nonnegative(eps=eps, weight_decay=weight_decay)
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

    def _states(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("square_avg", "acc_delta")

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": number_state(), "square_avg": zeros(param), "acc_delta": zeros(param)}
