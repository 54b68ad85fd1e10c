"""Running an example: as it stands, or with `import torch` in its place."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
IMPORT = "import backlit as torch\n"


@pytest.fixture(scope="session")
def output():
    """Runs Python with arguments and returns what it prints."""

    def run(*command):
        done = subprocess.run(
            [sys.executable, *map(str, command)], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def as_torch(tmp_path_factory):
    """A copy of an example that says `import torch`."""

    def copy(name):
        text = (EXAMPLES / name).read_text()
        assert text.count(IMPORT) == 1
        path = tmp_path_factory.mktemp("examples") / name
        path.write_text(text.replace(IMPORT, "import torch\n"))
        return path

    return copy
