"""`backlit explain`: a script that says `import torch`, and its gradients afterwards."""

import json
import subprocess
import sys

import pytest

LOOP = """\
import torch
w = torch.tensor([1.0], requires_grad=True)
for x, y in [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]:
    y_pred = x * w
    loss = (y_pred - y) ** 2
    loss.backward()
    w.data = w.data - 0.01 * w.grad.data
    w.grad.data.zero_()
print("done")
"""
NETWORK = """\
import torch
from torch import nn
torch.manual_seed(1)
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, target = torch.randn(5, 3), torch.randn(5, 1)
for _ in range(3):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), target)
    loss.backward()
    optimizer.step()
"""


@pytest.fixture
def explain(tmp_path):
    """Run `backlit explain *arguments SCRIPT` on the text of a script."""

    def start(script, *arguments):
        (tmp_path / "script.py").write_text(script)
        return subprocess.run(
            [sys.executable, "-m", "backlit", "explain", *arguments, "script.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return start


def test_the_last_backward(explain):
    done = explain(LOOP)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["done", "∂loss/∂w = -16.2288"]
    assert any(line.split()[:1] == ["y_pred"] and line.endswith(" 4") for line in lines)
    assert "The lines are those of script.py." in done.stdout
    assert "check: engine: -16.2288, the same" in done.stdout


def test_a_step_before_the_last(explain):
    done = explain(LOOP, "--step", "2", "--save", "why.json")
    assert done.returncode == 0, done.stderr


def test_values_are_those_of_that_moment(explain, tmp_path):
    explain(LOOP, "--step", "2", "--save", "why.json")
    document = json.loads((tmp_path / "why.json").read_text(encoding="utf-8"))
    (variable,) = document["variables"]
    assert variable["gradient"] == [-7.840000152587891]
    values = {node["name"]: node["value"] for node in document["nodes"]}
    assert values["w"] == [pytest.approx(1.02)]


def test_a_step_that_never_came(explain):
    done = explain(LOOP, "--step", "9")
    assert done.returncode == 1
    assert done.stderr == "backlit explain: script.py calls backward() 3 times, not 9.\n"


def test_no_backward(explain):
    done = explain("print(1)")
    assert done.returncode == 1
    assert "calls no backward()" in done.stderr


def test_after_an_optimizer_has_changed_the_parameters(explain):
    done = explain(NETWORK, "--wrt", "model.0.weight", "--at", "1,2")
    assert done.returncode == 0, done.stderr
    assert "∂loss/∂model.0.weight[1, 2]" in done.stdout
    assert "by sample, 5 of them" in done.stdout
    assert "NOT THE SAME" not in done.stdout


def test_flow_and_samples(explain):
    assert "largest shrink" in explain(NETWORK, "--flow").stdout
    ranked = explain(NETWORK, "--by-sample", "model.0.weight").stdout
    assert ranked.splitlines()[0] == "∂loss/∂model.0.weight by sample, 5 of them"


def test_unknown_variable(explain):
    done = explain(LOOP, "--wrt", "v")
    assert done.returncode == 1
    assert "is called 'v'" in done.stderr and "Traceback" not in done.stderr


def test_a_script_that_fails(explain):
    done = explain(LOOP + "raise SystemExit(3)\n")
    assert done.returncode == 3
    assert "∂loss/∂w" in done.stdout


def run(tmp_path, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "backlit", "explain", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_options_may_follow_the_script(tmp_path):
    (tmp_path / "script.py").write_text(LOOP + "import sys\nprint(sys.argv[1:])\n")
    done = run(tmp_path, "script.py", "a", "--flow", "--lr", "1", "--", "--wrt", "b")
    assert done.returncode == 0, done.stderr
    assert "['a', '--lr', '1', '--wrt', 'b']" in done.stdout
    assert "largest growth" in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--save", "x.foo"], "explain: cannot save as '.foo'"),
        (["--save", "nowhere/x.json"], "explain: cannot write nowhere/x.json: No such file"),
        (["--wrt", "w", "--at", "x"], "explain: --at takes positions such as 2,3; got 'x'."),
        (["--wrt", "nope"], "explain: no value of this graph is called 'nope'."),
    ],
)
def test_wrong_options_are_one_sentence(tmp_path, options, message):
    (tmp_path / "script.py").write_text(LOOP)
    done = run(tmp_path, "script.py", *options)
    assert done.returncode == 1
    assert message in done.stderr and "Traceback" not in done.stderr


def test_a_script_that_is_not_there_is_named_once(tmp_path):
    done = run(tmp_path, "none.py")
    assert done.returncode == 2
    assert done.stderr.count("none.py") == 1
