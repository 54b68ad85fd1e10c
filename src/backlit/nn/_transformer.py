"""Encoders and decoders of attention layers (Vaswani et al. 2017)."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import backlit as bl

from . import functional as F, init
from ._activation import GELU, ReLU
from ._attention import MultiheadAttention
from ._containers import ModuleList
from ._dropout import Dropout
from ._f_attention import _canonical_mask, _dtype
from ._linear import Linear
from ._module import Module
from ._normalization import LayerNorm

if TYPE_CHECKING:
    from backlit import Tensor

    Activation = str | Callable[[Tensor], Tensor]


def _subsequent_mask(size: int, device: Any = None, dtype: Any = None) -> Tensor:
    return bl.full((size, size), float("-inf"), device=device, dtype=dtype).triu(diagonal=1)


def _is_causal(mask: Tensor | None, told: bool | None, size: int) -> bool:
    """What the caller says about the mask; otherwise, whether it is the causal one."""
    if told is not None or mask is None:
        return told is True
    causal = _subsequent_mask(size, dtype=mask.dtype)
    return mask.shape == causal.shape and bool((mask == causal).all())


def _length(x: Tensor, batch_first: bool) -> int:
    return x.size(1 if batch_first and x.dim() == 3 else 0)


def _clones(layer: Module, count: int) -> ModuleList:
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


class _Layer(Module):
    """What a layer of an encoder and one of a decoder share."""

    self_attn: MultiheadAttention
    linear1: Linear
    dropout: Dropout
    linear2: Linear
    norm_first: bool
    activation: Callable[[Tensor], Tensor]

    def _make_feed_forward(
        self, width: int, hidden: int, dropout: float, bias: bool, options: dict[str, Any]
    ) -> None:
        self.linear1 = Linear(width, hidden, bias=bias, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(hidden, width, bias=bias, **options)

    def _make_norms(
        self, count: int, width: int, eps: float, dropout: float, bias: bool, options: Any
    ) -> None:
        for i in range(1, count + 1):
            self.add_module(f"norm{i}", LayerNorm(width, eps=eps, bias=bias, **options))
        for i in range(1, count + 1):
            self.add_module(f"dropout{i}", Dropout(dropout))

    def _residual(self, x: Tensor, norm: Module, block: Callable[[Tensor], Tensor]) -> Tensor:
        return x + block(norm(x)) if self.norm_first else norm(x + block(x))

    def _self_attention(
        self, x: Tensor, mask: Tensor | None, padding: Tensor | None, causal: bool
    ) -> Tensor:
        y, _ = self.self_attn(
            x,
            x,
            x,
            attn_mask=mask,
            key_padding_mask=padding,
            need_weights=False,
            is_causal=causal,
        )
        return self.dropout1(y)

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


def _activation(given: Activation) -> Callable[[Tensor], Tensor]:
    if not isinstance(given, str):
        return given
    if given not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {given}")
    return F.relu if given == "relu" else F.gelu


class TransformerEncoderLayer(_Layer):
    """Attention of a sequence to itself, then a feed-forward network, each with a residual path.

    y = norm(x + attention(x)), z = norm(y + W₂ activation(W₁ y)); with `norm_first` the inputs of
    both are normalised instead of the sums. (L, N, E), or (N, L, E) with `batch_first`, or (L, E).

        >>> layer = TransformerEncoderLayer(8, 2, 16, batch_first=True)
        >>> layer(backlit.zeros(5, 3, 8)).shape
        torch.Size([5, 3, 8])

    Masks are true (or -inf) where a key is not seen. Raises RuntimeError for an `activation` that
    is neither "relu" nor "gelu" nor a function.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = {"device": device, "dtype": dtype}
        super().__init__()
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **options
        )
        self._make_feed_forward(d_model, dim_feedforward, dropout, bias, options)
        self.norm_first = norm_first
        self._make_norms(2, d_model, layer_norm_eps, dropout, bias, options)
        self.activation = _activation(activation)
        kinds = {F.relu: 1, F.gelu: 2}
        by_module = 1 if isinstance(activation, ReLU) else 2 if isinstance(activation, GELU) else 0
        self.activation_relu_or_gelu = kinds.get(self.activation, by_module)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        padding = _canonical_mask(
            src_key_padding_mask,
            "src_key_padding_mask",
            _dtype(src_mask, "src_mask"),
            "src_mask",
            src.dtype,
        )
        mask = _canonical_mask(src_mask, "src_mask", None, "", src.dtype, False)
        x = self._residual(
            src, self.norm1, lambda t: self._self_attention(t, mask, padding, is_causal)
        )
        return self._residual(x, self.norm2, lambda t: self.dropout2(self._feed_forward(t)))


