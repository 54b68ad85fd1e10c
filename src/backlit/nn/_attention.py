"""Attention with several heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl

from . import functional as F, init
from ._linear import Linear
from ._module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from backlit import Tensor


class NonDynamicallyQuantizableLinear(Linear):
    """A `Linear` under the name that the output of attention has in PyTorch."""


class MultiheadAttention(Module):
    """Each query's mean of the values, weighted by its products with the keys, in several heads.

    headᵢ = softmax(Qᵢ Kᵢᵀ / sqrt(E / heads)) Vᵢ with Q = query Wqᵀ + bq and so on, cut into heads;
    the heads side by side are projected once more. query is (L, N, E), or (N, L, E) with
    `batch_first`, key and value (S, N, kdim) and (S, N, vdim); all of them may lack N. Returns
    (result, weights), where weights (N, L, S) are None unless `need_weights`.

        >>> attention = MultiheadAttention(8, 2, batch_first=True)
        >>> x = backlit.zeros(5, 3, 8)
        >>> y, weights = attention(x, x, x)
        >>> y.shape, weights.shape
        (torch.Size([5, 3, 8]), torch.Size([5, 3, 3]))

    Masks are true (or -inf) where a key is not seen. Without `need_weights` the matrix of all
    weights is never made. Raises AssertionError where shapes do not fit.
    """

    bias_k: Parameter | None
    bias_v: Parameter | None
    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "embed_dim and num_heads must be greater than 0, got "
                f"embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads, self.dropout, self.batch_first = num_heads, dropout, batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")

        def parameter(*shape: int) -> Parameter:
            return Parameter(bl.empty(shape, device=device, dtype=dtype))

        shared = self._qkv_same_embed_dim
        shapes = {
            "q_proj_weight": None if shared else (embed_dim, embed_dim),
            "k_proj_weight": None if shared else (embed_dim, self.kdim),
            "v_proj_weight": None if shared else (embed_dim, self.vdim),
            "in_proj_weight": (3 * embed_dim, embed_dim) if shared else None,
            "in_proj_bias": (3 * embed_dim,) if bias else None,
        }
        for name, shape in shapes.items():
            self.register_parameter(name, None if shape is None else parameter(*shape))
        self.out_proj = NonDynamicallyQuantizableLinear(
            embed_dim, embed_dim, bias=bias, device=device, dtype=dtype
        )
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, parameter(1, 1, embed_dim) if add_bias_kv else None)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if (weight := getattr(self, name)) is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)  # type: ignore[arg-type]
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        turned = self.batch_first and query.dim() == 3
        if turned:
            shared = query is key, key is value
            first = query.transpose(0, 1)
            second = first if shared[0] else key.transpose(0, 1)
            query, key, value = first, second, second if shared[1] else value.transpose(0, 1)
        y, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (y.transpose(0, 1) if turned else y), weights
