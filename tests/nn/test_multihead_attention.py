"""MultiheadAttention beside PyTorch: initial weights, results, gradients, masks, errors."""

import numpy as np
import pytest

from oracle import same


def numbers(lib, *shape):
    """Normal numbers that depend on the shape alone."""
    values = np.random.RandomState(sum(shape)).standard_normal(shape)
    return lib.from_numpy(values).float().requires_grad_()


def inputs(lib):
    blocked = lib.tensor([[False, True, False, False, False]] * 4)
    return {
        "q": numbers(lib, 4, 3, 8),
        "k": numbers(lib, 5, 3, 8),
        "v": numbers(lib, 5, 3, 8).detach(),
        "k3": numbers(lib, 5, 3, 3),
        "v6": numbers(lib, 5, 3, 6),
        "x": numbers(lib, 4, 8),
        "pad": lib.tensor([[False] * 4 + [True], [False] * 5, [True] + [False] * 4]),
        "mask": blocked,
        "mask3": lib.stack([blocked] * 6),
        "causal": lib.nn.Transformer.generate_square_subsequent_mask(4),
        "padded": lib.tensor([[False, False, True]] * 4),
    }


def run(lib, arguments, call):
    lib.manual_seed(0)
    attention = eval(f"nn.MultiheadAttention({arguments})", {"nn": lib.nn})
    names = inputs(lib)
    y, weights = eval(f"m({call})", {"m": attention, **names})
    ((y**3).sum() + (0 if weights is None else (weights**3).sum())).backward()
    return (
        repr(attention),
        y.detach(),
        None if weights is None else weights.detach(),
        [p.grad for p in attention.parameters()],
        dict(attention.state_dict()),
        [names[n].grad for n in ("q", "k", "k3", "v6", "x")],
    )


CALLS = [
    ("8, 2", "q, k, v"),
    ("8, 2", "q, q, q"),
    ("8, 2", "q, k, k"),
    ("8, 2", "q, k, v, need_weights=False"),
    ("8, 2", "q, q, q, need_weights=False, attn_mask=causal, is_causal=True"),
    ("8, 2", "q, q, q, attn_mask=causal, is_causal=True"),
    ("8, 2", "q, k, v, pad"),
    ("8, 2", "q, k, v, pad, need_weights=False"),
    ("8, 2", "q, k, v, pad, attn_mask=mask, need_weights=False"),
    ("8, 2", "q, k, v, pad, attn_mask=mask, is_causal=True, need_weights=False"),
    ("8, 2", "q, k, v, pad, attn_mask=mask3"),
    ("8, 2", "q, k, v, attn_mask=mask3, average_attn_weights=False"),
    ("8, 2, bias=False", "q, k, v"),
    ("8, 2, add_bias_kv=True", "q, k, v, pad, attn_mask=mask"),
    ("8, 2, add_bias_kv=True, add_zero_attn=True", "q, k, v, pad, False, mask"),
    ("8, 2, add_zero_attn=True", "q, k, v"),
    ("8, 2, kdim=3, vdim=6", "q, k3, v6"),
    ("8, 2, 0.3", "q, k, v"),
    ("8, 2, 0.3", "q, k, v, need_weights=False"),
    ("8, 2, batch_first=True", "q, q, q"),
    ("8, 2, batch_first=True", "q, q, q, padded"),
    ("8, 2", "x, x, x"),
    ("8, 2", "x, x, x, need_weights=False, attn_mask=causal"),
    ("8, 2", "q, k, v, pad, attn_mask=mask.float()"),  # warns
]


@pytest.mark.parametrize(("arguments", "call"), CALLS)
def test_call(arguments, call):
    same(lambda lib: run(lib, arguments, call), 3e-6)


WRONG_CALLS = [
    ("8, 3", "q, q, q"),
    ("0, 3", "q, q, q"),
    ("8, 2", "q, q, q, is_causal=True"),
    ("8, 2", "q, k, v, padded"),
    ("8, 2", "q, k, v, pad[0]"),
    ("8, 2", "q, k, v, pad.int()"),
    ("8, 2", "q, k, v, attn_mask=mask.T"),
    ("8, 2", "q, k, v, attn_mask=mask.int()"),
    ("8, 2", "q, k, v, attn_mask=mask3[:3]"),
    ("8, 2", "q, k, v, attn_mask=mask3[0, 0]"),
    ("8, 2", "x, x, x, attn_mask=mask3"),
    ("8, 2", "q, k3, v6"),
    ("8, 2", "q, k, v[:4]"),
    ("8, 2", "x, k, v"),
    ("8, 2", "q, x, v"),
    ("8, 2", "q[0, 0], x, v"),
    ("8, 2", "k3, k, v"),
    ("8, 2, kdim=3", "q, k, v"),
]


@pytest.mark.parametrize(("arguments", "call"), WRONG_CALLS)
def test_wrong_call(arguments, call):
    assert same(lambda lib: run(lib, arguments, call))[0] == "raised"
