"""`backlit.optim`: optimizers and learning rate schedules, named as in PyTorch."""

from __future__ import annotations

from typing import Any, NoReturn

from . import lr_scheduler as lr_scheduler
from ._adam import Adam as Adam, AdamW as AdamW
from ._adaptive import (
    Adadelta as Adadelta,
    Adagrad as Adagrad,
    Adamax as Adamax,
    RMSprop as RMSprop,
)
from ._optimizer import (
    Optimizer as Optimizer,
    register_optimizer_step_post_hook as register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook as register_optimizer_step_pre_hook,
)
from ._sgd import SGD as SGD

_LATER = frozenset(
    ("ASGD", "Adafactor", "LBFGS", "Muon", "NAdam", "RAdam", "Rprop", "SparseAdam", "swa_utils")
)


def __getattr__(name: str) -> Any:
    """Optimizers that come later exist as names; making one raises."""
    if name not in _LATER:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")

    def refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"optim.{name}: not implemented yet in backlit.")

    later = type(name, (Optimizer,), {"__init__": refuse, "__module__": __name__})
    globals()[name] = later
    return later
