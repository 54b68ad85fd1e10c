"""autograd.backward, autograd.grad and Variable: arguments and errors."""

import pytest


@pytest.fixture
def x(lib):
    return lib.tensor([2.0, 3.0], requires_grad=True)


def test_backward_of_several(lib, x):
    lib.autograd.backward([x.sum(), (x * x).sum()])
    assert x.grad.tolist() == [5.0, 7.0]


def test_backward_with_weights(lib, x):
    lib.autograd.backward(x * x, lib.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [4.0, 60.0]


def test_backward_into_chosen_inputs(lib, x):
    w = lib.tensor([1.0, 1.0], requires_grad=True)
    lib.autograd.backward((x * w).sum(), inputs=[w])
    assert x.grad is None
    assert w.grad.tolist() == [2.0, 3.0]


def test_backward_errors(lib, x):
    with pytest.raises(RuntimeError, match="cannot be empty"):
        lib.autograd.backward(x.sum(), inputs=[])
    with pytest.raises(TypeError, match="gradients can be either Tensors or None, but got float"):
        lib.autograd.backward([x.sum()], [1.0])
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar"):
        lib.autograd.backward(x * x)


def test_former_argument_name(lib, x):
    with pytest.warns(FutureWarning, match="grad_variables"):
        lib.autograd.backward(x * x, grad_variables=lib.ones(2))
    assert x.grad.tolist() == [4.0, 6.0]


def test_grad(lib, x):
    (g,) = lib.autograd.grad((x**3).sum(), x)
    assert g.tolist() == [12.0, 27.0]
    assert x.grad is None


def test_grad_to_any_order(lib, x):
    y = (x**3).sum()
    expected = [[12.0, 27.0], [12.0, 18.0], [6.0, 6.0]]
    for values in expected:
        (g,) = lib.autograd.grad(y, x, create_graph=True)
        assert g.tolist() == values
        y = g.sum()


def test_grad_of_unused(lib, x):
    w = lib.tensor([1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        lib.autograd.grad(x.sum(), [x, w])
    assert lib.autograd.grad(x.sum(), [x, w], allow_unused=True)[1] is None
    zeros = lib.autograd.grad(x.sum(), [x, w], materialize_grads=True)[1]
    assert zeros.tolist() == [0.0]
    with pytest.raises(ValueError, match="allow_unused"):
        lib.autograd.grad(x.sum(), w, allow_unused=False, materialize_grads=True)


def test_grad_errors(lib, x):
    with pytest.raises(RuntimeError, match="cannot be empty"):
        lib.autograd.grad(x.sum(), [])
    with pytest.raises(TypeError, match="gradients can be either Tensors or None, but got float"):
        lib.autograd.grad(x.sum(), x, grad_outputs=[1.0])


def test_variable_is_a_tensor(lib, x):
    v = lib.autograd.Variable(lib.ones(2), requires_grad=True)
    assert type(v) is lib.Tensor
    assert v.requires_grad and v.is_leaf
    assert isinstance(v, lib.autograd.Variable)
    assert not isinstance(1.0, lib.autograd.Variable)
    result = lib.autograd.Variable(x * 2)
    assert result.is_leaf and not result.requires_grad


def test_variable_shares_memory(lib):
    t = lib.zeros(2)
    lib.autograd.Variable(t)[0] = 5.0
    assert t.tolist() == [5.0, 0.0]


def test_saved_tensors_hooks(lib, x):
    packed, unpacked = [], []

    def pack(t):
        packed.append(t.tolist())
        return t.tolist()

    def unpack(values):
        unpacked.append(values)
        return lib.tensor(values)

    with lib.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = x * x
    y.sum().backward()
    assert packed == unpacked == [[2.0, 3.0], [2.0, 3.0]]
    assert x.grad.tolist() == [4.0, 6.0]


def test_disabled_saved_tensors_hooks(lib):
    graph = lib.autograd.graph
    with (
        graph.disable_saved_tensors_hooks("not here"),
        pytest.raises(RuntimeError, match="not here"),
        graph.saved_tensors_hooks(lambda t: t, lambda t: t),
    ):
        pass
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        pass


def test_nodes(lib, x):
    y = (x * 2).sum()
    assert isinstance(y.grad_fn, lib.autograd.graph.Node)
    assert y.grad_fn.name() == "SumBackward0"
    multiply = y.grad_fn.next_functions[0][0]
    assert multiply.name() == "MulBackward0"
    leaf = multiply.next_functions[0][0]
    assert leaf.variable is x


def test_gradient_edge(lib, x):
    y = x * 2
    edge = lib.autograd.graph.get_gradient_edge(y)
    assert edge.node is y.grad_fn
    assert edge.output_nr == 0
    (g,) = lib.autograd.grad((y * y).sum(), edge)
    assert g.tolist() == [8.0, 12.0]
    assert lib.autograd.graph.get_gradient_edge(x).node.variable is x


@pytest.mark.filterwarnings("ignore:Error detected")
def test_anomaly_mode_names_the_nan(lib):
    x = lib.tensor([0.0], requires_grad=True)
    with (
        pytest.warns(UserWarning, match="Anomaly Detection has been enabled"),
        lib.autograd.detect_anomaly(),
    ):
        y = (x.sqrt() * 0).sum()
        with pytest.raises(RuntimeError, match="returned nan values"):
            y.backward()
