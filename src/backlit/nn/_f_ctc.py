"""Connectionist temporal classification (Graves et al. 2006), composed of recorded operations.

Shapes: T time steps, N samples, C classes with the blank, S labels of the longest target, and
L = 2 S + 1 states: blank, label 1, blank, label 2, ..., blank.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit import Tensor

from ._f_losses import check_reduction

if TYPE_CHECKING:
    from collections.abc import Sequence

_ARGUMENTS = "(while checking arguments for ctc_loss_allocate_outputs)"


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log of the probability that the time steps spell the target, over all alignments.

    `log_probs` is (T, N, C) or (T, C), logarithms of probabilities that sum to 1 over the classes;
    `targets` is (N, S), or 1-dimensional with the targets one after the other. An alignment names
    one class per time step; it spells what is left when repetitions are merged and blanks removed.
    "mean" divides each loss by the length of its target first. Where no alignment fits the loss is
    inf, and its gradient nan; `zero_infinity` makes both 0.

    The gradient is that of PyTorch, exp(log_probs) - P(class at t | target): right for whatever
    `log_softmax` was applied to.

    >>> even = backlit.full((2, 1, 2), 0.5).log()  # two steps, blank or 1: three of four spell "1"
    >>> ctc_loss(even, backlit.tensor([[1]]), (2,), (1,)).exp()
    tensor(1.3333)
    """
    check_reduction(reduction)
    batched = log_probs.dim() == 3
    x = log_probs if batched else log_probs.unsqueeze(1)
    steps, lengths = _lengths(input_lengths, target_lengths)
    _check(x, targets, steps, lengths, blank)
    inside = bl.arange(x.size(0)).unsqueeze(1) < bl.tensor(steps)  # (T, N)
    x = x.masked_fill(~inside.unsqueeze(2), 0)
    states = _states(targets, lengths, blank)
    ends = _ends(_forward_variables(x, states, blank), steps, lengths)
    loss = -ends.logsumexp(1)
    impossible = loss.isinf()
    if impossible.any():
        loss = loss.masked_fill(impossible, 0 if zero_infinity else math.inf)
        if x.requires_grad:
            slope = 0 if zero_infinity else math.nan
            x.register_hook(lambda grad: grad.masked_fill(impossible.unsqueeze(1), slope))
    loss = loss + _normalisation(x, inside)
    if reduction == "mean":
        return (loss / bl.tensor(lengths).clamp(min=1)).mean()
    if reduction == "sum":
        return loss.sum()
    return loss if batched else loss.squeeze(0)


def _lengths(inputs: Any, targets: Any) -> tuple[list[int], list[int]]:
    """Both arguments as lists: two tensors or two sequences."""
    if isinstance(inputs, Tensor) and isinstance(targets, Tensor):
        for name, lengths in (("input", inputs), ("target", targets)):
            if lengths.is_floating_point():
                raise RuntimeError(f"{name}_lengths must be integral")
        return inputs.reshape(-1).tolist(), targets.reshape(-1).tolist()
    if isinstance(inputs, (list, tuple)) and isinstance(targets, (list, tuple)):
        return list(inputs), list(targets)
    raise TypeError(
        "ctc_loss() received an invalid combination of arguments - input_lengths and "
        "target_lengths must be two tensors or two sequences of int, got "
        f"{type(inputs).__name__} and {type(targets).__name__}"
    )


def _check(x: Tensor, targets: Tensor, steps: list[int], lengths: list[int], blank: int) -> None:
    if x.numel() == 0:
        raise RuntimeError("log_probs tensor must not be empty")
    if x.dtype not in (bl.float32, bl.float64):
        kind = {"float16": "Half", "bfloat16": "BFloat16"}.get(str(x.dtype).split(".")[-1])
        raise NotImplementedError(f"\"ctc_loss_cpu\" not implemented for '{kind or x.dtype}'")
    if x.dim() != 3:
        raise RuntimeError(
            f"Expected 3-dimensional tensor, but got {x.dim()}-dimensional tensor for argument #1 "
            f"'log_probs' {_ARGUMENTS}"
        )
    if targets.dim() not in (1, 2):
        raise RuntimeError(
            f"Expected 1 to 2 dimensions, but got {targets.dim()}-dimensional tensor for argument "
            f"#2 'targets' {_ARGUMENTS}"
        )
    if not 0 <= blank < x.size(2):
        raise RuntimeError("blank must be in label range")
    for name, values in (("input", steps), ("target", lengths)):
        if len(values) != x.size(1):
            raise RuntimeError(f"{name}_lengths must be of size batch_size")
        if min(values) < 0:
            raise RuntimeError(
                f"Expected {name}_lengths to have value at least 0, but got value {min(values)} "
                f"{_ARGUMENTS}"
            )
    _check_targets(targets, lengths)
    if max(steps) > x.size(0):
        raise RuntimeError(
            f"Expected input_lengths to have value at most {x.size(0)}, but got value {max(steps)} "
            f"{_ARGUMENTS}"
        )


