"""Pickles and copies of tensors, and the memory behind them, beside PyTorch."""

import copy
import pickle
import warnings

import pytest

import backlit

from oracle import same

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]


class Marked(backlit.Tensor):
    """A subclass that a pickle finds by name."""


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_pickle_keeps_values_and_strides(dtype, protocol):
    x = backlit.arange(12).to(getattr(backlit, dtype)).reshape(3, 4).t()[1:, ::2]
    y = pickle.loads(pickle.dumps(x, protocol))
    assert y.dtype is x.dtype
    assert (y.tolist(), y.stride()) == (x.tolist(), x.stride())


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1, 1, 1, 1, 1, 1, 1)])
def test_pickle_of_odd_shapes(shape):
    y = pickle.loads(pickle.dumps(backlit.ones(shape)))
    assert tuple(y.shape) == shape
    assert y.sum().item() == backlit.ones(shape).sum().item()


def through_pickle(values):
    return pickle.loads(pickle.dumps(values))


def test_copied_views_stay_views():
    def shared(lib):
        x = lib.arange(6.0).reshape(2, 3)
        a, b = copy.deepcopy([x, x[1]])
        b[0] = 99.0
        return a, x

    same(shared)


def test_shallow_copy_shares_memory():
    def run(lib):
        x = lib.zeros(3)
        y = copy.copy(x)
        y[0] = 1.0
        return x, y is x

    same(run)


def test_requires_grad_gradient_and_attributes():
    def run(lib):
        w = lib.ones(2, requires_grad=True)
        (w * 2).sum().backward()
        c = copy.deepcopy(w)
        c.grad[0] = 7.0
        p = pickle.loads(pickle.dumps(w))
        return w.grad, c.grad, c.requires_grad, p.requires_grad, p.grad, c.is_leaf

    same(run)


def test_deepcopy_of_a_computed_tensor():
    same(lambda lib: copy.deepcopy(lib.ones(2, requires_grad=True) * 2))


def test_pickle_of_a_computed_tensor_is_a_leaf():
    def run(lib):
        y = pickle.loads(pickle.dumps(lib.ones(2, requires_grad=True) * 2))
        return y.detach(), y.requires_grad, y.is_leaf

    same(run)


def test_the_same_tensor_twice():
    def run(lib):
        x = lib.ones(2)
        a, b = copy.deepcopy([x, x])
        c, d = pickle.loads(pickle.dumps((x, x)))
        return a is b, c is d, a is x

    same(run)


@pytest.mark.parametrize("transport", [through_pickle, copy.deepcopy])
def test_classes_are_kept(transport):
    x = Marked([1.0, 2.0])
    x.note = ["n"]
    y = transport(x)
    assert type(y) is Marked
    assert (y.tolist(), y.note) == (x.tolist(), x.note)
    p = transport(backlit.nn.Parameter(backlit.ones(2)))
    assert type(p) is backlit.nn.Parameter
    assert p.requires_grad


def test_module_through_pickle():
    def run(lib):
        lib.manual_seed(0)
        m = lib.nn.Linear(3, 2)
        return pickle.loads(pickle.dumps(m)).weight.detach(), m.weight.detach()

    same(run)


@pytest.mark.parametrize(
    ("offset", "sizes", "strides"),
    [(0, (4,), (1,)), (3, (1,), (1,)), (-1, (1,), (1,)), (0, (2, 2), (2, 2)), (0, (-1,), (1,)),
     (0, (2,), (-1,)), (0, (2**40, 2**40), (2**40, 1)), (1, (2,), (2**62,)), (2**62, (1,), (1,))],
)  # fmt: skip
def test_a_forged_pickle_reaches_no_foreign_memory(offset, sizes, strides):
    memory = backlit.zeros(12, dtype=backlit.uint8)
    with pytest.raises(RuntimeError):
        backlit._C._storage_view(memory, backlit.float32, sizes, strides, offset)


def test_storages():
    def run(lib):
        x = lib.arange(4.0)
        with warnings.catch_warnings():  # PyTorch: TypedStorage is deprecated
            warnings.simplefilter("ignore")
            s, t = x[1:].untyped_storage(), x.storage()
            t[0] = 5.0
        return s.nbytes(), len(s), len(t), t.tolist(), t[1], x

    same(run, 0.0)
    x = backlit.arange(4.0)
    assert x.untyped_storage() == x[1:].untyped_storage()
    assert x.untyped_storage().data_ptr() == x.data_ptr()
    assert repr(backlit.zeros(1).untyped_storage()).endswith(
        "[torch.storage.UntypedStorage(device=cpu) of size 4]"
    )
