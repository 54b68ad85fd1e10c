"""no_grad, enable_grad, set_grad_enabled and inference_mode: context managers and decorators.

`with no_grad():` stands in every training loop, so making, entering and leaving it is C
(`core/bind/grad_mode.cpp`). What serves decorating (wrapping functions and generators) is at the
end of the file and costs nothing until it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from .. import _C

_set = _C._set_grad_enabled


class _Decorator:
    """What makes a mode a decorator: each call of the function runs inside a fresh copy."""

    __slots__ = ()

    def clone(self) -> Any:
        """A fresh instance of the same mode."""
        return type(self)()

    def __call__(self, function: Callable[..., Any]) -> Any:
        return _wrap(self.clone, function)


class no_grad(_Decorator, _C._GradModeOff):  # type: ignore[misc]
    """Inside, no operation is recorded and results have ``requires_grad=False``.

    Works as ``with no_grad():``, ``@no_grad()`` and ``@no_grad``, also on generator functions.

    Example:
        >>> import backlit as torch
        >>> x = torch.tensor([1.0], requires_grad=True)
        >>> with torch.no_grad():
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    __slots__ = ()


class enable_grad(_Decorator, _C._GradModeOn):  # type: ignore[misc]
    """Inside, operations are recorded again, also within `no_grad`.

    Example:
        >>> import backlit as torch
        >>> x = torch.tensor([1.0], requires_grad=True)
        >>> with torch.no_grad(), torch.enable_grad():
        ...     y = x * 2
        >>> y.requires_grad
        True
    """

    __slots__ = ()


class set_grad_enabled(_Decorator):
    """Switch recording on or off: at once as a function, for a block as a context manager.

    Args:
        mode: True records operations, False does not.

    Example:
        >>> import backlit as torch
        >>> with torch.set_grad_enabled(False):
        ...     torch.is_grad_enabled()
        False
        >>> torch.is_grad_enabled()
        True
    """

    __slots__ = ("mode", "prev")

    def __init__(self, mode: bool) -> None:
        self.prev = _set(mode)
        self.mode = mode

    def __enter__(self) -> None:
        _set(self.mode)

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        _set(self.prev)

    def clone(self) -> Any:
        return type(self)(self.mode)

    def __call__(self, function: Callable[..., Any]) -> Any:
        _set(self.prev)  # a decorator changes the mode in the function only
        return _wrap(self.clone, function)

    def __repr__(self) -> str:
        return f"set_grad_enabled(mode={self.mode})"


class inference_mode(_Decorator):
    """`no_grad` for good: tensors made inside can never take part in recording later.

    Args:
        mode: False leaves inference mode inside the block.

    Example:
        >>> import backlit as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> with torch.inference_mode():
        ...     y = x * 2
        >>> y.is_inference()
        True
    """

    __slots__ = ("former", "mode")

    def __new__(cls, mode: Any = True) -> Any:
        return object.__new__(cls) if isinstance(mode, bool) else _wrap(cls, mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode
        self.former: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        recording = _set(not self.mode)
        self.former.append((_C._set_inference_mode(self.mode), recording))

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        inference, recording = self.former.pop()
        _C._set_inference_mode(inference)
        _set(recording)

    def clone(self) -> Any:
        return type(self)(self.mode)


class set_multithreading_enabled(_Decorator):
    """Accepted for PyTorch's sake: backward runs in the calling thread anyway."""

    __slots__ = ("mode",)

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        pass

    def clone(self) -> Any:
        return type(self)(self.mode)


def _wrap(make: Callable[[], Any], function: Any) -> Any:
    """`function` with each call inside ``with make():``."""
    import functools
    import inspect

    if isinstance(function, type):
        import warnings

        warnings.warn(
            "Decorating classes is deprecated and will be disabled in future versions. "
            "Decorate the `__init__` method instead, which is all that happens here.",
            FutureWarning,
            stacklevel=3,
        )
        initialise: Any = vars(function)["__init__"]
        setattr(function, "__init__", _wrap(make, initialise))  # noqa: B010
        return function
    if inspect.isgeneratorfunction(function):
        return _wrap_generator(make, function)

    @functools.wraps(function)
    def inside(*args: Any, **kwargs: Any) -> Any:
        with make():
            return function(*args, **kwargs)

    return inside


def _wrap_generator(
    make: Callable[[], Any], function: Callable[..., Generator[Any, Any, Any]]
) -> Callable[..., Generator[Any, Any, Any]]:
    """A generator function whose body, and not the code between its steps, runs in the mode."""
    import functools

    @functools.wraps(function)
    def inside(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        step: Callable[[Any], Any] = generator.send
        sent: Any = None
        while True:
            try:
                with make():
                    produced = step(sent)
            except StopIteration as end:
                return end.value
            try:
                step, sent = generator.send, (yield produced)
            except GeneratorExit:
                with make():
                    generator.close()
                raise
            except BaseException as error:
                step, sent = generator.throw, error

    return inside
