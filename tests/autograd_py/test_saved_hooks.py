"""Gradients of gradients through saved_tensors_hooks: unpacked tensors keep their history."""

import pytest

from oracle import same

FUNCTIONS = {
    "an input": lambda x: x * x * x,
    "a result": lambda x: x.exp() * x,
    "results of results": lambda x: x.sin().tanh(),
    "a product": lambda x: (x @ x) * x.exp(),
}
HOOKS = {
    "as it is": lambda lib: (lambda t: t, lambda t: t),
    "detached": lambda lib: (lambda t: t.detach(), lambda t: t),
    "rebuilt": lambda lib: (lambda t: t.tolist(), lambda v: lib.tensor(v, dtype=lib.float64)),
}


@pytest.mark.parametrize("hooks", HOOKS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_second_derivative(function, hooks):
    def run(lib):
        x = lib.tensor([0.2, 0.3], dtype=lib.float64, requires_grad=True)
        with lib.autograd.graph.saved_tensors_hooks(*HOOKS[hooks](lib)):
            y = FUNCTIONS[function](x).sum()
        (g,) = lib.autograd.grad(y, x, create_graph=True)
        (h,) = lib.autograd.grad(g.sum(), x)
        return g.detach(), h

    same(run, 1e-12)
