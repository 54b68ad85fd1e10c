"""`backlit run`: what a script sees, what its errors look like, how it ends."""

import subprocess
import sys

import pytest

SCRIPT = """\
import sys
import torch
import torch.nn as nn
from torch.nn import functional as F
print(sys.argv)
print(__name__, __file__)
print(sys.path[0])
print(torch.__name__, nn.__name__, F.__name__)
"""


@pytest.fixture
def run(tmp_path):
    """Run `backlit *arguments` in an empty folder; give the completed process."""

    def start(*arguments, stdin=None):
        return subprocess.run(
            [sys.executable, "-m", "backlit", *map(str, arguments)],
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return start


@pytest.fixture
def write(tmp_path):
    """Write a file into that folder."""

    def put(text, name="script.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return put


def test_script_sees_what_python_shows(run, write, tmp_path):
    write(SCRIPT)
    done = run("run", "script.py", "a", "--help", "-m")
    assert done.stdout.splitlines() == [
        "['script.py', 'a', '--help', '-m']",
        f"__main__ {tmp_path / 'script.py'}",
        str(tmp_path.resolve()),
        "backlit backlit.nn backlit.nn.functional",
    ]
    assert done.returncode == 0
    assert done.stderr == ""


def test_module(run, write):
    write("", "package/__init__.py")
    write(SCRIPT, "package/__main__.py")
    done = run("run", "-m", "package", "x")
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].endswith("'x']")
    assert lines[1].startswith("__main__ ")


def test_folder(run, write):
    write("import torch; print(__name__, torch.__name__)", "folder/__main__.py")
    assert run("run", "folder").stdout == "__main__ backlit\n"


def test_standard_input(run):
    done = run("run", "-", stdin="import torch; print(__name__, torch.__name__)")
    assert done.stdout == "__main__ backlit\n"


def test_helper_beside_the_script_is_found(run, write):
    write("import torch\nname = torch.__name__\n", "helper.py")
    write("import helper\nprint(helper.name)\n", "script.py")
    assert run("run", "script.py").stdout == "backlit\n"


@pytest.mark.parametrize("code", [0, 3])
def test_exit_code(run, write, code):
    write(f"import sys; sys.exit({code})")
    assert run("run", "script.py").returncode == code


def test_exit_with_a_message(run, write):
    write("raise SystemExit('enough')")
    done = run("run", "script.py")
    assert (done.returncode, done.stderr) == (1, "enough\n")


def test_traceback_shows_the_script_only(run, write, tmp_path):
    path = write("def f():\n    raise ValueError('boo')\nf()\n")
    done = run("run", "script.py")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{path}", line 3, in <module>'
    assert lines[-1] == "ValueError: boo"
    assert "_cli.py" not in done.stderr


def test_syntax_error(run, write):
    write("x = (\n")
    done = run("run", "script.py")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("SyntaxError")
    assert "_cli.py" not in done.stderr


def test_missing_file(run):
    done = run("run", "nothing.py")
    assert done.returncode == 2
    assert "can't open file" in done.stderr


def test_missing_name_in_from_import(run, write):
    write("from torch import rndn\n")
    done = run("run", "script.py")
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "ImportError: cannot import name 'rndn' from 'torch' - backlit does not provide torch.rndn"
    )
    assert "randn" in last


def test_missing_module(run, write):
    write("import torch.foo.bar\n")
    done = run("run", "script.py")
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: No module named 'torch.foo' - backlit does not provide torch.foo"
    )
    assert "_import_hook" not in done.stderr


def test_missing_attribute(run, write):
    write("import torch\ntorch.no_such_thing\n")
    last = run("run", "script.py").stderr.splitlines()[-1]
    assert last.startswith("AttributeError: module 'torch' has no attribute 'no_such_thing'")


def test_scripts_may_ask_whether_a_name_exists(run, write):
    write(
        "import torch\n"
        "try:\n    from torch import no_such_thing\nexcept ImportError:\n    print('handled')\n"
        "try:\n    import torch.no_such_module\nexcept ImportError:\n    print('handled')\n"
        "print(hasattr(torch, 'no_such_thing'), hasattr(torch, 'tensor'))\n"
    )
    assert run("run", "script.py").stdout == "handled\nhandled\nFalse True\n"


def test_version_and_help(run):
    import backlit

    assert run("--version").stdout == f"backlit {backlit.__version__}\n"
    assert "run" in run("--help").stdout
    assert run().returncode == 2
    assert "SCRIPT" in run("run", "--help").stdout
