"""Parametrized, normalised, pruned and fused parameters beside PyTorch."""

import importlib
import warnings

import pytest

from oracle import same

SYMMETRIC = """
class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT
    def right_inverse(self, x):
        return x.triu()
class Half(nn.Module):
    def forward(self, x):
        return x / 2
class Shorter(nn.Module):
    def forward(self, x):
        return x[:1]
class Wider(nn.Module):
    def forward(self, x):
        return x.double()
class Sum(nn.Module):
    def forward(self, a, b):
        return a + b
    def right_inverse(self, x):
        return x / 4, x * 3 / 4
"""


def run(lib, program):
    """Runs lines that set `result`, and `layer`, whose output is differentiated."""
    names = {"lib": lib, "nn": lib.nn, "U": lib.nn.utils, "P": lib.nn.utils.parametrizations}
    names |= {"R": lib.nn.utils.parametrize, "result": None}
    names["prune"] = importlib.import_module(f"{lib.__name__}.nn.utils.prune")
    exec(SYMMETRIC, names)
    lib.manual_seed(5)
    names["layer"] = lib.nn.Linear(3, 3)
    names["x"] = lib.tensor([[1.0, -2.0, 0.5], [0.25, 1.5, -1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        exec(program, names)
        layer = names["layer"]
        y = layer(names["x"])
        (y**3).sum().backward()
    return (
        y.detach(),
        {name: p.grad for name, p in layer.named_parameters()},
        dict(layer.state_dict()),
        names["result"],
        repr(layer),
    )


PROGRAMS = {
    "symmetric": "R.register_parametrization(layer, 'weight', Symmetric())",
    "two": "R.register_parametrization(layer, 'weight', Symmetric())\n"
    "R.register_parametrization(layer, 'weight', Half())",
    "no inverse": "R.register_parametrization(layer, 'bias', Half())",
    "two originals": "R.register_parametrization(layer, 'weight', Sum())",
    "assigned": "R.register_parametrization(layer, 'weight', Symmetric())\n"
    "layer.weight = lib.eye(3)",
    "questions": "R.register_parametrization(layer, 'weight', Half())\n"
    "result = [R.is_parametrized(layer), R.is_parametrized(layer, 'bias'), "
    "type(layer).__name__, R.type_before_parametrizations(layer).__name__]",
    "cached": "R.register_parametrization(layer, 'weight', Half())\n"
    "with R.cached(): result = layer.weight is layer.weight",
    "removed": "R.register_parametrization(layer, 'weight', Half())\n"
    "w = layer.parametrizations.weight.original\n"
    "R.remove_parametrizations(layer, 'weight')\n"
    "result = [layer.weight is w, type(layer).__name__, R.is_parametrized(layer)]",
    "original kept": "R.register_parametrization(layer, 'weight', Half())\n"
    "R.remove_parametrizations(layer, 'weight', leave_parametrized=False)",
    "two originals removed": "R.register_parametrization(layer, 'weight', Sum())\n"
    "R.remove_parametrizations(layer, 'weight')",
    "copied": "import copy\nR.register_parametrization(layer, 'weight', Half())\n"
    "layer = copy.deepcopy(layer)",
    "weight norm": "P.weight_norm(layer)",
    "weight norm, other dim": "P.weight_norm(layer, dim=1)",
    "weight norm, one length": "P.weight_norm(layer, dim=None)",
    "weight norm, old": "U.weight_norm(layer)",
    "weight norm, old, one length": "U.weight_norm(layer, dim=None)",
    "weight norm, old, removed": "U.remove_weight_norm(U.weight_norm(layer))",
    "weight norm, old file": "P.weight_norm(layer)\n"
    "result = layer.load_state_dict({'weight_g': lib.ones(3, 1), 'weight_v': lib.eye(3) + 1, "
    "'bias': lib.ones(3)})",
    "spectral norm": "P.spectral_norm(layer)",
    "spectral norm, evaluation": "P.spectral_norm(layer, n_power_iterations=3, dim=1).eval()",
    "spectral norm of a vector": "P.spectral_norm(layer, 'bias')",
    "spectral norm, old": "U.spectral_norm(layer)",
    "spectral norm, old, evaluation": "U.spectral_norm(layer, n_power_iterations=2)(x)\n"
    "layer.eval()",
    "spectral norm, old, removed": "U.remove_spectral_norm(U.spectral_norm(layer))",
    "orthogonal": "P.orthogonal(layer)",
    "orthogonal, cayley": "P.orthogonal(layer, orthogonal_map='cayley')",
    "orthogonal, no base": "P.orthogonal(layer, use_trivialization=False)",
    "skip_init": "result = list(U.skip_init(nn.Linear, 3, 2).weight.shape) + lib.rand(2).tolist()",
    "fused": "norm = nn.BatchNorm1d(3)\nnorm(layer(x))\nlayer = U.fusion.fuse_linear_bn_eval("
    "layer.eval(), norm.eval())",
    "prune l1": "prune.l1_unstructured(layer, 'weight', 0.4)",
    "prune l1, scores": "prune.l1_unstructured(layer, 'weight', 2, -layer.weight.detach().abs())",
    "prune random": "prune.random_unstructured(layer, 'weight', 4)",
    "prune twice": "prune.l1_unstructured(layer, 'weight', 2)\n"
    "prune.l1_unstructured(layer, 'weight', 0.5)",
    "prune columns, rest": "prune.ln_structured(layer, 'weight', 1, 2, 1)\n"
    "prune.random_unstructured(layer, 'weight', 2)",
    "prune rows": "prune.random_structured(layer, 'weight', 0.4, 0)",
    "prune rows twice": "prune.ln_structured(layer, 'weight', 1, 1, 0)\n"
    "prune.ln_structured(layer, 'weight', 1, float('inf'), 0)",
    "prune by mask": "prune.custom_from_mask(layer, 'bias', lib.tensor([1, 0, 1]))",
    "prune nothing": "prune.identity(layer, 'bias')\nresult = prune.is_pruned(layer)",
    "prune together": "prune.global_unstructured([(layer, 'weight'), (layer, 'bias')], "
    "prune.L1Unstructured, amount=5)",
    "pruned for good": "prune.remove(prune.l1_unstructured(layer, 'weight', 2), 'weight')\n"
    "result = prune.is_pruned(layer)",
    "pruned copy": "result = prune.L1Unstructured(2).prune(lib.tensor([1.0, -3.0, 2.0]))",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_program(program):
    same(lambda lib: run(lib, program), 3e-5)


WRONG = [
    "R.register_parametrization(layer, 'nothing', Half())",
    "R.remove_parametrizations(layer, 'weight')",
    "R.register_parametrization(layer, 'weight', Sum())\n"
    "R.remove_parametrizations(layer, 'weight', leave_parametrized=False)",
    "R.register_parametrization(layer, 'weight', Half())\nlayer.weight = lib.eye(3)",
    "R.register_parametrization(layer, 'weight', Half())\nimport pickle; pickle.dumps(layer)",
    "P.spectral_norm(layer, n_power_iterations=0)",
    "P.spectral_norm(layer, dim=2)",
    "P.orthogonal(layer, 'bias')",
    "P.orthogonal(layer, orthogonal_map='x')",
    "P.orthogonal(layer, use_trivialization=False)\nlayer.weight = lib.eye(3)",
    "U.weight_norm(U.weight_norm(layer))",
    "U.remove_weight_norm(layer)",
    "U.spectral_norm(U.spectral_norm(layer))",
    "U.remove_spectral_norm(layer)",
    "U.skip_init(nn.ReLU)",
    "U.fusion.fuse_linear_bn_eval(layer, nn.BatchNorm1d(3))",
    "prune.l1_unstructured(layer, 'weight', 'x')",
    "prune.l1_unstructured(layer, 'weight', 1.5)",
    "prune.l1_unstructured(layer, 'weight', 100)",
    "prune.ln_structured(layer, 'bias', 1, 2, 0)",
    "prune.ln_structured(layer, 'weight', 1, 2, 3)",
    "prune.remove(layer, 'weight')",
    "prune.global_unstructured(3, prune.L1Unstructured)",
    "prune.global_unstructured([(layer, 'weight')], prune.RandomStructured, amount=1)",
    "prune.l1_unstructured(layer, 'weight', 1, lib.ones(2))",
]


@pytest.mark.parametrize("program", WRONG)
def test_wrong_call(program):
    assert same(lambda lib: run(lib, program))[0] == "raised"


@pytest.mark.parametrize("parametrization", ["Shorter", "Wider"])
def test_shape_and_dtype_stay(parametrization):
    import backlit

    with pytest.raises(ValueError, match=r"may not change the (shape|dtype)"):
        run(backlit, f"R.register_parametrization(layer, 'weight', {parametrization}())")


@pytest.mark.parametrize("trivialization", [True, False])
@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)], ids=str)
@pytest.mark.parametrize("kind", ["householder", "matrix_exp", "cayley"])
def test_orthogonal_of_any_shape(kind, shape, trivialization):
    def train(lib):
        lib.manual_seed(3)
        layer = lib.nn.Linear(*shape, bias=False).double()
        lib.nn.utils.parametrizations.orthogonal(
            layer, orthogonal_map=kind, use_trivialization=trivialization
        )
        layer.weight.sin().sum().backward()
        first, gradient = layer.weight.detach(), layer.parametrizations.weight.original.grad
        if trivialization or kind == "householder":
            values = lib.arange(1.0, 1 + first.numel()).double().cos().reshape(first.shape)
            wide = values.size(0) < values.size(1)
            Q = lib.linalg.qr(
                (values.mT if wide else values)
                + 2 * lib.eye(5, 5).double()[: max(shape), : min(shape)]
            )[0]
            layer.weight = Q.mT if wide else Q
        return first, gradient, layer.weight.detach()

    same(train, 1e-6)


def test_stateless_functional_call():
    def call(lib):
        layer = lib.nn.Linear(2, 1, bias=False)
        weight = lib.tensor([[3.0, 4.0]])
        stateless = importlib.import_module(f"{lib.__name__}.nn.utils.stateless")
        return stateless.functional_call(layer, {"weight": weight}, lib.ones(2))

    same(call)
