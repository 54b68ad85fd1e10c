"""Recording more than backward needs: the values of a computation, and the lines it comes from."""

from __future__ import annotations

import threading
from typing import Any

from .. import _C


def set_record_locations(mode: bool) -> None:
    """Should nodes remember the line of the user's program that made them? They do by default.

    It costs a few nanoseconds per recorded operation: `python -m benchmarks.recording`.

    Example:
        >>> import backlit as torch
        >>> torch.autograd.graph.set_record_locations(False)
        >>> x = torch.tensor(2.0, requires_grad=True)
        >>> (x * 3).grad_fn._location is None
        True
        >>> torch.autograd.graph.set_record_locations(True)
    """
    _C._set_record_locations(bool(mode))


def is_recording_locations() -> bool:
    """Do nodes remember where they were made?"""
    return bool(_C._is_recording_locations())


class _Running(threading.local):
    """The nn.Modules that run in this thread: (class of the outermost, path from there)."""

    def __init__(self) -> None:
        self.stack: list[tuple[str, str]] = []
        self.paths: dict[int, str] = {}  # of the outermost module's submodules, by id


_running = _Running()


def _enter_module(module: Any, args: Any) -> None:
    stack = _running.stack
    if not stack:
        _running.paths = {id(m): path for path, m in module.named_modules()}
        entry = (type(module).__name__, "")
    else:
        root, outer = stack[-1]
        # one that is no attribute of the others goes by its class
        unnamed = f"{outer}.{type(module).__name__}".lstrip(".")
        entry = (root, _running.paths.get(id(module), unnamed))
    stack.append(entry)
    _C._set_traced_module(entry)


def _leave_module(module: Any, args: Any, result: Any) -> None:
    stack = _running.stack
    if stack:  # empty where the trace began inside of the module
        stack.pop()
    _C._set_traced_module(stack[-1] if stack else None)


_traces = 0  # entered and not left yet
_hooks: list[Any] = []


class trace:
    """Inside, the graph keeps the values of the computation, so that all of it can be explained.

    Each operation that is recorded keeps its inputs and results, and the path of the `nn.Module`
    that ran it. What backward would free stays as long as the graph, for `explain`; a second
    backward fails as it would outside. Results are the same, to the bit; memory is what the
    intermediate results take.

    `backlit.trace()` is the same.

    Example:
        >>> import backlit as torch
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> with torch.autograd.graph.trace():
        ...     y = x + 1
        ...     z = y * 2
        >>> z.grad_fn._inputs[0].item(), z.grad_fn._outputs[0].item()
        (4.0, 8.0)
    """

    def __enter__(self) -> trace:
        global _traces
        self._former = _C._set_tracing(True)
        if _traces == 0:
            from ..nn import _hooks as of_modules

            _hooks.append(of_modules.register_module_forward_pre_hook(_enter_module))
            _hooks.append(of_modules.register_module_forward_hook(_leave_module, always_call=True))
        _traces += 1
        return self

    def __exit__(self, *_: object) -> None:
        global _traces
        _C._set_tracing(self._former)
        _traces -= 1
        if _traces == 0:
            while _hooks:
                _hooks.pop().remove()
        if not self._former:
            _running.stack.clear()
            _C._set_traced_module(None)


class reading_released:
    """Inside, backward also runs through what a trace kept beyond its release."""

    def __enter__(self) -> None:
        self._former = _C._set_rereading(True)

    def __exit__(self, *_: object) -> None:
        _C._set_rereading(self._former)
