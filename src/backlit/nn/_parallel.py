"""Layers spread over devices: there is one device, so the layer is called as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._module import Module

if TYPE_CHECKING:
    from collections.abc import Sequence


class DataParallel(Module):
    """Calls `module`, as PyTorch does without a GPU; its parameters are named "module.*".

    >>> DataParallel(Linear(2, 1))(backlit.zeros(3, 2)).shape
    torch.Size([3, 1])
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[Any] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)
