"""`backward` and `grad`: sort out the arguments, then run the engine."""

from __future__ import annotations

from typing import Any

from .. import _C

_run = _C._engine_run
_Tensor = _C.Tensor


def _is_edge(value: Any) -> bool:
    """A `graph.GradientEdge`, told by its fields so that `graph` need not be loaded."""
    return isinstance(value, tuple) and hasattr(value, "output_nr")


def _as_tuple(values: Any) -> tuple[Any, ...]:
    if isinstance(values, _Tensor) or _is_edge(values):
        return (values,)
    return tuple(values)


def _incoming(grads: Any, count: int, what: str) -> tuple[Any, ...]:
    """One incoming gradient, or None for "one, for a scalar", per output."""
    if grads is None:
        return (None,) * count
    given = (grads,) if isinstance(grads, _Tensor) else tuple(grads)
    if len(given) < count:
        raise RuntimeError(
            f"got {count} tensors and {len(given)} gradients. "
            f"{what}: pass one gradient per tensor, or None for a scalar"
        )
    for g in given:
        if g is not None and not isinstance(g, _Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
    return given[:count]


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradient of `tensors` to the `.grad` of every leaf they were computed from.

    Args:
        tensors: one tensor or several.
        grad_tensors: the incoming gradient of each; None stands for one and needs a scalar.
        retain_graph: keep the graph for another run (`create_graph` unless given).
        create_graph: record the gradients' computation, for higher derivatives.
        grad_variables: the former name of `grad_tensors`.
        inputs: accumulate into these tensors only.

    Example:
        >>> import backlit as torch
        >>> x = torch.tensor([2.0, 3.0], requires_grad=True)
        >>> torch.autograd.backward((x * x).sum())
        >>> x.grad
        tensor([4., 6.])
    """
    if grad_variables is not None:
        import warnings

        warnings.warn(
            "`grad_variables` is deprecated. Use `grad_tensors` instead.",
            FutureWarning,
            stacklevel=2,
        )
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to "
                "`backward()`. Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    if inputs is not None:
        inputs = tuple(inputs.values()) if isinstance(inputs, dict) else _as_tuple(inputs)
        if not inputs:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    roots = _as_tuple(tensors)
    grads = _incoming(grad_tensors, len(roots), "backward")
    retain = create_graph if retain_graph is None else retain_graph
    _run(roots, grads, inputs, retain, create_graph, True, True)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The sum of gradients of `outputs` with respect to `inputs`; no `.grad` is touched.

    Args:
        outputs: one tensor or several.
        inputs: one tensor, several, or a dictionary of them.
        grad_outputs: the incoming gradient of each output; None stands for one.
        retain_graph: keep the graph for another run (`create_graph` unless given).
        create_graph: record the gradients' computation, for higher derivatives.
        only_inputs: True, the only value there is.
        allow_unused: give None, not an error, for an input that was not used.
        is_grads_batched: the first dimension of each incoming gradient, and of the results, counts
            incoming gradients; one run computes with all of them.
        materialize_grads: give zeros for an input that was not used.

    Returns:
        A tuple with one gradient per input; a dictionary if `inputs` is one.

    Example:
        >>> import backlit as torch
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> torch.autograd.grad(x**2, x)
        (tensor(6.),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, "
            "but got: allow_unused=False."
        )
    if not only_inputs:
        import warnings

        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). "
            "To accumulate gradient for other parts of the graph, please use "
            "torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    names = list(inputs) if isinstance(inputs, dict) else None
    sources = tuple(inputs.values()) if names is not None else _as_tuple(inputs)
    roots = _as_tuple(outputs)
    if not sources:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    incoming = _incoming(grad_outputs, len(roots), "grad")
    retain = create_graph if retain_graph is None else retain_graph
    unused = materialize_grads if allow_unused is None else allow_unused
    if is_grads_batched:
        found = _run_batched(roots, incoming, sources, retain, create_graph, unused)
    else:
        found = _run(roots, incoming, sources, retain, create_graph, unused, False)
    if materialize_grads:
        found = tuple(
            _C.zeros_like(s) if g is None else g for g, s in zip(found, sources, strict=True)
        )
    return found if names is None else dict(zip(names, found, strict=True))


def _run_batched(
    roots: tuple[Any, ...],
    grads: tuple[Any, ...],
    sources: tuple[Any, ...],
    retain_graph: bool,
    create_graph: bool,
    allow_unused: bool,
) -> tuple[Any, ...]:
    from ..func._batching_gradients import check_used, run_many

    sizes = set()
    for i, (root, g) in enumerate(zip(roots, grads, strict=True)):
        if g is None:
            continue
        if g.dim() == 0 or g.shape[1:] != root.shape:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output "
                "as the batch dimension. The sizes of the remaining dimensions are expected to "
                "match the shape of corresponding output, but a mismatch was detected: "
                f"grad_output[{i}] has a shape of {g.shape} and output[{i}] has a shape of "
                f"{root.shape}. If you only want some tensors in `grad_output` to be considered "
                "batched, consider using vmap."
            )
        sizes.add(g.shape[0])
    if len(sizes) != 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sorted(sizes)} for the mapped dimension"
        )
    lead = (sizes.pop(),)
    found = run_many(roots, grads, sources, lead, retain=retain_graph, create=create_graph)
    check_used(found, allow_unused)
    return found
