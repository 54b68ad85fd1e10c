"""There is no GPU: what programs ask before they use one."""

from __future__ import annotations

from ._namespace import missing_attribute


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


def empty_cache() -> None:
    """Nothing to empty."""


__getattr__ = missing_attribute(__name__)
