"""Modules as functions of their parameters, under the older name of `func.functional_call`."""

from __future__ import annotations

import warnings
from typing import Any

from ... import func  # its names are read when called: it imports nn itself
from .._module import Module


def functional_call(
    module: Module,
    parameters_and_buffers: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`torch.func.functional_call`; warns that this name is deprecated, as PyTorch does.

    >>> import warnings
    >>> layer = backlit.nn.Linear(1, 1, bias=False)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     functional_call(layer, {"weight": backlit.tensor([[3.0]])}, backlit.tensor([2.0]))
    tensor([6.])
    """
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be "
        "removed in a future version of PyTorch. Please use `torch.func.functional_call` instead "
        "which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return func.functional_call(
        module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict
    )
