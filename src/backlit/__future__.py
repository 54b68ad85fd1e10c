"""`torch.__future__`: how `Module.to` changes parameters, in place; the other ways are refused."""

from __future__ import annotations


def get_overwrite_module_params_on_conversion() -> bool:
    """False: a parameter stays the same object."""
    return False


def set_overwrite_module_params_on_conversion(value: bool) -> None:
    """Accept False; raises NotImplementedError for True."""
    _refuse("overwrite_module_params_on_conversion", value)


def get_swap_module_params_on_conversion() -> bool:
    """False: a parameter gets new memory."""
    return False


def set_swap_module_params_on_conversion(value: bool) -> None:
    """Accept False; raises NotImplementedError for True."""
    _refuse("swap_module_params_on_conversion", value)


def _refuse(name: str, value: bool) -> None:
    if value:
        raise NotImplementedError(f"torch.__future__.{name}: not implemented in backlit.")
