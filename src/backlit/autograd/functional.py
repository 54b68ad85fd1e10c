"""Derivatives of functions: vjp, jvp, jacobian, hessian, hvp, vhp.

All of them rest on `grad`: a product from the left is one backward run; a product from the right
is a backward run through a backward run, which is linear in its incoming gradient; matrices are
built row by row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _C
from ._run import grad
from .grad_mode import enable_grad

_Function = Callable[..., Any]
_Tensors = tuple[Any, ...]


def _pack(values: Any, role: str, caller: str) -> tuple[_Tensors, bool]:
    """`values` as a tuple of tensors, and whether it was one already."""
    was_tuple = isinstance(values, tuple)
    packed = values if was_tuple else (values,)
    for i, t in enumerate(packed):
        if not isinstance(t, _C.Tensor):
            what = f"element {i} of the {role}" if was_tuple else f"the {role}"
            raise TypeError(
                f"The {role} given to {caller} must be either a Tensor or a tuple of Tensors but "
                f"{what} has type {type(t)}."
            )
    return packed, was_tuple


def _unpack(values: _Tensors, was_tuple: bool) -> Any:
    return values if was_tuple else values[0]


def _prepare(inputs: _Tensors, create_graph: bool) -> _Tensors:
    """Inputs that gradients can be asked for: linked to the caller's only when `create_graph`."""
    if create_graph:
        return tuple(t.view_as(t) if t.requires_grad else _leaf(t) for t in inputs)
    return tuple(_leaf(t) for t in inputs)


def _leaf(t: Any) -> Any:
    return t.detach().requires_grad_()


def _release(values: Any, create_graph: bool) -> Any:
    """What is handed back: cut off from the graph unless `create_graph`."""
    if create_graph:
        return values
    if isinstance(values, tuple):
        return tuple(_release(v, False) for v in values)
    return values.detach()


def _check_outputs(outputs: _Tensors, strict: bool, caller: str) -> None:
    if not strict:
        return
    for i, t in enumerate(outputs):
        if not t.requires_grad:
            raise RuntimeError(
                f"Output {i} of the user-provided function does not require gradients. The "
                "outputs must be computed in a differentiable manner from the input when running "
                f"in strict mode ({caller})."
            )


def _check_vector(v: _Tensors, like: _Tensors, of: str) -> None:
    if len(v) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}."
        )
    for i, (a, b) in enumerate(zip(v, like, strict=True)):
        if a.shape != b.shape:
            prefix = f"Entry {i} in " if len(v) > 1 else ""
            raise RuntimeError(
                f"{prefix}v has invalid size: should be {b.shape} but got {a.shape} (as {of})."
            )


_V_NONE = {
    "input": "the input to the user-provided function is",
    "output": "the user-provided function returns",
}


def _vector(v: Any, like: _Tensors, of: str, caller: str) -> _Tensors:
    """The given vector, or the 1 that stands for it where `like` is one number."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if {_V_NONE[of]} a single Tensor with a single "
                "element."
            )
        return (_C.ones_like(like[0]),)
    packed, _ = _pack(v, "v", caller)
    _check_vector(packed, like, of)
    return tuple(t.detach() if not t.requires_grad else t for t in packed)


def _filled(
    grads: _Tensors, like: _Tensors, strict: bool, of: str, create_graph: bool = False
) -> _Tensors:
    """Zeros for the missing gradients; in strict mode an error."""
    found = []
    for i, (g, t) in enumerate(zip(grads, like, strict=True)):
        if g is None:
            if strict:
                raise RuntimeError(
                    f"{of} of the user-provided function is independent of input {i}. This is "
                    "not allowed in strict mode."
                )
            g = _C.zeros_like(t)
        elif strict and create_graph and not g.requires_grad:
            raise RuntimeError(
                f"The jacobian of the user-provided function is independent of input {i}. This is "
                "not allowed in strict mode when create_graph=True."
            )
        found.append(g)
    return tuple(found)


def _gradients(
    outputs: _Tensors, inputs: _Tensors, v: _Tensors | None, create_graph: bool, retain: bool = True
) -> _Tensors:
    """`grad` that leaves out the outputs without a graph, and knows none at all gives None."""
    weights = v if v is not None else (None,) * len(outputs)
    live = [(o, w) for o, w in zip(outputs, weights, strict=True) if o.requires_grad]
    if not live:
        return (None,) * len(inputs)
    found: _Tensors = grad(
        tuple(o for o, _ in live),
        inputs,
        tuple(w for _, w in live),
        retain_graph=retain,
        create_graph=create_graph,
        allow_unused=True,
    )
    return found


def vjp(
    func: _Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of `func` and ``v^T J``, the gradient of ``sum(v * func(inputs))``.

    Example:
        >>> import backlit as torch
        >>> x = torch.tensor([1.0, 2.0])
        >>> torch.autograd.functional.vjp(lambda x: x * x, x, torch.tensor([1.0, 10.0]))
        (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with enable_grad():
        given, was_tuple = _pack(inputs, "inputs", "vjp")
        sources = _prepare(given, create_graph)
        outputs, out_tuple = _pack(func(*sources), "outputs", "vjp")
        _check_outputs(outputs, strict, "vjp")
        vector = _vector(v, outputs, "output", "vjp")
        found = _gradients(outputs, sources, vector, create_graph)
        found = _filled(found, sources, strict, "The output", create_graph)
    return (
        _release(_unpack(outputs, out_tuple), create_graph),
        _release(_unpack(found, was_tuple), create_graph),
    )


def jvp(
    func: _Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of `func` and ``J v``, its derivative in the direction `v`.

    Example:
        >>> import backlit as torch
        >>> x = torch.tensor([1.0, 2.0])
        >>> torch.autograd.functional.jvp(lambda x: x.sum() * x, x, torch.tensor([1.0, 0.0]))
        (tensor([3., 6.]), tensor([4., 2.]))
    """
    with enable_grad():
        given, _ = _pack(inputs, "inputs", "jvp")
        sources = _prepare(given, create_graph)
        vector = _vector(v, sources, "input", "jvp")
        outputs, out_tuple = _pack(func(*sources), "outputs", "jvp")
        _check_outputs(outputs, strict, "jvp")
        # g -> g^T J is linear; its derivative with respect to g in direction v is J v
        probes = tuple(_C.zeros_like(o).requires_grad_() for o in outputs)
        left = _gradients(outputs, sources, probes, True)
        left = _filled(left, sources, strict, "The output")
        found = _gradients(left, probes, vector, create_graph)
        found = _filled(found, outputs, strict, "The output", create_graph)
    return (
        _release(_unpack(outputs, out_tuple), create_graph),
        _release(_unpack(found, out_tuple), create_graph),
    )


