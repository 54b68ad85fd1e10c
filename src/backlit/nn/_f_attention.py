"""Attention with several heads, as a function of its weights."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import backlit as bl
from backlit._C import _nn

if TYPE_CHECKING:
    from backlit import Tensor

_attend = _nn.scaled_dot_product_attention
_linear = _nn.linear


def _canonical_mask(
    mask: Tensor | None,
    mask_name: str,
    other_type: Any,
    other_name: str,
    target_type: Any,
    check_other: bool = True,
) -> Tensor | None:
    """The mask as numbers to add to the scores: -inf where a bool mask is true."""
    if mask is None:
        return None
    if mask.dtype != bl.bool and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type "
            "for both instead.",
            stacklevel=3,
        )
    if mask.is_floating_point():
        return mask
    zeros = bl.zeros_like(mask, dtype=target_type)
    return zeros.masked_fill_(mask, float("-inf"))


def _check_padding(padding: Tensor | None, batch: int, keys: int) -> None:
    for dim, size in enumerate((batch, keys)):
        if padding is not None and padding.size(dim) != size:
            raise AssertionError(
                f"Expected key_padded_mask.shape[{dim}] to be {size}, but got {padding.size(dim)}"
            )


def _dtype(mask: Tensor | None, name: str) -> Any:
    if mask is None:
        return None
    if mask.dtype != bl.bool and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return mask.dtype


def _is_batched(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
    num_heads: int,
) -> bool:
    """Whether there is a batch dimension; all inputs agree about that."""
    dims = query.dim()
    if dims not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {dims}-D query tensor"
        )
    kind = "batched (3-D)" if dims == 3 else "unbatched (2-D)"
    if key.dim() != dims or value.dim() != dims:
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {dims}-D but found "
            f"{key.dim()}-D and {value.dim()}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.dim() != dims - 1:
        raise AssertionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {dims - 1}-D but "
            f"found {key_padding_mask.dim()}-D tensor instead"
        )
    if attn_mask is None:
        return dims == 3
    if attn_mask.dim() not in (2, 3):
        raise AssertionError(
            f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found "
            f"{attn_mask.dim()}-D tensor instead"
        )
    if dims == 2 and attn_mask.dim() == 3:
        expected = (num_heads, query.shape[0], key.shape[0])
        if attn_mask.shape != expected:
            raise AssertionError(
                f"Expected `attn_mask` shape to be {expected} but got {attn_mask.shape}"
            )
    return dims == 3


def _projected(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    weight: Tensor | None,
    separate: tuple[Tensor | None, Tensor | None, Tensor | None] | None,
    bias: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, (length, batch, E) each; by one product where inputs are shared."""
    if separate is not None:
        biases = (None,) * 3 if bias is None else bias.chunk(3)
        inputs = {"query": query, "key": key, "value": value}
        found = []
        for (name, x), w, b in zip(inputs.items(), separate, biases, strict=True):
            if w is None:
                raise AssertionError(
                    f"use_separate_proj_weight is True but {name[0]}_proj_weight is None"
                )
            if w.shape != (query.size(-1), x.size(-1)):
                raise AssertionError(
                    f"expecting {name} weights shape of {(query.size(-1), x.size(-1))}, "
                    f"but got {w.shape}"
                )
            found.append(_linear(x, w, b))
        return found[0], found[1], found[2]
    if weight is None:
        raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
    if query is key and key is value:
        q, k, v = _linear(query, weight, bias).chunk(3, -1)
        return q, k, v
    w_q, w_k, w_v = weight.chunk(3)
    b_q, b_k, b_v = (None,) * 3 if bias is None else bias.chunk(3)
    if key is value:
        width = query.size(-1)
        both = _linear(key, weight[width:], None if bias is None else bias[width:])
        k, v = both.chunk(2, -1)
        return _linear(query, w_q, b_q), k, v
    return _linear(query, w_q, b_q), _linear(key, w_k, b_k), _linear(value, w_v, b_v)


def _one_more(mask: Tensor | None) -> Tensor | None:
    """The mask with a column for one more key, which every query sees."""
    if mask is None:
        return None
    return bl.cat([mask, bl.zeros([*mask.shape[:-1], 1], dtype=mask.dtype)], -1)


class _Sizes(NamedTuple):
    """Of one call: queries, batch, embedding, heads."""

    length: int
    batch: int
    width: int
    heads: int

    @property
    def per_head(self) -> int:
        return self.width // self.heads


def _checked_sizes(
    query: Tensor, key: Tensor, value: Tensor, embed_dim: Any, num_heads: int, separate: bool
) -> _Sizes:
    length, batch, width = query.shape
    if width != embed_dim:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim}, but got {width}")
    if width // num_heads * num_heads != width:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {num_heads}")
    if separate:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's "
                f"{value.shape[:2]}"
            )
    elif key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
    return _Sizes(length, batch, width, num_heads)


def _checked_mask(mask: Tensor | None, keys: int, s: _Sizes) -> Tensor | None:
    """The mask of queries and keys as one that broadcasts over (batch · heads, queries, keys)."""
    if mask is None:
        return None
    if mask.dim() == 2:
        right: tuple[int, ...] = (s.length, keys)
    else:
        right = (s.batch * s.heads, s.length, keys)
    if mask.shape != right:
        raise RuntimeError(
            f"The shape of the {mask.dim()}D attn_mask is {mask.shape}, but should be {right}."
        )
    return mask.unsqueeze(0) if mask.dim() == 2 else mask


