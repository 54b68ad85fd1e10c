"""Hook storage for modules, and the single check that keeps a call without hooks fast.

Every dict of call hooks that holds at least one hook is listed in `live`. A module call therefore
asks one question, `if live`, and runs `forward` directly while no module in the program has hooks.
Optimizers do the same with their step hooks.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

live: dict[int, weakref.ref[HookDict]] = {}


class HookDict(dict[int, Any]):
    """Hooks by id, in order of registration; listed in `live` while it is not empty."""

    def _enter(self) -> None:
        key = id(self)
        if key not in live:
            live[key] = weakref.ref(self, lambda _: live.pop(key, None))

    def _leave_if_empty(self) -> None:
        if not self:
            live.pop(id(self), None)

    def __setitem__(self, key: int, hook: Any) -> None:
        super().__setitem__(key, hook)
        self._enter()

    def __delitem__(self, key: int) -> None:
        super().__delitem__(key)
        self._leave_if_empty()

    def clear(self) -> None:
        super().clear()
        self._leave_if_empty()

    def pop(self, *args: Any) -> Any:
        hook = super().pop(*args)
        self._leave_if_empty()
        return hook

    def popitem(self) -> tuple[int, Any]:
        item = super().popitem()
        self._leave_if_empty()
        return item

    def update(self, *args: Any, **kwargs: Any) -> None:
        super().update(*args, **kwargs)
        if self:
            self._enter()

    def setdefault(self, key: int, default: Any = None) -> Any:
        hook = super().setdefault(key, default)
        self._enter()
        return hook

    def move_to_end(self, key: int, last: bool = True) -> None:
        """As in OrderedDict: used by `prepend=True`."""
        hook = super().pop(key)
        if last:
            super().__setitem__(key, hook)
            return
        rest = list(self.items())
        super().clear()
        super().__setitem__(key, hook)
        super().update(rest)


class RemovableHandle:
    """Takes a hook out again: `handle.remove()`, or leaving a `with` block."""

    _next_id = 0

    def __init__(self, hooks: dict[int, Any], *, extra: Any = None) -> None:
        self._hooks: Callable[[], Any] = weakref.ref(hooks)
        self.id = RemovableHandle._next_id
        RemovableHandle._next_id += 1
        extras = extra if isinstance(extra, list) else [] if extra is None else [extra]
        self._extras: list[Callable[[], Any]] = [weakref.ref(d) for d in extras]

    def remove(self) -> None:
        """Remove the hook; calling it again does nothing."""
        for ref in (self._hooks, *self._extras):
            hooks = ref()
            if hooks is not None and self.id in hooks:
                del hooks[self.id]

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    def __getstate__(self) -> tuple[Any, ...]:
        return self._hooks(), self.id, [ref() for ref in self._extras]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        hooks, self.id, *more = state
        self._hooks = weakref.ref(HookDict() if hooks is None else hooks)
        extras = more[0] if more else []
        self._extras = [weakref.ref(hooks) for hooks in extras if hooks is not None]
        RemovableHandle._next_id = max(RemovableHandle._next_id, self.id + 1)


class StateHooks(dict[int, Any]):
    """Hooks that run on state_dict traffic; a dict that can be referenced weakly."""


def add_hook(
    hooks: dict[int, Any], hook: Any, *flags: dict[int, Any], prepend: bool = False
) -> RemovableHandle:
    """Store `hook`, and its id in each dict of `flags`."""
    handle = RemovableHandle(hooks, extra=list(flags))
    hooks[handle.id] = hook
    for flag in flags:
        flag[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)  # type: ignore[attr-defined]
    return handle


forward_pre_hooks = HookDict()
forward_hooks = HookDict()
forward_hooks_with_kwargs = HookDict()
forward_hooks_always_called = HookDict()
backward_pre_hooks = HookDict()
backward_hooks = HookDict()
buffer_registration = StateHooks()
module_registration = StateHooks()
parameter_registration = StateHooks()


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(module, args)` before the forward of every module."""
    return add_hook(forward_pre_hooks, hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Run `hook(module, args, output)` after the forward of every module."""
    flags = [forward_hooks_with_kwargs] * with_kwargs + [forward_hooks_always_called] * always_call
    return add_hook(forward_hooks, hook, *flags)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(module, grad_input, grad_output)` in the backward of every module."""
    return add_hook(backward_hooks, hook)


register_module_backward_hook = register_module_full_backward_hook


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(module, grad_output)` before the backward of every module."""
    return add_hook(backward_pre_hooks, hook)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(module, name, buffer)` when a buffer is registered; may return another buffer."""
    return add_hook(buffer_registration, hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(module, name, submodule)` when a submodule is registered."""
    return add_hook(module_registration, hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(module, name, param)` when a parameter is registered."""
    return add_hook(parameter_registration, hook)
