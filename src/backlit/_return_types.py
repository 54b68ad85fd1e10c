"""Results with named fields: `torch.return_types.max(values=..., indices=...)`."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

_types: dict[str, Any] = {}


def make(name: str, fields: str, values: tuple[Any, ...]) -> Any:
    """The named tuple `name` with space-separated `fields`; the core calls this."""
    kind = _types.get(name)
    if kind is None:
        base = namedtuple(name, fields)  # type: ignore[misc]
        kind = type(
            name,
            (base,),
            {
                "__slots__": (),
                "__repr__": _repr,
                "__reduce__": _reduce,
                "__module__": "torch.return_types",
            },
        )
        _types[name] = kind
    return kind(*values)


def _reduce(self: Any) -> tuple[Any, ...]:
    return make, (type(self).__name__, " ".join(self._fields), tuple(self))


def _repr(self: Any) -> str:
    fields = ",\n".join(
        f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True)
    )
    return f"torch.return_types.{type(self).__name__}(\n{fields})"
