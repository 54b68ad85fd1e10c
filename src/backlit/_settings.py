"""Switches of the whole library, and functions that stand for what backlit does not do."""

from __future__ import annotations

import warnings
from typing import Any

from . import _C

_deterministic = False
_warn_only = False
_precision = "highest"
_warn_always = False


def is_tensor(obj: Any, /) -> bool:
    """Is it a Tensor?"""
    return isinstance(obj, _C.Tensor)


def is_storage(obj: Any, /) -> bool:
    """Is it the memory of a tensor, as `storage()` and `untyped_storage()` give it?"""
    from .storage import TypedStorage, UntypedStorage

    return isinstance(obj, (TypedStorage, UntypedStorage))


def set_default_dtype(d: Any, /) -> None:
    """Set the dtype of tensors made from Python floats.

    Example:
        >>> import backlit as torch
        >>> torch.get_default_dtype()
        torch.float32
    """
    if not isinstance(d, _C.dtype):
        raise TypeError(
            "invalid dtype object: only floating-point types are supported as the default type"
        )
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _C.set_default_dtype(d)


def get_default_device() -> Any:
    """The device of new tensors: the CPU."""
    return _C.device("cpu")


def set_default_device(device: Any) -> None:
    """Accept the CPU; refuse what there is not."""
    if device is not None:
        _C.device(device)


def set_num_threads(num: int, /) -> None:
    """Set the number of threads of one operation; results keep their bits at any number."""
    if not isinstance(num, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    _C.set_num_threads(num)


def get_num_interop_threads() -> int:
    """1: operations run one after another."""
    return 1


def set_num_interop_threads(num: int, /) -> None:
    """Accept a positive number: operations run one after another in any case."""
    if not isinstance(num, int):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(num).__name__}")
    if num <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remember the switch: every operation of backlit is deterministic."""
    global _deterministic, _warn_only
    _deterministic, _warn_only = bool(mode), bool(mode and warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was told."""
    return _deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Was `warn_only` given to `use_deterministic_algorithms`?"""
    return _warn_only


def get_deterministic_debug_mode() -> int:
    """0, 1 (warn) or 2 (error): the same switch as a number."""
    return 0 if not _deterministic else 1 if _warn_only else 2


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was told."""
    return _precision


def set_float32_matmul_precision(precision: str) -> None:
    """Remember the name: products of float32 are always computed in float32."""
    global _precision
    if precision in ("highest", "high", "medium"):
        _precision = precision
    else:
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current"
            "setFloat32MatmulPrecision call has no effect.",
            UserWarning,
            stacklevel=2,
        )


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Set the same switch, by a number or by "default", "warn" or "error"."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    words = ("default", "warn", "error")
    text = isinstance(debug_mode, str)
    if debug_mode not in (words if text else (0, 1, 2)):
        known = "one of `default`, `warn`, `error`" if text else "0, 1, or 2"
        raise RuntimeError(f"invalid value of debug_mode, expected {known}, but got {debug_mode}")
    mode = words.index(debug_mode) if isinstance(debug_mode, str) else debug_mode
    use_deterministic_algorithms(mode > 0, warn_only=mode == 1)


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was told."""
    return _warn_always


def set_warn_always(b: bool, /) -> None:
    """Remember the switch: Python's filters decide which warnings are shown again."""
    global _warn_always
    _warn_always = b


def set_flush_denormal(mode: bool) -> bool:
    """False: numbers too small for full precision are kept, and that cannot be changed."""
    return False


def is_autocast_enabled(device_type: str = "cuda", /) -> bool:
    """False: there is no mixed precision."""
    return False


def is_autocast_cpu_enabled() -> bool:
    """False: there is no mixed precision."""
    return False


def get_autocast_dtype(device_type: str, /) -> Any:
    """The dtype that `autocast` would choose for a device where none is given."""
    return _C.bfloat16 if device_type == "cpu" else _C.float16


def clear_autocast_cache() -> None:
    """Nothing to forget."""


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> _C.Tensor:
    """A tensor over the memory of another library's array, or of a DLPack capsule.

    Example:
        >>> import backlit as torch
        >>> torch.from_dlpack(torch.ones(2))
        tensor([1., 1.])
    """
    if device is not None:
        _C.device(device)
    if not hasattr(ext_tensor, "__dlpack__"):
        return _C._from_dlpack(ext_tensor)
    try:
        capsule = ext_tensor.__dlpack__(max_version=(1, 0))
    except TypeError:  # older than DLPack 1.0
        capsule = ext_tensor.__dlpack__()
    tensor = _C._from_dlpack(capsule)
    return tensor.clone() if copy else tensor


def to_dlpack(tensor: _C.Tensor) -> Any:
    """A DLPack capsule over the tensor's memory."""
    capsule: Any = getattr(tensor, "__dlpack__")  # noqa: B009 - not in the stub
    return capsule()


def compile(model: Any = None, **options: Any) -> Any:
    """The function or module itself; a decorator without one.

    Nothing is compiled: what PyTorch's compiler fuses, backlit runs as it is. `options` change
    nothing. The names in `state_dict` stay, where PyTorch puts "_orig_mod." before them.

    Example:
        >>> import backlit as torch
        >>> model = torch.nn.Linear(1, 1)
        >>> torch.compile(model) is model
        True
    """
    if model is None:
        return lambda function: compile(function, **options)
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    return model


PUBLIC = (
    are_deterministic_algorithms_enabled,
    clear_autocast_cache,
    compile,
    from_dlpack,
    get_autocast_dtype,
    get_default_device,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    get_num_interop_threads,
    is_autocast_cpu_enabled,
    is_autocast_enabled,
    is_deterministic_algorithms_warn_only_enabled,
    is_storage,
    is_tensor,
    is_warn_always_enabled,
    set_default_device,
    set_default_dtype,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_flush_denormal,
    set_num_interop_threads,
    set_num_threads,
    set_warn_always,
    to_dlpack,
    use_deterministic_algorithms,
)
