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
    "Adam(ps)",
    "Adam(ps,lr=.1,betas=(.8,.9),eps=1e-6)",
    "Adam(ps,lr=.1,weight_decay=.1)",
    "Adam(ps,lr=.1,amsgrad=True)",
    "Adam(ps,maximize=True)",
    "Adam(ps,lr=torch.tensor(.1))",
    "AdamW(ps,lr=.1)",
    "AdamW(ps,lr=.1,amsgrad=True,weight_decay=.3)",
    "RMSprop(ps)",
    "RMSprop(ps,momentum=.9,centered=True)",
    "RMSprop(ps,weight_decay=.1,maximize=True)",
    "Adagrad(ps,lr_decay=.1)",
    "Adagrad(ps,weight_decay=.1)",
    "Adadelta(ps)",
    "Adadelta(ps,weight_decay=.1)",
    "Adamax(ps)",
    "Adamax(ps,weight_decay=.1)",
]


def problem(lib):
    net = lib.nn.Sequential(lib.nn.Linear(3, 5), lib.nn.Tanh(), lib.nn.Linear(5, 1))
    x = lib.arange(21.0).reshape(7, 3) / 10 - 1
    for i, p in enumerate(net.parameters()):
        p.data.copy_(((lib.arange(float(p.numel())) + i) * 0.7).sin().reshape(p.shape))
    return net, lambda: ((net(x) - x.sum(1, keepdim=True)) ** 2).mean()


def make(lib, source, params):
    return eval("O." + source, {"O": lib.optim, "ps": params, "torch": lib})


@pytest.mark.parametrize("source", VARIANTS)
def test_trajectory(source):
    def run(lib):
        net, loss = problem(lib)
        opt = make(lib, source, net.parameters())
        losses = []
        for _ in range(50):
            opt.zero_grad()
            value = loss()
            value.backward()
            opt.step()
            losses.append(value.item())
        state = opt.state_dict()
        return losses, dict(state["state"]), repr(opt), list(state["param_groups"][0])

    same(run, 2e-4)


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


ERRORS = [
    "SGD([])",
    "SGD(p)",
    "SGD([1])",
    "SGD([p*2])",
    "SGD([p,p])",
    "SGD([{'params':[p]},{'params':[p]}])",
    "SGD([p],lr=-1)",
    "SGD([{'params':{p}}])",
    "SGD([p],nesterov=True)",
    "SGD([p],momentum=-1)",
    "SGD([p],weight_decay=-1)",
    "Adam([p],betas=(1,2))",
    "Adam([p],betas=(.5,2))",
    "Adam([p],eps=-1)",
    "Adam([p],lr=-1)",
    "SGD([p]).add_param_group(3)",
    "SGD([p]).load_state_dict({'param_groups':[],'state':{}})",
    "SGD([p]).load_state_dict(SGD([t,u]).state_dict())",
    "Optimizer([p],{}).step()",
    "SGD([('a',p),p])",
    "SGD([('a',p)]).state_dict()",
    "RMSprop([p],alpha=-1)",
    "Adagrad([p],lr_decay=-1)",
    "Adadelta([p],rho=2)",
    "Adagrad([p],initial_accumulator_value=-1)",
    "Adamax([p],betas=(2,0))",
]


@pytest.mark.parametrize("source", ERRORS)
def test_errors(source):
    def run(lib):
        names = {name: getattr(lib.optim, name) for name in dir(lib.optim) if name[0].isupper()}
        p = lib.nn.Parameter(lib.ones(2))
        made = eval(source, {**names, "p": p, "t": lib.ones(1), "u": lib.ones(1)})
        return repr(made)

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
