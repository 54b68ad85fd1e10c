"""Cycles through custom functions: the collector may clear the class before its nodes."""

import subprocess
import sys

SCRIPT = """
import gc

import backlit as torch

def garbage():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    y = Double.apply(torch.tensor([1.0], requires_grad=True))
    holder = [y]  # is cleared after the class, so the node is still there when its turn comes
    holder.append(holder)
    Double.keep = holder

garbage()
gc.collect()
print("alive")
"""


def test_garbage_of_custom_functions_is_collected():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.stdout == "alive\n", done.stderr
