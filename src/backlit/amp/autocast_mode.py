"""`autocast`: off, as PyTorch is where there is no device for it; on for the CPU it is refused."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

import backlit as bl

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., Any])

_CPU_DTYPES = (bl.bfloat16, bl.float16)


class autocast:
    """A context manager and decorator in which operations would choose their precision.

    backlit does not choose: with `enabled=False`, or for a GPU, which there is none of, nothing
    changes, as in PyTorch. Raises NotImplementedError where it would have to choose, on the CPU.

        >>> with autocast("cpu", enabled=False):
        ...     (backlit.ones(1, 1) @ backlit.ones(1, 1)).dtype
        torch.float32
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if device_type not in ("cpu", "cuda"):
            raise RuntimeError(
                "User specified an unsupported autocast device_type "
                f"'{device_type}'. backlit has the CPU; 'cuda' is accepted and switched off."
            )
        self.device, self.fast_dtype = device_type, dtype or bl.get_autocast_dtype(device_type)
        if device_type == "cuda" and enabled:
            warnings.warn("CUDA is not available. Disabling autocast.", stacklevel=2)
            enabled = False
        if enabled and self.fast_dtype not in _CPU_DTYPES:
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\n"
                "CPU Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.",
                stacklevel=2,
            )
            enabled = False
        if enabled:
            raise NotImplementedError(
                "autocast: mixed precision on the CPU is not implemented in backlit. "
                f"Try enabled=False, or model.to({self.fast_dtype}) for all of it."
            )

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, func: F) -> F:
        return func


def is_autocast_available(device_type: str) -> bool:
    """False: no device has it in backlit."""
    return False


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: Any = None) -> Any:
    """A decorator for `forward` of a custom function: `cast_inputs` matter inside autocast only."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    return fwd


def custom_bwd(bwd: Any = None, *, device_type: str) -> Any:
    """A decorator for `backward` of a custom function: it runs as it is."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)
    return bwd
