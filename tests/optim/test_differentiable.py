"""Steps that gradients flow through: `differentiable=True`."""

import pytest

import backlit

from oracle import same

RULES = [
    "SGD(ps,lr=.1,weight_decay=.1)",
    "SGD(ps,lr=.1,momentum=.9,nesterov=True)",
    "Adam(ps,lr=.1)",
    "AdamW(ps,lr=.1,maximize=True)",
    "RMSprop(ps,momentum=.9)",
    "Adagrad(ps,lr_decay=.1)",
    "Adadelta(ps)",
    "NAdam(ps)",
    "RAdam(ps,betas=(.9,.7))",
    "ASGD(ps,t0=1)",
]


def unrolled(lib, source, w0, scale):
    """A loss after three steps on scale · w⁴, as a function of the start and the scale."""
    w = w0.clone()
    opt = eval("O." + source[:-1] + ",differentiable=True)", {"O": lib.optim, "ps": [w]})
    for _ in range(3):
        (w.grad,) = lib.autograd.grad((scale * w.clone() ** 4).sum(), w, create_graph=True)
        opt.step()
    return (w * w).sum()


@pytest.mark.parametrize("source", RULES)
def test_gradients_through_steps(source):
    def run(lib):
        w0 = lib.tensor([0.5, -0.7, 1.1], dtype=lib.float64, requires_grad=True)
        scale = lib.tensor(0.3, dtype=lib.float64, requires_grad=True)
        loss = unrolled(lib, source, w0, scale)
        return loss.detach(), lib.autograd.grad(loss, (w0, scale))

    same(run, 1e-4)  # PyTorch's bias corrections are float32 here


BEYOND_PYTORCH = [
    "Adam(ps,lr=.1,amsgrad=True)",
    "Adamax(ps)",
    "RMSprop(ps,centered=True)",
    "Rprop(ps,lr=.1)",
]


@pytest.mark.parametrize("source", BEYOND_PYTORCH)
def test_gradients_that_pytorch_cannot_compute(source):
    """PyTorch overwrites what backward needs in these; finite differences are the judge."""
    w0 = backlit.tensor([0.5, -0.7, 1.1], dtype=backlit.float64, requires_grad=True)
    scale = backlit.tensor(0.3, dtype=backlit.float64, requires_grad=True)
    assert backlit.autograd.gradcheck(lambda *x: unrolled(backlit, source, *x), (w0, scale))


@pytest.mark.parametrize("source", RULES + BEYOND_PYTORCH)
def test_recorded_steps_are_the_fused_ones(source):
    """The recorded reading of a rule and its kernel give the same parameters."""
    results = []
    for differentiable in (False, True):
        w = backlit.tensor([0.5, -0.7, 1.1], dtype=backlit.float64)
        names = {"O": backlit.optim, "ps": [w], "d": differentiable}
        opt = eval("O." + source[:-1] + ",differentiable=d)", names)
        for k in range(3):
            w.grad = (w * (k + 1)).sin()
            opt.step()
        results.append(w.tolist())
    assert results[0] == pytest.approx(results[1], rel=1e-14)


def test_gradients_of_a_rate_are_refused():
    w = backlit.ones(2)
    w.grad = backlit.ones(2)
    lr = backlit.tensor(0.1, requires_grad=True)
    opt = backlit.optim.SGD([w], lr=lr, differentiable=True)
    with pytest.raises(NotImplementedError, match="gradients of hyperparameters"):
        opt.step()
