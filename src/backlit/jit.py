"""`torch.jit`: there is no second language here. Marks for it change nothing, the rest refuses.

>>> backlit.jit.is_scripting()
False
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final as Final, NoReturn, TypeVar

from ._namespace import missing_attribute

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def is_scripting() -> bool:
    """False."""
    return False


def is_tracing() -> bool:
    """False."""
    return False


def annotate(the_type: Any, the_value: T) -> T:
    """The value itself."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's `isinstance`."""
    import builtins

    return builtins.isinstance(obj, target_type)


def export(fn: T) -> T:
    """The function itself."""
    return fn


def unused(fn: T) -> T:
    """The function itself."""
    return fn


def script_if_tracing(fn: T) -> T:
    """The function itself, which is never traced."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """A decorator, with or without arguments, that returns the function itself."""
    return drop if callable(drop) else lambda fn: fn


def _refused(name: str, instead: str) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(
            f"torch.jit.{name}: TorchScript is not implemented in backlit. {instead}"
        )

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = "Raises NotImplementedError."
    return refuse


script = _refused("script", "Use the function or module itself.")
trace = _refused("trace", "Use the function or module itself.")
trace_module = _refused("trace_module", "Use the module itself.")
freeze = _refused("freeze", "Use the module itself.")
optimize_for_inference = _refused("optimize_for_inference", "Use the module itself.")
save = _refused("save", "Save model.state_dict() with torch.save.")
load = _refused("load", "Load a state dict with torch.load.")


class ScriptModule:
    """What `script` would make: nothing is one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refused("ScriptModule", "Subclass torch.nn.Module.")()


class ScriptFunction(ScriptModule):
    """What `script` would make of a function: nothing is one."""


if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:
    __getattr__ = missing_attribute(__name__)
