"""Derivatives: `backward`, `grad`, custom functions, and the modes that switch recording off.

The engine itself is C++ (`core/graph`); this package gives it PyTorch's names. `functional` and
`graph` load when they are first used.
"""

from __future__ import annotations

from typing import Any

from . import _hooks, grad_mode as grad_mode
from ._run import backward as backward, grad as grad
from .anomaly_mode import detect_anomaly as detect_anomaly, set_detect_anomaly as set_detect_anomaly
from .function import Function as Function
from .grad_mode import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
    set_multithreading_enabled as set_multithreading_enabled,
)
from .gradcheck import (
    gradcheck as gradcheck,  # from here on the function, not its module
    gradgradcheck as gradgradcheck,
)
from .variable import Variable as Variable

_hooks.attach()

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

_LAZY_MODULES = ("forward_ad", "functional", "graph")


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(
        f"module 'torch.autograd' has no attribute '{name}' "
        f"(backlit does not provide torch.autograd.{name})"
    )
