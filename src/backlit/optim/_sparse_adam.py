"""SparseAdam: a name that says why it is missing."""

from __future__ import annotations

from typing import Any

from ._optimizer import Optimizer


class SparseAdam(Optimizer):
    """Refused with NotImplementedError: backlit has no sparse tensors. Adam updates dense ones."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        raise NotImplementedError(
            "optim.SparseAdam: sparse gradients are not implemented in backlit. Try optim.Adam."
        )
