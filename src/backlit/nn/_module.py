"""`Module`: the base of all layers. Calling, hooks and repr are here.

Storage is in `_registry`, tree walks in `_traversal`, saving and loading in `_state_dict`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from . import _hooks
from ._hooks import RemovableHandle, add_hook, live
from ._state_dict import StateDict
from ._traversal import Traversal
from ._where import say_where

if TYPE_CHECKING:
    from collections.abc import Callable


class Module(Traversal, StateDict):
    """Base class of layers and networks: holds parameters and submodules, computes in `forward`.

    >>> class Net(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = Linear(2, 8)
    ...         self.out = Linear(8, 1)
    ...     def forward(self, x):
    ...         return self.out(self.hidden(x).tanh())
    >>> Net()(backlit.zeros(5, 2)).shape
    torch.Size([5, 1])
    """

    _forward_hooks: dict[int, Any]
    _forward_hooks_with_kwargs: dict[int, Any]
    _forward_hooks_always_called: dict[int, Any]
    _forward_pre_hooks: dict[int, Any]
    _forward_pre_hooks_with_kwargs: dict[int, Any]
    _backward_hooks: dict[int, Any]
    _backward_pre_hooks: dict[int, Any]
    _is_full_backward_hook: bool | None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if live:
                return self._call_impl(*args, **kwargs)
            return self.forward(*args, **kwargs)
        except Exception as error:
            say_where(error, self)
            raise

    def _forward_unimplemented(self, *input: Any) -> Any:
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    forward: Callable[..., Any] = _forward_unimplemented

    # ---- calls with hooks

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        if not (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or _hooks.forward_hooks
            or _hooks.forward_pre_hooks
            or _hooks.backward_hooks
            or _hooks.backward_pre_hooks
        ):
            return self.forward(*args, **kwargs)
        called: set[int] = set()
        try:
            return self._call_hooked(args, kwargs, called)
        except Exception:
            self._run_always_called(args, kwargs, called)
            raise

    def _call_hooked(self, args: Any, kwargs: dict[str, Any], called: set[int]) -> Any:
        args, kwargs = self._run_pre_hooks(args, kwargs)
        full, plain, before = self._backward_hook_lists()
        boundary = None
        if full or before:
            from ._backward_hooks import BackwardBoundary  # needs autograd, which loads later

            boundary = BackwardBoundary(self, full, before)
            args = boundary.enter(args)
        result = self.forward(*args, **kwargs)
        for key, hook, with_kwargs in self._forward_hook_list():
            called.add(key)
            out = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
            result = result if out is None else out
        if boundary is not None:
            if not isinstance(result, (_tensor_type(), tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple "
                    f"of Tensors but received {type(result)}",
                    stacklevel=3,
                )
            result = boundary.leave(result)
        if plain:
            self._hook_last_node(result, plain)
        return result

    def _run_pre_hooks(self, args: Any, kwargs: dict[str, Any]) -> Any:
        own_kwargs = self._forward_pre_hooks_with_kwargs
        for key, hook in [*_hooks.forward_pre_hooks.items(), *self._forward_pre_hooks.items()]:
            if key in own_kwargs:
                out = hook(self, args, kwargs)
                if out is None:
                    continue
                if not (isinstance(out, tuple) and len(out) == 2):
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {out}."
                    )
                args, kwargs = out
            else:
                out = hook(self, args)
                if out is not None:
                    args = out if isinstance(out, tuple) else (out,)
        return args, kwargs

    def _forward_hook_list(self) -> list[tuple[int, Any, bool]]:
        own = self._forward_hooks_with_kwargs
        everywhere = _hooks.forward_hooks_with_kwargs
        return [
            *((k, hook, k in everywhere) for k, hook in _hooks.forward_hooks.items()),
            *((k, hook, k in own) for k, hook in self._forward_hooks.items()),
        ]

    def _run_always_called(self, args: Any, kwargs: dict[str, Any], called: set[int]) -> None:
        """After an exception: the hooks that asked to run in any case, with result None."""
        always = {*_hooks.forward_hooks_always_called, *self._forward_hooks_always_called}
        for key, hook, with_kwargs in self._forward_hook_list():
            if key not in always or key in called:
                continue
            try:
                if with_kwargs:
                    hook(self, args, kwargs, None)
                else:
                    hook(self, args, None)
            except Exception as error:
                warnings.warn(
                    "module forward hook with ``always_call=True`` raised an exception that was "
                    f"silenced as another error was raised in forward: {error!s}",
                    stacklevel=3,
                )

    def _backward_hook_lists(self) -> tuple[list[Any], list[Any], list[Any]]:
        """Full backward hooks, old-style ones, and backward pre-hooks of this call."""
        full, plain = list(_hooks.backward_hooks.values()), []
        if self._is_full_backward_hook is False:
            plain = list(self._backward_hooks.values())
        else:
            full += self._backward_hooks.values()
        before = [*_hooks.backward_pre_hooks.values(), *self._backward_pre_hooks.values()]
        return full, plain, before

    def _hook_last_node(self, result: Any, hooks: list[Any]) -> None:
        """Old-style backward hooks see the gradients of the last operation only."""
        while not isinstance(result, _tensor_type()):
            result = next(iter(result.values())) if isinstance(result, dict) else result[0]
        node = result.grad_fn
        if node is not None:
            for hook in hooks:
                node.register_hook(lambda gi, go, hook=hook: hook(self, gi, go))

    # ---- registration of hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Run `hook(module, args)` before `forward`; a returned value replaces the arguments."""
        flags = [self._forward_pre_hooks_with_kwargs] * with_kwargs
        return add_hook(self._forward_pre_hooks, hook, *flags, prepend=prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Run `hook(module, args, output)` after `forward`; a returned value replaces the output.

        With `always_call` it also runs, with output None, when `forward` raises.
        """
        flags = [self._forward_hooks_with_kwargs] * with_kwargs
        flags += [self._forward_hooks_always_called] * always_call
        return add_hook(self._forward_hooks, hook, *flags, prepend=prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Run `hook(module, grad_input, grad_output)` once the input's gradients are known.

        A returned tuple replaces `grad_input`.
        """
        if self._is_full_backward_hook is False:
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single "
                "Module. Please use only one of them."
            )
        self._is_full_backward_hook = True
        return add_hook(self._backward_hooks, hook, prepend=prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Run `hook(module, grad_output)` before the module's backward."""
        return add_hook(self._backward_pre_hooks, hook, prepend=prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Old style: prefer `register_full_backward_hook`."""
        if self._is_full_backward_hook is True:
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single "
                "Module. Please use only one of them."
            )
        self._is_full_backward_hook = False
        return add_hook(self._backward_hooks, hook)

    # ---- repr

    def extra_repr(self) -> str:
        """The text between the parentheses of `repr`. Override in layers."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {_indent(repr(module))}" for name, module in self._modules.items()]
        return wrap_repr(self._get_name(), lines, children)


def wrap_repr(name: str, extra: list[str], children: list[str]) -> str:
    """`Name(extra)` on one line, or one item per line where there are children."""
    lines = extra + children
    if not lines:
        return f"{name}()"
    if len(extra) == 1 and not children:
        return f"{name}({extra[0]})"
    body = "\n  ".join(lines)
    return f"{name}(\n  {body}\n)"


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")


def _tensor_type() -> Any:
    from backlit import Tensor  # resolved at the call, when the package is complete

    return Tensor
