"""Optimizers: trajectories of 50 steps, state, groups, hooks and errors against PyTorch."""

import copy

import pytest

import backlit

from oracle import same

VARIANTS = [
    "SGD(ps,lr=.1)",
    "SGD(ps,lr=.1,momentum=.9)",
    "SGD(ps,lr=.05,momentum=.9,dampening=.1,weight_decay=.01)",
    "SGD(ps,lr=.05,momentum=.9,nesterov=True)",
    "SGD(ps,lr=.01,maximize=True,weight_decay=.1)",
    "SGD(ps,lr=.1,momentum=.9,fused=True)",
    "SGD(ps,lr=torch.tensor(.1,dtype=torch.float64))",
    "Adam(ps)",
    "Adam(ps,lr=.1,betas=(.8,.9),eps=1e-6)",
    "Adam(ps,lr=.01,betas=(.3,.9))",
    "Adam(ps,lr=.1,weight_decay=.1)",
    "Adam(ps,lr=.1,amsgrad=True)",
    "Adam(ps,maximize=True,foreach=True)",
    "Adam(ps,lr=torch.tensor(.1,dtype=torch.float64))",
    "Adam(ps,betas=(torch.tensor(.9).double(),torch.tensor(.99).double()))",
    "AdamW(ps,lr=.1)",
    "AdamW(ps,lr=.1,amsgrad=True,weight_decay=.3,fused=True)",
    "RMSprop(ps)",
    "RMSprop(ps,momentum=.9,centered=True)",
    "RMSprop(ps,centered=True,alpha=.4)",
    "RMSprop(ps,momentum=.5)",
    "RMSprop(ps,weight_decay=.1,maximize=True)",
    "Adagrad(ps,lr_decay=.1)",
    "Adagrad(ps,weight_decay=.1,initial_accumulator_value=.5)",
    "Adagrad(ps,maximize=True)",
    "Adadelta(ps)",
    "Adadelta(ps,weight_decay=.1,rho=.5,maximize=True)",
    "Adamax(ps)",
    "Adamax(ps,weight_decay=.1,maximize=True)",
    "NAdam(ps)",
    "NAdam(ps,weight_decay=.1,momentum_decay=.1)",
    "NAdam(ps,weight_decay=.1,decoupled_weight_decay=True,maximize=True)",
    "RAdam(ps,lr=.1)",
    "RAdam(ps,betas=(.9,.7),weight_decay=.1)",
    "RAdam(ps,weight_decay=.1,decoupled_weight_decay=True,maximize=True)",
    "ASGD(ps,lr=.1)",
    "ASGD(ps,lr=.1,t0=10,lambd=.01,alpha=.5,weight_decay=.1)",
    "ASGD(ps,maximize=True)",
    "Rprop(ps)",
    "Rprop(ps,lr=.1,etas=(.3,1.5),step_sizes=(1e-3,.2),maximize=True)",
    "Adafactor(ps)",
    "Adafactor(ps,lr=.1,weight_decay=.1,d=1.5,eps=(1e-6,1e-2),beta2_decay=-.5)",
    "Adafactor(ps,maximize=True)",
]
TOLERANCE = {"float32": 2e-4, "float64": 1e-9}


def problem(lib, dtype=None):
    net = lib.nn.Sequential(lib.nn.Linear(3, 5), lib.nn.Tanh(), lib.nn.Linear(5, 1)).to(dtype)
    x = lib.arange(21.0, dtype=dtype).reshape(7, 3) / 10 - 1
    for i, p in enumerate(net.parameters()):
        # float32 sines differ in their last bit
        start = ((lib.arange(p.numel(), dtype=lib.float64) + i) * 0.7).sin()
        p.data.copy_(start.reshape(p.shape))
    return net, lambda: ((net(x) - x.sum(1, keepdim=True)) ** 2).mean()


def make(lib, source, params):
    return eval("O." + source, {"O": lib.optim, "ps": params, "torch": lib})


