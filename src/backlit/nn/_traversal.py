"""Walks over a module tree: listing members, converting tensors, switching modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl

from ._registry import Registry
from .parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from backlit import Tensor

    from ._module import Module


class Traversal(Registry):
    """Members of the tree under a module, in order of registration, depth first."""

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """All modules with their dotted names, this one (named `prefix`) first."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self  # type: ignore[misc]
        for name, child in self._modules.items():
            if child is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from child.named_modules(memo, path, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """All modules of the tree, this one first, each once."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules with their names, each once."""
        seen = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The direct submodules, each once."""
        for _, child in self.named_children():
            yield child

    def _named_members(
        self,
        get_members_fn: Callable[[Any], Any],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        if recurse:
            owners = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        else:
            owners = iter([(prefix, self)])  # type: ignore[list-item]
        for path, module in owners:
            for name, member in get_members_fn(module):
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield (f"{path}.{name}" if path else name), member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their dotted names; a shared one appears once."""
        return self._named_members(
            lambda module: module._parameters.items(), prefix, recurse, remove_duplicate
        )

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, as an optimizer takes them."""
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their dotted names."""
        return self._named_members(
            lambda module: module._buffers.items(), prefix, recurse, remove_duplicate
        )

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def apply(self, fn: Callable[[Any], Any]) -> Self:
        """Call `fn` on every submodule, children first, then on this module."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Self:
        """Replace the data of every parameter, gradient and buffer by `fn(data)`."""
        if recurse:
            for child in self.children():
                child._apply(fn)
        for param in self._parameters.values():
            if param is None:
                continue
            grad = param.grad
            with bl.no_grad():
                data = fn(param)
                new_grad = None if grad is None else fn(grad)
            # A gradient must have its parameter's dtype, so it steps aside for the change.
            param.grad = None
            param.data = data.data
            if new_grad is not None and grad is not None:
                param.grad = new_grad.requires_grad_(grad.requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert parameters and buffers, to a device, a dtype, both, or those of a tensor.

        Only floating point and complex tensors change their dtype.
        """
        device, dtype = _parse_to(args, kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                "nn.Module.to only accepts floating point or complex dtypes, "
                f"but got desired dtype={dtype}"
            )

        layout = kwargs.get("memory_format")

        def convert(tensor: Tensor) -> Tensor:
            target = dtype if tensor.is_floating_point() or tensor.is_complex() else None
            if layout is not None and tensor.dim() in (4, 5):  # kernels of convolutions
                return tensor.to(device, target, memory_format=layout)
            if device is None:
                return tensor if target is None else tensor.to(target)
            return tensor.to(device) if target is None else tensor.to(device, target)

        return self._apply(convert)

    def _to_floating(self, dtype: Any) -> Self:
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def float(self) -> Self:
        """Convert floating point parameters and buffers to float32."""
        return self._to_floating(bl.float32)

    def double(self) -> Self:
        """Convert floating point parameters and buffers to float64."""
        return self._to_floating(bl.float64)

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers to `dst_type`."""
        return self._apply(lambda t: t.type(dst_type))

    def half(self) -> Self:
        """Convert floating point parameters and buffers to float16."""
        return self._to_floating(bl.float16)

    def bfloat16(self) -> Self:
        """Convert floating point parameters and buffers to bfloat16."""
        return self._to_floating(bl.bfloat16)

    def cpu(self) -> Self:
        """Nothing to do: all tensors are on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Not available: backlit runs on the CPU."""
        raise NotImplementedError(
            f"Module.cuda: CUDA is not implemented. Got device={device!r}. Try .cpu()."
        )

    def share_memory(self) -> Self:
        """Share parameters and buffers between processes."""
        return self._apply(lambda t: t.share_memory_())

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Give all parameters and buffers fresh, uninitialised memory."""
        return self._apply(lambda t: bl.empty_like(t, device=device), recurse=recurse)

    def train(self, mode: bool = True) -> Self:
        """Set training mode on the whole tree (Dropout and normalisation look at it)."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """The same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Switch gradient recording of all parameters on or off."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parameters."""
        for param in self.parameters():
            if param.grad is None:
                continue
            if set_to_none:
                param.grad = None
            else:
                if param.grad.grad_fn is not None:
                    param.grad.detach_()
                else:
                    param.grad.requires_grad_(False)
                param.grad.zero_()


def _parse_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Device and dtype out of the forms that `Tensor.to` takes."""
    device, dtype = kwargs.get("device"), kwargs.get("dtype")
    like = kwargs.get("tensor", kwargs.get("other"))
    for arg in args:
        if isinstance(arg, bl.dtype):
            dtype = arg
        elif isinstance(arg, bl.Tensor):
            like = arg
        elif arg is not None and not isinstance(arg, bool):
            device = arg
    if like is not None:
        return like.device, like.dtype
    return (None if device is None else bl.device(device)), dtype
