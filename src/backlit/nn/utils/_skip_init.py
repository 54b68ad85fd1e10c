"""Modules whose parameters are not drawn."""

from __future__ import annotations

import inspect
from typing import Any

import backlit as bl

from .._module import Module


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """A module with unspecified parameters; the random numbers stay where they are.

    Raises RuntimeError for a class that is no module, or takes no `device`.

        >>> skip_init(backlit.nn.Linear, 2, 3).weight.shape
        torch.Size([3, 2])
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = bl.get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        bl.set_rng_state(state)
