"""How the names of the extension become the names of the package."""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from . import _C, _legacy, _limits, _settings

# Loaded when first used: `torch.nn` works without an import of its own.
SUBMODULES = frozenset(
    {
        "__future__",
        "amp",
        "autograd",
        "backends",
        "compiler",
        "cuda",
        "distributions",
        "explain",
        "fft",
        "func",
        "jit",
        "linalg",
        "masked",
        "mps",
        "nn",
        "optim",
        "serialization",
        "signal",
        "special",
        "storage",
        "testing",
        "utils",
        "version",
    }
)

# Names of the package that live in one of those modules: loaded with it.
DEFERRED = {
    "GradScaler": "amp",
    "TypedStorage": "storage",
    "UntypedStorage": "storage",
    "autocast": "amp",
    "bartlett_window": "_windows",
    "blackman_window": "_windows",
    "hamming_window": "_windows",
    "hann_window": "_windows",
    "kaiser_window": "_windows",
    "pca_lowrank": "_lowrank",
    "svd_lowrank": "_lowrank",
    "vmap": "func",
}

_DTYPE_ALIASES = {
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "cfloat": "complex64",
    "cdouble": "complex128",
    "int": "int32",
    "long": "int64",
    "short": "int16",
}
_INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64")
_FLOATS = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
_DTYPES = _INTEGERS + _FLOATS
_PLAIN = (
    "can_cast",
    "default_generator",
    "from_numpy",
    "get_default_dtype",
    "get_num_threads",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "promote_types",
)


# Names that are on the way, and what to use until they are there.
_LATER = dict.fromkeys(("chalf", "complex32"), "complex numbers of 16 bits; use torch.complex64")

# Methods that are functions as well.
_QUERIES = (
    "detach",
    "detach_",
    "get_device",
    "is_complex",
    "is_conj",
    "is_floating_point",
    "is_inference",
    "is_neg",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "numel",
)


def _publish_operations() -> None:
    """`_C.add` beside `_C._operations["torch"]["add"]`, and `_C._nn` for the functions of nn."""
    for home, operations in _C._operations.items():
        if home in ("torch", "_C"):
            for name, operation in operations.items():
                setattr(_C, name, operation)
            continue
        module = types.ModuleType(f"backlit._C._{home}")
        module.__dict__.update(operations)
        setattr(_C, f"_{home}", module)
        sys.modules[module.__name__] = module


def _find_openblas() -> None:
    """Tell the core where the matrix products are; it loads the library with the first one."""
    spec = importlib.util.find_spec("scipy_openblas32")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        library = os.path.join(folder, "lib")
        for name in ("libscipy_openblas.so", "libscipy_openblas.dylib"):
            if os.path.exists(os.path.join(library, name)):
                _C._set_openblas_path(os.path.join(library, name))


def public() -> dict[str, Any]:
    """Names of the package that are neither operations nor modules."""
    names = {name: getattr(_C, name) for name in _DTYPES + _PLAIN}
    names.update({alias: names[name] for alias, name in _DTYPE_ALIASES.items()})
    names.update({name: getattr(_C.Tensor, name) for name in _QUERIES})
    names.update({function.__name__: function for function in _settings.PUBLIC})
    names.update(_legacy.KINDS)
    names.update(_legacy.WORDS)
    names.update(
        e=math.e,
        pi=math.pi,
        inf=math.inf,
        nan=math.nan,
        newaxis=None,
        is_anomaly_check_nan_enabled=_C._is_anomaly_check_nan_enabled,
        is_anomaly_enabled=_C._is_anomaly_enabled,
        set_anomaly_enabled=_C._set_anomaly_enabled,
        finfo=_limits.finfo,
        iinfo=_limits.iinfo,
        set_default_tensor_type=_legacy.set_default_tensor_type,
        typename=_legacy.typename,
    )
    return names


def missing_attribute(
    module: str,
    submodules: frozenset[str] = frozenset(),
    deferred: Mapping[str, str] = types.MappingProxyType({}),
    last: str = "",
) -> Callable[[str], Any]:
    """A module's `__getattr__`: loads submodules, and names what backlit does not provide.

    `last` is a private module: the functions that it defines are functions of the module.
    """

    def __getattr__(name: str) -> Any:
        if name in submodules:
            return importlib.import_module(f"{module}.{name}")
        if name in deferred:
            return getattr(importlib.import_module(f"{module}.{deferred[name]}"), name)
        if last and not name.startswith("_"):
            home = importlib.import_module(f"{module}.{last}")
            if name in home.PUBLIC:
                return getattr(home, name)
        public_name = module.replace("backlit", "torch", 1)
        reason = f": {_LATER[name]}" if name in _LATER else ""
        raise AttributeError(
            f"module '{public_name}' has no attribute '{name}'. "
            f"backlit does not provide {public_name}.{name}{reason}"
        )

    return __getattr__


_publish_operations()
_find_openblas()
_C._set_package_folder(os.path.join(os.path.dirname(__file__), ""))
