"""Mixed precision: `autocast` as far as it changes nothing, and the scaling of losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _namespace
from .autocast_mode import (
    autocast as autocast,
    custom_bwd as custom_bwd,
    custom_fwd as custom_fwd,
    is_autocast_available as is_autocast_available,
)
from .grad_scaler import GradScaler as GradScaler

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:
    __getattr__ = _namespace.missing_attribute(__name__)
