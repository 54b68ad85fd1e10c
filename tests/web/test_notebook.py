"""Explanations and tensors in a notebook, executed by a kernel as JupyterLab and VS Code do."""

import json
import subprocess
import sys

import pytest

for name in ("nbclient", "ipykernel"):
    pytest.importorskip(name, reason=f"{name} (extra web)")
pytest.importorskip("fast_sugiyama", reason="the drawing's layout (extra explain)")

CELLS = [
    "import backlit as torch\n"
    "w = torch.tensor(1.0, requires_grad=True)\n"
    "loss = (w * 1.0 - 2.0) ** 2\n"
    "torch.explain(loss)",
    "torch.tensor([[1.0, -2.0], [0.0, 4.0]])",
    "w",
    "torch.tensor([float('nan'), 1.0, float('inf')])",
]

# In a process of its own: nbclient leaves sockets to the garbage collector.
EXECUTE = """
import json, sys
import nbclient, nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

class ThisPython(KernelSpecManager):  # wherever kernels are installed
    def get_kernel_spec(self, kernel_name):
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="this", language="python")

cells = [nbformat.v4.new_code_cell(source) for source in json.load(sys.stdin)]
notebook = nbformat.v4.new_notebook(cells=cells)
manager = AsyncKernelManager(kernel_name="this", kernel_spec_manager=ThisPython())
nbclient.NotebookClient(notebook, km=manager, timeout=120).execute()
print(json.dumps([cell["outputs"][0]["data"] for cell in cells]))
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE],
        input=json.dumps(CELLS),
        cwd=tmp_path_factory.mktemp("notebook"),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_an_explanation_is_its_page(outputs):
    html = outputs[0]["text/html"]
    assert "<iframe" in html and "srcdoc" in html
    assert len(html) < 150_000
    assert "text/latex" in outputs[0]


def test_a_tensor_is_its_text_and_a_small_picture(outputs):
    assert outputs[1]["text/plain"] == "tensor([[ 1., -2.],\n        [ 0.,  4.]])"
    html = outputs[1]["text/html"]
    assert "tensor([[ 1., -2.],\n        [ 0.,  4.]])" in html
    assert "<svg" in html and len(html) < 4000


def test_a_number_needs_no_picture(outputs):
    assert outputs[2]["text/plain"] == "tensor(1., requires_grad=True)"
    assert "<svg" not in outputs[2].get("text/html", "")


def test_odd_numbers_are_drawn_apart(outputs):
    assert 'class="hx"' in outputs[3]["text/html"]