def _jacobian_of(
    output: Any, sources: _Tensors, create_graph: bool, strict: bool, number: int
) -> _Tensors:
    """The derivative of one output with respect to each source, row by row."""
    size = output.numel()
    rows: list[list[Any]] = [[] for _ in sources]
    eye = _C.eye(size, dtype=output.dtype)
    for i in range(size):
        found = _gradients((output,), sources, (eye[i].reshape(output.shape),), create_graph)
        found = _filled(found, sources, strict, f"Output {number}", create_graph)
        for row, g in zip(rows, found, strict=True):
            row.append(g)
    shape = tuple(output.shape)
    return tuple(
        (_C.stack(row) if row else _C.zeros((0,), dtype=s.dtype)).reshape(shape + tuple(s.shape))
        for row, s in zip(rows, sources, strict=True)
    )


def _check_strategy(strategy: str, vectorize: bool) -> None:
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
            'function has more outputs than inputs, "forward-mode" tends to be more performant. '
            'Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError(
            'Computing Jacobian with strategy="forward-mode" is only supported with vectorize=True.'
        )


def jacobian(
    func: _Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """All first derivatives: ``J[i][j]`` has the shape of output i followed by that of input j.

    `vectorize` computes all rows by one backward run; `strategy` does not change the result.

    Example:
        >>> import backlit as torch
        >>> torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    _check_strategy(strategy, vectorize)
    if strict and vectorize:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not "
            "supported together. Please either set `strict=False` or `vectorize=False`."
        )
    with enable_grad():
        given, was_tuple = _pack(inputs, "inputs", "jacobian")
        sources = _prepare(given, create_graph)
        outputs, out_tuple = _pack(func(*sources), "outputs", "jacobian")
        _check_outputs(outputs, strict, "jacobian")
        if vectorize:
            from ..func._batching_gradients import directions

            found = tuple(tuple(directions(o, sources, create_graph)) for o in outputs)
        else:
            found = tuple(
                _jacobian_of(o, sources, create_graph, strict, n) for n, o in enumerate(outputs)
            )
    found = _release(found, create_graph)
    return _unpack(tuple(_unpack(row, was_tuple) for row in found), out_tuple)


def _scalar(outputs: Any, caller: str) -> Any:
    packed, was_tuple = _pack(outputs, "outputs", caller)
    if was_tuple:
        raise RuntimeError(f"The function given to {caller} should return a single Tensor")
    if packed[0].numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {caller} should contain a single element"
        )
    return packed[0].reshape(())


def hessian(
    func: _Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """All second derivatives of a function of one number.

    Example:
        >>> import backlit as torch
        >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    _, was_tuple = _pack(inputs, "inputs", "hessian")

    def gradient(*sources: Any) -> Any:
        value = _scalar(func(*sources), "hessian")
        _check_outputs((value,), strict, "hessian")
        found = _gradients((value,), sources, None, True)
        return _filled(found, sources, strict, "The output")

    found = jacobian(
        gradient,
        inputs if was_tuple else (inputs,),
        create_graph=create_graph,
        strict=strict,
        vectorize=vectorize,
        strategy=outer_jacobian_strategy,
    )
    return found if was_tuple else found[0][0]


def _second_product(
    func: _Function, inputs: Any, v: Any, create_graph: bool, strict: bool, caller: str
) -> tuple[Any, Any]:
    """``v^T H``, which for a Hessian is ``H v``."""
    with enable_grad():
        given, was_tuple = _pack(inputs, "inputs", caller)
        sources = _prepare(given, create_graph)
        vector = _vector(v, sources, "input", caller)
        value = func(*sources)
        number = _scalar(value, caller)
        _check_outputs((number,), strict, caller)
        slopes = _filled(_gradients((number,), sources, None, True), sources, strict, "The output")
        found = _gradients(slopes, sources, vector, create_graph)
        found = _filled(found, sources, strict, "The derivative", create_graph)
    return _release(value, create_graph), _release(_unpack(found, was_tuple), create_graph)


def vhp(
    func: _Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of `func` and ``v^T H``, the product of `v` and its second derivatives."""
    return _second_product(func, inputs, v, create_graph, strict, "vhp")


def hvp(
    func: _Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of `func` and ``H v``, the product of its second derivatives and `v`.

    Example:
        >>> import backlit as torch
        >>> x, v = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0])
        >>> torch.autograd.functional.hvp(lambda x: (x**3).sum(), x, v)
        (tensor(9.), tensor([ 6., 12.]))
    """
    return _second_product(func, inputs, v, create_graph, strict, "hvp")
