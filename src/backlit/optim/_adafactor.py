"""Adafactor: running means of squared gradients kept as one row and one column per matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit import Tensor
from backlit._C import _optim

from ._checks import check_one_element
from ._grouped import number_state, zeros
from ._optimizer import Optimizer, active_reals, run_closure

if TYPE_CHECKING:
    from collections.abc import Callable


class Adafactor(Optimizer):
    """w ← w - α u / max(1, rms(u) / d), with u = g / √v̂ (Shazeer and Stern 2018).

    For matrices v̂ is the product of the running means of g² over rows and over columns, divided
    by their common mean; for vectors it is the running mean itself. The means forget with
    1 - t^beta2_decay. α = max(eps[1], rms(w)) min(lr, 1/√t). Weight decay is decoupled.

        >>> layer = Linear(3, 2)
        >>> opt = Adafactor(layer.parameters())
        >>> layer(torch.ones(4, 3)).square().mean().backward()
        >>> opt.step()
        >>> opt.state[layer.weight]["row_var"].shape, opt.state[layer.weight]["col_var"].shape
        (torch.Size([2, 1]), torch.Size([1, 3]))
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_one_element(lr)
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        for i, value in enumerate(eps):
            if value is not None and not value >= 0.0:
                raise ValueError(f"epsilon{i + 1} should be >= 0 but is: {value}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient."""
        loss = run_closure(closure)
        with bl.no_grad():
            for group in self.param_groups:
                for param, grad in active_reals("Adafactor", group):
                    state = self.state[param]
                    if not state:
                        state.update(_start(grad))
                    row = state.get("row_var")
                    column = state["variance" if row is None else "col_var"]
                    _optim.adafactor(param, state["step"], row, column, group)  # type: ignore[attr-defined]
        return loss


def _start(grad: Tensor) -> dict[str, Any]:
    if grad.dim() < 2:
        return {"step": number_state(), "variance": zeros(grad)}
    rows, columns = list(grad.shape), list(grad.shape)
    rows[-1] = columns[-2] = 1
    return {
        "step": number_state(),
        "row_var": grad.new_zeros(rows),
        "col_var": grad.new_zeros(columns),
    }
