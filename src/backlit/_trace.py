"""`backlit.trace`: PyTorch's function of a matrix, and the context that keeps values."""

from __future__ import annotations

from typing import Any, overload

from . import _C
from .autograd._trace import trace as _keep_values


@overload
def trace(input: _C.Tensor) -> _C.Tensor: ...
@overload
def trace() -> _keep_values: ...
def trace(*args: Any, **kwargs: Any) -> Any:
    """`trace(input)`: the sum of a matrix's diagonal. `with trace():` keeps values to explain.

    See `backlit.autograd.graph.trace` for what is kept.

    Example:
        >>> import backlit as torch
        >>> torch.trace(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor(5.)
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> with torch.trace():
        ...     y = x * x + 1
        >>> y.grad_fn._inputs[0].item()
        9.0
    """
    return _C.trace(*args, **kwargs) if args or kwargs else _keep_values()
