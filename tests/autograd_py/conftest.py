"""Each test runs the same lines on backlit and, where it is installed, on PyTorch."""

import importlib

import pytest


@pytest.fixture(params=["backlit", "torch"])
def lib(request):
    """The library under test: backlit, then PyTorch to prove that the test is right."""
    if request.param == "torch":
        return pytest.importorskip("torch", reason="PyTorch is not installed to compare with")
    return importlib.import_module("backlit")
