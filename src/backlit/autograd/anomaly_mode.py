"""Anomaly mode: an error in backward also shows the forward line that made the failing node."""

from __future__ import annotations

from typing import Any

from .. import _C


class set_detect_anomaly:
    """Switch anomaly detection on or off, at once or, as a context manager, for a block.

    Args:
        mode: True records the forward line of each operation and shows it when its backward fails.
        check_nan: also raise when a backward gives nan.
    """

    __slots__ = ("_former",)

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._former = (_C._is_anomaly_enabled(), _C._is_anomaly_check_nan_enabled())
        _C._set_anomaly_enabled(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        _C._set_anomaly_enabled(*self._former)


class detect_anomaly:
    """`set_detect_anomaly` for a block, with a warning that it is slow."""

    __slots__ = ("_former", "check_nan")

    def __init__(self, check_nan: bool = True) -> None:
        import warnings

        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should "
            "only be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._former = (_C._is_anomaly_enabled(), _C._is_anomaly_check_nan_enabled())
        _C._set_anomaly_enabled(True, self.check_nan)

    def __exit__(self, *_: object) -> None:
        _C._set_anomaly_enabled(*self._former)


def _note_creation(node: Any) -> None:
    """The core calls this for each node recorded while anomaly mode is on."""
    import traceback

    frames = traceback.extract_stack()[:-1]
    node.metadata["traceback_"] = traceback.format_list(frames)


def _report(node: Any) -> None:
    """The core calls this for the node whose backward failed, before the error goes on."""
    import warnings

    stack = node.metadata.get("traceback_")
    name = node.name()
    if stack is None:
        text = (
            f"Error detected in {name}. No forward pass information available. Enable detect "
            "anomaly during forward pass for more information."
        )
    else:
        text = (
            f"Error detected in {name}. Traceback of forward call that caused the error:\n"
            + "".join(stack)
        )
    warnings.warn(text, stacklevel=2)
