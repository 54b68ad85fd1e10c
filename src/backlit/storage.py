"""The memory behind tensors, for code that looks at it: `untyped_storage()` and `storage()`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from . import _C


class UntypedStorage:
    """The bytes that one or more tensors share."""

    def __init__(self, tensor: _C.Tensor) -> None:
        self._bytes = _C._storage_bytes(tensor)

    device = property(lambda self: self._bytes.device)

    def data_ptr(self) -> int:
        """Address of the first byte."""
        return int(self._bytes.data_ptr())

    def nbytes(self) -> int:
        """Number of bytes."""
        return int(self._bytes.numel())

    size = __len__ = nbytes

    def _as_elements(self, dtype: Any) -> _C.Tensor:
        """The memory as a tensor of that dtype, for `Tensor.set_`."""
        count = self.nbytes() // _C.empty(0, dtype=dtype).element_size()
        return _C._storage_view(self._bytes, dtype, (count,), (1,), 0)

    def element_size(self) -> int:
        """1: the elements are bytes."""
        return 1

    def tolist(self) -> list[int]:
        """The bytes as a list of ints."""
        return list(self)

    def is_shared(self) -> bool:
        """Always False: memory is not shared with other processes."""
        return False

    def __getitem__(self, index: Any) -> Any:
        picked = self._bytes[index]
        return UntypedStorage(picked.clone()) if isinstance(index, slice) else picked.item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._bytes[index] = value

    def __iter__(self) -> Iterator[int]:
        return iter(self._bytes.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr()

    def __hash__(self) -> int:
        return hash(self.data_ptr())

    def __repr__(self) -> str:
        rows = "\n".join(f" {value}" for value in self)
        return f"{rows}\n[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]"


class TypedStorage:
    """The same memory as elements of a dtype. PyTorch has deprecated it."""

    def __init__(self, tensor: _C.Tensor) -> None:
        self._untyped = UntypedStorage(tensor)
        self.dtype = tensor.dtype
        self._elements = self._untyped._as_elements(self.dtype)

    device = property(lambda self: self._elements.device)

    def _as_elements(self, dtype: Any) -> _C.Tensor:
        """The memory as a tensor, for `Tensor.set_`."""
        if dtype != self.dtype:
            raise RuntimeError(
                f"Expected a Storage of type {dtype} or an UntypedStorage, "
                f"but got type {self.dtype} for argument 1 'storage'"
            )
        return self._elements

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return self._untyped

    def data_ptr(self) -> int:
        """Address of the first element."""
        return self._untyped.data_ptr()

    def nbytes(self) -> int:
        """Number of bytes."""
        return self._untyped.nbytes()

    def size(self) -> int:
        """Number of elements."""
        return int(self._elements.numel())

    __len__ = size

    def element_size(self) -> int:
        """Bytes of one element."""
        return int(self._elements.element_size())

    def tolist(self) -> list[Any]:
        """The elements as a list of numbers."""
        return list(self._elements.tolist())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self._elements[index].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._elements[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        rows = "\n".join(f" {value}" for value in self)
        kind = f"torch.storage.TypedStorage(dtype={self.dtype}, device=cpu)"
        return f"{rows}\n[{kind} of size {len(self)}]"


def typed(tensor: _C.Tensor) -> TypedStorage:
    """`Tensor.storage()`, with PyTorch's warning."""
    warnings.warn(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will "
        "be the only storage class. This should only matter to you if you are using storages "
        "directly.  To access UntypedStorage directly, use tensor.untyped_storage() instead of "
        "tensor.storage()",
        UserWarning,
        stacklevel=3,
    )
    return TypedStorage(tensor)
