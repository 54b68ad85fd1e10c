"""Orders of dimensions in memory with a name, beside PyTorch."""

import pytest

from oracle import same

CALLS = [
    "x.contiguous(memory_format=last).stride()",
    "x.contiguous(memory_format=last)",
    "x.to(memory_format=last).stride()",
    "x.to(t.float64, memory_format=last).stride()",
    "x.to('cpu', memory_format=last).stride()",
    "x.clone(memory_format=last).stride()",
    "x.mT.clone().stride()",
    "x.mT.clone(memory_format=t.contiguous_format).stride()",
    "x.mT.contiguous(memory_format=t.contiguous_format).stride()",
    "x.to(memory_format=t.preserve_format).stride()",
    "x.contiguous(memory_format=last).contiguous().stride()",
    "x.is_contiguous(memory_format=last)",
    "x.to(memory_format=last).is_contiguous(memory_format=last)",
    "x.to(memory_format=last).is_contiguous()",
    "x.mT.is_contiguous(), x.is_contiguous(memory_format=t.contiguous_format)",
    "x[:, :1].contiguous().is_contiguous(memory_format=last)",
    "x[0].is_contiguous(memory_format=last)",
    "x[:, :, :1, :1].contiguous().is_contiguous(memory_format=last)",
    "x[0].contiguous(memory_format=last)",
    "x[0].clone(memory_format=last)",
    "x.to(memory_format=t.channels_last_3d)",
    "x.unsqueeze(0).contiguous(memory_format=t.channels_last_3d).stride()",
    "x.unsqueeze(0).to(memory_format=t.channels_last_3d).is_contiguous(memory_format=last3)",
    "repr(last), repr(last3)",
]


@pytest.mark.parametrize("call", CALLS)
def test_call(call):
    def run(t):
        x = t.arange(120.0).view(2, 3, 4, 5)
        names = {"t": t, "x": x, "last": t.channels_last, "last3": t.channels_last_3d}
        return eval(call, names)

    same(run)


def test_what_lies_so_is_itself():
    def run(t):
        x = t.arange(120.0).view(2, 3, 4, 5).contiguous(memory_format=t.channels_last)
        own = x.contiguous(memory_format=t.channels_last) is x
        return own, x.to(memory_format=t.channels_last) is x, x.clone().data_ptr() == x.data_ptr()

    same(run)


def test_gradient_passes():
    def run(t):
        x = t.arange(24.0).view(1, 2, 3, 4).requires_grad_()
        (
            x.contiguous(memory_format=t.channels_last) * t.arange(24.0).view(1, 2, 3, 4)
        ).sum().backward()
        return x.grad

    same(run)


def test_a_network_trains_with_channels_last():
    def run(t):
        t.manual_seed(0)
        conv = t.nn.Conv2d(3, 4, 3, bias=False)  # a bias would have no gradient but rounding
        net = t.nn.Sequential(
            conv, t.nn.BatchNorm2d(4), t.nn.ReLU(), t.nn.Flatten(), t.nn.Linear(16, 2)
        ).to(memory_format=t.channels_last)
        strides = [p.stride() for p in net.parameters()]
        optimizer = t.optim.Adam(net.parameters(), lr=0.1)
        x = t.arange(2 * 3 * 16.0).sin().view(2, 3, 4, 4).contiguous(memory_format=t.channels_last)
        losses = []
        for _ in range(3):
            optimizer.zero_grad()
            loss = net(x).square().sum()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return strides, losses, [p.stride() for p in net.parameters()], net.state_dict()

    same(run, 1e-4)
