"""The default generator of random numbers."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

from . import _C

default_generator = _C.default_generator


def manual_seed(seed: int) -> Any:
    """Seed the default generator; the numbers that follow are PyTorch's for that seed.

    Example:
        >>> import backlit as torch
        >>> _ = torch.manual_seed(0)
        >>> torch.rand(1)
        tensor([0.4963])
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seed the default generator from the system and return that seed."""
    return int(default_generator.seed())


def initial_seed() -> int:
    """The seed last set."""
    return int(default_generator.initial_seed())


def get_rng_state() -> Any:
    """The default generator's state, a ByteTensor in PyTorch's layout."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Restore a state that `get_rng_state` gave."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str = "cpu",
) -> Generator[None, None, None]:
    """Restore the default generator's state at the end of the block.

    Example:
        >>> import backlit as torch
        >>> before = torch.initial_seed()
        >>> with torch.random.fork_rng():
        ...     _ = torch.manual_seed(7)
        >>> torch.initial_seed() == before
        True
    """
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)


_C.get_rng_state = get_rng_state
_C.set_rng_state = set_rng_state
