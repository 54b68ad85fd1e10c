"""`backlit.optim`: optimizers and learning rate schedules, named as in PyTorch."""

from __future__ import annotations

from . import lr_scheduler as lr_scheduler, swa_utils as swa_utils
from ._adafactor import Adafactor as Adafactor
from ._adam import (
    Adam as Adam,
    Adamax as Adamax,
    AdamW as AdamW,
    NAdam as NAdam,
    RAdam as RAdam,
)
from ._adaptive import Adadelta as Adadelta, Adagrad as Adagrad, RMSprop as RMSprop
from ._lbfgs import LBFGS as LBFGS
from ._muon import Muon as Muon
from ._optimizer import (
    Optimizer as Optimizer,
    register_optimizer_step_post_hook as register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook as register_optimizer_step_pre_hook,
)
from ._sgd import ASGD as ASGD, SGD as SGD, Rprop as Rprop
from ._sparse_adam import SparseAdam as SparseAdam
