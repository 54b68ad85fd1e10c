"""`optim.swa_utils`: averages of a model over training, and the schedule that goes with them.

Stochastic weight averaging (Izmailov et al. 2018) and exponential moving averages.
"""

from __future__ import annotations

import math
from copy import deepcopy
from itertools import chain
from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit import Tensor
from backlit.nn import Module
from backlit.nn._batch_norm import _BatchNorm

from ._scheduler import LRScheduler, per_group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ._optimizer import Optimizer


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


def get_ema_avg_fn(decay: float = 0.999) -> Callable[..., Tensor]:
    """The exponential moving average of one parameter: decay average + (1 - decay) parameter.

    >>> get_ema_avg_fn(0.9)(backlit.tensor(1.0), backlit.tensor(2.0), 5)
    tensor(1.1000)
    """
    _check_decay(decay)

    def average(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        with bl.no_grad():
            return decay * averaged + (1 - decay) * current

    return average


def get_swa_avg_fn() -> Callable[..., Tensor]:
    """The mean of a parameter over `count` + 1 models, from the mean over `count`.

    >>> get_swa_avg_fn()(backlit.tensor(1.0), backlit.tensor(2.0), 3)
    tensor(1.2500)
    """

    def average(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        with bl.no_grad():
            return averaged + (current - averaged) / (count + 1)

    return average


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """`get_ema_avg_fn` for lists of parameters, which are changed in place."""
    _check_decay(decay)
    return _in_place(lambda count: 1 - decay, get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """`get_swa_avg_fn` for lists of parameters, which are changed in place.

    >>> averages = [backlit.tensor(1.0), backlit.tensor(4.0)]
    >>> get_swa_multi_avg_fn()(averages, [backlit.tensor(2.0), backlit.tensor(2.0)], 1)
    >>> averages
    [tensor(1.5000), tensor(3.)]
    """
    return _in_place(lambda count: 1 / (float(count) + 1), get_swa_avg_fn())


def _in_place(
    weight: Callable[[Any], float], average: Callable[..., Tensor]
) -> Callable[..., None]:
    """Moves averages by `weight(count)` towards the parameters; integers by `average`."""

    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], count: Any) -> None:
        with bl.no_grad():
            for mean, value in zip(averaged, current, strict=True):
                if mean.is_floating_point():
                    mean.lerp_(value, weight(count))
                else:
                    mean.copy_(average(mean, value, count))

    return update


class AveragedModel(Module):
    """A copy of a model whose parameters are averages over the calls of `update_parameters`.

    The first call copies. After that `avg_fn(average, parameter, count)` gives the new average, or
    `multi_avg_fn(averages, parameters, count)` changes lists of them in place; by default it is
    the plain mean. Buffers are copied, or averaged too with `use_buffers`.

        >>> model = Linear(1, 1)
        >>> average = swa_utils.AveragedModel(model)
        >>> for value in (1.0, 2.0, 6.0):
        ...     _ = model.bias.data.fill_(value)
        ...     average.update_parameters(model)
        >>> average.module.bias.item()
        3.0
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[..., Tensor] | None = None,
        multi_avg_fn: Callable[..., None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", bl.tensor(0, dtype=bl.int64, device=device))
        self.avg_fn, self.multi_avg_fn = avg_fn, multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model makes of the input."""
        return self.module(*args, **kwargs)

    def _averaged(self, model: Module) -> list[Tensor]:
        parts: Iterable[Tensor] = model.parameters()
        if self.use_buffers:
            parts = chain(parts, model.buffers())
        return [part.detach() for part in parts]

    def update_parameters(self, model: Module) -> None:
        """Take the parameters of `model` into the averages."""
        averaged, current = self._averaged(self.module), self._averaged(model)
        if self.n_averaged == 0:
            for mean, value in zip(averaged, current, strict=False):
                mean.copy_(value)
        elif self.avg_fn is not None:
            for mean, value in zip(averaged, current, strict=False):
                mean.copy_(self.avg_fn(mean, value, self.n_averaged))
        else:
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            for means, values in _by_dtype(averaged, current):
                update(means, values, self.n_averaged)
        if not self.use_buffers:
            for kept, buffer in zip(self.module.buffers(), model.buffers(), strict=True):
                kept.detach().copy_(buffer.detach())
        self.n_averaged += 1


def _by_dtype(
    averaged: list[Tensor], current: list[Tensor]
) -> Iterable[tuple[list[Tensor], list[Tensor]]]:
    """The two lists in parts of one dtype, as averaging functions expect them."""
    parts: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
    for mean, value in zip(averaged, current, strict=False):
        means, values = parts.setdefault(mean.dtype, ([], []))
        means.append(mean)
        values.append(value)
    return parts.values()


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the statistics of the batch norms of `model` anew, from one pass over `loader`.

    A batch is a tensor, or a list or tuple whose first entry goes into the model.

        >>> model = BatchNorm1d(1)
        >>> swa_utils.update_bn([backlit.tensor([[1.0], [3.0]])], model)
        >>> model.running_mean
        tensor([2.])
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    with bl.no_grad():
        for batch in loader:
            first = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(first if device is None else first.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """The rate moves from where it is to `swa_lr` within `anneal_epochs`, and stays.

    `anneal_strategy`: "cos" along half a cosine, "linear" along a line.

        >>> optimizer = SGD(Linear(1, 1).parameters(), lr=1.0)
        >>> scheduler = swa_utils.SWALR(optimizer, swa_lr=0.5, anneal_epochs=2)
        >>> for epoch in range(3):
        ...     optimizer.step(); scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = per_group(optimizer, "swa_lr", swa_lr)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _done(self, step: int) -> float:
        """The part of the way gone after a step."""
        part = max(0, min(1, step / max(1, self.anneal_epochs)))
        return part if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * part)) / 2

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._done(step - 1), self._done(step)
        rates = []
        for group in self.optimizer.param_groups:
            goal = group["swa_lr"]
            # where the way began, so that the current rate lies on it
            start = goal if before == 1 else (group["lr"] - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates
