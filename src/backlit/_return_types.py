"""Results with named fields: `torch.return_types.max(values=..., indices=...)`."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

_types: dict[str, Any] = {}


def kind(name: str, fields: str) -> Any:
    """The type of named tuples `name` with space-separated `fields`; the core calls this."""
    made = _types.get(name)
    if made is None:
        base = namedtuple(name, fields)  # type: ignore[misc]
        made = type(
            name,
            (base,),
            {
                "__slots__": (),
                "__repr__": _repr,
                "__reduce__": _reduce,
                "__module__": "torch.return_types",
            },
        )
        _types[name] = made
    return made


def make(name: str, fields: str, values: tuple[Any, ...]) -> Any:
    """The named tuple `name` of these values."""
    return kind(name, fields)(*values)


def _reduce(self: Any) -> tuple[Any, ...]:
    return make, (type(self).__name__, " ".join(self._fields), tuple(self))


def _repr(self: Any) -> str:
    fields = ",\n".join(
        f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True)
    )
    return f"torch.return_types.{type(self).__name__}(\n{fields})"
