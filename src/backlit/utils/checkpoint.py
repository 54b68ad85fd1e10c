"""Checkpointing: keep only the inputs of a part of the network and compute it again in backward.

Two ways, as in PyTorch: the reentrant one wraps the part in a `Function` whose backward runs the
part again and then backward through it; the other one records the part as usual but leaves in place
of each saved tensor its number, and on the first use runs the part again to fill the numbers in.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from .. import _C
from ..autograd import Function, backward
from ..autograd.grad_mode import enable_grad, no_grad, set_grad_enabled
from ..autograd.graph import saved_tensors_hooks


class CheckpointError(RuntimeError):
    """The part behaved differently when it was run again."""


class _RandomState:
    """The state of the random generator at the first run, for the second."""

    def __init__(self, preserve: bool) -> None:
        self._state = _C.get_rng_state() if preserve else None

    def __enter__(self) -> None:
        if self._state is not None:
            self._outside = _C.get_rng_state()
            _C.set_rng_state(self._state)

    def __exit__(self, *_: object) -> None:
        if self._state is not None:
            _C.set_rng_state(self._outside)


def _detached(args: Iterable[Any]) -> list[Any]:
    return [
        a.detach().requires_grad_(a.requires_grad) if isinstance(a, _C.Tensor) else a for a in args
    ]


class CheckpointFunction(Function):
    """The reentrant way. Inputs: the part, whether to preserve the random state, its arguments."""

    @staticmethod
    def forward(ctx: Any, run: Callable[..., Any], preserve: bool, *args: Any) -> Any:
        if not any(isinstance(a, _C.Tensor) and a.requires_grad for a in args):
            warnings.warn(
                "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2
            )
        ctx.run = run
        ctx.random = _RandomState(preserve)
        ctx.where = [i for i, a in enumerate(args) if isinstance(a, _C.Tensor)]
        ctx.args = [None if isinstance(a, _C.Tensor) else a for a in args]
        ctx.save_for_backward(*(args[i] for i in ctx.where))
        with no_grad():
            return run(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        args = list(ctx.args)
        for i, t in zip(ctx.where, ctx.saved_tensors, strict=True):
            args[i] = t
        args = _detached(args)
        with ctx.random, enable_grad():
            outputs = ctx.run(*args)
        outputs = (outputs,) if isinstance(outputs, _C.Tensor) else outputs
        live = [
            (o, g)
            for o, g in zip(outputs, grads, strict=True)
            if isinstance(o, _C.Tensor) and o.requires_grad
        ]
        if not live:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        backward([o for o, _ in live], [g for _, g in live])
        return None, None, *(a.grad if isinstance(a, _C.Tensor) else None for a in args)


class _Holder:
    """Stands in the graph for the saved tensor number `index` of one checkpointed run."""

    __slots__ = ("__weakref__", "index")

    def __init__(self, index: int) -> None:
        self.index = index


class _AllFound(Exception):
    """Ends the second run as soon as nothing more is needed from it."""


class _Frame:
    """One checkpointed run: its holders, and what the second run found for them."""

    def __init__(self, again: Callable[[], None], early_stop: bool, check: bool) -> None:
        self.again = again
        self.early_stop = early_stop
        self.check = check
        self.holders: list[weakref.ref[_Holder]] = []
        self.shapes: list[tuple[Any, Any]] = []
        self.found: dict[int, Any] = {}

    def pack(self, t: Any) -> _Holder:
        holder = _Holder(len(self.holders))
        self.holders.append(weakref.ref(holder))
        self.shapes.append((tuple(t.shape), t.dtype))
        return holder

    def unpack(self, holder: _Holder) -> Any:
        if holder.index not in self.found:
            self._run_again()
        if holder.index not in self.found:
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the "
                "original forward and recomputation.\n"
                f"Number of tensors saved during forward: {len(self.holders)}\n"
                f"Number of tensors saved during recomputation: {self.count}"
            )
        # used once per backward; a retained graph computes it again
        return self.found.pop(holder.index)

    def _run_again(self) -> None:
        self.count = 0
        self.found = {}

        def collect(t: Any) -> Any:
            index = self.count
            self.count += 1
            if index < len(self.holders):
                self._check_shape(index, t)
                if self.holders[index]() is not None:
                    self.found[index] = t.detach()
                if self.early_stop and self.count == len(self.holders):
                    raise _AllFound
            return t.detach()

        with saved_tensors_hooks(collect, lambda t: t), enable_grad():
            try:
                self.again()
            except _AllFound:
                return
        if self.check and self.count != len(self.holders):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the "
                "original forward and recomputation.\n"
                f"Number of tensors saved during forward: {len(self.holders)}\n"
                f"Number of tensors saved during recomputation: {self.count}"
            )

    def _check_shape(self, index: int, t: Any) -> None:
        seen = (tuple(t.shape), t.dtype)
        if self.check and seen != self.shapes[index]:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have "
                "different metadata than during the forward pass.\n"
                f"tensor at position {index}: saved {self.shapes[index]}, recomputed {seen}"
            )


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing: one for the first run, one for the second."""
    from contextlib import nullcontext

    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, without keeping its intermediate results for backward.

    Args:
        use_reentrant: which of the two ways (see the top of this module); False is better.
        context_fn: returns the contexts of the first and of the second run.
        determinism_check: ``default`` compares shapes and dtypes of the two runs, ``none`` nothing.
        debug: accepted for PyTorch's sake.
        early_stop: end the second run when nothing more is needed from it.
        preserve_rng_state: run the second time with the random numbers of the first.

    Example:
        >>> import backlit as torch
        >>> from backlit.utils.checkpoint import checkpoint
        >>> x = torch.tensor([2.0], requires_grad=True)
        >>> checkpoint(lambda x: x.exp().log() * x, x, use_reentrant=False).backward()
        >>> x.grad
        tensor([4.])
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. "
            "use_reentrant=False is recommended, but if you need to preserve the current default "
            "behavior, you can pass use_reentrant=True.",
            stacklevel=2,
        )
        use_reentrant = True
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError(
                "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
            )
        return CheckpointFunction.apply(function, preserve_rng_state, *args)
    return _not_reentrant(
        function, args, kwargs, context_fn, preserve_rng_state, early_stop, determinism_check
    )


def _not_reentrant(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    context_fn: Callable[[], tuple[Any, Any]],
    preserve: bool,
    early_stop: bool,
    determinism_check: str,
) -> Any:
    random = _RandomState(preserve)
    first, second = context_fn()
    recording = _C.is_grad_enabled()

    def again() -> None:
        with random, second, set_grad_enabled(recording):
            function(*args, **kwargs)

    if not recording:
        with first:
            return function(*args, **kwargs)
    frame = _Frame(again, early_stop, determinism_check != "none")
    with saved_tensors_hooks(frame.pack, frame.unpack), first:
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Run a sequence of modules in `segments` parts, each but the last checkpointed.

    Args:
        functions: an `nn.Sequential`, or an iterable of modules or functions.
        segments: into how many parts to cut.
        input: goes into the first.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be "
            "passed explicitly.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = len(steps) // segments

    def part(start: int, end: int) -> Callable[[Any], Any]:
        def run(value: Any) -> Any:
            for step in steps[start:end]:
                value = step(value)
            return value

        return run

    last = size * (segments - 1)
    for start in range(0, last, size or 1):
        input = checkpoint(
            part(start, start + size),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve,
        )
    return part(last, len(steps))(input)
