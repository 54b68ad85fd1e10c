"""Layers that learn their sizes from the first input, beside PyTorch."""

import copy
import gc
import inspect
import pickle

import numpy as np
import pytest

import backlit

from oracle import same


def numbers(lib, *shape):
    """Normal numbers that depend on the shape alone."""
    return lib.from_numpy(np.random.RandomState(sum(shape)).standard_normal(shape))


LAYERS = [
    ("LazyLinear(4)", (2, 3)),
    ("LazyLinear(4, bias=False)", (3,)),
    ("LazyConv1d(4, 3)", (2, 3, 8)),
    ("LazyConv1d(4, 3, padding=2, padding_mode='circular')", (3, 8)),
    ("LazyConv2d(4, (1, 2), stride=2, groups=2, bias=False)", (2, 6, 5, 5)),
    ("LazyConv3d(2, 2, padding='same', dilation=2)", (1, 2, 4, 4, 4)),
    ("LazyConvTranspose1d(4, 3, 2, 1, 1)", (2, 3, 8)),
    ("LazyConvTranspose2d(4, 3, groups=2, bias=False)", (2, 6, 4, 4)),
    ("LazyConvTranspose3d(2, 2)", (2, 2, 2, 2)),
    ("LazyBatchNorm1d()", (4, 3)),
    ("LazyBatchNorm2d(0.1, momentum=None, bias=False)", (4, 3, 2, 2)),
    ("LazyBatchNorm3d(affine=False)", (4, 3, 2, 2, 2)),
    ("LazyBatchNorm1d(track_running_stats=False)", (4, 3, 2)),
    ("LazyBatchNorm1d(affine=False, track_running_stats=False)", (4, 3, 2)),
    ("LazyInstanceNorm1d()", (4, 3, 5)),
    ("LazyInstanceNorm2d(affine=False)", (4, 3, 2, 2)),
    ("LazyInstanceNorm3d(track_running_stats=False)", (4, 3, 2, 2, 2)),
]


def made(lib, text):
    return eval(f"nn.{text}", {"nn": lib.nn})


def known(layer):
    return [repr(layer), type(layer).__name__, layer.state_dict()]


@pytest.mark.parametrize(("text", "shape"), LAYERS)
def test_first_call(text, shape):
    def run(lib):
        lib.manual_seed(3)
        layer = made(lib, text).double()
        before = [repr(layer), repr(layer.state_dict()), layer.has_uninitialized_params()]
        x = numbers(lib, *shape)
        y = layer(x)
        y.sum().backward()
        gradients = [p.grad for p in layer.parameters()]
        hooks = len(layer._forward_pre_hooks), len(layer._load_state_dict_pre_hooks)
        return before, known(layer), y.detach(), layer(x).detach(), gradients, hooks

    same(run, 1e-12)


# PyTorch's instance norms of a loaded state go on expecting 0 channels
@pytest.mark.parametrize(("text", "shape"), [case for case in LAYERS if "Instance" not in case[0]])
def test_a_state_gives_the_shapes(text, shape):
    def run(lib):
        lib.manual_seed(3)
        source, target = made(lib, text).double(), made(lib, text).double()
        x = numbers(lib, *shape)
        source(x)
        loaded = str(target.load_state_dict(source.state_dict()))
        before = target.state_dict()
        return loaded, before, type(target).__name__, source(x).detach(), target(x).detach()

    same(run, 1e-12)


def test_sizes_follow_a_loaded_state():
    for text, shape in LAYERS:
        source, target = made(backlit, text).double(), made(backlit, text).double()
        x = numbers(backlit, *shape)
        source(x)
        target.load_state_dict(source.state_dict())
        assert backlit.equal(target.eval()(x), source.eval()(x))
        assert repr(target) == repr(source)  # PyTorch shows 0 channels


SIGNATURES = [text.partition("(")[0] for text, _ in LAYERS]


@pytest.mark.parametrize("name", sorted(set(SIGNATURES)))
def test_signature(name):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")

    def arguments(lib):
        parameters = inspect.signature(getattr(lib.nn, name)).parameters.values()
        return [(p.name, p.default, p.kind) for p in parameters]

    assert arguments(backlit) == arguments(torch)


