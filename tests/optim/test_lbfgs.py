"""L-BFGS against PyTorch: the same decisions, therefore the same trials and the same points."""

import pytest

from oracle import same

OPTIONS = [
    {},
    {"lr": 0.3, "max_iter": 7},
    {"history_size": 3},
    {"max_eval": 4},
    {"max_iter": 1},
    {"tolerance_grad": 1.0},
    {"tolerance_change": 1e-2},
]


def rosenbrock(lib, dtype, steps, **options):
    """What a run in the curved valley leaves: losses, point, and the state that is saved."""
    w = lib.tensor([-1.5, 2.0, 0.3], dtype=dtype, requires_grad=True)
    unused = lib.zeros(1, dtype=dtype, requires_grad=True)
    opt = lib.optim.LBFGS([w, unused], **options)

    def closure():
        opt.zero_grad()
        loss = (100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2).sum()
        loss.backward()
        return loss

    losses = [opt.step(closure).item() for _ in range(steps)]
    state = opt.state[w]
    names = ("func_evals", "n_iter", "t", "prev_loss", "prev_flat_grad", "ro")
    return losses, w.detach(), sorted(state), [state.get(name) for name in names]


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_double_precision(search, options):
    same(lambda lib: rosenbrock(lib, lib.float64, 2, line_search_fn=search, **options), 1e-6)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_single_precision(search):
    """Fewer iterations: the valley amplifies rounding."""
    same(lambda lib: rosenbrock(lib, lib.float32, 1, max_iter=8, line_search_fn=search), 1e-4)


def test_search_at_poor_points():
    """Steps too long, too short, and along a loss that is infinite or NaN beyond some point."""

    def run(lib, lr, loss_of):
        w = lib.tensor([2.0], dtype=lib.float64, requires_grad=True)
        opt = lib.optim.LBFGS([w], lr=lr, max_iter=6, line_search_fn="strong_wolfe")

        def closure():
            opt.zero_grad()
            loss = loss_of(w)
            loss.backward()
            return loss

        opt.step(closure)
        return w.detach(), opt.state[w]["func_evals"]

    for lr in (1e-6, 1e-2, 50.0):
        same(lambda lib, lr=lr: run(lib, lr, lambda w: (w**4 - w).sum()), 1e-9)
        same(lambda lib, lr=lr: run(lib, lr, lambda w: (w - w.log()).sum()), 1e-9)
        same(lambda lib, lr=lr: run(lib, lr, lambda w: (w.abs() + 0.1 * (9 * w).sin()).sum()), 1e-9)


def test_state_travels():
    def run(lib):
        w = lib.tensor([1.0, 2.0], dtype=lib.float64, requires_grad=True)
        opts = [lib.optim.LBFGS([w], max_iter=2) for _ in range(2)]

        def closure():
            w.grad = None
            loss = (w**4).sum()
            loss.backward()
            return loss

        opts[0].step(closure)
        opts[1].load_state_dict(opts[0].state_dict())
        opts[1].step(closure)
        return w.detach(), opts[1].state[w]["n_iter"]

    same(run, 1e-9)
