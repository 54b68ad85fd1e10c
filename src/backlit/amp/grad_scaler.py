"""Losses multiplied by a factor, so that gradients of 16 bits do not vanish."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import backlit as bl

if TYPE_CHECKING:
    from backlit import Tensor
    from backlit.optim import Optimizer


class GradScaler:
    """Scales losses, undoes it before a step, and skips steps with infinite or nan gradients.

    The factor grows by `growth_factor` after `growth_interval` steps without such gradients, and
    shrinks by `backoff_factor` after one with them. Without `enabled`, and for "cuda", which there
    is none of, all methods leave things as they are.

        >>> w = backlit.tensor([1.0], requires_grad=True)
        >>> scaler, optimizer = GradScaler("cpu"), backlit.optim.SGD([w], lr=0.1)
        >>> scaler.scale(2 * w).backward()
        >>> scaler.step(optimizer); scaler.update()
        >>> w
        tensor([0.8000], requires_grad=True)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device, self._enabled = device, enabled
        if enabled and device == "cuda":
            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                stacklevel=2,
            )
            self._enabled = False
        if not self._enabled:
            return
        _check_factors(growth_factor, backoff_factor)
        self._init_scale, self._growth_factor = init_scale, growth_factor
        self._backoff_factor, self._growth_interval = backoff_factor, growth_interval
        self._growth = 0  # steps since the factor changed
        self._scale: Tensor | None = None
        self._stages: dict[int, str] = {}  # id of an optimizer -> "unscaled" or "stepped"
        self._found: dict[int, bool] = {}  # id of an optimizer -> a gradient is infinite or nan

    def scale(self, outputs: Any) -> Any:
        """The factor times a tensor, or times each of an iterable of them."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, bl.Tensor):
            return outputs * self._factor()
        if isinstance(outputs, Iterable):
            scaled = (self.scale(output) for output in outputs)
            return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def _factor(self) -> Tensor:
        if self._scale is None:
            self._scale = bl.full((), self._init_scale)
        return self._scale

    def _known(self, name: str) -> Tensor:
        if self._scale is None:
            raise AssertionError(
                f"Attempted {name} but _scale is None.  This may indicate your script did not use "
                "scaler.scale(loss or outputs) earlier in the iteration."
            )
        return self._scale

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide the gradients of the optimizer's parameters by the factor, once per step."""
        if not self._enabled:
            return
        scale = self._known("unscale_")
        stage = self._stages.get(id(optimizer))
        if stage == "unscaled":
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if stage == "stepped":
            raise RuntimeError("unscale_() is being called after step().")
        self._found[id(optimizer)] = _unscale(optimizer, 1 / float(scale))
        self._stages[id(optimizer)] = "unscaled"

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step()`, unless a gradient is infinite or nan; unscales if need be."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._known("step")
        if self._stages.get(id(optimizer)) == "stepped":
            raise RuntimeError("step() has already been called since the last update().")
        if id(optimizer) not in self._stages:
            self.unscale_(optimizer)
        infinite = self._found[id(optimizer)]
        self._stages[id(optimizer)] = "stepped"
        return None if infinite else optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Change the factor by what the steps since the last update found, or to `new_scale`."""
        if not self._enabled:
            return
        scale = self._known("update")
        if new_scale is not None:
            scale.fill_(float(new_scale))
        else:
            if not self._found:
                raise AssertionError("No inf checks were recorded prior to update.")
            if any(self._found.values()):
                scale.mul_(self._backoff_factor)
                self._growth = 0
            else:
                self._growth += 1
                grown = scale * self._growth_factor
                if self._growth == self._growth_interval:
                    if bl.isfinite(grown):
                        scale.copy_(grown)
                    self._growth = 0
        self._stages.clear()
        self._found.clear()

    def get_scale(self) -> float:
        """The factor; 1 without `enabled`."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else float(self._scale)

    def is_enabled(self) -> bool:
        """Whether the scaler does anything."""
        return self._enabled

    def get_growth_factor(self) -> float:
        """What the factor is multiplied by to grow."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Choose what the factor is multiplied by to grow."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the factor is multiplied by to shrink."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Choose what the factor is multiplied by to shrink."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many good steps the factor grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Choose after how many good steps the factor grows."""
        self._growth_interval = new_interval

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes; empty without `enabled`."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state that `state_dict` gave."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale.fill_(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth = state_dict["_growth_tracker"]


def _check_factors(growth: float, backoff: float) -> None:
    if growth <= 1.0:
        raise AssertionError("The growth factor must be > 1.0.")
    if backoff >= 1.0:
        raise AssertionError("The backoff factor must be < 1.0.")


def _unscale(optimizer: Optimizer, inverse: float) -> bool:
    """Multiplies all gradients; whether one of them is infinite or nan."""
    infinite = False
    with bl.no_grad():
        for group in optimizer.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                if param.grad.dtype == bl.float16:
                    raise ValueError("Attempting to unscale FP16 gradients.")
                param.grad.mul_(inverse)
                infinite |= not bool(bl.isfinite(param.grad).all())
    return infinite