def train(opt, loss, steps):
    """The losses of some steps."""
    losses = []
    for _ in range(steps):
        opt.zero_grad()
        value = loss()
        value.backward()
        opt.step()
        losses.append(value.item())
    return losses


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("source", VARIANTS)
def test_trajectory(source, dtype):
    def run(lib):
        net, loss = problem(lib, getattr(lib, dtype))
        opt = make(lib, source, net.parameters())
        losses = train(opt, loss, 50)
        state = opt.state_dict()
        return losses, dict(state["state"]), repr(opt), list(state["param_groups"][0])

    same(run, TOLERANCE[dtype])


@pytest.mark.parametrize("source", [v for v in VARIANTS if "torch.tensor" not in v])
def test_groups_and_changing_rates(source):
    """Groups with rates of their own, a scalar and a strided parameter, a rate that changes."""

    def run(lib):
        net, loss = problem(lib, lib.float64)
        wide = lib.arange(24.0, dtype=lib.float64).reshape(4, 6)[:, ::2].sin()
        extra = [lib.nn.Parameter(wide), lib.nn.Parameter(lib.tensor(0.5, dtype=lib.float64))]
        groups = [
            {"params": net[0].parameters()},
            {"params": net[2].parameters(), "lr": 0.01},
            {"params": extra[0], "lr": 0.02},
        ]
        opt = make(lib, source, groups)
        opt.add_param_group({"params": extra[1:]})

        def total():
            return loss() + (extra[0] * extra[1] - 1).square().mean()

        losses = train(opt, total, 10)
        for group in opt.param_groups:
            group["lr"] *= 0.5
        losses += train(opt, total, 10)
        return losses, [p.detach() for g in opt.param_groups for p in g["params"]]

    same(run, 1e-9)


@pytest.mark.parametrize("source", ["SGD(ps,lr=.1,momentum=.9)", "Adam(ps,lr=.1)", "RMSprop(ps)"])
def test_reload_and_changes_from_outside(source):
    """Each change below invalidates what `step` has collected."""

    def run(lib):
        net, loss = problem(lib)
        opt = make(lib, source, list(net.parameters())[:3])
        log = []

        def steps(n):
            for _ in range(n):
                net.zero_grad()
                value = loss()
                value.backward()
                opt.step()
            log.append(value.item())

        steps(3)
        opt.load_state_dict(copy.deepcopy(opt.state_dict()))
        steps(3)
        opt.param_groups[0]["lr"] *= 0.5
        opt.add_param_group({"params": [net[2].bias], "lr": 0.01})
        steps(3)
        first = opt.param_groups[0]["params"][0]
        for key, value in opt.state[first].items():
            opt.state[first][key] = value.clone() * 0
        steps(3)
        opt.state.clear()
        steps(3)
        opt.param_groups[0]["params"].pop()
        steps(3)
        first.requires_grad_(False)
        steps(2)
        first.requires_grad_(True)
        steps(2)
        return log, [list(s) for s in opt.state.values()]

    same(run, 1e-4)


def test_amsgrad_switched_on_later():
    def run(lib):
        net, loss = problem(lib)
        opt = lib.optim.SGD(net.parameters(), lr=0.1)
        for momentum in (0, 0.9, 0, 0.5):
            opt.param_groups[0]["momentum"] = momentum
            for _ in range(3):
                opt.zero_grad()
                loss().backward()
                opt.step()
        return loss().item()

    same(run, 1e-5)


def test_missing_gradients_and_closure():
    def run(lib):
        net, loss = problem(lib)
        opt = lib.optim.Adam(net.parameters(), lr=0.1)
        opt.step()
        empty = len(opt.state)
        net[0].weight.grad = lib.ones(5, 3)
        opt.step()

        def closure():
            opt.zero_grad()
            value = loss()
            value.backward()
            return value

        value = opt.step(closure)
        return empty, value.item(), [s["step"].item() for s in opt.state.values()]

    same(run, 1e-6)


