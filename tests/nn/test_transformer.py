"""Transformer layers beside PyTorch: initial weights, results, gradients, masks, warnings."""

import warnings

import numpy as np
import pytest

from oracle import same


def numbers(lib, *shape):
    """Normal numbers that depend on the shape alone."""
    values = np.random.RandomState(sum(shape)).standard_normal(shape)
    return lib.from_numpy(values).float().requires_grad_()


def run(lib, made, call, train=True, grad=True):
    lib.manual_seed(0)
    nn = lib.nn
    model = eval(f"nn.{made}", {"nn": nn, "F": nn.functional}).train(train)
    names = {
        "src": numbers(lib, 5, 3, 8),
        "tgt": numbers(lib, 4, 3, 8),
        "batch": numbers(lib, 3, 5, 8),
        "one": numbers(lib, 5, 8),
        "causal4": nn.Transformer.generate_square_subsequent_mask(4),
        "causal5": nn.Transformer.generate_square_subsequent_mask(5),
        "pad": lib.tensor([[False] * 4 + [True], [False] * 5, [False] * 2 + [True] * 3]),
        "left": lib.tensor([[True] + [False] * 4] * 3),
    }
    if not grad:
        with lib.no_grad(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*prototype stage")  # of PyTorch's nested tensors
            return eval(f"m({call})", {"m": model, **names})
    y = eval(f"m({call})", {"m": model, **names})
    (y**3).sum().backward()
    gradients = [p.grad for p in model.parameters()]
    inputs = [names[n].grad for n in ("src", "tgt", "batch", "one")]
    return repr(model), y.detach(), gradients, dict(model.state_dict()), inputs


LAYERS = [
    "8, 2, 16",
    "8, 2, 16, 0.0, 'gelu'",
    "8, 2, 16, 0.0, nn.GELU(), norm_first=True",
    "8, 2, 16, activation=F.silu, layer_norm_eps=0.1, bias=False",
]
CALLS = [
    *((f"TransformerEncoderLayer({a})", "src") for a in LAYERS),
    *((f"TransformerEncoderLayer({a})", "src, causal5, pad") for a in LAYERS),
    *((f"TransformerDecoderLayer({a})", "tgt, src") for a in LAYERS),
    ("TransformerEncoderLayer(8, 2, 16)", "src, causal5, is_causal=True"),
    ("TransformerEncoderLayer(8, 2, 16)", "one"),
    ("TransformerEncoderLayer(8, 2, 16, batch_first=True)", "batch, src_key_padding_mask=pad"),
    ("TransformerDecoderLayer(8, 2, 16)", "tgt, src, causal4, None, None, pad, True"),
    ("TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 2)", "tgt, src, causal4"),
    (
        "TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 2, nn.LayerNorm(8))",
        "tgt, src, causal4, memory_key_padding_mask=pad",
    ),
    ("TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2)", "src, causal5"),
    ("TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2)", "src, causal5, None, False"),
    ("Transformer(8, 2, 1, 2, 16)", "src, tgt"),
    (
        "Transformer(8, 2, 1, 2, 16)",
        "src, tgt, tgt_mask=causal4, src_key_padding_mask=pad, memory_key_padding_mask=pad",
    ),
    ("Transformer(8, 2, 1, 2, 16, bias=False, norm_first=True)", "one, one"),
    ("Transformer(8, 2, 1, 1, 16, batch_first=True)", "batch, batch"),
]


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize(("made", "call"), CALLS)
def test_training(made, call):
    same(lambda lib: run(lib, made, call), 5e-5)


ENCODERS = [
    "nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, nn.LayerNorm(8)",
    "nn.TransformerEncoderLayer(8, 2, 16), 2",
    "nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True), 2",
    "nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, bias=False), 2",
    "nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation=F.silu), 2",
    "nn.TransformerEncoderLayer(8, 1, 16, batch_first=True), 2",
    "nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, None, False",
]


@pytest.mark.parametrize("padding", ["pad", "left"])
@pytest.mark.parametrize("made", ENCODERS)
def test_padding_in_evaluation(made, padding):
    """0 at padded places where PyTorch leaves them out of the work; its warnings, too."""
    call = f"batch if m.layers[0].self_attn.batch_first else src, src_key_padding_mask={padding}"
    same(lambda lib: run(lib, f"TransformerEncoder({made})", call, False, False), 1e-5)


WRONG_CALLS = [
    ("Transformer(8, 2, 1, 1, 16)", "src, batch"),
    ("Transformer(8, 2, 1, 1, 16)", "src, tgt[..., :4]"),
    ("TransformerEncoderLayer(8, 2, 16, activation='tanh')", "src"),
    ("TransformerEncoderLayer(8, 2, 16)", "src, causal4"),
]


@pytest.mark.parametrize(("made", "call"), WRONG_CALLS)
def test_wrong_call(made, call):
    assert same(lambda lib: run(lib, made, call))[0] == "raised"
