"""Averaged models, their batch norms, and SWALR against PyTorch."""

import pytest

from oracle import same

AVERAGES = [
    "AveragedModel(net)",
    "AveragedModel(net,use_buffers=True)",
    "AveragedModel(net,multi_avg_fn=U.get_ema_multi_avg_fn(.8),use_buffers=True)",
    "AveragedModel(net,multi_avg_fn=U.get_swa_multi_avg_fn())",
    "AveragedModel(net,avg_fn=U.get_ema_avg_fn(.7))",
    "AveragedModel(net,avg_fn=U.get_swa_avg_fn(),device='cpu')",
    "AveragedModel(net,avg_fn=lambda a,p,n:.5*a+.5*p+n)",
    "AveragedModel(net,avg_fn=len,multi_avg_fn=len)",
    "get_ema_avg_fn(2)",
    "get_ema_multi_avg_fn(-1)",
]


def waves(lib, *shape):
    count = lib.Size(shape).numel()
    return (lib.arange(count, dtype=lib.float64) * 0.7).sin().reshape(shape).float()


def model(lib):
    net = lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.BatchNorm1d(3), lib.nn.Linear(3, 1))
    for i, p in enumerate(net.parameters()):
        p.data.copy_(waves(lib, *p.shape) + 0.1 * i)
    return net


@pytest.mark.parametrize("source", AVERAGES)
def test_averages(source):
    def run(lib):
        net, utils = model(lib), lib.optim.swa_utils
        average = eval("U." + source, {"U": utils, "net": net})
        opt = lib.optim.SGD(net.parameters(), lr=0.1)
        x = waves(lib, 5, 2)
        for _ in range(5):
            opt.zero_grad()
            (net(x) - x[:, :1]).square().mean().backward()
            opt.step()
            average.update_parameters(net)
        utils.update_bn([x, x + 1, [x * 2, 3]], average)
        return average.state_dict(), average(x).detach(), average.training

    same(run, 1e-5)


def test_statistics_of_every_kind_of_batch_norm():
    def run(lib):
        net = lib.nn.Sequential(lib.nn.SyncBatchNorm(2), lib.nn.LazyBatchNorm1d())
        x = waves(lib, 5, 2)
        net(x)
        lib.optim.swa_utils.update_bn([x, x + 1], net)
        return net.state_dict(), [layer.momentum for layer in net]

    same(run, 1e-6)


def test_no_batch_norm_no_pass():
    def run(lib):
        def batches():
            raise AssertionError("nobody asked for a batch")
            yield

        net = lib.nn.Linear(1, 1).eval()
        lib.optim.swa_utils.update_bn(batches(), net)
        return net.training

    same(run)


SCHEDULES = [
    "SWALR(o,.05)",
    "SWALR(o,[.05,2.],anneal_epochs=4,anneal_strategy='linear')",
    "SWALR(o,.05,anneal_epochs=0)",
    "SWALR(o,.05,5,'x')",
    "SWALR(o,.05,-1)",
    "SWALR(o,[1.])",
]


@pytest.mark.parametrize("source", SCHEDULES)
def test_swalr(source):
    """After another schedule, as it is used, and saved on the way."""

    def run(lib):
        params = [lib.nn.Parameter(lib.ones(1)) for _ in range(2)]
        groups = [{"params": params[:1]}, {"params": params[1:], "lr": 0.5}]
        o = lib.optim.SGD(groups, lr=0.1)
        first = lib.optim.lr_scheduler.ExponentialLR(o, 0.9)
        second = eval(source, {"SWALR": lib.optim.swa_utils.SWALR, "o": o})
        log = []
        for epoch in range(20):
            o.step()
            (first if epoch < 5 else second).step()
            log.append([group["lr"] for group in o.param_groups])
        third = eval(source, {"SWALR": lib.optim.swa_utils.SWALR, "o": o})
        third.load_state_dict(second.state_dict())
        third.step()
        return log, third.get_last_lr(), sorted(second.state_dict())

    same(run, 1e-12)
