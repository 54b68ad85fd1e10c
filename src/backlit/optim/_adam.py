"""Adam and its variants: AdamW, NAdam, RAdam and Adamax."""

from __future__ import annotations

from typing import Any

from backlit import Tensor
from backlit._C import _optim

from ._checks import check_betas, check_fused, check_lr, check_nonnegative, check_one_element
from ._grouped import GroupedOptimizer, number_state, zeros


class _TwoAverages(GroupedOptimizer):
    """Optimizers that average the gradient and its square."""

    def _states(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": number_state(),
            "exp_avg": zeros(param),
            "exp_avg_sq": zeros(param),
        }


class Adam(_TwoAverages):
    """w ← w - lr m̂ / (√v̂ + eps), with running means m of g and v of g² (Kingma and Ba 2014).

    m ← β1 m + (1 - β1) g and v ← β2 v + (1 - β2) g²; m̂ = m / (1 - β1ᵗ) and v̂ = v / (1 - β2ᵗ).
    The gradient g includes weight_decay w, unless `decoupled_weight_decay` (AdamW). `amsgrad`
    uses the largest v so far.

        >>> model = Linear(2, 1)
        >>> opt = Adam(model.parameters(), lr=1e-3)
        >>> loss = model(torch.ones(4, 2)).square().mean()
        >>> opt.zero_grad(); loss.backward(); opt.step()
    """

    _update = _optim.adam  # type: ignore[attr-defined]
    _absent = {"amsgrad": False, "decoupled_weight_decay": False, "fused": None}  # noqa: RUF012

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
        _check_foreach("lr", lr, foreach, capturable)
        check_one_element(lr)
        check_nonnegative(lr=lr, eps=eps)
        check_betas(betas)
        check_nonnegative(weight_decay=weight_decay)
        if [isinstance(beta, float) for beta in betas] != [True, True] and [
            isinstance(beta, Tensor) for beta in betas
        ] != [True, True]:
            raise ValueError("betas must be either both floats or both Tensors")
        for i, beta in enumerate(betas):
            _check_foreach(f"betas[{i}]", beta, foreach, capturable)
            if isinstance(beta, Tensor) and beta.numel() != 1:
                raise ValueError(f"Tensor betas[{i}] must be 1-element")
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
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
        check_fused(self)

    def _states(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq" if group["amsgrad"] else None)

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = super()._start(param, group)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros(param)
        return state


def _check_foreach(name: str, value: Any, foreach: Any, capturable: bool) -> None:
    if isinstance(value, Tensor) and foreach and not capturable:
        raise ValueError(
            f"{name} as a Tensor is not supported for capturable=False and foreach=True"
        )


class AdamW(Adam):
    """Adam with decoupled weight decay: w ← (1 - lr weight_decay) w before Adam's update.

    Loshchilov and Hutter 2017.

        >>> opt = AdamW(Linear(2, 1).parameters(), lr=1e-3)
        >>> opt.param_groups[0]["decoupled_weight_decay"]
        True
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


class NAdam(_TwoAverages):
    """Adam with Nesterov momentum (Dozat 2016).

    The numerator is μₜ₊₁ m / (1 - Π μ) + (1 - μₜ) g / (1 - Π μ), each product up to its own step,
    with μₜ = β1 (1 - 0.96^(t momentum_decay) / 2).

        >>> opt = NAdam(Linear(2, 1).parameters(), lr=1e-3)
        >>> opt.param_groups[0]["momentum_decay"]
        0.004
    """

    _update = _optim.nadam  # type: ignore[attr-defined]
    _numbers = ("step", "mu_product")
    _absent = {"decoupled_weight_decay": False}  # noqa: RUF012

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_nonnegative(eps=eps)
        check_betas(betas)
        check_nonnegative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": number_state(),
            "mu_product": number_state(1.0),
            "exp_avg": zeros(param),
            "exp_avg_sq": zeros(param),
        }


class RAdam(_TwoAverages):
    """Adam that rectifies the variance of its first steps (Liu et al. 2019).

    As long as too few steps were taken, w ← w - lr m̂; then Adam's update times a factor that
    tends to 1.

        >>> opt = RAdam(Linear(2, 1).parameters(), lr=1e-3)
        >>> opt.param_groups[0]["betas"]
        (0.9, 0.999)
    """

    _update = _optim.radam  # type: ignore[attr-defined]
    _absent = {"decoupled_weight_decay": False}  # noqa: RUF012

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_nonnegative(eps=eps)
        check_betas(betas)
        check_nonnegative(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)


class Adamax(GroupedOptimizer):
    """Adam with the largest |g| of an exponential window instead of √v (Kingma and Ba 2014).

    w ← w - lr m̂ / u, with u ← max(β2 u, |g| + eps).

        >>> opt = Adamax(Linear(2, 1).parameters())
        >>> opt.param_groups[0]["lr"]
        0.002
    """

    _update = _optim.adamax  # type: ignore[attr-defined]

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
        check_lr(lr)
        check_nonnegative(eps=eps)
        check_betas(betas)
        check_nonnegative(weight_decay=weight_decay)
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

    def _states(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("exp_avg", "exp_inf")

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": number_state(), "exp_avg": zeros(param), "exp_inf": zeros(param)}
