"""Tensors of different floating dtypes in one call: promoted, accepted or refused as in PyTorch."""

import itertools
import warnings

import pytest

import backlit

from oracle import assert_close, first_sentence

PAIRS = list(itertools.permutations(("float16", "bfloat16", "float32", "float64"), 2))
CALLS = {
    "mse": lambda F, x, y: F.mse_loss(x(2, 3), y(2, 3)),
    "l1": lambda F, x, y: F.l1_loss(x(2, 3), y(2, 3)),
    "smooth_l1": lambda F, x, y: F.smooth_l1_loss(x(2, 3), y(2, 3)),
    "batch_norm": lambda F, x, y: F.batch_norm(x(2, 3), y(3), y(3), y(3), y(3)),
    "batch_norm_train": lambda F, x, y: F.batch_norm(x(2, 3), y(3), y(3), training=True),
    "layer_norm": lambda F, x, y: F.layer_norm(x(2, 3), (3,), y(3), y(3)),
    "group_norm": lambda F, x, y: F.group_norm(x(2, 4), 2, y(4), y(4)),
    "instance_norm": lambda F, x, y: F.instance_norm(x(2, 4, 3), None, None, y(4), y(4)),
    "rms_norm": lambda F, x, y: F.rms_norm(x(2, 3), (3,), y(3)),
    "linear": lambda F, x, y: F.linear(x(2, 3), y(4, 3), y(4)),
    "linear_no_bias": lambda F, x, y: F.linear(x(2, 3), y(4, 3)),
    "conv1d": lambda F, x, y: F.conv1d(x(2, 3, 5), y(4, 3, 2), y(4)),
    "conv2d_bad_shape": lambda F, x, y: F.conv2d(x(5), y(4, 3, 2, 2), y(4)),
    "matmul": lambda F, x, y: x(2, 3) @ y(3, 2),
    "bmm": lambda F, x, y: x(1, 2, 3).bmm(y(1, 3, 2)),
    "dot": lambda F, x, y: x(2).dot(y(2)),
    "mv": lambda F, x, y: x(2, 2).mv(y(2)),
    "outer": lambda F, x, y: x(2).outer(y(2)),
    "kron": lambda F, x, y: x(2, 2).kron(y(2, 2)),
    "dist": lambda F, x, y: x(2).dist(y(2)),
    "inner": lambda F, x, y: x(2).inner(y(2)),
    "weights": lambda F, x, y: F.nll_loss(x(2, 3), x(2).long(), y(3)),
    "cosine": lambda F, x, y: F.cosine_similarity(x(2, 3), y(2, 3)),
    "attention": lambda F, x, y: F.scaled_dot_product_attention(x(1, 2, 3), y(1, 2, 3), y(1, 2, 3)),
}


def outcome(call, lib, dtypes):
    x, y = (lambda *s, d=d: lib.ones(*s, dtype=getattr(lib, d)) for d in dtypes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = call(lib.nn.functional, x, y)
        except Exception as error:
            return type(error).__name__, first_sentence(error)
    return str(result.dtype).rpartition(".")[2], result.tolist()


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtypes", PAIRS, ids="-".join)
def test_mixed(name, dtypes):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    mine, theirs = (outcome(CALLS[name], lib, dtypes) for lib in (backlit, torch))
    if isinstance(theirs[1], str):
        assert mine == theirs
    else:
        assert mine[0] == theirs[0]
        assert_close(mine[1], theirs[1], 1e-2)


def test_gradients_keep_the_dtypes():
    """Each argument gets a gradient of its own dtype through a promoting loss and a norm."""
    a = backlit.rand(3, 4, dtype=backlit.bfloat16, requires_grad=True)
    b = backlit.rand(3, 4, requires_grad=True)
    backlit.nn.functional.mse_loss(a, b).backward()
    assert (a.grad.dtype, b.grad.dtype) == (backlit.bfloat16, backlit.float32)
    w = backlit.rand(4, requires_grad=True)
    backlit.nn.functional.layer_norm(a, (4,), w).sum().backward()
    assert w.grad.dtype == backlit.float32


@pytest.mark.parametrize("make", ["rand", "randn", "zeros", "empty"])
def test_what_is_made_in_16_bits_is_a_leaf(make):
    x = getattr(backlit, make)(3, dtype=backlit.float16, requires_grad=True)
    assert x.is_leaf
    assert x.requires_grad
    x.sum().backward()
    assert x.grad.tolist() == [1, 1, 1]
