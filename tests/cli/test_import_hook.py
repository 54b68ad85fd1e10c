"""The import hook: `torch` and its submodules are backlit's own modules."""

import subprocess
import sys

CODE = """
import sys
from backlit import _import_hook
_import_hook.install()
_import_hook.install()
import backlit
import torch
{body}
"""


def run(body):
    """The printed lines of `body`, run with the hook in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(body=body)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_same_modules():
    assert run(
        "import torch.nn, torch.nn.functional as F, torch.utils.data, torch.optim as optim\n"
        "from torch.autograd import Function\n"
        "from torch.utils.checkpoint import checkpoint\n"
        "print(torch is backlit, torch.nn is backlit.nn, optim is backlit.optim)\n"
        "print(F is backlit.nn.functional, Function is backlit.autograd.Function)\n"
        "print(checkpoint.__module__)\n"
    ) == ["True True True", "True True", "backlit.utils.checkpoint"]


def test_modules_keep_their_identity():
    assert run(
        "import torch.nn\n"
        "print(torch.__spec__.name, torch.nn.__spec__.name, torch.nn.__name__)\n"
        "print(sys.modules['torch.nn'] is sys.modules['backlit.nn'])\n"
    ) == ["backlit backlit.nn backlit.nn", "True"]


def test_pytorch_is_not_loaded():
    assert run("print([n for n, m in sys.modules.items() if n == 'torch._dynamo'])") == ["[]"]
    assert run("print(torch.__file__ == backlit.__file__)") == ["True"]


def test_uninstall():
    assert run(
        "_import_hook.uninstall()\n"
        "print('torch' in sys.modules, _import_hook.Finder in sys.meta_path)\n"
    ) == ["False False"]


def test_refuses_when_pytorch_is_loaded():
    body = (
        "_import_hook.uninstall()\n"
        "import types; sys.modules['torch'] = types.ModuleType('torch')\n"
        "try:\n    _import_hook.install()\nexcept RuntimeError as error:\n    print(error)\n"
    )
    assert "it is PyTorch" in run(body)[0]


def test_the_pytorch_side_of_safetensors():
    assert run(
        "from safetensors.torch import save, load\n"
        "print(load(save({'a': torch.ones(2)})), save.__module__)\n"
    ) == ["{'a': tensor([1., 1.])} backlit.safetensors"]