def test_hooks():
    def run(lib):
        log = []
        p = lib.nn.Parameter(lib.ones(2))
        opt = lib.optim.SGD([p], lr=0.1)
        opt.register_step_pre_hook(lambda o, args, kw: log.append(("pre", len(args), len(kw))))
        handle = opt.register_step_post_hook(lambda o, args, kw: log.append("post"))
        opt.register_state_dict_pre_hook(lambda o: log.append("state"))
        opt.register_load_state_dict_post_hook(lambda o: log.append("loaded"))
        opt.step()
        handle.remove()
        opt.step(lambda: log.append("closure"))
        opt.load_state_dict(opt.state_dict())
        return log

    same(run)


def test_copy_continues_alike():
    net, loss = problem(backlit)
    opt = backlit.optim.Adam(net.parameters(), lr=0.1)
    loss().backward()
    opt.step()
    twin_net, twin_opt = copy.deepcopy((net, opt))
    twin_net.zero_grad()
    assert twin_opt.param_groups[0]["params"][0] is next(twin_net.parameters())
    for p, q in zip(net.parameters(), twin_net.parameters(), strict=False):
        q.grad = p.grad.clone()
    opt.step()
    twin_opt.step()
    for p, q in zip(net.parameters(), twin_net.parameters(), strict=False):
        assert p.tolist() == q.tolist()


NAMES = ["Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "ASGD", "LBFGS", "Muon"]
NAMES += ["NAdam", "RAdam", "RMSprop", "Rprop", "SGD"]
ERRORS = [
    *(f"{name}([p],lr={lr})" for name in NAMES for lr in ("-1", "nan", "torch.ones(2)")),
    *(f"{name}([p],weight_decay=-1)" for name in NAMES if name not in ("LBFGS", "Rprop")),
    *(
        f"{name}([p],eps=-1)"
        for name in NAMES
        if name[:3] in ("RAd", "NAd", "RMS") or name[:4] in ("Adam", "Adag", "Adad")
    ),
    *(
        f"{name}([p],betas={b})"
        for name in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam")
        for b in ("(1,2)", "(.5,2)", "(.5,nan)")
    ),
    "SGD([])",
    "SGD([p],lr=None)",
    "Adam([p],lr=None)",
    "SGD(p)",
    "SGD([1])",
    "SGD([p*2])",
    "SGD([p,p])",
    "SGD([{'params':[p]},{'params':[p]}])",
    "SGD([{'params':{p}}])",
    "SGD([p],nesterov=True)",
    "SGD([p],momentum=-1)",
    "SGD([p],momentum=.9,dampening=.1,nesterov=True)",
    "SGD([p],fused=True,foreach=True)",
    "SGD([p],fused=True,differentiable=True)",
    "SGD([p],capturable=True)",
    "Adam([p],fused=True,foreach=True)",
    "Adam([p],lr=torch.tensor(.1),foreach=True)",
    "Adam([p],betas=(.9,torch.tensor(.9)))",
    "Adam([p],betas=(0,.9))",
    "Adam([p],capturable=True)",
    "SGD([p]).add_param_group(3)",
    "SGD([p]).load_state_dict({'param_groups':[],'state':{}})",
    "SGD([p]).load_state_dict(SGD([t,u]).state_dict())",
    "Optimizer([p],{}).step()",
    "SGD([('a',p),p])",
    "SGD([('a',p)])",
    "SGD([('a',p)]).state_dict()",
    "SGD([('a',p)]).add_param_group({'params':[t]})",
    "RMSprop([p],alpha=-1)",
    "RMSprop([p],momentum=-1)",
    "Adagrad([p],lr_decay=-1)",
    "Adagrad([p],initial_accumulator_value=-1)",
    "Adagrad([p],fused=True,foreach=True)",
    "Adadelta([p],rho=2)",
    "NAdam([p],momentum_decay=-1)",
    "Rprop([p],etas=(1.,2.))",
    "Adafactor([p],beta2_decay=1)",
    "Adafactor([p],eps=(-1,0))",
    "Adafactor([p],eps=(None,-1))",
    "Adafactor([p],d=.5)",
    "Muon([p])",
    "Muon([m],momentum=-1)",
    "Muon([m],adjust_lr_fn='x')",
    "Muon([m])",
    "LBFGS([{'params':[p]},{'params':[t]}])",
    "LBFGS([p]).step()",
    "stepped(Adam([g],capturable=True))",
    "stepped(Adam([g],foreach=True,differentiable=True))",
    "stepped(Adam([g],differentiable=True))",
    "stepped(LBFGS([g],line_search_fn='x'),closure)",
]


@pytest.mark.parametrize("source", ERRORS)
def test_errors(source):
    def run(lib):
        names = {name: getattr(lib.optim, name) for name in dir(lib.optim) if name[0].isupper()}
        p, g = lib.nn.Parameter(lib.ones(2)), lib.nn.Parameter(lib.ones(2))
        g.grad = lib.ones(2)
        names |= {"p": p, "g": g, "m": lib.ones(2, 2), "t": lib.ones(1), "u": lib.ones(1)}
        names |= {"torch": lib, "nan": float("nan"), "closure": lambda: lib.ones(())}
        names["stepped"] = lambda opt, *closure: opt.step(*closure)
        return repr(eval(source, names))

    same(run)


def test_user_defined_optimizer():
    def run(lib):
        class Plain(lib.optim.Optimizer):
            def __init__(self, params, lr):
                super().__init__(params, {"lr": lr})

            def step(self, closure=None):
                with lib.no_grad():
                    for group in self.param_groups:
                        for p in group["params"]:
                            self.state[p]["n"] = self.state[p].get("n", 0) + 1
                            p.sub_(p.grad * group["lr"])

        p = lib.nn.Parameter(lib.ones(2))
        opt = Plain([p], 0.5)
        (p * p).sum().backward()
        opt.step()
        return p.detach(), opt.state_dict(), repr(opt)

    same(run)


def test_sparse_adam_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="sparse gradients"):
        backlit.optim.SparseAdam([backlit.zeros(1, requires_grad=True)])


