"""Modules as functions of their parameters."""

import pytest

from oracle import same


class Tied:
    """Builds a module that holds one weight under two names, and has a buffer."""

    def __new__(cls, lib):
        class Net(lib.nn.Module):
            def __init__(self):
                super().__init__()
                self.first = lib.nn.Linear(3, 3)
                self.second = lib.nn.Linear(3, 3)
                self.second.weight = self.first.weight
                self.register_buffer("shift", lib.full((3,), 0.5))

            def forward(self, x, *, scale=1.0):
                return self.second(self.first(x)) * scale + self.shift

        lib.manual_seed(0)
        return Net()


W = "{'first.weight': t.eye(3)}"
CALLS = [
    f"call(m, {W}, x)",
    f"call(m, {W}, (x,), {{'scale': 2.0}})",
    "call(m, {'shift': t.ones(3)}, x)",
    "call(m, {'second.weight': t.eye(3)}, x)",
    "call(m, {'first.weight': t.eye(3), 'second.weight': 2 * t.eye(3)}, x)",
    "call(m, {'first.weight': t.eye(3), 'second.weight': 2 * t.eye(3)}, x, tie_weights=False)",
    f"call(m, {W}, x, tie_weights=False)",
    f"call(m, ({W}, {{'shift': t.ones(3)}}), x)",
    f"call(m, ({W}, {W}), x)",
    "call(m, 3, x)",
    "call(m, {'shift': t.ones(3), 'more': x}, x)",
    "call(m, {'shift': t.ones(3), 'more': x}, x, strict=True)",
    "call(m, {'shift': t.ones(3)}, x, strict=True)",
    "call(m, {**dict(m.named_parameters()), **dict(m.named_buffers())}, x, strict=True)",
]


def setting(lib):
    return {"t": lib, "m": Tied(lib), "x": lib.ones(2, 3), "call": lib.func.functional_call}


@pytest.mark.parametrize("source", CALLS)
def test_functional_call(source):
    def run(lib):
        names = setting(lib)
        before = names["m"](names["x"])
        result = eval(source, names)
        assert names["m"](names["x"]).equal(before)
        return result

    same(run, 1e-6)


def test_the_module_is_as_before_after_an_error():
    def run(lib):
        names = setting(lib)
        before = names["m"](names["x"])
        with pytest.raises(RuntimeError):
            eval("call(m, {'first.weight': t.ones(5, 5)}, x)", names)
        return before.equal(names["m"](names["x"]))

    same(run)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_gradients_of_each_sample():
    def run(lib):
        f, model = lib.func, Tied(lib)
        params = {k: v.detach() for k, v in model.named_parameters()}
        x = lib.linspace(-1, 1, 12).reshape(4, 3)

        def loss(params, sample):
            return (f.functional_call(model, params, sample) ** 2).sum()

        return f.vmap(f.grad(loss), in_dims=(None, 0))(params, x)

    same(run, 1e-5)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_ensemble():
    def run(lib):
        lib.manual_seed(0)
        models = [lib.nn.Sequential(lib.nn.Linear(3, 2), lib.nn.Tanh()) for _ in range(3)]
        params, buffers = lib.func.stack_module_state(models)
        assert all(p.is_leaf and p.requires_grad for p in params.values())

        def call(params, buffers, x):
            return lib.func.functional_call(models[0], (params, buffers), (x,))

        outputs = lib.func.vmap(call, in_dims=(0, 0, None))(params, buffers, lib.ones(4, 3))
        outputs.sum().backward()
        return outputs, {name: p.grad for name, p in params.items()}

    same(run, 1e-5)


@pytest.mark.parametrize(
    "source",
    [
        "[]",
        "[t.nn.Linear(2, 2), t.nn.Linear(2, 3)]",
        "[t.nn.Linear(2, 2), t.nn.ReLU()]",
        "[t.nn.Linear(2, 2), t.nn.Linear(2, 2).eval()]",
        "[t.nn.Linear(2, 2), t.nn.Linear(2, 2).requires_grad_(False)]",
    ],
)
def test_states_that_do_not_stack(source):
    same(lambda lib: lib.func.stack_module_state(eval(source, {"t": lib})))
