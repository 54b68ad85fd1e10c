"""`torch.compiler`: programs run as they are written, so there is nothing to steer.

`torch.compile` returns the function or module that it is given: what it would make of it, PyTorch's
operations fused, backlit's operations do without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ._namespace import missing_attribute
from ._settings import compile as compile

if TYPE_CHECKING:
    pass

T = TypeVar("T")


def is_compiling() -> bool:
    """False."""
    return False


def is_dynamo_compiling() -> bool:
    """False."""
    return False


def is_exporting() -> bool:
    """False."""
    return False


def reset() -> None:
    """Nothing to forget."""


def list_backends(exclude_tags: Any = ()) -> list[str]:
    """None of them."""
    return []


def cudagraph_mark_step_begin() -> None:
    """Nothing to mark."""


def allow_in_graph(fn: T) -> T:
    """The function itself."""
    return fn


def assume_constant_result(fn: T) -> T:
    """The function itself."""
    return fn


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function itself; a decorator without one."""
    if fn is None:
        return lambda function: function
    return fn


if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:
    __getattr__ = missing_attribute(__name__)
