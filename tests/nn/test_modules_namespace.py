"""`torch.nn.modules`: each class where PyTorch has it."""

import importlib
import inspect
import pkgutil

import pytest

import backlit

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
FILES = [m.name for m in pkgutil.iter_modules(torch.nn.modules.__path__) if m.name[0] != "_"]
MISSING = ("linear_cross_entropy", "linear_cross_entropy_options")  # refused by that loss


@pytest.mark.parametrize("file", sorted(set(FILES) - set(MISSING)))
def test_classes_are_where_pytorch_has_them(file):
    theirs = importlib.import_module(f"torch.nn.modules.{file}")
    mine = importlib.import_module(f"backlit.nn.modules.{file}")
    for name, value in vars(theirs).items():
        own = inspect.isclass(value) and value.__module__ == theirs.__name__
        if own and hasattr(torch.nn, name):
            assert getattr(mine, name) is getattr(backlit.nn, name)


@pytest.mark.parametrize(
    ("file", "base", "layers"),
    [
        ("batchnorm", "_BatchNorm", "BatchNorm1d BatchNorm2d BatchNorm3d"),
        ("batchnorm", "_NormBase", "BatchNorm2d InstanceNorm2d"),
        ("instancenorm", "_InstanceNorm", "InstanceNorm1d"),
        ("conv", "_ConvNd", "Conv1d Conv2d Conv3d ConvTranspose2d"),
        ("conv", "_ConvTransposeNd", "ConvTranspose1d"),
        ("dropout", "_DropoutNd", "Dropout Dropout2d AlphaDropout"),
        ("pooling", "_MaxPoolNd", "MaxPool2d"),
        ("pooling", "_AdaptiveAvgPoolNd", "AdaptiveAvgPool2d"),
        ("loss", "_Loss", "MSELoss CrossEntropyLoss"),
        ("loss", "_WeightedLoss", "CrossEntropyLoss"),
    ],
)
def test_bases_that_programs_ask_for(file, base, layers):
    for lib in (backlit, torch):
        home = importlib.import_module(f"{lib.__name__}.nn.modules.{file}")
        for layer in layers.split():
            assert issubclass(getattr(lib.nn, layer), getattr(home, base))


def test_helpers():
    for lib in (backlit, torch):
        utils = importlib.import_module(f"{lib.__name__}.nn.modules.utils")
        assert utils._pair(3) == (3, 3)
        assert utils._triple([1, 2, 3]) == (1, 2, 3)
        state = lib.nn.DataParallel(lib.nn.Sequential(lib.nn.Linear(1, 1))).state_dict()
        utils.consume_prefix_in_state_dict_if_present(state, "module.")
        assert list(state) == ["0.weight", "0.bias"]
        assert sorted(state._metadata) == ["", "0"]
