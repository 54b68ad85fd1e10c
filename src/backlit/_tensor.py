"""The part of Tensor's interface that is written in Python."""

from __future__ import annotations

from typing import Any, NoReturn

from . import _C, _copies, _histogram, _legacy, _stft
from ._tensor_str import tensor_format
from .autograd import _hooks

_hooks.attach()


def _untyped_storage(self: _C.Tensor) -> Any:
    """The memory that the tensor looks at, as bytes."""
    from .storage import UntypedStorage

    return UntypedStorage(self)


def _storage(self: _C.Tensor) -> Any:
    """The memory that the tensor looks at, as elements of its dtype."""
    from .storage import typed

    return typed(self)


def _share_memory(self: _C.Tensor) -> NoReturn:
    """Move the memory to where other processes see it: not provided."""
    raise NotImplementedError(
        "Tensor.share_memory_: backlit does not share memory with other processes. "
        "Send the tensor itself; pickling copies it."
    )


def _as_subclass(self: _C.Tensor, cls: type) -> _C.Tensor:
    """The same memory as an object of a subclass of Tensor."""
    if self.requires_grad and _C.is_grad_enabled():
        raise NotImplementedError(
            "Tensor.as_subclass: not recorded by backlit; the tensor requires grad. "
            "Call it under torch.no_grad(), or on .detach()."
        )
    return _C.Tensor._make_subclass(cls, self.detach(), self.requires_grad)


def _cuda(self: _C.Tensor, *args: Any, **kwargs: Any) -> NoReturn:
    """Move to a GPU: not provided."""
    raise NotImplementedError("Tensor.cuda: backlit runs on the CPU only. Use .to('cpu').")


def _explain(self: _C.Tensor, wrt: Any = None, **options: Any) -> Any:
    """Show how this tensor's gradients come about: see `backlit.explain`."""
    from .explain import explain

    return explain(self, wrt, **options)


def _apply(self: _C.Tensor, callable: Any) -> _C.Tensor:
    """Replace each element by `callable(element)`; slow, and not recorded."""
    return _replace(self, "apply_", callable, self)


def _map(self: _C.Tensor, tensor: _C.Tensor, callable: Any) -> _C.Tensor:
    """Replace each element by `callable(element, that of tensor)`; slow, and not recorded."""
    if tensor.dtype != self.dtype:
        raise TypeError(f"map_: expected {self.type()} for 'other' (got {tensor.type()})")
    return _replace(self, "map_", callable, self, tensor.expand_as(self))


def _replace(x: _C.Tensor, name: str, callable: Any, *tensors: _C.Tensor) -> _C.Tensor:
    if x.requires_grad:
        raise RuntimeError(
            f"Can't call {name}() on Variable that requires grad. "
            f"Use var.detach().{name}() instead."
        )
    elements = (t.flatten().tolist() for t in tensors)
    results = [callable(*parts) for parts in zip(*elements, strict=True)]
    return x.copy_(_C.tensor(results, dtype=x.dtype).view(x.shape))


def _repr_html(self: _C.Tensor) -> str:
    """For notebooks: what `print` shows, and a heat map."""
    from .explain._notebook import tensor_html

    return tensor_html(self)


_PARTS: dict[str, Any] = {
    "__copy__": _copies.shallow,
    "__deepcopy__": _copies.deep,
    "__format__": tensor_format,
    "__rdiv__": _C.Tensor.__rtruediv__,  # the name of Python 2, which PyTorch kept
    "__reduce_ex__": _copies.reduce,
    "apply_": _apply,
    "_repr_html_": _repr_html,
    "as_subclass": _as_subclass,
    "cuda": _cuda,
    "explain": _explain,
    "histogram": _histogram.histogram,
    "istft": _stft.istft,
    "is_cpu": property(lambda self: True, doc="True: there is one device."),
    "layout": property(lambda self: _legacy.strided, doc="torch.strided: the one layout."),
    "map_": _map,
    "new": _legacy.new,
    "share_memory_": _share_memory,
    "stft": _stft.stft,
    "storage": _storage,
    "type": _legacy.tensor_type,
    "untyped_storage": _untyped_storage,
}
for _name, _part in _PARTS.items():
    setattr(_C.Tensor, _name, _part)
