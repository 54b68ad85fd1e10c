"""The recorded graph: its nodes, and hooks on what they save for backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import _C


class _NodeType(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, (_C.Node, _C._FunctionBase))

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, (_C.Node, _C._FunctionBase))


class Node(metaclass=_NodeType):
    """What all nodes of the graph are instances of: those of the core and custom functions.

    A node has `name()`, `next_functions`, `metadata`, `register_hook` and `register_prehook`.
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
