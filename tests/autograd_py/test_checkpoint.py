"""Checkpointing gives the same numbers as running without it."""

import importlib

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:.*None of the inputs")


@pytest.fixture
def module(lib):
    return importlib.import_module(lib.__name__ + ".utils.checkpoint")


def network(lib):
    nn = lib.nn
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 3), nn.Sigmoid())


def gradients(lib, run):
    """Everything that `run(net, x)` leaves behind, as lists."""
    lib.manual_seed(0)
    net = network(lib)
    x = lib.randn(5, 4, requires_grad=True)
    y = run(net, x)
    y.pow(2).sum().backward()
    return [*(p.grad.tolist() for p in net.parameters()), x.grad.tolist(), lib.rand(2).tolist()]


@pytest.mark.parametrize("reentrant", [True, False])
def test_same_numbers(lib, module, reentrant):
    plain = gradients(lib, lambda net, x: net(x))
    found = gradients(lib, lambda net, x: module.checkpoint(net, x, use_reentrant=reentrant))
    assert found == plain


@pytest.mark.parametrize("reentrant", [True, False])
def test_sequential(lib, module, reentrant):
    def run(net, x):
        return module.checkpoint_sequential(net, 2, x, use_reentrant=reentrant)

    assert gradients(lib, run) == gradients(lib, lambda net, x: net(x))


@pytest.mark.parametrize("reentrant", [True, False])
def test_part_runs_twice(lib, module, reentrant):
    runs = []

    def part(x):
        runs.append(lib.is_grad_enabled())
        return x.exp().sin()

    x = lib.ones(2, requires_grad=True)
    y = module.checkpoint(part, x, use_reentrant=reentrant)
    assert len(runs) == 1
    y.sum().backward()
    assert len(runs) == 2


def test_nested_and_differentiated_twice(lib, module):
    def run(t):
        inner = module.checkpoint(lambda u: u.exp().sin(), t.sin(), use_reentrant=False)
        return inner.cos()

    x = lib.tensor([0.3, 0.7], requires_grad=True)
    y = module.checkpoint(run, x, use_reentrant=False).sum()
    (g,) = lib.autograd.grad(y, x, create_graph=True)
    (h,) = lib.autograd.grad(g.sum(), x)
    z = x.sin().exp().sin().cos().sum()
    (g_plain,) = lib.autograd.grad(z, x, create_graph=True)
    (h_plain,) = lib.autograd.grad(g_plain.sum(), x)
    lib.testing.assert_close(g, g_plain)
    lib.testing.assert_close(h, h_plain)


def test_keyword_arguments(lib, module):
    x = lib.tensor([2.0], requires_grad=True)
    y = module.checkpoint(lambda t, power: t**power, x, power=3, use_reentrant=False)
    y.backward()
    assert x.grad.tolist() == [12.0]
    with pytest.raises(ValueError, match="Unexpected keyword arguments"):
        module.checkpoint(lambda t, power: t**power, x, power=3, use_reentrant=True)


def test_without_recording(lib, module):
    x = lib.ones(2, requires_grad=True)
    with lib.no_grad():
        y = module.checkpoint(lambda t: t * 2, x, use_reentrant=False)
    assert not y.requires_grad


def test_a_part_that_changes_its_mind(lib, module):
    runs = []

    def part(t):
        runs.append(1)
        return t.exp().sin() if len(runs) == 1 else t.exp()

    x = lib.ones(2, requires_grad=True)
    y = module.checkpoint(part, x, use_reentrant=False)
    with pytest.raises(module.CheckpointError, match="A different number of tensors was saved"):
        y.sum().backward()


def test_use_reentrant_should_be_told(lib, module):
    x = lib.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        module.checkpoint(lambda t: t * 2, x)


@pytest.mark.filterwarnings("default")
def test_reentrant_warns_of_inputs_without_gradient(lib, module):
    net = network(lib)
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        module.checkpoint(net, lib.ones(2, 4), use_reentrant=True)
