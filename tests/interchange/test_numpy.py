"""NumPy's arrays and scalars: the same lines on backlit and on PyTorch."""

import gc
import os
import subprocess
import sys

import pytest

import backlit

from oracle import same

np = pytest.importorskip("numpy", reason="NumPy is not installed")

EXPRESSIONS = [
    "t.from_numpy(np.arange(6).reshape(2,3))",
    "t.from_numpy(np.arange(6)[::-1])",
    "t.from_numpy(np.array(['a']))",
    "t.from_numpy(np.array([1],dtype='>i4'))",
    "t.from_numpy(np.float32(3))",
    "t.as_tensor(np.arange(3))",
    "t.as_tensor(np.arange(3),dtype=t.float32)",
    "t.as_tensor(np.float64(3))",
    "t.asarray(np.arange(3))",
    "t.asarray(np.arange(3),dtype=t.float32,copy=False)",
    "t.tensor(np.float32(2.5))",
    "t.tensor(np.float64(2.5))",
    "t.tensor(np.int32(2))",
    "t.tensor(np.bool_(True))",
    "t.tensor([np.float32(2.5),1])",
    "t.tensor([np.float64(2.5),1])",
    "t.tensor([np.int8(2),1])",
    "t.tensor(np.arange(6).reshape(2,3))",
    "t.tensor(np.arange(3)[::-1])",
    "t.Tensor(np.arange(3.))",
    "t.Tensor(np.arange(3))",
]


@pytest.mark.parametrize("source", EXPRESSIONS)
def test_expression(source):
    def run(t):
        made = eval(source, {"t": t, "np": np})
        return (made, made.stride()) if isinstance(made, t.Tensor) else made

    same(run)


OPERATORS = [
    "x[:3]*a",
    "x[:3]+a",
    "x+a",
    "a*x[:3]",
    "a+x",
    "a-x[:3]",
    "a@x[:3]",
    "x[:3]@a",
    "x[:3]**a",
    "x[:3].long()+a",
    "np.float32(2)*x",
    "x*np.float64(2)",
    "np.int64(2)/x",
    "np.float64(2)-x.long()",
    "x.long()+np.bool_(True)",
    "x[:3]==a",
    "a==x[:3]",
    "x[:3]<a",
    "np.add(a,x[:3])",
    "np.exp(x[:1])",
    "x*np.array(2.)",
    "x[:3].requires_grad_()*a",
    "t.tensor(2.)*a",
    "np.asarray(t.tensor(2.)).shape",
    "np.asarray(x.clone().requires_grad_())",
    "np.stack([x,x]).shape",
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("source", OPERATORS)
def test_operators_with_arrays(source):
    import warnings

    def run(t):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made = eval(source, {"t": t, "np": np, "x": t.arange(6.0), "a": np.arange(3.0)})
        return ["array", str(made.dtype), made.tolist()] if isinstance(made, np.ndarray) else made

    same(run)


DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_memory_is_shared_both_ways(dtype):
    t = backlit.ones(2, 3, dtype=getattr(backlit, dtype)).t()
    array = t.numpy()
    assert array.dtype == np.dtype(dtype)
    assert array.strides == tuple(s * t.element_size() for s in t.stride())
    array[1, 0] = 0
    assert t[1, 0].item() == 0
    back = backlit.from_numpy(array)
    assert back.data_ptr() == t.data_ptr() and back.stride() == t.stride()
    assert backlit.as_tensor(array).data_ptr() == t.data_ptr()
    assert backlit.asarray(array, copy=True).data_ptr() != t.data_ptr()


def test_memory_outlives_its_owner():
    array = np.arange(100000.0)
    t = backlit.from_numpy(array)
    view = t[10:20].numpy()
    del array, t
    gc.collect()
    assert view.tolist() == list(range(10, 20))


def test_read_only_array_warns_once():
    code = (
        "import warnings, numpy as np, backlit\n"
        "a = np.arange(3); a.flags.writeable = False\n"
        "with warnings.catch_warnings(record=True) as told:\n"
        "    warnings.simplefilter('always')\n"
        "    backlit.from_numpy(a); backlit.from_numpy(a)\n"
        "assert len(told) == 1 and 'not writable' in str(told[0].message), told\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_buffer_protocol():
    t = backlit.arange(6.0).reshape(2, 3)
    view = memoryview(t)
    assert (view.shape, view.format, view.strides) == ((2, 3), "f", (12, 4))
    assert view.tolist() == t.tolist()
    with pytest.raises(BufferError, match="requires grad"):
        memoryview(backlit.ones(2, requires_grad=True))
    assert memoryview(t.t()).tolist() == t.t().tolist()
    with pytest.raises(BufferError, match="not contiguous"):
        backlit.frombuffer(t[:, ::2], dtype=backlit.float32)


def test_frombuffer_holds_the_buffer():
    data = bytearray(b"abcdefgh")
    t = backlit.frombuffer(data, dtype=backlit.uint8)
    t[0] = 65
    assert data[0] == 65
    with pytest.raises(BufferError):
        data.extend(b"x")
    del t
    data.extend(b"x")


def test_numpy_is_not_imported():
    code = (
        "import sys, backlit as t\n"
        "x = t.tensor([1.0, 2.0]); str(x + t.rand(2))\n"
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
