"""backlit: an autograd engine that runs PyTorch code and shows its work.

Example:
    >>> import backlit as torch
    >>> w = torch.tensor(1.0, requires_grad=True)
    >>> loss = (w * 2.0 - 4.0) ** 2
    >>> loss.backward()
    >>> w.grad
    tensor(-8.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from . import _C as _C
except ImportError as error:
    if not str(error).startswith("cannot import name '_C'"):
        raise  # it is there and does not load: its own message says why
    import sys

    raise ImportError(
        f"backlit's extension module is not built for Python {sys.version_info[0]}."
        f"{sys.version_info[1]}: `make build` in the checkout, or `pip install .`, builds it"
    ) from None
from . import _namespace as _namespace

__version__ = "0.1.0"

# The operations list themselves: everything the registry calls a function of torch.
globals().update(_C._operations["torch"])

from . import (
    _tensor as _tensor,
    autograd as autograd,
    random as random,
)
from ._C import (
    Generator as Generator,
    Size as Size,
    Tensor as Tensor,
    device as device,
    dtype as dtype,
)
from ._differences import gradient as gradient
from ._histogram import histogram as histogram, histogramdd as histogramdd
from ._products import (
    chain_matmul as chain_matmul,
    einsum as einsum,
    tensordot as tensordot,
)
from ._shapes import (
    broadcast_shapes as broadcast_shapes,
    unravel_index as unravel_index,
)
from ._stft import istft as istft, stft as stft
from ._tensor_str import set_printoptions as set_printoptions
from ._trace import trace as trace
from .autograd.grad_mode import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from .random import (
    get_rng_state as get_rng_state,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    seed as seed,
    set_rng_state as set_rng_state,
)
from .serialization import load as load, save as save

globals().update(_namespace.public())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:
    __getattr__ = _namespace.missing_attribute(
        __name__, _namespace.SUBMODULES, _namespace.DEFERRED, last="_numbered"
    )
