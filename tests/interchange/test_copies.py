"""`copy`, `deepcopy` and `pickle` of tensors: the same lines on backlit and on PyTorch."""

import copy
import pickle

import pytest

import backlit

from oracle import same

EXPRESSIONS = [
    "copy.copy(x).data_ptr() == x.data_ptr()",
    "copy.copy(w).requires_grad",
    "copy.copy(w * 2).is_leaf",
    "type(copy.copy(p)).__name__, copy.copy(p).data_ptr() == p.data_ptr()",
    "copy.deepcopy(x)",
    "copy.deepcopy(x[:, ::2]).stride()",
    "copy.deepcopy(x.t()).stride()",
    "copy.deepcopy(x).data_ptr() == x.data_ptr()",
    "copy.deepcopy(w * 2)",
    "copy.deepcopy(w.detach().requires_grad_()).requires_grad",
    "shared(copy.deepcopy([x, x[0]]))",
    "shared([copy.deepcopy(x), copy.deepcopy(x[0])])",
    "(lambda a: a[0] is a[1])(copy.deepcopy([x, x]))",
    "with_grad(copy.deepcopy(with_grad(w)[0]))",
    "type(copy.deepcopy(p)).__name__",
    "copy.deepcopy(named(x)).label",
    "copy.copy(named(x)).label",
    "load(named(x)).label",
    "load(x)",
    "load(x.t()).stride()",
    "load(x[:, ::2]).stride()",
    "load(x[:, ::2])",
    "load(x.expand(4, 2, 3)).stride()",
    "load(x[0, 0])",
    "load(x[:0])",
    "load(w).requires_grad",
    "load(w * 2).is_leaf",
    "type(load(p)).__name__, load(p).requires_grad",
    "(lambda a: a[0] is a[1])(load([p, p]))",
    "load(t.float32) is t.float32",
    "load(t.Size([2, 3]))",
    "load(t.device('cpu')) == t.device('cpu')",
]


def shared(pair):
    pair[0].fill_(7)
    return pair[1].tolist()


def with_grad(w):
    if w.grad is None:
        w.sum().backward()
        return w, None
    return w, w.grad


def named(x):
    x.label = "a name"
    return x


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("source", EXPRESSIONS)
def test_expression(source, protocol):
    if protocol not in (2, pickle.HIGHEST_PROTOCOL) and "load" not in source:
        pytest.skip("not a pickle: one protocol is enough")

    def run(t):
        scope = {
            "t": t,
            "x": t.arange(6.0).reshape(2, 3),
            "w": t.ones(2, requires_grad=True),
            "p": t.nn.Parameter(t.ones(2)),
            "load": lambda made: pickle.loads(pickle.dumps(made, protocol)),
            "copy": copy,
            "shared": shared,
            "named": named,
            "with_grad": with_grad,
        }
        return eval(source, scope)

    same(run)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]
)
def test_pickle_keeps_every_dtype(dtype):
    t = backlit.arange(4).to(getattr(backlit, dtype))
    back = pickle.loads(pickle.dumps(t))
    assert back.dtype == t.dtype and back.tolist() == t.tolist()
    back[0] = 1  # its memory is its own and writable


def test_pickle_takes_only_what_is_seen():
    assert len(pickle.dumps(backlit.zeros(100000)[:4])) < 500


def test_damaged_pickle_is_refused():
    rebuild = pickle.loads(pickle.dumps(backlit.ones(3))).__reduce_ex__(2)[0]
    with pytest.raises(RuntimeError, match="out of bounds"):
        rebuild(b"1234", backlit.float32, (3,), (1,), False)
    with pytest.raises(RuntimeError, match="out of bounds"):
        rebuild(b"1234", backlit.float32, (2**62, 2**62), (2**62, 1), False)
    with pytest.raises(RuntimeError, match="out of bounds"):
        rebuild(b"1234", backlit.float32, (1,), (-1,), False)


def test_storages():
    x = backlit.arange(6.0)[2:]
    memory = x.untyped_storage()
    assert memory.nbytes() == len(memory) == 24
    assert memory.data_ptr() == x.data_ptr() - 8
    with pytest.warns(UserWarning, match="TypedStorage is deprecated"):
        typed = x.storage()
    typed[2] = 9
    assert x[0].item() == 9 and typed.tolist() == [0.0, 1.0, 9.0, 3.0, 4.0, 5.0]