def _given_heads(static: Tensor, name: str, s: _Sizes) -> Tensor:
    if static.size(0) != s.batch * s.heads:
        raise AssertionError(
            f"expecting {name}.size(0) of {s.batch * s.heads}, but got {static.size(0)}"
        )
    if static.size(2) != s.per_head:
        raise AssertionError(f"expecting {name}.size(2) of {s.per_head}, but got {static.size(2)}")
    return static.view(s.batch, s.heads, static.size(1), s.per_head)


def _in_heads(x: Tensor, s: _Sizes) -> Tensor:
    """(length, batch, E) -> (batch, heads, length, E / heads); a view."""
    return x.view(x.size(0), s.batch, s.heads, s.per_head).permute(1, 2, 0, 3)


def _merged_masks(
    mask: Tensor | None, padding: Tensor | None, keys: int, s: _Sizes
) -> Tensor | None:
    """Both masks as one, (1 or batch, 1 or heads, 1 or queries, keys)."""
    if mask is not None:
        mask = mask.unsqueeze(0) if mask.size(0) == 1 else mask.view(s.batch, s.heads, -1, keys)
    if padding is None:
        return mask
    padding = padding.view(s.batch, 1, 1, keys)
    return padding if mask is None else mask + padding


def _weighted(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout_p: float
) -> tuple[Tensor, Tensor]:
    """The weighted values, and the weights: (batch, heads, queries, keys)."""
    scores = (q * math.sqrt(1.0 / q.size(-1))) @ k.transpose(-2, -1)
    weights = (scores if mask is None else scores + mask).softmax(-1)
    if dropout_p > 0.0:
        weights = _nn.dropout(weights, dropout_p)
    return weights @ v, weights


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Projects queries, keys and values, attends in each head, and projects the result.

    query (L, N, E), key and value (S, N, *), or all without N. Returns the result (L, N, E), and
    the weights (N, L, S), one mean over the heads or, without `average_attn_weights`, (N, H, L, S);
    None in their place unless `need_weights`. Masks are true (or -inf) where a key is not seen:
    `attn_mask` (L, S) or (N H, L, S), `key_padding_mask` (N, S). `is_causal` says what attn_mask
    is. `bias_k`, `bias_v` (1, 1, E) and `add_zero_attn` give the queries one more key each.

        >>> x, w = backlit.ones(3, 1, 4), backlit.ones(12, 4)
        >>> y, weights = multi_head_attention_forward(
        ...     x, x, x, 4, 2, w, None, None, None, False, 0.0, w[:4], None
        ... )
        >>> weights.shape
        torch.Size([1, 3, 3])
    """
    batched = _is_batched(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        shared = query is key, key is value
        query, key, value = (x.unsqueeze(1) for x in (query, key, value))
        key = query if shared[0] else key
        value = key if shared[1] else value
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    padding = _canonical_mask(
        key_padding_mask,
        "key_padding_mask",
        _dtype(attn_mask, "attn_mask"),
        "attn_mask",
        query.dtype,
    )
    _check_padding(padding, query.size(1), key.size(0))
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    causal = is_causal and padding is None and not need_weights
    mask = None if causal else _canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, False)

    sizes = _checked_sizes(
        query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight
    )
    separate = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    q, k, v = _projected(query, key, value, in_proj_weight, separate, in_proj_bias)
    mask = _checked_mask(mask, key.size(0), sizes)
    if (bias_k is None) != (bias_v is None):
        raise AssertionError("bias_k and bias_v must both be given, or neither of them")
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError("bias cannot be added to static key or value.")
        k = bl.cat([k, bias_k.expand(1, sizes.batch, -1)])
        v = bl.cat([v, bias_v.expand(1, sizes.batch, -1)])
        mask, padding = _one_more(mask), _one_more(padding)
    q = _in_heads(q, sizes)
    k = _in_heads(k, sizes) if static_k is None else _given_heads(static_k, "static_k", sizes)
    v = _in_heads(v, sizes) if static_v is None else _given_heads(static_v, "static_v", sizes)
    if add_zero_attn:
        zeros = bl.zeros(sizes.batch, num_heads, 1, sizes.per_head, dtype=k.dtype)
        k, v = bl.cat([k, zeros], 2), bl.cat([v, zeros], 2)
        mask, padding = _one_more(mask), _one_more(padding)
    both = _merged_masks(mask, padding, k.size(2), sizes)

    dropout_p = dropout_p if training else 0.0
    weights: Tensor | None = None
    if need_weights:
        y, weights = _weighted(q, k, v, both, dropout_p)
    else:
        y = _attend(q, k, v, both, dropout_p, causal)
    y = y.permute(2, 0, 1, 3).reshape(sizes.length * sizes.batch, sizes.width)
    y = _linear(y, out_proj_weight, out_proj_bias).view(sizes.length, sizes.batch, -1)
    if weights is not None and average_attn_weights:
        weights = weights.mean(dim=1)
    if batched:
        return y, weights
    return y.squeeze(1), None if weights is None else weights.squeeze(0)
