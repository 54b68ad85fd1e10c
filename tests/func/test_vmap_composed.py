"""vmap with modules, custom functions, autograd, random numbers and batched gradients."""

import pytest
from func.test_derivatives import names as derivative_names, quietly, refusal

import backlit

from oracle import same


def doubling(lib, **parts):
    class Double(lib.autograd.Function):
        @staticmethod
        def forward(x, w):
            return x * w, x + 1

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g, h):
            x, w = ctx.saved_tensors
            return g * w + h, g * x

    for name, part in parts.items():
        setattr(Double, name, part)
    return Double


def ruled(lib):
    def vmap(info, in_dims, x, w):
        x = x if in_dims[0] is None else x.movedim(in_dims[0], 0)
        return (x * w * info.batch_size, x), (0, 0)

    return doubling(lib, vmap=staticmethod(vmap))


def old_style(lib):
    class Old(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return Old


def network(lib, seed=0):
    lib.manual_seed(seed)
    nn = lib.nn
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.LayerNorm(4), nn.Linear(4, 2)).double()


def pictures(lib):
    lib.manual_seed(0)
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 2)
    ).double()


def per_sample(lib, model, x, y):
    """Each sample's gradient by every parameter."""
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss(parameters, x, y):
        output = lib.func.functional_call(model, parameters, (x.unsqueeze(0),))
        return lib.nn.functional.cross_entropy(output, y.unsqueeze(0))

    return lib.vmap(lib.func.grad(loss), in_dims=(None, 0, 0))(parameters, x, y)


def ensemble(lib, x):
    models = [network(lib, seed) for seed in range(3)]
    parameters, buffers = lib.func.stack_module_state(models)

    def run(parameters, buffers, x):
        return lib.func.functional_call(models[0], (parameters, buffers), (x,))

    y = lib.vmap(run, in_dims=(0, 0, None))(parameters, buffers, x)
    y.pow(2).sum().backward()
    return y, [p.grad for p in parameters.values()]


def names(lib):
    found = derivative_names(lib)
    return {
        **found,
        "lib": lib,
        "F": lib.nn.functional,
        "Double": doubling(lib, generate_vmap_rule=True),
        "Ruled": ruled(lib),
        "Both": doubling(lib, generate_vmap_rule=True, vmap=staticmethod(lambda *a: None)),
        "Neither": doubling(lib),
        "Old": old_style(lib),
        "network": network,
        "net": network(lib),
        "pictures": pictures,
        "per_sample": per_sample,
        "ensemble": ensemble,
        "N": lib.arange(15.0, dtype=lib.float64).reshape(5, 3).sin(),
        "P": lib.arange(160.0, dtype=lib.float64).reshape(5, 2, 4, 4).sin(),
        "labels": lib.tensor([0, 1, 1, 0, 1]),
    }


