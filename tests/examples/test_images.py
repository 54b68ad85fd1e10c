"""LeNet and the residual network: the same losses as on PyTorch; through `backlit run`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
EXAMPLES = Path(__file__).parents[2] / "examples"


def sources(name):
    """The program as it is, and as a PyTorch program."""
    ours = (EXAMPLES / name).read_text(encoding="utf-8")
    theirs = ours.replace("import backlit as torch\n", "import torch\n")
    assert theirs != ours
    return ours, theirs


def lenet(names):
    torch = names["torch"]
    torch.manual_seed(0)
    train, test = names["load"]()
    train.tensors = [t[:256] for t in train.tensors]
    batches = torch.utils.data.DataLoader(train, batch_size=64, shuffle=True)
    model = names["LeNet"]()
    losses = names["epoch"](model, torch.optim.Adam(model.parameters(), lr=2e-3), batches)
    return [*losses, names["accuracy"](model, *test.tensors)]


def resnet(names):
    torch = names["torch"]
    torch.manual_seed(0)
    train, _ = names["load"]()
    train.tensors = [t[:192] for t in train.tensors]
    batches = torch.utils.data.DataLoader(train, batch_size=64, shuffle=True)
    model = names["ResNet"]()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=3)
    return names["epoch"](model, optimizer, schedule, batches)


@pytest.mark.parametrize("run", [lenet, resnet])
def test_same_losses_as_pytorch(run):
    pytest.importorskip("torch", reason="PyTorch is not installed to compare with")
    results = []
    for source in sources(f"{run.__name__}.py"):
        names = {"__name__": run.__name__}
        exec(compile(source, run.__name__, "exec"), names)
        results.append(run(names))
    assert results[0] == pytest.approx(results[1], rel=2e-4)


@pytest.mark.parametrize(("name", "least"), [("lenet", 0.8), ("resnet", 0.8)])
def test_backlit_run_takes_it_unchanged(name, least, tmp_path):
    script = tmp_path / f"{name}.py"
    script.write_text(sources(f"{name}.py")[1], encoding="utf-8")
    command = [sys.executable, "-m", "backlit", "run", str(script), "--epochs", "2"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    assert float(re.search(r"accuracy on the test set: (\S+),", told)[1]) > least
