"""The recorded graph: its nodes, what they keep, and hooks on what they save for backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import _C
from ._trace import (
    is_recording_locations as is_recording_locations,
    reading_released as reading_released,
    set_record_locations as set_record_locations,
    trace as trace,
)


class _NodeType(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, (_C.Node, _C._FunctionBase))

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, (_C.Node, _C._FunctionBase))


class Node(metaclass=_NodeType):
    """What all nodes of the graph are instances of: those of the core and custom functions.

    As in PyTorch a node has `name()`, `next_functions`, `metadata`, `register_hook`,
    `register_prehook`, and is called with the gradients of its outputs (None for zero) to get those
    of its inputs: one tensor or None if there is one input, else a tuple. Nothing is freed, no
    hook runs, and the computation is recorded if gradients are enabled. (Calling the
    AccumulateGrad node of a leaf adds to the leaf's `.grad`.)

    Beyond PyTorch, a node tells about itself. Index `i` counts inputs, as `next_functions` does.

    What it is:
        _operation: name of the operation in the registry ("pow", "mm"); None where it has none.
        _formula: what it computes, in mathematical notation ("y = x²", "C = A·B").
        _gradient_formula: of a structured operation, the vector-Jacobian product in matrix
            notation ("∂L/∂A = ∂L/∂C · Bᵀ, ..."); None for an elementwise one.
        _constants: of an elementwise operation, the operands that are numbers, under the formula's
            names a, b, c, and its parameters under theirs ({"negative_slope": 0.01}).

    The local derivatives of an elementwise operation, read from its one rule; its variables are
    called x and y, or a, b, c and y. A structured operation answers None:
        _local_formulas: per input (text, LaTeX) of ∂y/∂xᵢ; None where there is no derivative.
        _local_text(i, names=None, values=None, latex=False, digits=6): one of them. `names` maps
            the formula's variables to other names, `values` to numbers, which stand with so many
            digits; a choice whose condition is then known shows the branch that was taken.
        _value_text(names=None, values=None, latex=False, digits=6): y likewise.
        _local(i): ∂y/∂xᵢ as a tensor in the shape of y.
        _recompute(*inputs): y for other inputs (None for one that is a number), not recorded.

    Its tensors:
        _input_shapes, _output_shapes: None where unknown (an input without gradient that was not
            saved; an output without history).
        _given: per input whether there was a tensor; a bias may be left out.
        _inputs: the tensors that went in. Outside of `backlit.trace()` these are the saved ones,
            leaves, and results that their own node saved, and None stands for the others. A tensor
            that was changed in place since is None.
        _outputs: likewise the results, as tensors without history.
        _saved_tensors: all that is kept for backward.

    Where it comes from:
        _location: (code object, offset) of the Python instruction outside of this package that made
            it; the offset counts bytes, as `frame.f_lasti` does. None where it was not recorded.
        _module, _module_root: inside a trace, path of the nn.Module that ran ("layers.0"), "" for
            the outermost one, whose class is the other ("Net"); None outside of all modules.
    """


class GradientEdge(NamedTuple):
    """One output of one node: what a gradient flows into."""

    node: Any
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """The edge that `tensor`'s gradient flows into; `grad` accepts it in place of the tensor.

    Unlike the tensor it does not keep the values alive.
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            "gradients"
        )
    node = tensor.grad_fn
    if node is None:  # a leaf: its node is what any operation on it leads to
        with_graph = _C._set_grad_enabled(True)
        try:
            node = tensor.view_as(tensor).grad_fn.next_functions[0][0]
        finally:
            _C._set_grad_enabled(with_graph)
    return GradientEdge(node, tensor.output_nr)


class saved_tensors_hooks:
    """Inside, each tensor saved for backward is passed to `pack`; backward uses `unpack`'s answer.

    Args:
        pack_hook: called with the tensor when it is saved; returns anything.
        unpack_hook: called with that when backward needs it; returns a tensor.

    Example:
        >>> import backlit as torch
        >>> x = torch.tensor([3.0], requires_grad=True)
        >>> with torch.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), torch.tensor):
        ...     y = x * x
        >>> y.backward()
        >>> x.grad
        tensor([6.])
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        _C._push_saved_tensors_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *_: object) -> None:
        _C._pop_saved_tensors_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Keeps saved tensors on the CPU, which is where they are."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(_same, _same)


def _same(t: Any) -> Any:
    return t


class disable_saved_tensors_hooks:
    """Inside, entering `saved_tensors_hooks` raises RuntimeError with `error_message`."""

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message

    def __enter__(self) -> None:
        self._former = _C._set_saved_tensors_hooks_disabled(self.error_message)

    def __exit__(self, *_: object) -> None:
        _C._set_saved_tensors_hooks_disabled(self._former)


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"module 'torch.autograd.graph' has no attribute '{name}' "
        f"(backlit does not provide torch.autograd.graph.{name})"
    )
