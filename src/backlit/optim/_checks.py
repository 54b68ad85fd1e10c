"""Checks of hyperparameters that several optimizers share; texts as in PyTorch."""

from __future__ import annotations

from typing import Any

from backlit import Tensor


def check_nonnegative(**values: Any) -> None:
    """Raise on a negative value or NaN, with the words of `_WORDS` for its name."""
    for name, value in values.items():
        if not 0.0 <= value:  # noqa: SIM300 - a wrong type is told in PyTorch's words
            raise ValueError(f"Invalid {_WORDS.get(name, name + ' value')}: {value}")


_WORDS = {"lr": "learning rate", "eps": "epsilon value"}


def check_lr(lr: Any) -> None:
    """Raise unless lr is a number of at least 0, or a tensor that holds one."""
    check_one_element(lr)
    check_nonnegative(lr=lr)


def check_one_element(lr: Any) -> None:
    """Raise on a tensor that holds more than one learning rate."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")


def check_betas(betas: Any) -> None:
    """Raise unless both betas are in [0, 1)."""
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def check_fused(optimizer: Any) -> None:
    """Raise where PyTorch's ways of running a step exclude each other.

    backlit always updates all parameters in one call, so `fused` and `foreach` change nothing.
    """
    options = optimizer.defaults
    if not options["fused"]:
        return
    if options["differentiable"]:
        raise RuntimeError("`fused` does not support `differentiable`")
    for param in (p for group in optimizer.param_groups for p in group["params"]):
        if not param.is_floating_point():
            raise RuntimeError(
                "`fused=True` requires all the params to be floating point Tensors of supported "
                f"devices: {_FUSED_DEVICES} but {param.dtype} and {param.device}"
            )
    if options["foreach"]:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


_FUSED_DEVICES = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]  # in PyTorch
