"""`backlit explain SCRIPT`: runs a script and explains its last backward, or the n-th one.

The parameters that a backward saw are changed by the optimizer's next step, so each backward's
leaves are copied, and what nodes save is saved as a copy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import _C, autograd
from . import _engine, _frames
from ._engine import ExplainError, Tensor
from ._explanation import Explanation, explain_in
from ._graph import functions_of

if TYPE_CHECKING:
    from argparse import Namespace


@dataclass
class Moment:
    """One backward: all that an explanation needs later."""

    result: Tensor
    gradient: Tensor | None
    scopes: Sequence[Mapping[str, Any]]
    values: dict[int, Tensor]  # of the leaves, by the id of their node
    number: int  # 1 for the first backward of the script


class Recorder:
    """While entered, keeps the last backward of the program, or the one with the given number."""

    def __init__(self, number: int | None = None) -> None:
        self.number = number
        self.moment: Moment | None = None
        self.count = 0
        self._stack = ExitStack()

    def __enter__(self) -> Recorder:
        self._stack.enter_context(autograd.graph.trace())
        self._stack.enter_context(autograd.graph.saved_tensors_hooks(_copy, _same))
        self._replace(_C.Tensor, "backward", self._of_tensor)
        self._replace(autograd, "backward", self._of_function)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _replace(self, owner: Any, name: str, wrapper: Callable[[Any], Any]) -> None:
        former = getattr(owner, name)
        setattr(owner, name, wrapper(former))
        self._stack.callback(setattr, owner, name, former)

    def _of_tensor(self, former: Any) -> Any:
        def backward(tensor: Tensor, gradient: Any = None, *args: Any, **options: Any) -> Any:
            self._note(tensor, gradient)
            return former(tensor, gradient, *args, **options)

        return backward

    def _of_function(self, former: Any) -> Any:
        def backward(tensors: Any, grad_tensors: Any = None, *args: Any, **options: Any) -> Any:
            one = tensors[-1] if isinstance(tensors, (list, tuple)) else tensors
            grads = grad_tensors
            self._note(one, grads[-1] if isinstance(grads, (list, tuple)) else grads)
            return former(tensors, grad_tensors, *args, **options)

        return backward

    def _note(self, result: Tensor, gradient: Tensor | None) -> None:
        self.count += 1
        if not isinstance(result, Tensor) or not result.requires_grad:
            return  # backward itself says what is wrong
        if self.number is not None and self.count != self.number:
            return
        scopes = [dict(variables) for variables in _frames.scopes_of(_frames.user_frames())]
        self.moment = Moment(result, gradient, scopes, _leaf_values(result), self.count)


def _leaf_values(result: Tensor) -> dict[int, Tensor]:
    values: dict[int, Tensor] = {}
    for function in functions_of(result):
        for before, _ in _engine.next_edges(function):
            if before is not None and _engine.is_leaf(before) and id(before) not in values:
                values[id(before)] = before.variable.detach().clone()
    return values


def _copy(t: Tensor) -> Tensor:
    return t.detach().clone()


def _same(t: Tensor) -> Tensor:
    return t


def run(options: Namespace, run_script: Callable[[Namespace], int]) -> int:
    """Run the script, then print or save the explanation; the exit code."""
    recorder = Recorder(options.step)
    with recorder:
        try:
            code = run_script(options)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    sys.stdout.flush()
    if recorder.moment is None:
        return code or _fail(_nothing(recorder, options))  # a script that failed has said why
    try:
        _show(_explanation(recorder.moment, options), options)
    except (ExplainError, ValueError) as error:
        return _fail(str(error))
    return code


def _nothing(recorder: Recorder, options: Namespace) -> str:
    if recorder.count == 0:
        return f"explain: {options.script} calls no backward(), so there is nothing to explain."
    return f"explain: {options.script} calls backward() {recorder.count} times, not {options.step}."


def _explanation(moment: Moment, options: Namespace) -> Explanation:
    at = None
    if options.at is not None:
        try:
            at = [int(part) for part in options.at.split(",")]
        except ValueError:
            raise ExplainError(
                f"explain: --at takes positions such as 2,3; got {options.at!r}."
            ) from None
    return explain_in(
        moment.result,
        options.wrt,
        _frames.names_in(moment.scopes),
        at=at,
        max_paths=options.max_paths,
        gradient=moment.gradient,
        values=moment.values,
    )


def _show(explanation: Explanation, options: Namespace) -> None:
    files = [path for path in (options.html, *(options.save or ())) if path]
    for path in files:
        try:
            explanation.save(path)
        except OSError as error:
            raise ExplainError(f"explain: cannot write {path}: {error.strerror}") from error
        print(f"explained in {path}", file=sys.stderr)
    if options.flow:
        print(explanation.flow())
    elif options.by_sample:
        print(explanation.by_sample(options.by_sample))
    elif not files:
        print(explanation)
    if options.open and files:
        import webbrowser
        from pathlib import Path

        webbrowser.open(Path(files[0]).resolve().as_uri())


def _fail(message: str) -> int:
    print(f"backlit {message}", file=sys.stderr)
    return 1
