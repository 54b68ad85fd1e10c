"""Custom operations: a `Function` states forward and backward in Python.

`apply` runs forward unrecorded on a fresh context, then the core makes the context itself the node
of the graph (`_C._record_function`), as in PyTorch, where ``y.grad_fn`` is the ``ctx`` of forward.
When backward reaches the node, the core calls `BackwardCFunction._backward`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from .. import _C

_Tensor = _C.Tensor
# Once func is loaded: what it does where an argument carries a batch or a tangent.
_apply_carriers: Callable[[Any, tuple[Any, ...]], Any] | None = None
_set_recording = _C._set_grad_enabled

_FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after "
    "they have already been freed). Saved intermediate values of the graph are freed when you call "
    ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the "
    "graph a second time or if you need to access saved tensors after calling backward."
)


def _is_differentiable(dtype: Any) -> bool:
    return bool(dtype.is_floating_point or dtype.is_complex)


class FunctionCtx:
    """What `forward`, `setup_context` and `backward` see as ``ctx``."""

    to_save: tuple[Any, ...] = ()
    dirty_tensors: tuple[Any, ...] = ()
    non_differentiable: tuple[Any, ...] = ()
    materialize_grads: bool = True
    needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs or results for backward, which finds them in ``ctx.saved_tensors``.

        Unlike a plain attribute, a saved tensor is guarded against in-place changes, freed after
        backward, and differentiable again.
        """
        self.to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Accepted for PyTorch's sake: there is no forward mode for custom functions yet."""

    def mark_dirty(self, *tensors: Any) -> None:
        """Tell which inputs forward changed in place; each must be returned as well."""
        self.dirty_tensors = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Tell which results have no gradient."""
        self.non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """False lets backward see None, not zeros, for a result that was not used."""
        self.materialize_grads = value


class BackwardCFunction(_C._FunctionBase, FunctionCtx):  # type: ignore[misc]
    """The context of one call, and its node in the graph.

    The core provides a node's methods: `name`, `next_functions`, `metadata`, `register_hook`,
    `register_prehook`.
    """

    _forward_cls: type[Any]
    _is_tensor: tuple[bool, ...]  # per input
    _like: tuple[Any, ...]  # per output: (shape, dtype), or None where it is no tensor
    _saved: tuple[Any, ...] | None = ()

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to `save_for_backward`."""
        if self._saved is None:
            raise RuntimeError(_FREED)
        return tuple(s if s is None else s.unpack(self) for s in self._saved)

    def _save(self, outputs: tuple[Any, ...]) -> None:
        saved = []
        for i, t in enumerate(self.to_save):
            if t is not None and not isinstance(t, _Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type "
                    f"{type(t).__name__}"
                )
            is_output = any(t is o for o in outputs)
            saved.append(None if t is None else _C._SavedTensor(t, is_output))
        self._saved = tuple(saved)
        self.to_save = ()

    def _release(self) -> None:
        """The core calls this after a backward that does not retain the graph."""
        if self._saved:
            self._saved = None

    def _backward(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """Gradients of the inputs from gradients of the outputs; the core calls this."""
        if self.materialize_grads:
            grads = tuple(
                _C.zeros(like[0], dtype=like[1]) if g is None and like is not None else g
                for g, like in zip(grads, self._like, strict=True)
            )
        found = _backward_of(self._forward_cls)(self, *grads)
        if not isinstance(found, tuple):
            found = tuple(found) if isinstance(found, list) else (found,)
        return self._checked(found)

    def _checked(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        name, expected = type(self).__name__, len(self._is_tensor)
        while len(found) > expected and found[-1] is None:
            found = found[:-1]
        if len(found) != expected:
            raise RuntimeError(
                f"function {name} returned an incorrect number of gradients "
                f"(expected {expected}, got {len(found)})"
            )
        for i, (g, is_tensor) in enumerate(zip(found, self._is_tensor, strict=True)):
            if g is None:
                continue
            if not is_tensor:
                raise RuntimeError(
                    f"function {name} returned a gradient different than None at position {i + 1}, "
                    "but the corresponding forward input was not a Variable"
                )
            if not isinstance(g, _Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(g).__name__})")
        return found


def _backward_of(kind: type[Any]) -> Callable[..., Any]:
    """`backward`, or `vjp`, its other name."""
    has_backward = kind.backward is not Function.backward
    has_vjp = kind.vjp is not Function.vjp
    if has_backward and has_vjp:
        raise RuntimeError(
            "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You "
            "should only implement one of them."
        )
    found: Callable[..., Any] = kind.vjp if has_vjp else kind.backward
    return found


class FunctionMeta(type):
    """Gives each Function class its context class, named `<Function>Backward`."""

    _backward_cls: type[Any]
    _separate_setup: bool

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        cls._backward_cls = type(name + "Backward", (BackwardCFunction,), {"_forward_cls": cls})
        base = bases[0] if bases else cls
        setup = getattr(cls, "setup_context", None)
        cls._separate_setup = base is not cls and setup is not _no_setup


def _no_setup(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
    """Store what backward needs on `ctx` (for a `forward` that takes no ctx)."""
    raise NotImplementedError("setup_context is not implemented.")


class Function(FunctionCtx, metaclass=FunctionMeta):
    """Base of custom operations.

    Define static methods ``forward(ctx, *inputs)`` and ``backward(ctx, *grads)``, or
    ``forward(*inputs)`` with ``setup_context(ctx, inputs, output)``; call ``YourFunction.apply``.

    Example:
        >>> import backlit as torch
        >>> class Double(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return x * 2
        ...     @staticmethod
        ...     def backward(ctx, g):
        ...         return g * 2
        >>> x = torch.tensor([1.0], requires_grad=True)
        >>> Double.apply(x)
        tensor([2.], grad_fn=<DoubleBackward>)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Its methods are static: call "
            f"{type(self).__name__}.apply.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: functions of PyTorch's first versions were called like this."""
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Make its "
            f"methods static and call {type(self).__name__}.apply."
        )

    setup_context = staticmethod(_no_setup)

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The value. Operations inside are not recorded."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """One gradient, or None, for each input of forward."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    @staticmethod
    def vjp(ctx: Any, *grad_outputs: Any) -> Any:
        """Another name for `backward`."""
        raise NotImplementedError

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Forward mode: not used by backlit."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with "
            "forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """``(outputs, out_dims)`` for all samples: ``in_dims[i]`` is where they are in ``args[i]``.

        `info` has `batch_size` and `randomness`. ``generate_vmap_rule = True`` in its place lets
        `vmap` work with forward and backward themselves.
        """
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or "
            "set generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward and record it as one operation."""
        if kwargs:
            args = _positional(cls, args, kwargs)
        if _apply_carriers is not None:
            batched = _apply_carriers(cls, args)
            if batched is not NotImplemented:
                return batched
        ctx = cls._backward_cls()
        tensors = tuple(a if isinstance(a, _Tensor) else None for a in args)
        needs = tuple(t is not None and t.requires_grad for t in tensors)
        ctx.needs_input_grad = needs
        recording = _set_recording(False)
        try:
            if cls._separate_setup:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args)
        finally:
            _set_recording(recording)
        outputs = output if isinstance(output, tuple) else (output,)
        outputs = _record(ctx, tensors, outputs, recording and any(needs))
        return outputs if isinstance(output, tuple) else outputs[0]


