"""The line search of L-BFGS: a step length that satisfies the strong Wolfe conditions.

Nocedal and Wright, Numerical Optimization, algorithms 3.5 and 3.6: first find an interval that
holds such a step, then shrink it. Losses are numbers, slopes are 0-d tensors, as in PyTorch, so
that both libraries decide alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from backlit import Tensor

DECREASE = 1e-4  # c1: at least this part of the decrease that the slope at 0 promises
CURVATURE = 0.9  # c2: at most this part of the slope at 0


class Trial(NamedTuple):
    """What is known of one step length."""

    t: Any
    loss: float
    grad: Tensor
    slope: Tensor  # along the direction


def cubic_minimum(a: Trial, b: Trial, low: Any = None, high: Any = None) -> Any:
    """Where the cubic through two trials and their slopes is smallest, kept within bounds.

    The bounds are the trials' own step lengths unless given.
    """
    if a.t > b.t:
        a, b = b, a
    low, high = (a.t, b.t) if low is None else (low, high)
    mean = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = mean**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    root = square.sqrt()
    t = b.t - (b.t - a.t) * ((b.slope + root - mean) / (b.slope - a.slope + 2 * root))
    return min(max(t, low), high)


class StrongWolfe:
    """One search from a point along a direction.

    `evaluate(t)` gives loss and gradient at step length t; `start` is the trial at 0.
    """

    def __init__(
        self,
        evaluate: Callable[[Any], tuple[float, Tensor]],
        direction: Tensor,
        start: Trial,
        max_trials: int,
        tolerance: float,
    ) -> None:
        self.evaluate, self.direction, self.start = evaluate, direction, start
        self.max_trials, self.tolerance = max_trials, tolerance
        self.trials = 0

    def search(self, t: Any) -> Trial:
        """The trial to take; `trials` says how many evaluations it took."""
        ends = self._bracket(t)
        return ends[0] if len(ends) == 1 else self._zoom(ends)

    def _try(self, t: Any) -> Trial:
        self.trials += 1
        loss, grad = self.evaluate(t)
        return Trial(t, loss, grad, grad.dot(self.direction))

    def _descends_too_little(self, trial: Trial) -> Any:
        start = self.start
        return trial.loss > start.loss + DECREASE * trial.t * start.slope

    def _is_flat(self, trial: Trial) -> Any:
        return abs(trial.slope) <= -CURVATURE * self.start.slope

    def _bracket(self, t: Any) -> list[Trial]:
        """One trial that satisfies the conditions, or two with such a step between them."""
        before, trial = self.start, self._try(t)
        for turn in range(self.max_trials):
            if self._descends_too_little(trial) or (turn > 1 and trial.loss >= before.loss):
                return [before, trial]
            if self._is_flat(trial):
                return [trial]
            if trial.slope >= 0:
                return [before, trial]
            least = trial.t + 0.01 * (trial.t - before.t)
            t = cubic_minimum(before, trial, least, trial.t * 10)
            before, trial = trial, self._try(t)
        return [self.start, trial]

    def _zoom(self, ends: list[Trial]) -> Trial:
        """Shrink the interval between two trials; the better end is the answer."""
        low = _lower(ends)
        size = self.direction.abs().max()
        stalled = False
        while self.trials <= self.max_trials:
            if abs(ends[1].t - ends[0].t) * size < self.tolerance:
                break
            t, stalled = _keep_off_ends(cubic_minimum(*ends), ends, stalled)
            trial = self._try(t)
            if self._descends_too_little(trial) or trial.loss >= ends[low].loss:
                ends[1 - low] = trial
                low = _lower(ends)
                continue
            done = self._is_flat(trial)
            if not done and trial.slope * (ends[1 - low].t - ends[low].t) >= 0:
                ends[1 - low] = ends[low]
            ends[low] = trial
            if done:
                break
        return ends[low]


def _lower(ends: list[Trial]) -> int:
    return 0 if ends[0].loss <= ends[1].loss else 1


def _keep_off_ends(t: Any, ends: list[Trial], stalled: bool) -> tuple[Any, bool]:
    """A step length a tenth inside the interval, where two in a row came too near its ends.

    Returns it and whether this one was too near.
    """
    left, right = min(ends[0].t, ends[1].t), max(ends[0].t, ends[1].t)
    margin = 0.1 * (right - left)
    if min(right - t, t - left) >= margin:
        return t, False
    if not (stalled or t >= right or t <= left):
        return t, True
    return (right - margin if abs(t - right) < abs(t - left) else left + margin), False