def _why_not_packed(layer: Any) -> str:
    """Why PyTorch would not leave padding out of the work of such layers; "" if it would."""
    name = "encoder_layer"
    if not isinstance(layer, TransformerEncoderLayer):
        return f"{name} was not TransformerEncoderLayer"
    attention = layer.self_attn
    reasons = {
        f"{name}.norm_first was True": layer.norm_first,
        f"{name}.self_attn.batch_first was not True(use batch_first for better inference "
        "performance)": not attention.batch_first,
        f"{name}.self_attn._qkv_same_embed_dim was not True": not attention._qkv_same_embed_dim,
        f"{name}.self_attn was passed bias=False": attention.in_proj_bias is None,
        f"{name}.activation_relu_or_gelu was not True": not layer.activation_relu_or_gelu,
        f"{name}.norm1.eps was not equal to {name}.norm2.eps": layer.norm1.eps != layer.norm2.eps,
        f"{name}.self_attn.num_heads is odd": attention.num_heads % 2 == 1,
    }
    return next((why for why, holds in reasons.items() if holds), "")


class TransformerEncoder(Module):
    """`num_layers` copies of a layer, one after the other, then `norm`.

    In evaluation, where PyTorch leaves padding out of the work (`enable_nested_tensor`), the
    results at padded places are 0 before the norm, as there.

        >>> layer = TransformerEncoderLayer(8, 2, 16, batch_first=True)
        >>> TransformerEncoder(layer, 2)(backlit.zeros(5, 3, 8)).shape
        torch.Size([5, 3, 8])
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _clones(encoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm
        self.enable_nested_tensor = self.use_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check
        if enable_nested_tensor and (why := _why_not_packed(encoder_layer)):
            warnings.warn(
                f"enable_nested_tensor is True, but self.use_nested_tensor is False because {why}",
                stacklevel=2,
            )
            self.use_nested_tensor = False

    def _clears_padding(self, src: Tensor, mask: Tensor | None, padding: Tensor) -> bool:
        layer = self.layers[0]
        if not self.use_nested_tensor or _why_not_packed(layer) or layer.training:
            return False
        if src.dim() != 3 or mask is not None:
            return False
        if bl.is_grad_enabled() and (
            src.requires_grad or any(p.requires_grad for p in layer.parameters())
        ):
            return False
        padded = padding != 0
        return not self.mask_check or bool((padded[:, 1:] | ~padded[:, :-1]).all())

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        padding = _canonical_mask(
            src_key_padding_mask,
            "src_key_padding_mask",
            _dtype(mask, "mask"),
            "mask",
            src.dtype,
        )
        mask = _canonical_mask(mask, "mask", None, "", src.dtype, False)
        first: Any = self.layers[0]
        batch_first = first.self_attn.batch_first
        causal = _is_causal(mask, is_causal, _length(src, batch_first))
        y = src
        for layer in self.layers:
            y = layer(y, src_mask=mask, is_causal=causal, src_key_padding_mask=padding)
        if padding is not None and self._clears_padding(src, mask, padding):
            y = y.masked_fill((padding != 0).unsqueeze(-1), 0.0)
        return y if self.norm is None else self.norm(y)


class TransformerDecoderLayer(_Layer):
    """Attention of a sequence to itself, then to `memory`, then a feed-forward network.

    Each has a residual path and a norm, after the sum or, with `norm_first`, before the block.
    tgt (T, N, E), memory (S, N, E), or (N, T, E) and (N, S, E) with `batch_first`, or without N.

        >>> layer = TransformerDecoderLayer(8, 2, 16)
        >>> layer(backlit.zeros(4, 1, 8), backlit.zeros(6, 1, 8)).shape
        torch.Size([4, 1, 8])
    """

    multihead_attn: MultiheadAttention

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = {"device": device, "dtype": dtype}
        super().__init__()
        for name in ("self_attn", "multihead_attn"):
            attention = MultiheadAttention(
                d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **options
            )
            self.add_module(name, attention)
        self._make_feed_forward(d_model, dim_feedforward, dropout, bias, options)
        self.norm_first = norm_first
        self._make_norms(3, d_model, layer_norm_eps, dropout, bias, options)
        self.activation = _activation(activation)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        def look_back(t: Tensor) -> Tensor:
            return self._self_attention(t, tgt_mask, tgt_key_padding_mask, tgt_is_causal)

        def look_at_memory(t: Tensor) -> Tensor:
            y, _ = self.multihead_attn(
                t,
                memory,
                memory,
                attn_mask=memory_mask,
                key_padding_mask=memory_key_padding_mask,
                is_causal=memory_is_causal,
                need_weights=False,
            )
            return self.dropout2(y)

        x = self._residual(tgt, self.norm1, look_back)
        x = self._residual(x, self.norm2, look_at_memory)
        return self._residual(x, self.norm3, lambda t: self.dropout3(self._feed_forward(t)))


class TransformerDecoder(Module):
    """`num_layers` copies of a layer, one after the other, then `norm`.

    >>> decoder = TransformerDecoder(TransformerDecoderLayer(8, 2, 16), 2)
    >>> decoder(backlit.zeros(4, 1, 8), backlit.zeros(6, 1, 8)).shape
    torch.Size([4, 1, 8])
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _clones(decoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        first: Any = self.layers[0]
        batch_first = first.self_attn.batch_first
        causal = _is_causal(tgt_mask, tgt_is_causal, _length(tgt, batch_first))
        y = tgt
        for layer in self.layers:
            y = layer(
                y,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return y if self.norm is None else self.norm(y)


class Transformer(Module):
    """An encoder of `src` whose result a decoder of `tgt` attends to.

    src (S, N, E), tgt (T, N, E) -> (T, N, E), or with N first where `batch_first`, or without N.

        >>> model = Transformer(8, 2, 1, 1, 16, batch_first=True)
        >>> model(backlit.zeros(5, 6, 8), backlit.zeros(5, 4, 8)).shape
        torch.Size([5, 4, 8])

    Raises RuntimeError where batches differ, or features are not `d_model`.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any | None = None,
        custom_decoder: Any | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = {"device": device, "dtype": dtype}
        of_layer = (
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
        )

        def norm() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)

        if custom_encoder is not None:
            self.encoder = custom_encoder
        else:
            layer: Module = TransformerEncoderLayer(*of_layer, **options)
            self.encoder = TransformerEncoder(layer, num_encoder_layers, norm())
        if custom_decoder is not None:
            self.decoder = custom_decoder
        else:
            layer = TransformerDecoderLayer(*of_layer, **options)
            self.decoder = TransformerDecoder(layer, num_decoder_layers, norm())
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        batch = 0 if self.batch_first else 1
        if src.dim() == 3 and src.size(batch) != tgt.size(batch):
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.size(-1) != self.d_model or tgt.size(-1) != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The mask of a sequence that sees no later element: -inf above the diagonal, 0 elsewhere.

        >>> Transformer.generate_square_subsequent_mask(2)
        tensor([[0., -inf],
                [0., 0.]])
        """
        return _subsequent_mask(sz, device, dtype)

    def _reset_parameters(self) -> None:
        for p in self.parameters():
            if p.dim() > 1:
                init.xavier_uniform_(p)
