"""backlit.trace(): what nodes keep, for how long, and that nothing else changes."""

import gc
import weakref

import pytest

import backlit as torch
from backlit.autograd import graph

from oracle import same


def nodes(root):
    """All nodes behind a tensor, each once."""
    found, stack = {}, [root.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or id(node) in found:
            continue
        found[id(node)] = node
        stack += [n for n, _ in node.next_functions]
    return list(found.values())


def by_name(root):
    return {node.name(): node for node in nodes(root)}


def test_inputs_and_results_are_kept():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    data = torch.tensor([5.0, 6.0])
    with torch.trace():
        s = x + data
        q = s * 3 - 1
        total = q.sum()
    found = by_name(total)
    added = found["AddBackward0"]
    assert added._inputs[0] is x and added._inputs[1] is data
    assert torch.equal(added._outputs[0], s.detach())
    product = found["MulBackward0"]
    assert product._inputs[0] is s and product._inputs[1] is None
    assert product._constants == {"b": 3.0}
    assert found["SumBackward0"]._inputs[0] is q
    assert found["SumBackward0"]._outputs[0].item() == total.item()
    assert not found["SumBackward0"]._outputs[0].requires_grad


def test_several_outputs_and_custom_functions():
    class Both(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a, b, factor):
            ctx.save_for_backward(a)
            return a * factor, b

        @staticmethod
        def backward(ctx, ga, gb):
            (a,) = ctx.saved_tensors
            return ga * a, gb, None

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with torch.trace():
        first, second = x.unbind()
        y, z = Both.apply(first, second, 4.0)
    parts, function = first.grad_fn, y.grad_fn
    assert [t.item() for t in parts._outputs] == [1.0, 2.0]
    assert function._inputs == (first, second, None)
    assert [t.item() for t in function._outputs] == [4.0, 2.0]
    (y + z).backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        (y + z).backward()
    assert function(torch.tensor(1.0), None)[0].item() == 1.0  # kept to be explained


def test_in_place_changes():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with torch.trace():
        y = x * 2
        product = y.grad_fn
        y.add_(10)
        y.mul_(torch.tensor([3.0, 4.0]))
    times, plus = y.grad_fn, y.grad_fn.next_functions[0][0]
    assert plus._inputs[0].tolist() == [2.0, 4.0]
    assert times._inputs[0].tolist() == [12.0, 14.0]
    assert times._outputs[0].tolist() == [36.0, 56.0]
    assert product._outputs == (None,)  # its memory holds other numbers by now
    z = y.detach()
    z.zero_()
    assert times._outputs == (None,)


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(2, 2)

    def forward(self, x):
        return self.inner(x).tanh()


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(Block(), torch.nn.ReLU())
        self.loose = [torch.nn.Sigmoid()]

    def forward(self, x):
        return self.loose[0](self.layers(x)) * 2


def test_module_paths():
    net, loss_of = Net(), torch.nn.MSELoss()
    with torch.trace():
        y = net(torch.ones(1, 2))
        loss = loss_of(y, torch.zeros(1, 2)) + 1
    found = {n.name(): (n._module_root, n._module) for n in nodes(loss)}
    assert found["AddmmBackward0"] == ("Net", "layers.0.inner")
    assert found["TanhBackward0"] == ("Net", "layers.0")
    assert found["ReluBackward0"] == ("Net", "layers.1")
    assert found["SigmoidBackward0"] == ("Net", "Sigmoid")
    assert found["MulBackward0"] == ("Net", "")
    assert found["MseLossBackward0"] == ("MSELoss", "")
    assert found["AddBackward0"] == (None, None)
    assert found["AccumulateGrad"] == (None, None)


def test_an_exception_leaves_the_module():
    class Fails(torch.nn.Module):
        def forward(self, x):
            raise KeyError("on purpose")

    x = torch.tensor(1.0, requires_grad=True)
    with torch.trace():
        with pytest.raises(KeyError):
            torch.nn.Sequential(Fails())(x)
        y = x * 2
    assert y.grad_fn._module is None


def test_outside_of_a_trace_nothing_is_kept():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with torch.trace():
        pass
    y = (x + 1) * 2
    assert y.grad_fn._inputs == (None, None) and y.grad_fn._outputs == (None,)
    assert y.grad_fn._module is None
    with graph.trace():
        with torch.trace():
            pass
        assert (x + 1).grad_fn._outputs[0] is not None
    assert (x + 1).grad_fn._outputs == (None,)


def train(torch, steps=5):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Sigmoid(), torch.nn.Linear(4, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 3), torch.randn(16, 1)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, [p.detach() for p in net.parameters()]


def test_the_same_bits():
    losses, parameters = train(torch)
    with torch.trace():
        traced_losses, traced_parameters = train(torch)
    assert losses == traced_losses
    assert all(torch.equal(a, b) for a, b in zip(parameters, traced_parameters, strict=True))


def test_the_same_errors():
    def twice(torch):
        x = torch.tensor(2.0, requires_grad=True)
        y = x * x
        y.backward()
        y.backward()

    def changed(torch):
        x = torch.tensor([2.0], requires_grad=True)
        y = x.exp()
        y.add_(1)
        y.backward()

    with torch.trace():
        same(twice)
        same(changed)


def test_after_backward_all_is_still_there():
    x = torch.tensor(2.0, requires_grad=True)
    with torch.trace():
        y = (x * x).sin()
    y.backward()
    product = y.grad_fn.next_functions[0][0]
    assert product._local(0).item() == 2.0
    assert [g.item() for g in product(torch.tensor(1.0))] == [2.0, 2.0]
    with graph.reading_released():
        (g,) = torch.autograd.grad(y, x, retain_graph=True)
    assert g.item() == pytest.approx(x.grad.item())
    assert x.grad is not None


def test_nothing_leaks():
    def run():
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        net = Net()
        with torch.trace():
            y = net(x[None])
            y.mul_(2)
            y[0, 0] = 3.0
            x.register_hook(lambda g: None)
            z = y.sum()
        z.backward(create_graph=True)
        return [weakref.ref(t) for t in (x, y, z)] + [weakref.ref(n) for n in nodes(z)]

    gone = run()
    gc.collect()
    assert [r() for r in gone] == [None] * len(gone)


def test_in_a_thread_of_its_own():
    import threading

    seen = []
    x = torch.tensor(1.0, requires_grad=True)
    with torch.trace():
        worker = threading.Thread(target=lambda: seen.append((x * 2).grad_fn._outputs))
        worker.start()
        worker.join()
        assert (x * 2).grad_fn._outputs[0] is not None
    assert seen == [(None,)]
