"""Forward mode beside PyTorch's: values, tangents, levels and errors."""

import importlib
import warnings

import pytest

import backlit

from oracle import same

CASES = [
    "x**3",
    "x * y + 2",
    "2 - x",
    "3 / x",
    "(x @ m).sum()",
    "m @ x",
    "t.sin(x) * t.exp(y)",
    "x[1:] * y[:-1]",
    "t.stack([x, y])",
    "x.max(0).values",
    "t.nn.functional.linear(x, m, y)",
    "t.softmax(x, 0).log()",
    "x.reshape(3, 1).expand(3, 2).sum(1)",
    "t.linalg.solve(m + 3 * t.eye(3, dtype=t.float64), x)",
    "t.where(x > 1, x, y)",
    "x.mean() if x.sum() > 0 else y",
    "t.cumsum(x, 0).prod()",
    "t.nn.functional.cross_entropy(x, t.tensor(1))",
]


def setting(lib):
    x = lib.tensor([1.0, 2.0, 0.5], dtype=lib.float64)
    return {
        "t": lib,
        "x0": x,
        "y0": x.flip(0) * 2,
        "v": x.sin(),
        "w": x.cos(),
        "m": lib.arange(9.0, dtype=lib.float64).reshape(3, 3).cos(),
        "fw": importlib.import_module(f"{lib.__name__}.autograd.forward_ad"),
    }


def pushed(source, **options):
    def run(lib):
        names = setting(lib)
        fw = names["fw"]
        with fw.dual_level():
            names["x"] = fw.make_dual(names["x0"], names["v"])
            names["y"] = fw.make_dual(names["y0"], names["w"]) if "y" in source else names["y0"]
            with lib.set_grad_enabled(options.get("grad", True)):
                return tuple(fw.unpack_dual(eval(source, names)))

    return quiet(run)


def quiet(fn):
    """PyTorch warns of its own internals."""

    def run(lib):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return fn(lib)

    return run


@pytest.mark.parametrize("source", CASES)
def test_tangent(source):
    same(pushed(source), 1e-10)


@pytest.mark.parametrize("source", CASES[:4])
def test_tangent_without_recording(source):
    same(pushed(source, grad=False), 1e-10)


def test_what_does_not_depend_has_no_tangent():
    same(pushed("m * 2"), 1e-15)
    same(lambda lib: setting(lib)["fw"].unpack_dual(lib.ones(2))[1] is None)


def test_tangents_end_with_their_level():
    def run(lib):
        names = setting(lib)
        fw = names["fw"]
        with fw.dual_level():
            dual = fw.make_dual(names["x0"], names["v"])
        with fw.dual_level():
            return fw.unpack_dual(dual * 2)[1] is None, (dual * 2)

    same(quiet(run))


def test_reverse_over_forward():
    def run(lib):
        names = setting(lib)
        fw = names["fw"]
        x = names["x0"].requires_grad_()
        with fw.dual_level():
            y = (fw.make_dual(x, names["v"]) ** 3).sum()
            tangent = fw.unpack_dual(y)[1]
            return lib.autograd.grad(tangent, x)

    same(quiet(run), 1e-10)


def test_a_module_with_dual_parameters():
    def run(lib):
        fw = setting(lib)["fw"]
        lib.manual_seed(0)
        model = lib.nn.Sequential(lib.nn.Linear(3, 2), lib.nn.Tanh()).double()
        with fw.dual_level():
            duals = {
                name: fw.make_dual(p.detach(), p.detach().sin())
                for name, p in model.named_parameters()
            }
            y = lib.func.functional_call(model, duals, (setting(lib)["x0"],))
            return tuple(fw.unpack_dual(y))

    same(quiet(run), 1e-10)


def test_jacobian_by_vmap():
    x = backlit.tensor([1.0, 2.0])
    fw = setting(backlit)["fw"]

    def push(v):
        with fw.dual_level():
            return fw.unpack_dual(fw.make_dual(x, v) ** 2)[1]

    assert backlit.vmap(push)(backlit.eye(2)).tolist() == [[2, 0], [0, 4]]


WRONG = [
    "fw.make_dual(x0, v)",
    "enter(fw, lambda: fw.make_dual(x0, v[:2]))",
    "enter(fw, lambda: fw.make_dual(t.tensor([1]), t.tensor([1])))",
    "enter(fw, lambda: fw.enter_dual_level())",
    "fw.exit_dual_level()",
]


def enter(fw, run):
    with fw.dual_level():
        return run()


@pytest.mark.parametrize("source", WRONG)
def test_wrong_call(source):
    def run(lib):
        try:
            return eval(source, {**setting(lib), "enter": enter})
        except (RuntimeError, ValueError) as error:
            return type(error).__name__, str(error).split(". ")[0].split(",")[0].rstrip(".")

    same(quiet(run))


def test_changes_in_place_are_refused():
    fw = setting(backlit)["fw"]
    with fw.dual_level():
        x = fw.make_dual(backlit.ones(2), backlit.ones(2))
        for change in (
            lambda: x.add_(1),
            lambda: backlit.ones(2).mul_(x),
            lambda: x.__setitem__(0, 1.0),
            lambda: backlit.zeros(2).__setitem__(0, x[0]),
            lambda: x.__iadd__(1),
            lambda: backlit.add(x, x, out=backlit.ones(2)),
        ):
            with pytest.raises(NotImplementedError, match="in place, which is not provided"):
                change()
