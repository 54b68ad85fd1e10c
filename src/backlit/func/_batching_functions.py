"""Custom functions (`autograd.Function`) on batched tensors: their own rule, or a generated one."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..autograd import function as _function
from ..autograd.function import Function, FunctionCtx
from ._batched import (
    BatchedTensor,
    Level,
    innermost,
    is_batched,
    levels,
    using_levels,
    value_at,
    values_at,
)

_MORE = "For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"


class VmapInfo(NamedTuple):
    """What the `vmap` staticmethod of a function is told."""

    batch_size: int
    randomness: str


def apply(kind: Any, args: tuple[Any, ...]) -> Any:
    """``kind.apply(*args)`` if one of the arguments carries a batch."""
    level = innermost(args)
    if level is None:
        return NotImplemented
    if not kind._separate_setup:
        raise RuntimeError(
            "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, "
            f"jacrev, ...), it must override the setup_context staticmethod. {_MORE}"
        )
    own = kind.vmap is not Function.vmap
    generated = getattr(kind, "generate_vmap_rule", False)
    if own and generated:
        raise RuntimeError(
            f"You tried to vmap over {kind.__name__}, but it has both generate_vmap_rule=True and "
            "an overridden vmap staticmethod. Please set generate_vmap_rule=False or delete the "
            f"overridden vmap staticmethod to avoid ambiguity. {_MORE}"
        )
    if not (own or generated):
        raise RuntimeError(
            f"You tried to vmap over {kind.__name__}, but it does not have vmap support. Please "
            "override and implement the vmap staticmethod or set generate_vmap_rule=True. "
            f"{_MORE}"
        )
    outer = [running for running in levels() if running.depth < level.depth]
    if own:
        return _by_own_rule(kind, args, level, outer)
    return _generated(kind, args, level, outer)


def _by_own_rule(kind: Any, args: tuple[Any, ...], level: Level, outer: list[Level]) -> Any:
    info = VmapInfo(level.size, level.randomness)
    in_dims = tuple(0 if is_batched(a, level) else None for a in args)
    with using_levels(outer):
        found = kind.vmap(info, in_dims, *(value_at(a, level) for a in args))
        if not (isinstance(found, tuple) and len(found) == 2):
            raise RuntimeError(
                "Expected the vmap staticmethod to have two returns, an output and out_dims with "
                "pytree structure compatible with the output."
            )
        output, out_dims = found
        several = isinstance(output, tuple)
        outputs = output if several else (output,)
        dims = out_dims if isinstance(out_dims, tuple) else (out_dims,) * len(outputs)
        wrapped = tuple(
            t if d is None else BatchedTensor(t.movedim(d, 0), level)
            for t, d in zip(outputs, dims, strict=True)
        )
    return wrapped if several else wrapped[0]


class _Context(FunctionCtx):
    """The context that the function of one sample sees."""

    saved_tensors: tuple[Any, ...] = ()


class _Rule:
    """Forward and backward of one call for all samples, each by that of one sample."""

    def __init__(self, kind: Any, batched: list[bool], level: Level, outer: list[Level]) -> None:
        self.kind = kind
        self.batched = batched
        self.level = level
        self.running = [*outer, level]
        self.context = _Context()
        self.several = False

    def forward(self, *values: Any) -> Any:
        context, level = self.context, self.level
        with using_levels(self.running):
            pairs = zip(values, self.batched, strict=True)
            inputs = tuple(BatchedTensor(v, level) if b else v for v, b in pairs)
            output = self.kind.forward(*inputs)
            context.needs_input_grad = tuple(getattr(v, "requires_grad", False) for v in values)
            self.kind.setup_context(context, inputs, output)
        self.several = isinstance(output, tuple)
        outputs = output if self.several else (output,)
        return tuple(values_at(t, level) for t in outputs)

    def setup_context(self, ctx: Any, inputs: Any, output: Any) -> None:
        context, level = self.context, self.level
        ctx.save_for_backward(*(t if t is None else value_at(t, level) for t in context.to_save))
        self.saved = [is_batched(t, level) for t in context.to_save]
        context.to_save = ()
        ctx.mark_dirty(*(value_at(t, level) for t in context.dirty_tensors))
        ctx.mark_non_differentiable(*(value_at(t, level) for t in context.non_differentiable))
        ctx.set_materialize_grads(context.materialize_grads)

    def backward(self, ctx: Any, *grads: Any) -> Any:
        context, level = self.context, self.level
        with using_levels(self.running):
            pairs = zip(ctx.saved_tensors, self.saved, strict=True)
            context.saved_tensors = tuple(BatchedTensor(t, level) if b else t for t, b in pairs)
            given = (g if g is None else BatchedTensor(g, level) for g in grads)
            found = _function._backward_of(self.kind)(context, *given)
            context.saved_tensors = ()
        found = found if isinstance(found, (tuple, list)) else (found,)
        return tuple(
            g if g is None else self._for_input(g, b)
            for g, b in zip(found, self.batched, strict=False)
        )

    def _for_input(self, g: Any, batched: bool) -> Any:
        """The gradient of an input; of one that samples share, the sum over them."""
        if batched:
            return values_at(g, self.level)
        return g._value.sum(0) if is_batched(g, self.level) else g * self.level.size


def _generated(kind: Any, args: tuple[Any, ...], level: Level, outer: list[Level]) -> Any:
    rule = _Rule(kind, [is_batched(a, level) for a in args], level, outer)
    parts = {
        "forward": staticmethod(rule.forward),
        "setup_context": staticmethod(rule.setup_context),
        "backward": staticmethod(rule.backward),
        "generate_vmap_rule": True,
    }
    vmapped: Any = type(kind.__name__, (Function,), parts)
    with using_levels(outer):
        outputs = vmapped.apply(*(value_at(a, level) for a in args))
    wrapped = tuple(BatchedTensor(t, level) for t in outputs)
    return wrapped if rule.several else wrapped[0]
