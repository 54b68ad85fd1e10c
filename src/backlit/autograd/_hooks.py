"""Hooks on tensors and nodes: the core keeps dictionaries of functions, these methods fill them.

`attach` gives the core's types their methods; the package calls it once, when it is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _C


def _add(owner: Any, field: str, hook: Callable[..., Any], first: bool = False) -> Any:
    """Put `hook` into the dictionary in `owner.field`; the handle takes it out again."""
    from ..nn._hooks import RemovableHandle  # when a hook is set, all of the package is loaded

    hooks = getattr(owner, field)
    if hooks is None:
        # an OrderedDict, because a plain dict cannot be referenced weakly
        from collections import OrderedDict

        hooks = OrderedDict()
        setattr(owner, field, hooks)
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if first:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_hook(self: Any, hook: Callable[[Any], Any]) -> Any:
    """Call `hook` with this tensor's gradient in each backward; what it returns replaces it.

    Returns:
        A handle whose ``remove()`` takes the hook out again.

    Example:
        >>> import backlit as torch
        >>> x = torch.tensor([1.0], requires_grad=True)
        >>> _ = x.register_hook(lambda g: g * 2)
        >>> (x * 3).backward()
        >>> x.grad
        tensor([6.])
    """
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    return _add(self, "_backward_hooks", hook)


def register_post_accumulate_grad_hook(self: Any, hook: Callable[[Any], None]) -> Any:
    """Call `hook` with this leaf each time its `.grad` has been added to.

    Returns:
        A handle whose ``remove()`` takes the hook out again.
    """
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if self.grad_fn is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return _add(self, "_post_accumulate_grad_hooks", hook)


def _node_register_hook(self: Any, hook: Callable[[Any, Any], Any]) -> Any:
    """Call ``hook(grad_inputs, grad_outputs)`` after this node's backward.

    What it returns replaces the gradients of the inputs. The returned handle removes the hook.
    """
    return _add(self, "_post_hooks", hook)


def _node_register_prehook(self: Any, hook: Callable[[Any], Any]) -> Any:
    """Call ``hook(grad_outputs)`` before this node's backward.

    What it returns replaces the gradients of the outputs. The returned handle removes the hook.
    """
    return _add(self, "_pre_hooks", hook)


def attach() -> None:
    """Give tensors and nodes their methods."""
    _C.Tensor.register_hook = register_hook
    _C.Tensor.register_post_accumulate_grad_hook = register_post_accumulate_grad_hook
    for kind in (_C.Node, _C._FunctionBase):
        kind.register_hook = _node_register_hook
        kind.register_prehook = _node_register_prehook
