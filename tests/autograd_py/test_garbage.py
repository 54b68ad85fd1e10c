"""Cycles through custom functions: the collector may clear a context before its node."""

import subprocess
import sys

SCRIPT = """
import gc

import backlit as torch

class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2

x = torch.tensor([1.0], requires_grad=True)
for order in range(4):
    outputs = [Double.apply(x) for _ in range(5)]
    for y, other in zip(outputs, outputs[::-1]):
        y.grad_fn.keep = [other, y]
        y.grad_fn.__dict__["also"] = y.grad_fn
    del outputs, y, other
    gc.collect()
print("alive")
"""


def test_garbage_of_custom_functions_is_collected():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.stdout == "alive\n", done.stderr