VALUES = [
    "per_sample(lib, network(lib), N, labels)",
    "per_sample(lib, pictures(lib), P, labels)",
    "ensemble(lib, N)",
    "vmap(network(lib))(N)",
    "vmap(vmap(network(lib)))(N.reshape(5, 1, 3))",
    "vmap(lambda a, b: Double.apply(a, b))(M, M)",
    "vmap(lambda a: Double.apply(a, x))(M)",
    "vmap(vmap(lambda a: Double.apply(a, a)))(M)",
    "vmap(grad(lambda a: Double.apply(a, x)[0].sum()))(M)",
    "vmap(grad(lambda b: Double.apply(M, b)[0].pow(2).sum()), in_dims=1)(M)",
    "t.autograd.grad(vmap(lambda a: Double.apply(a, w)[0])(M).pow(2).sum(), w)",
    "vmap(lambda a: Ruled.apply(a, x), in_dims=1)(M.T)",
    "jacrev(network(lib))(N[0])",
    "jacfwd(network(lib))(N[0])",
    "vmap(jacrev(network(lib)))(N)",
    "vmap(jacfwd(network(lib)))(N)",
    "hessian(lambda a: net(a).pow(2).sum())(N[0])",
    "vmap(hessian(lambda a: net(a).pow(2).sum()))(N)",
    "jacrev(lambda a: (a.sin(), a.sum()), chunk_size=2)(x)",
    "jacrev(jacrev(lambda a: a.prod() * a))(x)",
    "vmap(lambda v: vjp(network(lib), N[0])[1](v)[0])(t.eye(2, dtype=t.float64))",
    "vmap(lambda v: t.autograd.grad(z, w, v, retain_graph=True)[0])(t.eye(3, dtype=t.float64))"
    " if (z := w.sin() * w.sum()) is not None else 0",
    "t.autograd.grad(w.sin() * w.sum(), w, t.eye(3, dtype=t.float64), is_grads_batched=True)",
    "t.autograd.grad((w.sin(), w.sum()), w, (M, M[:, 0]), is_grads_batched=True)",
    "t.autograd.functional.jacobian(cube, x, vectorize=True)",
    "t.autograd.functional.jacobian(wave, x, vectorize=True, strategy='forward-mode')",
    "t.autograd.functional.jacobian(lambda a, b: (a * b, a.sum()), (x, y), vectorize=True)",
    "t.autograd.functional.hessian(cube, x, vectorize=True)",
    "vmap(lambda a: t.autograd.functional.hessian(cube, a) if False else cube(a))(M)",
]
RANDOM = [
    f"(t.manual_seed(1), vmap({body}, randomness='{mode}')(M))[1]"
    for mode in ("same", "different")
    for body in (
        "lambda a: a + t.rand(3)",
        "lambda a: a + t.randn(2, 3)",
        "lambda a: a + t.randint(5, (3,))",
        "lambda a: a + t.randn_like(a)",
        "lambda a: a + t.zeros_like(a).uniform_()",
        "lambda a: a + t.empty_like(a).normal_(2.0, 0.5)",
        "lambda a: F.dropout(a, 0.5)",
        "lambda a: F.dropout(a, 0.5, training=False)",
        "lambda a: a + t.bernoulli(t.full((3,), 0.5))",
        "lambda a: a + t.normal(0.0, 1.0, (3,))",
    )
] + [
    "(t.manual_seed(1), vmap(lambda a: t.bernoulli(a.sigmoid()), randomness='different')(M))[1]",
    "vmap(lambda a: F.dropout(a, training=False))(M)",
    "vmap(lambda a: F.dropout(a, 0.0))(M)",
]
WRONG = [
    "vmap(lambda a: Both.apply(a, a))(M)",
    "vmap(lambda a: Neither.apply(a, a))(M)",
    "vmap(Old.apply)(M)",
    "t.autograd.grad(w.sin(), w, t.eye(2, dtype=t.float64), is_grads_batched=True)",
    "t.autograd.functional.jacobian(cube, x, strict=True, vectorize=True)",
]


@pytest.mark.parametrize("source", VALUES)
def test_value(source):
    same(quietly(source, names), 1e-10)


@pytest.mark.parametrize("source", RANDOM)
def test_random_numbers(source):
    same(quietly(source, names), 1e-6)


@pytest.mark.parametrize("source", WRONG)
def test_wrong_call(source):
    same(refusal(source, names))


def test_the_function_is_called_once():
    calls = []
    backlit.vmap(lambda a: calls.append(1) or a * 2)(backlit.ones(5, 2))
    assert len(calls) == 1


def test_chunks_bound_the_batch():
    sizes = []

    def count(a):
        sizes.append(a._value.shape[0])
        return a * 2

    x = backlit.arange(5.0)
    assert backlit.vmap(count, chunk_size=2)(x).tolist() == (x * 2).tolist()
    assert sizes == [2, 2, 1]


def test_views_of_samples_share_memory():
    x = backlit.zeros(3, 2)
    backlit.vmap(lambda a: a[0].fill_(1.0))(x)
    assert x.tolist() == [[1, 0], [1, 0], [1, 0]]


def test_running_statistics_are_not_shared_by_samples():
    with pytest.raises(RuntimeError, match="Batch norm got a batched tensor as input while the"):
        backlit.vmap(backlit.nn.BatchNorm1d(3))(backlit.ones(2, 4, 3))


def test_levels_end_with_an_error():
    with pytest.raises(ZeroDivisionError):
        backlit.vmap(lambda a: 1 / 0)(backlit.ones(2))
    assert backlit.rand(2).shape == (2,)
