"""Switches of libraries that PyTorch can use: kept, so that programs may set them."""

from __future__ import annotations

import sys
import types
from typing import Any

_SWITCHES: dict[str, dict[str, Any]] = {
    "cuda": {},
    "cudnn": {"enabled": True, "benchmark": False, "deterministic": False, "allow_tf32": True},
    "mkl": {},
    "mkldnn": {"enabled": True},
    "mps": {},
    "openmp": {},
}


def _absent() -> bool:
    """False: backlit does not use this library."""
    return False


def _module(name: str, switches: dict[str, Any]) -> types.ModuleType:
    module = types.ModuleType(
        f"{__name__}.{name}", f"Switches of {name}, which backlit does not use."
    )
    module.__dict__.update(switches, is_available=_absent, is_built=_absent, version=lambda: None)
    sys.modules[module.__name__] = module
    return module


cuda = _module("cuda", _SWITCHES["cuda"])
cudnn = _module("cudnn", _SWITCHES["cudnn"])
mkl = _module("mkl", _SWITCHES["mkl"])
mkldnn = _module("mkldnn", _SWITCHES["mkldnn"])
mps = _module("mps", _SWITCHES["mps"])
openmp = _module("openmp", _SWITCHES["openmp"])
cuda.matmul = types.SimpleNamespace(allow_tf32=False)  # type: ignore[attr-defined]
