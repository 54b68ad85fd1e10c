"""`optim.lr_scheduler`: learning rates that change during training."""

from __future__ import annotations

from ._cyclic_schedules import CyclicLR as CyclicLR, OneCycleLR as OneCycleLR
from ._scheduler import (
    ChainedScheduler as ChainedScheduler,
    LRScheduler as LRScheduler,
    SequentialLR as SequentialLR,
)
from ._schedules import (
    ConstantLR as ConstantLR,
    CosineAnnealingLR as CosineAnnealingLR,
    CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts,
    ExponentialLR as ExponentialLR,
    LambdaLR as LambdaLR,
    LinearLR as LinearLR,
    MultiplicativeLR as MultiplicativeLR,
    MultiStepLR as MultiStepLR,
    PolynomialLR as PolynomialLR,
    ReduceLROnPlateau as ReduceLROnPlateau,
    StepLR as StepLR,
)

_LRScheduler = LRScheduler