def _positional(kind: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of apply in the order of forward's signature."""
    import inspect

    lead = () if kind._separate_setup else (None,)
    bound = inspect.signature(kind.forward).bind(*lead, *args, **kwargs)
    bound.apply_defaults()
    return bound.args[len(lead) :]


def _among(t: Any, tensors: tuple[Any, ...]) -> bool:
    return any(t is other for other in tensors)


def _record(
    ctx: Any, inputs: tuple[Any, ...], outputs: tuple[Any, ...], recording: bool
) -> tuple[Any, ...]:
    """Make `ctx` the node behind the tensors among `outputs`; return what apply returns."""
    for t in ctx.dirty_tensors:
        if not isinstance(t, _Tensor):
            raise RuntimeError("mark_dirty can only accept variables")
        if not _among(t, outputs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as "
                "output. The inputs that are modified inplace must all be outputs of the Function."
            )
    results = list(outputs)
    slots: list[Any] = [None] * len(outputs)  # the outputs that the node stands behind
    dirty = [False] * len(outputs)
    former = _set_recording(False)
    try:
        for i, t in enumerate(outputs):
            if not isinstance(t, _Tensor):
                continue
            is_input = _among(t, inputs)
            dirty[i] = _among(t, ctx.dirty_tensors)
            off = _among(t, ctx.non_differentiable) or not _is_differentiable(t.dtype)
            if off or not recording:
                if is_input and not dirty[i]:
                    results[i] = t.detach() if t.requires_grad else t
                continue
            slots[i] = t.view_as(t) if is_input and not dirty[i] else t
    finally:
        _set_recording(former)
    if recording:
        ctx._is_tensor = tuple(t is not None for t in inputs)
        ctx._like = tuple((t.shape, t.dtype) if isinstance(t, _Tensor) else None for t in outputs)
        name = type(ctx).__name__
        recorded = _C._record_function(ctx, name, inputs, tuple(slots), tuple(dirty))
        for i, t in enumerate(recorded):
            if t is not None:
                results[i] = t
        ctx._save(tuple(results))
    else:
        ctx._save(())
    ctx.dirty_tensors = ctx.non_differentiable = ()
    return tuple(results)


class _Twice(Function):
    """Identity whose backward is an error."""

    @staticmethod
    def forward(ctx: Any, *values: Any) -> Any:
        return tuple(v.view_as(v) for v in values)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a `backward` that must not be differentiated: trying to is an error."""
    import functools

    @functools.wraps(backward)
    def once(ctx: Any, *grads: Any) -> Any:
        recording = _set_recording(False)
        try:
            found = backward(ctx, *grads)
        finally:
            _set_recording(recording)
        if not recording or not any(isinstance(g, _Tensor) and g.requires_grad for g in grads):
            return found
        values = list(found) if isinstance(found, (tuple, list)) else [found]
        where = [i for i, v in enumerate(values) if isinstance(v, _Tensor)]
        if where:
            traps = _Twice.apply(*(values[i].detach().requires_grad_() for i in where))
            for i, trap in zip(where, traps, strict=True):
                values[i] = trap
        return tuple(values)

    return once
