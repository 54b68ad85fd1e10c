"""Tensors from Python data: the same lines on backlit and on PyTorch."""

import pytest

from oracle import same

EXPRESSIONS = [
    "t.FloatTensor(2.0)",
    "t.LongTensor([1.5])",
    "t.FloatTensor(2,3).shape",
    "t.FloatTensor.dtype",
    "t.zeros(2).new([1,2])",
    "t.zeros(2).new(2,3).shape",
    "t.zeros(2,dtype=t.int64).new()",
    "issubclass(t.FloatTensor,t.Tensor)",
    "isinstance(t.zeros(2),t.FloatTensor)",
    "isinstance(t.zeros(2),t.LongTensor)",
    "t.FloatTensor(t.Size([2,3])).shape",
    "t.FloatTensor()",
    "t.LongTensor([True,2])",
    "t.BoolTensor([1,0])",
    "t.ByteTensor([300])",
    "t.FloatTensor(range(3))",
    "t.tensor(1).to(t.zeros(2))",
    "t.as_tensor([1,2.])",
    "t.as_tensor(3)",
    "t.as_tensor(t.arange(3))",
    "t.asarray([1,2])",
    "t.asarray([1,2],copy=False)",
    "t.asarray(t.ones(2),requires_grad=True).requires_grad",
    "t.frombuffer(bytearray(b'abcdefgh'),dtype=t.int32)",
    "t.frombuffer(bytearray(b'abcdefgh'),dtype=t.int16,offset=2,count=2)",
    "t.frombuffer(bytearray(b'abcdefgh'),dtype=t.int32,offset=2)",
    "t.frombuffer(bytearray(b'abcdefgh'),dtype=t.int32,count=3)",
    "t.frombuffer(bytearray(b'abcdefgh'),dtype=t.int32,offset=8)",
    "t.frombuffer(bytearray(b''),dtype=t.int32)",
    "t.frombuffer([1],dtype=t.int32)",
    "t.scalar_tensor(3)",
    "t.scalar_tensor(3,dtype=t.int64)",
    "t.zeros(2).new_tensor([1,2])",
    "t.zeros(2,dtype=t.int64).new_tensor([1.5,2])",
    "t.zeros(2).new_tensor(t.zeros(2))",
    "t.zeros(2).new_empty_strided((2,2),(1,2)).stride()",
    "t.tensor([])",
    "t.tensor([[],[]])",
    "t.tensor([[1,2],[3]])",
    "t.tensor([[1,2],[3,4,5]])",
    "t.tensor([[1,2],3])",
    "t.tensor([1,[2]])",
    "t.tensor([1,2.5,True])",
    "t.tensor([True,2])",
    "t.tensor([True,False])",
    "t.tensor(2**63)",
    "t.tensor(2**63-1)",
    "t.tensor([2**64])",
    "t.tensor(-2**63)",
    "t.tensor([1.5,2**70])",
    "t.tensor(range(4))",
    "t.tensor([range(2),range(2)])",
    "t.tensor([t.tensor(1),t.tensor(2)])",
    "t.tensor([t.tensor(1.5),2])",
    "t.tensor([t.tensor([1.5]),t.tensor([2.])])",
    "t.tensor([t.tensor([1.5,2]),t.tensor([2.,3])])",
    "t.tensor([[t.tensor(1.5)],[t.tensor(2.)]])",
    "t.tensor(t.arange(3))",
    "t.tensor('a')",
    "t.tensor(['a'])",
    "t.tensor(None)",
    "t.tensor([None])",
    "t.tensor({})",
    "t.tensor({1:2})",
    "t.tensor(object())",
    "t.tensor([1,'a'])",
    "t.tensor([[1],'a'])",
    "t.tensor(1.5,dtype=t.int64)",
    "t.tensor([1.5,-2.5],dtype=t.int32)",
    "t.tensor([300],dtype=t.uint8)",
    "t.tensor([-1],dtype=t.uint8)",
    "t.tensor([1,0,2],dtype=t.bool)",
    "t.tensor(float('nan'),dtype=t.int64)",
    "t.tensor([float('inf')],dtype=t.int64)",
    "t.tensor(1e40)",
    "t.tensor([1e40],dtype=t.float32)",
    "t.tensor(1,requires_grad=True)",
    "t.tensor(1.,requires_grad=True)",
    "t.tensor((1,2))",
    "t.tensor(((1,2),(3,4)))",
    "t.tensor([[[[[[[[1]]]]]]]])",
    "t.tensor(1,device='cpu')",
    "t.Tensor([1,2])",
    "t.Tensor(2,3).shape",
    "t.Tensor(5).shape",
    "t.Tensor([])",
    "t.Tensor(t.Size([2])).shape",
    "t.Tensor(2.5)",
    "t.Tensor([[1,2],[3]])",
    "t.Tensor(t.zeros(2))",
    "t.Tensor(t.zeros(2,dtype=t.int64))",
    "t.Tensor('abc')",
    "t.Tensor(None)",
    "t.tensor([1,2]).tolist()",
    "t.tensor(3).tolist()",
]


def words(value):
    """Objects that differ by library (dtypes, devices, sizes) as text."""
    if isinstance(value, (list, tuple)):
        return [words(item) for item in value]
    return value if isinstance(value, (str, bool, int, float)) else repr(value)


@pytest.mark.parametrize("source", EXPRESSIONS)
def test_expression(source):
    def run(t):
        made = eval(source, {"t": t})
        return (made, made.stride()) if isinstance(made, t.Tensor) else words(made)

    same(run)
