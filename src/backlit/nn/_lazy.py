"""Layers that learn the number of their inputs from the first one they see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl

from ._batch_norm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    _BatchNorm,
    _InstanceNorm,
    _NormBase,
)
from ._conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    _Conv,
    _ConvNd,
    _ConvTransposeNd,
)
from ._linear import Linear
from ._module import Module
from .parameter import UninitializedBuffer, UninitializedParameter, is_lazy

if TYPE_CHECKING:
    from backlit import Tensor


class LazyModuleMixin(Module):
    """The base of a lazy module, before the class of the module that it becomes.

    `initialize_parameters`, which the module defines, runs before the first `forward`, with its
    arguments, and gives the uninitialized parameters their shapes; then the module takes the class
    `cls_to_become`. A state with shapes may be loaded before that.
    """

    cls_to_become: type[Module] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(
            self._infer_parameters, with_kwargs=True
        )

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *_: Any) -> None:
        """Before a state is loaded: what has a shape there gets it here."""
        for name, tensor in self._persistent_state():
            loaded = state_dict.get(prefix + name)
            if is_lazy(tensor) and loaded is not None and not is_lazy(loaded):
                tensor.materialize(loaded.shape)  # type: ignore[attr-defined]

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialize the parameters for these arguments of `forward`."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer of the module itself has no shape yet."""
        return any(map(is_lazy, [*self._parameters.values(), *self._buffers.values()]))

    def _infer_parameters(self, module: Any, args: Any, kwargs: Any = None) -> None:
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become


class LazyLinear(LazyModuleMixin, Linear):
    """A `Linear` whose `in_features` is the last size of the first input.

    >>> layer = LazyLinear(2)
    >>> layer(backlit.zeros(5, 3)).shape
    torch.Size([5, 2])
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    """

    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw new weights, once their number is known."""
        if self.in_features and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take `in_features` from the input."""
        if not self.has_uninitialized_params():  # a state was loaded
            self.in_features = self.weight.shape[-1]
            return
        self.in_features = input.shape[-1]
        self.weight.materialize((self.out_features, self.in_features))  # type: ignore[attr-defined]
        if self.bias is not None:
            self.bias.materialize((self.out_features,))  # type: ignore[attr-defined]
        self.reset_parameters()


class _LazyConvolution(LazyModuleMixin, _ConvNd):
    """What lazy convolutions share: `in_channels` is that of the first input."""

    def _make_lazy(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw new weights, once their number is known."""
        if self.in_channels and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Take `in_channels` from the input."""
        if not self.has_uninitialized_params():  # a state was loaded
            size = self.weight.size(0 if self.transposed else 1)
            self.in_channels = size if self.transposed else size * self.groups
            return
        batched = self._dims + 2
        if input.dim() not in (batched - 1, batched):
            raise RuntimeError(
                f"Expected {batched - 1}D (unbatched) or {batched}D (batched) input to "
                f"{type(self).__name__}, but got input of size: {input.shape}"
            )
        self.in_channels = input.shape[input.dim() - self._dims - 1]
        self._check()
        self.weight.materialize(self._weight_shape())  # type: ignore[attr-defined]
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))  # type: ignore[attr-defined]
        self.reset_parameters()


class _LazyConv(_LazyConvolution, _Conv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)
        self._make_lazy(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvolution, _ConvTransposeNd):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0,
            0,
            kernel_size,
            stride,
            padding,
            output_padding,
            groups,
            False,
            dilation,
            padding_mode,
        )
        self._make_lazy(out_channels, bias, device, dtype)


