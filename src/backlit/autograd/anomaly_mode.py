"""Anomaly mode: an error in backward also shows the forward line that made the failing node."""

from __future__ import annotations

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