def muon(lib):
    w = (lib.arange(12.0).reshape(4, 3) * 0.7).sin().requires_grad_()
    opt = lib.optim.Muon([w], lr=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(5):
        opt.zero_grad()
        (w**2 - w).sum().backward()
        opt.step()
    return w.detach(), opt.state[w]["momentum_buffer"]


def test_muon():
    if not hasattr(backlit.Tensor, "bfloat16"):
        with pytest.raises(NotImplementedError, match="bfloat16"):
            muon(backlit)
        pytest.skip("Muon runs in bfloat16, which comes later")
    same(muon, 2e-2)


def is_complex(lib, value):
    return isinstance(value, lib.Tensor) and value.is_complex()


@pytest.mark.parametrize("source", [*VARIANTS, "LBFGS(ps)", "Muon(ps)"])
def test_complex_parameters(source):
    """The parts of complex numbers are parameters of their own; some rules refuse them."""

    def run(lib):
        w = lib.nn.Parameter(lib.tensor([[1 + 1j, 2 - 3j], [0.5j, -1]], dtype=lib.complex128))
        opt = make(lib, source, [w])

        def closure():
            opt.zero_grad()
            loss = ((w - (2 + 1j)).abs() ** 2 * lib.tensor([1.0, 3.0])).sum()
            loss.backward()
            return loss

        losses = [opt.step(closure).item() for _ in range(5)]
        state = dict(sorted(opt.state_dict()["state"].get(0, {}).items()))
        parts = [lib.view_as_real(v) for v in [w.detach(), *state.values()] if is_complex(lib, v)]
        return losses, sorted(state), parts

    same(run, 1e-9)


def test_complex_parameters_differentiably():
    def run(lib):
        start = lib.tensor([1 + 1j, 2 - 3j], dtype=lib.complex128, requires_grad=True)
        w = start.clone()
        w.retain_grad()
        opt = lib.optim.Adam([w], lr=0.1, differentiable=True)
        (w.abs() ** 2).sum().backward(retain_graph=True)
        w.grad = w.grad * 2
        opt.step()
        w.abs().sum().backward()
        return lib.view_as_real(w.detach()), lib.view_as_real(start.grad)

    same(run, 1e-5)  # PyTorch counts these steps in float32
