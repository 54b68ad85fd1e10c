"""What a recorded node tells about itself: calling it, its formula, local derivatives, tensors."""

import pytest

import backlit as torch

from oracle import same


def leaves(torch):
    x = torch.tensor([2.0, 3.0], requires_grad=True)
    w = torch.tensor([1.0, 5.0], requires_grad=True)
    return x, w


CALLS = {
    "two inputs": lambda x, w, torch: (x * w, torch.ones(2)),
    "a number": lambda x, w, torch: (x * 2, torch.ones(2)),
    "one input": lambda x, w, torch: (x.exp(), torch.ones(2)),
    "structured": lambda x, w, torch: (x[:, None] @ w[None], torch.ones(2, 2)),
    "None": lambda x, w, torch: (x * w, None),
    "no argument": lambda x, w, torch: (x * w,),
    "too many": lambda x, w, torch: (x * w, torch.ones(2), torch.ones(2)),
    "no tensor": lambda x, w, torch: (x * w, 3),
    "view": lambda x, w, torch: (x[:], torch.ones(2)),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_node_is_called_as_in_pytorch(case):
    def run(torch):
        x, w = leaves(torch)
        y, *grads = CALLS[case](x, w, torch)
        return y.grad_fn(*grads)

    same(run)


def test_several_outputs_and_keywords():
    def run(torch):
        x, _ = leaves(torch)
        first = x.unbind()[0]
        with pytest.raises(TypeError, match="keyword arguments are not supported"):
            first.grad_fn(g=None)
        return first.grad_fn(torch.tensor(7.0), None)

    same(run)


def test_calling_records_and_frees_nothing():
    x, w = leaves(torch)
    y = (x * w).sin()
    node = y.grad_fn
    twice = [node(torch.ones(2)) for _ in range(2)]
    assert torch.equal(*twice)
    assert twice[0].grad_fn is not None
    with torch.no_grad():
        assert node(torch.ones(2)).grad_fn is None
    y.sum().backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        node(torch.ones(2))


def test_gradients_have_the_shapes_of_the_inputs():
    x, w = leaves(torch)  # in PyTorch the engine, not the node, sums over broadcast axes
    gradients = (x[:, None] + w).grad_fn(torch.ones(2, 2))
    assert [g.shape for g in gradients] == [(2, 1), (2,)]


def test_a_gradient_of_another_shape_is_refused():
    x, w = leaves(torch)
    with pytest.raises(RuntimeError, match=r"MulBackward0: gradient of shape \[3\] for output 0"):
        (x * w).grad_fn(torch.ones(3))


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x * factor

    @staticmethod
    def backward(ctx, g):
        return g * ctx.factor, None


def test_a_custom_function():
    x, _ = leaves(torch)
    y = Scale.apply(x, 3.0)
    node = y.grad_fn
    assert node.name() == "ScaleBackward"
    assert node._operation is None and node._formula is None
    assert [t.tolist() for t in node.saved_tensors] == [[2.0, 3.0]]
    gradient, of_factor = node(torch.ones(2))
    assert gradient.tolist() == [3.0, 3.0] and of_factor is None
    assert node._input_shapes == ((2,), None) and node._output_shapes == ((2,),)
    assert node._inputs[0] is x and node._local(0) is None


def test_operations_and_formulas():
    x, w = leaves(torch)
    told = {
        name: (y.grad_fn._operation, y.grad_fn._formula, y.grad_fn._gradient_formula)
        for name, y in {
            "square": x**2,
            "power": x**w,
            "mm": x[:, None] @ w[None],
            "log_softmax": torch.log_softmax(x, 0),
            "cross": torch.linalg.cross(torch.cat([x, w[:1]]), torch.ones(3)),
        }.items()
    }
    assert told["square"] == ("pow", "y = x²", None)
    assert told["power"] == ("pow", "y = aᵇ", None)
    assert told["mm"] == ("mm", "C = A·B", "∂L/∂A = ∂L/∂C · Bᵀ, ∂L/∂B = Aᵀ · ∂L/∂C")
    assert told["log_softmax"][0] == "log_softmax"
    assert told["cross"][0] == "cross"


def test_local_derivatives_with_names_and_numbers():
    x, w = leaves(torch)
    square, product = (x**2).grad_fn, (x * w).grad_fn
    assert square._local_formulas == (("2·x", "2 \\cdot x"),)
    assert square._local_text(0, {"x": "s"}) == "2·s"
    assert square._local_text(0, {"x": "w*x - y"}) == "2·(w*x - y)"
    assert square._local_text(0, values={"x": -1.0}) == "2·(−1)"
    assert square._value_text({"x": "s"}) == "s²"
    assert square._value_text(values={"x": 1 / 3}, digits=3) == "0.333²"
    assert [text for text, _ in product._local_formulas] == ["b", "a"]
    assert x.tanh().grad_fn._local_formulas[0] == ("1 − y²", "1 - y^{2}")
    scaled = (x * 5).grad_fn
    assert scaled._constants == {"b": 5.0}
    assert scaled._local_formulas == (("5", "5"), None)
    with pytest.raises(IndexError, match="MulBackward0 has 2 inputs"):
        product._local_text(2)


def test_local_derivatives_as_tensors():
    x, w = leaves(torch)
    y = x[:, None] * w
    assert torch.equal(y.grad_fn._local(0), w.detach().expand(2, 2))
    assert torch.equal(y.grad_fn._local(1), x.detach()[:, None].expand(2, 2))
    assert torch.equal((x + w).grad_fn._local(1), torch.ones(2))
    assert (x * 3).grad_fn._local(1) is None
    assert x.sum().grad_fn._local(0) is None
    negative = torch.tensor([-2.0, 3.0], requires_grad=True)
    leaky = torch.nn.functional.leaky_relu(negative, 0.1).grad_fn
    assert torch.allclose(leaky._local(0), torch.tensor([0.1, 1.0]))
    assert leaky._constants == {"negative_slope": 0.1}


def test_inputs_without_a_trace():
    x, w = leaves(torch)
    s = x * w
    total = s + 1
    product = s.grad_fn
    assert product._inputs[0] is x and product._inputs[1] is w and product._outputs == (None,)
    assert total.grad_fn._inputs == (None, None)  # nobody saved s
    assert total.grad_fn._recompute(s, None).tolist() == total.tolist()
    y = x.exp()
    assert torch.equal((y + w).grad_fn._inputs[0], y.detach())  # exp saved its result
    assert y.grad_fn._outputs[0].grad_fn is None


def test_a_leaf_changed_since_is_not_shown():
    x, w = leaves(torch)
    product, total = (x * w).grad_fn, (x + w).grad_fn
    with torch.no_grad():
        w -= 1.0
    assert product._inputs == (product._inputs[0], None)
    assert total._inputs[0] is x and total._inputs[1] is None


def test_shapes_are_known():
    x, w = leaves(torch)
    y = (x[:, None] * w).sum(0)
    total = y.grad_fn
    assert total._input_shapes == ((2, 2),) and total._output_shapes == ((2,),)
    product = total.next_functions[0][0]
    assert product._input_shapes == ((2, 1), (2,))
    leaf = product.next_functions[1][0]
    assert leaf._output_shapes == ((2,),) and leaf._operation is None
