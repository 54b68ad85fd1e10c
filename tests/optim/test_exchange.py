"""Optimizer states that move between backlit and PyTorch in the middle of a training."""

import io

import pytest

import backlit

torch = pytest.importorskip("torch", reason="PyTorch is the other end of the exchange")

RULES = [
    "SGD(ps,lr=.1,momentum=.9)",
    "Adam(ps,lr=.1,amsgrad=True)",
    "AdamW(ps,lr=.1)",
    "RMSprop(ps,lr=.1,momentum=.9,centered=True)",
    "Adagrad(ps,lr=.1)",
    "Adadelta(ps)",
    "Adamax(ps)",
    "NAdam(ps)",
    "RAdam(ps)",
    "ASGD(ps)",
    "Rprop(ps)",
    "Adafactor(ps)",
    "LBFGS(ps,max_iter=3)",
]


def make(lib, source):
    w = (lib.arange(6, dtype=lib.float64).reshape(2, 3) * 0.3 - 0.7).requires_grad_()
    opt = eval("O." + source, {"O": lib.optim, "ps": [w]})

    def closure():
        opt.zero_grad()
        loss = (w**4 - w).sum()
        loss.backward()
        return loss

    return w, opt, closure


@pytest.mark.parametrize("here,there", [(backlit, torch), (torch, backlit)])
@pytest.mark.parametrize("source", RULES)
def test_training_goes_on_in_the_other_library(source, here, there):
    w, opt, closure = make(here, source)
    for _ in range(5):
        opt.step(closure)
    file = io.BytesIO()
    here.save({"w": w.detach(), "opt": opt.state_dict()}, file)
    file.seek(0)
    saved = there.load(file)
    w2, opt2, closure2 = make(there, source)
    opt2.load_state_dict(saved["opt"])
    with there.no_grad():
        w2.copy_(saved["w"])
    for _ in range(5):
        assert opt.step(closure).item() == pytest.approx(opt2.step(closure2).item(), abs=1e-7)
    for row, row2 in zip(w.tolist(), w2.tolist(), strict=True):
        assert row == pytest.approx(row2, abs=1e-7)


def test_step_counts_of_old_files_are_numbers():
    """PyTorch before 1.12 saved step counts as ints; they become 0-d tensors."""
    w, opt, closure = make(backlit, "Adam(ps)")
    opt.step(closure)
    state = opt.state_dict()
    state["state"][0]["step"] = 1
    for name in ("amsgrad", "maximize", "foreach", "capturable", "differentiable"):
        del state["param_groups"][0][name]
    opt.load_state_dict(state)
    opt.step(closure)
    step = opt.state[w]["step"]
    assert (step.item(), step.dtype, step.shape) == (2.0, backlit.float32, ())
    assert opt.param_groups[0]["amsgrad"] is False
