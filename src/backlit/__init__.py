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

from . import _C as _C
from . import _namespace as _namespace

__version__ = "0.1.0"

# The operations list themselves: everything the registry calls a function of torch.
globals().update(_C._operations["torch"])

from . import _tensor as _tensor  # noqa: E402
from . import autograd as autograd  # noqa: E402
from . import random as random  # noqa: E402
from ._C import Generator as Generator  # noqa: E402
from ._C import Size as Size  # noqa: E402
from ._C import Tensor as Tensor  # noqa: E402
from ._C import device as device  # noqa: E402
from ._C import dtype as dtype  # noqa: E402
from ._products import chain_matmul as chain_matmul  # noqa: E402
from ._products import einsum as einsum  # noqa: E402
from ._products import tensordot as tensordot  # noqa: E402
from .autograd.grad_mode import enable_grad as enable_grad  # noqa: E402
from .autograd.grad_mode import inference_mode as inference_mode  # noqa: E402
from .autograd.grad_mode import no_grad as no_grad  # noqa: E402
from .autograd.grad_mode import set_grad_enabled as set_grad_enabled  # noqa: E402
from ._tensor_str import set_printoptions as set_printoptions  # noqa: E402
from .random import get_rng_state as get_rng_state  # noqa: E402
from .random import initial_seed as initial_seed  # noqa: E402
from .random import manual_seed as manual_seed  # noqa: E402
from .random import seed as seed  # noqa: E402
from .random import set_rng_state as set_rng_state  # noqa: E402

globals().update(_namespace.public())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:
    __getattr__ = _namespace.missing_attribute(__name__, _namespace.SUBMODULES)
