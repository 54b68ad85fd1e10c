"""A checkout that is not built says so."""

import shutil
import subprocess
import sys
from pathlib import Path

import backlit


def test_import_of_an_unbuilt_checkout(tmp_path):
    shutil.copytree(
        Path(backlit.__file__).parent,
        tmp_path / "backlit",
        ignore=shutil.ignore_patterns("_C*.so", "_C*.pyd", "__pycache__"),
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", "import backlit"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "ImportError: backlit's extension module is not built for Python" in run.stderr
    assert "make build" in run.stderr
