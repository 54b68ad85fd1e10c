"""Full backward hooks of modules: identity operations around a module's inputs and outputs."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from backlit import Tensor
from backlit.autograd import Function

if TYPE_CHECKING:
    from collections.abc import Callable


class BackwardHookFunction(Function):
    """The identity whose backward passes the gradients through `on_grads`.

    Its name is what a result prints: ``grad_fn=<BackwardHookFunctionBackward>``.
    """

    @staticmethod
    def forward(ctx: Any, on_grads: Any, *tensors: Tensor) -> Any:
        ctx.on_grads = on_grads
        ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
        return tuple(t.view_as(t) for t in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return (None, *ctx.on_grads(grads))


class BackwardBoundary:
    """One call of a module with backward hooks: remembers grad_output until grad_input is known."""

    def __init__(self, module: Any, hooks: list[Any], pre_hooks: list[Any]) -> None:
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_output: Any = None
        self.input_count = 0
        self.watches_input = False

    def _wrap(self, values: tuple[Any, ...], on_grads: Callable[..., Any]) -> Any:
        """Send the tensors among `values` through a boundary; None if no gradient flows."""
        where = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
        tensors = [values[i] for i in where]
        if not any(t.requires_grad for t in tensors):
            return None

        def spread(grads: tuple[Any, ...]) -> tuple[Any, ...]:
            full = [None] * len(values)
            for i, grad in zip(where, grads, strict=False):
                full[i] = grad if values[i].requires_grad else None
            result = on_grads(tuple(full))
            return tuple(result[i] for i in where)

        wrapped = list(values)
        for i, tensor in zip(where, BackwardHookFunction.apply(spread, *tensors), strict=False):
            wrapped[i] = tensor
        if wrapped[where[0]].grad_fn is None and not any(wrapped[i].requires_grad for i in where):
            return None  # recording is off
        return tuple(wrapped)

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Watch the inputs of the call."""
        self.input_count = len(args)
        wrapped = self._wrap(args, self._on_input) if self.hooks else None
        self.watches_input = wrapped is not None
        return args if wrapped is None else wrapped

    def leave(self, result: Any) -> Any:
        """Watch the outputs of the call."""
        values = result if isinstance(result, tuple) else (result,)
        wrapped = self._wrap(values, self._on_output)
        if wrapped is None:
            return result
        return wrapped if isinstance(result, tuple) else wrapped[0]

    def _on_output(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.pre_hooks:
            grads = _replaced(hook(self.module, grads), grads, "Backward pre hook", "grad_output")
        self.grad_output = grads
        if self.hooks and not self.watches_input:
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module "
                "outputs since no inputs require gradients.",
                stacklevel=2,
            )
            nothing = (None,) * self.input_count
            for hook in self.hooks:
                out = hook(self.module, nothing, grads)
                if out is not None and not (isinstance(out, tuple) and all(g is None for g in out)):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always "
                        "return None or None for all gradients."
                    )
        return grads

    def _on_input(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.hooks:
            out = hook(self.module, grads, self.grad_output)
            grads = _replaced(out, grads, "Backward hook", "grad_input")
        return grads


def _replaced(out: Any, grads: tuple[Any, ...], who: str, what: str) -> tuple[Any, ...]:
    if out is None:
        return grads
    if not isinstance(out, tuple):
        out = (out,)
    if len(out) != len(grads):
        raise RuntimeError(
            f"{who} returned an invalid number of {what}, got {len(out)}, but expected {len(grads)}"
        )
    return out
