"""Switches, devices, and what backlit refuses by name."""

import subprocess
import sys

import pytest

import backlit

from oracle import same

EXPRESSIONS = [
    "t.device('cpu').type",
    "t.device('foo')",
    "t.device('cpu:x')",
    "t.device('cpu') == t.device('cpu'), hash(t.device('cpu')) == hash(t.device('cpu'))",
    "repr(t.device('cpu')), str(t.device('cpu'))",
    "t.cuda.is_available(), t.cuda.device_count(), t.cuda.is_initialized()",
    "t.backends.mps.is_available(), t.backends.cudnn.benchmark",
    "t.are_deterministic_algorithms_enabled(), t.get_deterministic_debug_mode()",
    "t.set_num_threads(0)",
    "t.set_num_threads(1.5)",
    "t.set_num_interop_threads(0)",
    "t.set_num_interop_threads('a')",
    "t.get_float32_matmul_precision()",
    "t.is_autocast_enabled()",
    "t.get_default_device().type",
    "t.is_grad_enabled(), t.is_inference_mode_enabled()",
    "t.is_storage(t.ones(2).untyped_storage()), t.is_storage(3)",
    "len(t.ones(2).untyped_storage())",
    "[t.is_tensor(v) for v in (t.ones(1), 1, [1], None)]",
    "list(iter(t.arange(3)))",
    "iter(t.tensor(1))",
    "1.0 in t.arange(3.0), 7 in t.arange(3)",
    "'a' in t.arange(3)",
    "len(t.tensor(1))",
    "list(reversed(t.arange(3)))",
    "sorted(set(dir(t.ones(1))) & {'grad', 'shape', 'sum', 'T', 'requires_grad_'})",
    "t.ones(2, dtype=t.float64).as_subclass(t.nn.Parameter).dtype.itemsize",
]


@pytest.mark.parametrize("source", EXPRESSIONS)
def test_expression(source):
    same(lambda t: eval(source, {"t": t}))


REFUSED = [
    ("t.complex32", AttributeError, "complex numbers of 16 bits"),
    ("t.jit.script(abs)", NotImplementedError, "torch.jit.script"),
    ("t.jit.ScriptModule()", NotImplementedError, "ScriptModule"),
    ("t.autocast('cpu')", NotImplementedError, "mixed precision"),
    ("t.autocast('xpu')", RuntimeError, "xpu"),
    ("t.__future__.set_swap_module_params_on_conversion(True)", NotImplementedError, "swap_module"),
    ("t.device('cuda')", NotImplementedError, "CPU only. Got device 'cuda'"),
    ("t.zeros(1, device='cuda:0')", NotImplementedError, "CPU only"),
    ("t.zeros(1).to('mps')", NotImplementedError, "CPU only"),
    ("t.zeros(1).cuda()", NotImplementedError, "CPU only"),
    ("t.Generator('cuda')", NotImplementedError, "CPU only"),
    ("t.set_default_device('cuda')", NotImplementedError, "CPU only"),
    ("t.zeros(1).share_memory_()", NotImplementedError, "share_memory_"),
    ("t.no_such_name", AttributeError, "torch.no_such_name"),
    ("t.ones(2, requires_grad=True).as_subclass(t.Tensor)", NotImplementedError, "as_subclass"),
]


@pytest.mark.parametrize(("source", "error", "text"), REFUSED)
def test_refused_by_name(source, error, text):
    with pytest.raises(error, match=text):
        eval(source, {"t": backlit})


def test_marks_for_compilers_change_nothing():
    model = backlit.nn.Linear(1, 1)
    assert backlit.compile(model, mode="max-autotune") is model
    assert backlit.compile(fullgraph=True)(abs) is abs
    with pytest.raises(AssertionError, match="A callable function is expected"):
        backlit.compile(5)
    marks = [
        backlit.compiler.disable,
        backlit.compiler.disable(recursive=False),
        backlit.compiler.allow_in_graph,
        backlit.jit.ignore,
        backlit.jit.ignore(drop=True),
        backlit.jit.export,
        backlit.jit.unused,
        backlit.jit.script_if_tracing,
    ]
    assert all(mark(model) is model for mark in marks)
    assert not (backlit.jit.is_scripting() or backlit.jit.is_tracing())
    assert not backlit.compiler.is_compiling()
    assert not isinstance(model, backlit.jit.ScriptModule)


def test_debug_mode_as_a_word():
    def run(t):
        told = []
        for mode in ("warn", 2, "default"):
            t.set_deterministic_debug_mode(mode)
            told.append(
                (t.get_deterministic_debug_mode(), t.are_deterministic_algorithms_enabled())
            )
        return told

    same(run)
    for wrong in ("often", 3, 1.5):
        same(lambda t, wrong=wrong: t.set_deterministic_debug_mode(wrong))


def test_deterministic_switch():
    def run(t):
        t.use_deterministic_algorithms(True, warn_only=True)
        told = [t.are_deterministic_algorithms_enabled(), t.get_deterministic_debug_mode()]
        t.use_deterministic_algorithms(False)
        return told, t.are_deterministic_algorithms_enabled()

    same(run)


@pytest.mark.parametrize("name", ["float64", "DoubleTensor"])
def test_default_dtype(name):
    def run(t):
        set_default = t.set_default_dtype if name == "float64" else t.set_default_tensor_type
        set_default(getattr(t, name))
        try:
            made = [t.tensor(1.0), t.ones(2), t.Tensor([1]), t.arange(0.0, 2), t.rand(1) * 0]
            return made, t.finfo().bits, t.get_default_dtype() is t.float64
        finally:
            t.set_default_dtype(t.float32)

    assert run(backlit)[1:] == (64, True)
    if name == "float64":  # PyTorch warns of the other one, once in a process
        same(run)


def test_there_is_no_accelerator():
    """Said of backlit alone: what PyTorch says depends on its wheel."""
    import backlit

    assert backlit.version.cuda is None
    assert not backlit.backends.cudnn.is_available()


def test_submodules_of_old_programs_import():
    code = (
        "import backlit.backends.cudnn as cudnn, backlit.utils.dlpack, backlit.utils.checkpoint\n"
        "import backlit.utils.data, backlit.cuda, backlit.version\n"
        "cudnn.benchmark = True\n"
        "import backlit\n"
        "assert backlit.backends.cudnn.benchmark"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_are_where_the_lists_say():
    from importlib import import_module

    from backlit import _namespace

    for name, module in _namespace.DEFERRED.items():
        assert hasattr(import_module(f"backlit.{module}"), name)
    assert not [name for name in _namespace._LATER if hasattr(backlit, name)]
