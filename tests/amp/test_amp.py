"""Scaled losses beside PyTorch's; `autocast` where it changes nothing."""

import warnings

import pytest

import backlit

from oracle import same


def steps(t, scaler, losses):
    """A step per factor of the loss: what the scaler and the weights go through."""
    w = t.tensor([1.0, -2.0], requires_grad=True)
    optimizer = t.optim.SGD([w], lr=0.1)
    story = []
    for factor in losses:
        optimizer.zero_grad()
        loss = (w * w).sum() * factor
        scaler.scale(loss).backward()
        scaled = w.grad.clone()
        scaler.unscale_(optimizer)
        unscaled = w.grad.clone()
        scaler.step(optimizer)
        scaler.update()
        story.append((scaled, unscaled, w.detach().clone(), scaler.state_dict()))
    return story


@pytest.mark.parametrize("enabled", [True, False])
def test_scaled_steps(enabled):
    def run(t):
        options = {"init_scale": 4.0, "growth_interval": 2, "enabled": enabled}
        scaler = t.amp.GradScaler("cpu", **options)
        return scaler.is_enabled(), steps(t, scaler, [1.0, 1.0, 1.0, float("inf"), 0.5, 0.5])

    same(run)


def test_state_goes_on():
    def run(t):
        first = t.amp.GradScaler("cpu", 8.0, 3.0, 0.25, 2)
        steps(t, first, [1.0])
        second = t.amp.GradScaler("cpu")
        second.load_state_dict(first.state_dict())
        return second.state_dict(), steps(t, second, [1.0, float("nan")])

    same(run)


CALLS = [
    "s.update()",
    "s.unscale_(o)",
    "s.step(o)",
    "s.load_state_dict({})",
    "s.scale(5)",
    "s.scale([t.ones(1), (t.ones(2),)])",
    "t.amp.GradScaler('cpu', growth_factor=1.0)",
    "t.amp.GradScaler('cpu', backoff_factor=1.0)",
    "(s.scale(t.ones(1)), s.update())",
    "(s.scale(t.ones(1)), s.update(3.0), s.get_scale())",
    "(s.scale(w.sum()).backward(), s.step(o), s.step(o))",
    "(s.scale(w.sum()).backward(), s.step(o), s.unscale_(o))",
    "(s.scale(w.sum()).backward(), s.unscale_(o), s.unscale_(o))",
    "(s.scale(w.sum()).backward(), s.step(o, closure=lambda: 1))",
    "(s.get_growth_factor(), s.get_backoff_factor(), s.get_growth_interval(), s.get_scale())",
]


@pytest.mark.parametrize("call", CALLS)
def test_calls(call):
    def run(t):
        w = t.ones(2, requires_grad=True)
        o = t.optim.SGD([w], lr=0.1)
        return eval(call, {"t": t, "s": t.amp.GradScaler("cpu"), "o": o, "w": w})

    same(run)


def test_gradients_of_16_bits_are_refused():
    def run(t):
        w = t.ones(2, dtype=t.float16, requires_grad=True)
        scaler = t.amp.GradScaler("cpu", 2.0)
        scaler.scale(w.sum()).backward()
        scaler.step(t.optim.SGD([w], lr=0.1))

    same(run)


def test_scaler_for_a_gpu_is_off():
    def run(t):
        return t.amp.GradScaler().is_enabled(), t.cuda.amp.GradScaler(enabled=False).get_scale()

    same(run)


def test_autocast_off():
    def run(t):
        @t.autocast("cpu", enabled=False)
        def product():
            return t.ones(2, 2) @ t.ones(2, 2)

        with t.autocast(device_type="cuda", enabled=False), t.amp.autocast("cpu", t.float32):
            inner = t.ones(1, 2) @ t.ones(2, 1)
            return product(), inner, t.is_autocast_enabled(), t.is_autocast_enabled("cpu")

    same(run)


def test_autocast_on_a_gpu_warns_and_is_off():
    with pytest.warns(UserWarning, match="Disabling autocast"), backlit.autocast("cuda"):
        assert (backlit.ones(1, 1) @ backlit.ones(1, 1)).dtype == backlit.float32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        with backlit.cuda.amp.autocast(enabled=False):
            pass


def test_custom_functions_with_marks():
    def run(t):
        class Twice(t.autograd.Function):
            @staticmethod
            @t.amp.custom_fwd(device_type="cpu", cast_inputs=t.float32)
            def forward(ctx, x):
                return 2 * x

            @staticmethod
            @t.amp.custom_bwd(device_type="cpu")
            def backward(ctx, g):
                return 2 * g

        x = t.ones(2, requires_grad=True)
        Twice.apply(x).sum().backward()
        return x.grad

    same(run)
