"""L-BFGS: a quasi-Newton method for problems whose loss is computed from all samples at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit import Tensor

from ._checks import check_lr
from ._line_search import StrongWolfe, Trial
from ._optimizer import Optimizer, number

if TYPE_CHECKING:
    from collections.abc import Callable


class LBFGS(Optimizer):
    """Steps along -H g, with H the inverse Hessian estimated from the last `history_size` steps.

    `step` needs a closure that computes the loss and its gradients anew; it is called up to
    `max_eval` times per step. There is one group of parameters only. `line_search_fn` is None for
    steps of length lr, or "strong_wolfe". (Nocedal 1980; Liu and Nocedal 1989)

        >>> w = backlit.zeros(2, requires_grad=True)
        >>> opt = LBFGS([w], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     opt.zero_grad()
        ...     loss = (w - backlit.tensor([1.0, 2.0])).square().sum()
        ...     loss.backward()
        ...     return loss
        >>> opt.step(closure)
        tensor(5., grad_fn=<SumBackward0>)
        >>> w.detach().round(decimals=3)
        tensor([1., 2.])
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params: list[Tensor] = self.param_groups[0]["params"]

    def _flat_grad(self) -> Tensor:
        """The gradients of all parameters as one vector of real numbers."""
        return bl.cat(
            [
                _parts(bl.zeros_like(param) if param.grad is None else param.grad).reshape(-1)
                for param in self._params
            ]
        )

    def _move(self, t: Any, direction: Tensor) -> None:
        """Add t times the direction to the parameters."""
        start = 0
        for param in self._params:
            real = _parts(param)
            end = start + real.numel()
            real.add_(direction[start:end].view_as(real), alpha=t)
            start = end

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take up to `max_iter` iterations; returns the loss before them."""
        if len(self.param_groups) != 1:
            raise AssertionError(
                f"Expected exactly one param_group, but got {len(self.param_groups)}"
            )
        with bl.no_grad():
            return _Run(self, bl.enable_grad()(closure)).run()


def _parts(x: Tensor) -> Tensor:
    return bl.view_as_real(x) if x.is_complex() else x


class _Run:
    """One call of `step`: what it carries from iteration to iteration, and back into the state."""

    def __init__(self, optimizer: LBFGS, closure: Callable[[], Any]) -> None:
        self.optimizer, self.closure = optimizer, closure
        self.group = optimizer.param_groups[0]
        self.state = optimizer.state[optimizer._params[0]]
        self.state.setdefault("func_evals", 0)
        self.state.setdefault("n_iter", 0)
        self.evaluations = 0  # in this step

    def _count(self, evaluations: int) -> None:
        self.evaluations += evaluations
        self.state["func_evals"] += evaluations

    def run(self) -> Any:
        first_loss = self.closure()
        self._count(1)
        loss, grad = float(first_loss), self.optimizer._flat_grad()
        if self._is_stationary(grad):
            return first_loss
        group, state = self.group, self.state
        direction, t = state.get("d"), state.get("t")
        previous_loss = state.get("prev_loss")
        for turn in range(1, group["max_iter"] + 1):
            direction = self._direction(grad, direction, t)
            previous_loss = loss
            t = number(group["lr"])
            if state["n_iter"] == 1:
                t = min(1.0, 1.0 / float(grad.abs().sum())) * t
            slope = grad.dot(direction)
            if slope > -group["tolerance_change"]:
                break
            loss, grad, t = self._advance(Trial(0, loss, grad, slope), direction, t, turn)
            if turn == group["max_iter"] or self.evaluations >= group["max_eval"]:
                break
            if self._is_stationary(grad) or self._stands_still(direction, t, loss, previous_loss):
                break
        state.update(d=direction, t=t, prev_loss=previous_loss)
        return first_loss

    def _is_stationary(self, grad: Tensor) -> bool:
        return bool(grad.abs().max() <= self.group["tolerance_grad"])

    def _stands_still(self, direction: Tensor, t: Any, loss: float, previous: float) -> bool:
        tolerance = self.group["tolerance_change"]
        return bool(direction.mul(t).abs().max() <= tolerance) or abs(loss - previous) < tolerance

    def _direction(self, grad: Tensor, last: Tensor | None, t: Any) -> Tensor:
        """-H g by the two loops over the history, which the last move joins first."""
        state = self.state
        state["n_iter"] += 1
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            direction = grad.neg()
        else:
            assert last is not None
            self._remember(grad - state["prev_flat_grad"], last * t)
            direction = self._times_inverse_hessian(grad.neg())
        state["prev_flat_grad"] = grad.clone()
        return direction

    def _remember(self, change: Tensor, move: Tensor) -> None:
        state = self.state
        product = change.dot(move)
        if not product > 1e-10:  # the curvature must be positive
            return
        if len(state["old_dirs"]) == self.group["history_size"]:
            for name in ("old_dirs", "old_stps", "ro"):
                state[name].pop(0)
        state["old_dirs"].append(change)
        state["old_stps"].append(move)
        state["ro"].append(1.0 / product)
        state["H_diag"] = product / change.dot(change)

    def _times_inverse_hessian(self, q: Tensor) -> Tensor:
        state = self.state
        history = list(zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True))
        if "al" not in state:
            state["al"] = [None] * self.group["history_size"]
        weights = state["al"]
        for i, (change, move, ro) in reversed(list(enumerate(history))):
            weights[i] = move.dot(q) * ro
            q.add_(change, alpha=-weights[i])
        result = q * state["H_diag"]
        for i, (change, move, ro) in enumerate(history):
            result.add_(move, alpha=weights[i] - change.dot(result) * ro)
        return result

    def _advance(
        self, start: Trial, direction: Tensor, t: Any, turn: int
    ) -> tuple[float, Tensor, Any]:
        """Move the parameters along the direction; the new loss, gradient and step length."""
        group, optimizer = self.group, self.optimizer
        if group["line_search_fn"] is None:
            optimizer._move(t, direction)
            if turn == group["max_iter"]:  # nobody will ask for the gradient there
                return start.loss, start.grad, t
            loss = float(self.closure())
            self._count(1)
            return loss, optimizer._flat_grad(), t
        if group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        origin = [param.clone() for param in optimizer._params]

        def evaluate(length: Any) -> tuple[float, Tensor]:
            optimizer._move(length, direction)
            found = float(self.closure()), optimizer._flat_grad()
            for param, value in zip(optimizer._params, origin, strict=True):
                param.copy_(value)
            return found

        trials = group["max_eval"] - self.evaluations
        search = StrongWolfe(evaluate, direction, start, trials, group["tolerance_change"])
        taken = search.search(t)
        optimizer._move(taken.t, direction)
        self._count(search.trials)
        return taken.loss, taken.grad, taken.t
