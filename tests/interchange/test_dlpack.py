"""DLPack between backlit, NumPy and PyTorch: one memory, kept alive by whoever looks at it."""

import gc

import pytest

import backlit
from backlit.utils.dlpack import from_dlpack, to_dlpack

np = pytest.importorskip("numpy", reason="NumPy is not installed")
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_there_and_back(dtype):
    t = backlit.ones(3, 2, dtype=getattr(backlit, dtype)).t()
    array = np.from_dlpack(t)
    assert array.dtype == np.dtype(dtype) and array.shape == (2, 3)
    back = backlit.from_dlpack(array)
    assert back.data_ptr() == t.data_ptr()
    assert (back.dtype, back.shape, back.stride()) == (t.dtype, t.shape, t.stride())


@pytest.mark.parametrize("dtype", DTYPES)
def test_with_pytorch(dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed to exchange with")
    theirs = torch.ones(4, 3, dtype=getattr(torch, dtype))[1:, ::2]
    mine = backlit.from_dlpack(theirs)
    assert mine.data_ptr() == theirs.data_ptr()
    assert mine.stride() == theirs.stride() and mine.tolist() == theirs.tolist()
    mine[0, 0] = 0
    assert theirs[0, 0].item() == 0
    again = torch.from_dlpack(mine)
    assert again.data_ptr() == theirs.data_ptr()
    del theirs, mine
    gc.collect()
    assert again[0, 0].item() == 0


def test_capsule_is_used_once():
    capsule = to_dlpack(backlit.arange(3))
    assert from_dlpack(capsule).tolist() == [0, 1, 2]
    with pytest.raises(RuntimeError, match="can be consumed only once"):
        from_dlpack(capsule)
    to_dlpack(backlit.arange(3))  # one that nobody takes frees itself
    gc.collect()


def test_refusals():
    with pytest.raises(BufferError, match="Can't export tensors that require gradient"):
        backlit.ones(2, requires_grad=True).__dlpack__()
    with pytest.raises(BufferError, match="negative strides"):
        backlit.from_dlpack(np.arange(3)[::-1])
    assert backlit.from_dlpack(np.ones(2, dtype=np.complex64)).dtype == backlit.complex64
    with pytest.raises(RuntimeError, match="invalid capsule"):
        backlit.from_dlpack(3)
    assert backlit.ones(1).__dlpack_device__() == (1, 0)


def test_empty_and_scalar():
    for t in (backlit.empty(0, 3), backlit.tensor(2.5)):
        back = backlit.from_dlpack(t)
        assert back.shape == t.shape and back.tolist() == t.tolist()


def test_copies():
    t = backlit.arange(3)
    assert backlit.from_dlpack(t, copy=True).data_ptr() != t.data_ptr()
    assert np.from_dlpack(t, copy=True).ctypes.data != t.data_ptr()
