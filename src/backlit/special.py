"""torch.special: the functions of that namespace, as the registry lists them, and polynomials.

Example:
    >>> import backlit as torch
    >>> torch.special.entr(torch.tensor([0.5, 1.0]))
    tensor([0.3466, -0.0000])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _C as _C, _namespace as _namespace
from ._polynomials import (
    POLYNOMIALS as _POLYNOMIALS,
    modified_bessel_k0 as modified_bessel_k0,
    modified_bessel_k1 as modified_bessel_k1,
    scaled_modified_bessel_k0 as scaled_modified_bessel_k0,
    scaled_modified_bessel_k1 as scaled_modified_bessel_k1,
    spherical_bessel_j0 as spherical_bessel_j0,
)

globals().update(_C._operations["special"])
globals().update(_POLYNOMIALS)
# the same functions by other names
modified_bessel_i0 = _C._operations["special"]["i0"]
modified_bessel_i1 = _C._operations["special"]["i1"]

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:
    __getattr__ = _namespace.missing_attribute(__name__)