class _LazyNorm(LazyModuleMixin, _NormBase):
    """What lazy normalisations share: `num_features` is the second size of the first input."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype, bias=False)
        self.affine, self.track_running_stats = affine, track_running_stats
        options = {"device": device, "dtype": dtype}
        if affine:
            self.weight = UninitializedParameter(**options)
            if bias:
                self.bias = UninitializedParameter(**options)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**options)
            self.running_var = UninitializedBuffer(**options)
            self.num_batches_tracked = bl.tensor(0, dtype=bl.int64, device=device)

    def reset_parameters(self) -> None:
        """Scale 1, shift 0, fresh running statistics, once their number is known."""
        if self.num_features and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take `num_features` from the input."""
        lazy = [t for _, t in self._persistent_state() if is_lazy(t)]
        if not lazy and (self.weight is not None or self.running_mean is not None):
            known = self.running_mean if self.weight is None else self.weight
            self.num_features = known.size(0)  # type: ignore[union-attr]
            return
        self.num_features = input.shape[1]
        for tensor in lazy:
            tensor.materialize((self.num_features,))  # type: ignore[attr-defined]
        self.reset_parameters()


class LazyConv1d(_LazyConv, Conv1d):
    """A `Conv1d` whose `in_channels` is that of the first input. (N, C, L) or (C, L).

    >>> LazyConv1d(4, 3)(backlit.zeros(1, 2, 10)).shape
    torch.Size([1, 4, 8])
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A `Conv2d` whose `in_channels` is that of the first input. (N, C, H, W) or (C, H, W).

    >>> LazyConv2d(4, 3)(backlit.zeros(1, 2, 9, 9)).shape
    torch.Size([1, 4, 7, 7])
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A `Conv3d` whose `in_channels` is that of the first input. (N, C, D, H, W) or (C, D, H, W).

    >>> LazyConv3d(4, 3)(backlit.zeros(1, 2, 5, 5, 5)).shape
    torch.Size([1, 4, 3, 3, 3])
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A `ConvTranspose1d` whose `in_channels` is that of the first input. (N, C, L) or (C, L).

    >>> LazyConvTranspose1d(4, 3)(backlit.zeros(1, 2, 8)).shape
    torch.Size([1, 4, 10])
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A `ConvTranspose2d` whose `in_channels` is that of the first input. (N, C, H, W).

    >>> LazyConvTranspose2d(4, 3)(backlit.zeros(1, 2, 8, 8)).shape
    torch.Size([1, 4, 10, 10])
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A `ConvTranspose3d` whose `in_channels` is that of the first input. (N, C, D, H, W).

    >>> LazyConvTranspose3d(4, 3)(backlit.zeros(1, 2, 4, 4, 4)).shape
    torch.Size([1, 4, 6, 6, 6])
    """

    cls_to_become = ConvTranspose3d


class LazyBatchNorm1d(_LazyNorm, _BatchNorm):
    """A `BatchNorm1d` whose `num_features` is that of the first input. (N, C) or (N, C, L).

    >>> LazyBatchNorm1d()(backlit.randn(8, 3)).shape
    torch.Size([8, 3])
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, _BatchNorm):
    """A `BatchNorm2d` whose `num_features` is that of the first input. (N, C, H, W).

    >>> LazyBatchNorm2d()(backlit.randn(8, 3, 2, 2)).shape
    torch.Size([8, 3, 2, 2])
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, _BatchNorm):
    """A `BatchNorm3d` whose `num_features` is that of the first input. (N, C, D, H, W).

    >>> LazyBatchNorm3d()(backlit.randn(8, 3, 2, 2, 2)).shape
    torch.Size([8, 3, 2, 2, 2])
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, _InstanceNorm):
    """An `InstanceNorm1d` whose `num_features` is that of the first input. (N, C, L).

    >>> LazyInstanceNorm1d()(backlit.randn(8, 3, 4)).shape
    torch.Size([8, 3, 4])
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, _InstanceNorm):
    """An `InstanceNorm2d` whose `num_features` is that of the first input. (N, C, H, W).

    >>> LazyInstanceNorm2d()(backlit.randn(8, 3, 4, 4)).shape
    torch.Size([8, 3, 4, 4])
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, _InstanceNorm):
    """An `InstanceNorm3d` whose `num_features` is that of the first input. (N, C, D, H, W).

    >>> LazyInstanceNorm3d()(backlit.randn(8, 3, 2, 2, 2)).shape
    torch.Size([8, 3, 2, 2, 2])
    """

    cls_to_become = InstanceNorm3d