def _check_targets(targets: Tensor, lengths: list[int]) -> None:
    size = targets.size(0)
    expected = len(lengths) if targets.dim() == 2 else sum(lengths)
    if size != expected:
        raise RuntimeError(
            f"Expected tensor to have size {expected} at dimension 0, but got size {size} for "
            f"argument #2 'targets' {_ARGUMENTS}"
        )
    if targets.dim() == 2 and targets.size(1) < max(lengths):
        raise RuntimeError(
            f"Expected tensor to have size at least {max(lengths)} at dimension 1, but got size "
            f"{targets.size(1)} for argument #2 'targets' {_ARGUMENTS}"
        )


def _states(targets: Tensor, lengths: list[int], blank: int) -> Tensor:
    """The class of each state, (N, L); what lies after a target is blank."""
    longest = max(lengths)
    place = bl.arange(longest)
    used = place < bl.tensor(lengths).unsqueeze(1)  # (N, S)
    if targets.dim() == 2:
        padded = targets[:, :longest].to(bl.int64)
    else:
        starts = bl.tensor(lengths).cumsum(0).unsqueeze(1) - bl.tensor(lengths).unsqueeze(1)
        padded = targets.to(bl.int64)[(starts + place).masked_fill(~used, 0)]
    states = bl.full((len(lengths), 2 * longest + 1), blank, dtype=bl.int64)
    states[:, 1::2] = padded.masked_fill(~used, blank)
    return states


def _forward_variables(x: Tensor, states: Tensor, blank: int) -> Tensor:
    """log P(the first t steps end in state s), (T, N, L).

    A state is reached from itself, from the one before, and from the label before where that is
    another label, over a blank which may be skipped.
    """
    samples, count = states.shape
    emitted = x.gather(2, states.expand(x.size(0), samples, count))
    before = bl.full((samples, 2), -math.inf, dtype=x.dtype)
    may_not_skip = bl.ones(samples, count, dtype=bl.bool)
    may_not_skip[:, 2:] = (states[:, 2:] == blank) | (states[:, 2:] == states[:, :-2])
    alpha = emitted[0].masked_fill(bl.arange(count) > 1, -math.inf)
    alphas = [alpha]
    for t in range(1, x.size(0)):
        shifted = bl.cat((before, alpha), 1)  # state s at s + 2
        skipped = shifted[:, :count].masked_fill(may_not_skip, -math.inf)
        reached = bl.stack((alpha, shifted[:, 1 : count + 1], skipped)).logsumexp(0)
        alpha = reached + emitted[t]
        alphas.append(alpha)
    return bl.stack(alphas)


def _ends(alphas: Tensor, steps: list[int], lengths: list[int]) -> Tensor:
    """The forward variables of the two states in which a target ends, (N, 2).

    Those are its last label and the blank after it. Without a label or a step there is only one:
    the probability to have spelled nothing after no steps is 1.
    """
    samples = bl.arange(len(steps))
    last = bl.tensor(steps).clamp(min=1) - 1
    labels = bl.tensor(lengths)
    of_blank = alphas[last, samples, 2 * labels]
    of_label = alphas[last, samples, (2 * labels - 1).clamp(min=0)]
    no_step, no_label = bl.tensor(steps) == 0, labels == 0
    of_blank = of_blank.masked_fill(no_step, -math.inf).masked_fill(no_step & no_label, 0)
    of_label = of_label.masked_fill(no_step | no_label, -math.inf)
    return bl.stack((of_blank, of_label), 1)


def _normalisation(x: Tensor, inside: Tensor) -> Tensor:
    """0 for each sample, with the gradient exp(x): that of the total probability, which is 1."""
    total = x.exp().sum(2).masked_fill(~inside, 0).sum(0)
    return total - total.detach()
