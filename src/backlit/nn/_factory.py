"""The keywords that a module passes on to the functions that make its tensors."""

from __future__ import annotations

from typing import Any

_KNOWN = ("device", "dtype", "memory_format")


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """`device`, `dtype` and `memory_format` of `kwargs` and of its entry "factory_kwargs".

    Raises TypeError for other names and for one that is in both.

        >>> factory_kwargs({"dtype": backlit.float64})
        {'dtype': torch.float64}
    """
    rest = dict(kwargs or {})
    found = dict(rest.pop("factory_kwargs", {}))
    for name in _KNOWN:
        if name in rest:
            if name in found:
                raise TypeError(f"{name} specified twice, in **kwargs and in factory_kwargs")
            found[name] = rest.pop(name)
    unknown = rest.keys() | (found.keys() - set(_KNOWN))
    if unknown:
        raise TypeError(f"unexpected kwargs {unknown}")
    return found
