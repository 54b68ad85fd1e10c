"""Versions of what backlit could be built with; None for what it is not."""

from __future__ import annotations

from . import __version__ as __version__

cuda: str | None = None
hip: str | None = None
debug = False