WRONG = [
    ("LazyConv2d(3, 2)", (2, 3)),
    ("LazyConv2d(4, 2, groups=2)", (1, 3, 4, 4)),
    ("LazyConvTranspose1d(3, 2)", (2,)),
    ("LazyBatchNorm1d()", (5,)),
    ("LazyBatchNorm2d()", (5, 2)),
    ("LazyInstanceNorm2d()", (5, 3, 4)),
    ("LazyLinear(3, 2, 1, 5, 6)", (1, 2)),
]


@pytest.mark.parametrize(("text", "shape"), WRONG)
def test_wrong_input(text, shape):
    same(lambda lib: made(lib, text)(numbers(lib, *shape)))


USES = [
    "w.shape",
    "w.size()",
    "w.ndim",
    "w.dtype",
    "w.data",
    "w.is_leaf",
    "w.grad",
    "w.numel()",
    "w.dim()",
    "len(w)",
    "w[0]",
    "w + 1",
    "1 + w",
    "torch.ones(3) * w",
    "torch.relu(w)",
    "torch.cat([w])",
    "torch.nn.functional.linear(torch.ones(2, 3), w)",
    "w.sum()",
    "w.detach()",
    "w.clone()",
    "w.requires_grad_(False)",
    "w.share_memory_()",
    "repr(w)",
    "repr(layer.double().weight)",
    "w.double().dtype",
    "w.is_floating_point()",
    "torch.nn.parameter.is_lazy(w)",
    "torch.nn.Linear(2, 3).load_state_dict(layer.state_dict())",
    "layer.load_state_dict(torch.nn.LazyLinear(2).state_dict())",
    "layer.requires_grad_(False)",
    "layer(5)",
    "torch.optim.SGD(layer.parameters()) is None",
]


def begun(text):
    """Messages name the function after these words, each library in its way."""
    return text.partition(" in ")[0] if text.startswith("Attempted to use") else text


@pytest.mark.parametrize("use", USES)
def test_use_before_the_first_call(use):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    found = []
    for lib in (backlit, torch):
        layer = lib.nn.LazyLinear(3)
        try:
            result = eval(use, {"torch": lib, "w": layer.weight, "layer": layer})
            found.append(str(result))
        except Exception as error:
            found.append((type(error).__name__, begun(str(error).partition("\n")[0])))
    assert found[0] == found[1]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies(copied):
    def run(lib):
        layer = lib.nn.LazyLinear(3, dtype=lib.float64)
        twin = copied(layer)
        y = twin(lib.ones(2, 2, dtype=lib.float64 if copied is copy.deepcopy else lib.float32))
        return repr(layer), repr(twin), list(y.shape)

    if copied is copy.deepcopy:
        same(run)
    else:  # PyTorch's pickle forgets the dtype
        layer = pickle.loads(pickle.dumps(backlit.nn.LazyLinear(3, dtype=backlit.float64)))
        assert layer(backlit.ones(2, 2, dtype=backlit.float64)).dtype == backlit.float64


def test_calls_are_fast_again_after_the_first():
    from backlit.nn._hooks import live

    gc.collect()
    before = len(live)
    layer = copy.deepcopy(backlit.nn.LazyLinear(2))
    layer(backlit.zeros(1, 2))
    gc.collect()
    assert len(live) == before


def test_uninitialized_buffer():
    def run(lib):
        module = lib.nn.Module()
        module.kept = lib.nn.UninitializedBuffer(dtype=lib.float64)
        module.other = lib.nn.UninitializedBuffer(persistent=False)
        before = repr(module._buffers), sorted(module._non_persistent_buffers_set)
        module.kept.materialize((2, 3))
        module.kept.zero_()
        return before, type(module.kept).__name__, module.kept

    same(run)


def test_a_mixin_of_ones_own():
    def run(lib):
        class Scale(lib.nn.modules.lazy.LazyModuleMixin, lib.nn.Module):
            def __init__(self, complete):
                super().__init__()
                self.complete = complete
                self.scale = lib.nn.UninitializedParameter()

            def initialize_parameters(self, x):
                if self.complete:
                    self.scale.materialize(x.shape)
                    lib.nn.init.ones_(self.scale)

            def forward(self, x):
                return x * self.scale

        return Scale(True)(lib.ones(2)).detach(), Scale(False)(lib.ones(2))

    same(run)


def test_a_mixin_must_say_how():
    def run(lib):
        class Nothing(lib.nn.modules.lazy.LazyModuleMixin, lib.nn.Linear):
            pass

        return Nothing(2, 3)(lib.ones(2))

    same(run)
