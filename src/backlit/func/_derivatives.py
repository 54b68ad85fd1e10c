"""Derivatives of functions, as functions: they nest, and see through to outer gradients.

Each transform runs the function on fresh stand-ins of its inputs and asks the engine for gradients.
What an outer transform, or a tensor outside that requires grad, has to do with the result is kept
in its graph; without one of those the result has no graph.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import _C
from ..autograd._run import grad as _grad
from ..autograd.grad_mode import enable_grad
from ..utils._pytree import TreeSpec, tree_flatten, tree_map, tree_unflatten
from ._batched import at_bottom, bottom, levels, lifted
from ._batching_gradients import directions

_Function = Callable[..., Any]
_Tensors = tuple[Any, ...]


class _Call:
    """A function called on stand-ins of some of its arguments, recorded.

    `sources` are the stand-ins: for a tensor that requires grad, another name of it, so that the
    graph goes on behind it; else a new leaf. `outer` tells whether results keep their graph.
    """

    def __init__(
        self, func: _Function, args: Any, chosen: Any, kwargs: Any, where: str, has_aux: bool
    ) -> None:
        leaves, self.tree = tree_flatten(chosen(args))
        recording = _C.is_grad_enabled()
        self.sources: _Tensors = tuple(_stand_in(t, recording) for t in leaves)
        with enable_grad():
            stood_in = chosen(args, tree_unflatten(self.sources, self.tree))
            result = func(*stood_in, **kwargs)
        self.aux: Any = None
        if has_aux:
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(
                    f"{where}: output of function f should be a tuple: (output, aux) if has_aux "
                    "is True"
                )
            result, self.aux = result
        self.result = result
        self.outputs: _Tensors = tuple(tree_flatten(result)[0])
        self.outer = recording and (
            any(not s.is_leaf for s in self.sources)
            or _C._reaches_other_leaves(
                tuple(map(bottom, (*self.outputs, *tree_flatten(self.aux)[0]))),
                tuple(map(bottom, self.sources)),
            )
        )

    def check_tensors(self, where: str) -> None:
        for t in self.outputs:
            if not isinstance(t, _C.Tensor):
                raise RuntimeError(
                    f"{where}: expected f(*primals) to return only tensors, got unsupported type "
                    f"{type(t)}"
                )

    def released(self, tree: Any) -> Any:
        """What is handed out: without graph, unless something outside needs it."""
        if self.outer:
            return tree
        return tree_map(lambda t: t.detach() if isinstance(t, _C.Tensor) else t, tree)

    def pull(self, cotangents: _Tensors, create_graph: bool) -> _Tensors:
        """The products of the cotangents and the Jacobian, one for each source."""
        live = [(o, c) for o, c in zip(self.outputs, cotangents, strict=True) if o.requires_grad]
        found: Any = [None] * len(self.sources)
        if live:
            outputs, weights = zip(*live, strict=True)
            found = _grad(
                outputs,
                self.sources,
                weights,
                retain_graph=True,
                create_graph=create_graph,
                allow_unused=True,
            )
        return _filled(found, self.sources)

    @functools.cached_property
    def _transposed(self) -> tuple[_Tensors, _Tensors]:
        """Cotangents of zeros, and the products with them as functions of them, which are linear:
        their derivative in the direction of tangents is the Jacobian times these."""
        with enable_grad():
            probes = tuple(_C.zeros_like(o).requires_grad_() for o in self.outputs)
            return probes, self.pull(probes, True)

    def push(self, tangents: _Tensors, create_graph: bool) -> _Tensors:
        """The products of the Jacobian and the tangents, one for each output."""
        probes, products = self._transposed
        live = [(p, t) for p, t in zip(products, tangents, strict=True) if p.requires_grad]
        found: Any = [None] * len(probes)
        if live:
            outputs, weights = zip(*live, strict=True)
            found = _grad(
                outputs,
                probes,
                weights,
                retain_graph=True,
                create_graph=create_graph,
                allow_unused=True,
            )
        return _filled(found, probes)


class Pushforward:
    """A function of tensors, differentiated in a direction: for forward mode.

    Gives the outputs, without graph unless something outside needs it, and their tangents; None for
    one that does not depend on the primals.
    """

    def __init__(self, func: _Function, primals: list[Any]) -> None:
        self.call = _Call(func, tuple(primals), _all, {}, "forward_ad", False)

    def __call__(self, tangents: list[Any]) -> tuple[_Tensors, _Tensors]:
        call = self.call
        recording = _C.is_grad_enabled()
        create = recording and (call.outer or any(t.requires_grad for t in tangents))
        pushed = call.push(tuple(tangents), create)
        pairs = zip(call.outputs, pushed, strict=True)
        return (
            tuple(call.released(call.outputs)),
            tuple(t if o.requires_grad else None for o, t in pairs),
        )


def _stand_in(t: Any, recording: bool) -> Any:
    """Another name, or a new leaf. Inside vmap each sample has its own: its own gradient, too."""
    if not isinstance(t, _C.Tensor):
        raise ValueError(f"Thing passed to transform API must be Tensor, got {type(t)}")

    def stand_in(t: Any) -> Any:
        return t.view_as(t) if recording and t.requires_grad else t.detach().requires_grad_()

    return at_bottom(lifted(t, levels()), stand_in)


def _filled(found: Any, like: _Tensors) -> _Tensors:
    return tuple(
        _C.zeros_like(t).detach() if g is None else g for g, t in zip(found, like, strict=True)
    )


def _checked_argnums(argnums: Any, count: int) -> tuple[int, ...]:
    if not isinstance(argnums, (int, tuple)) or isinstance(argnums, bool):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    numbers = (argnums,) if isinstance(argnums, int) else argnums
    if not numbers:
        raise RuntimeError("argnums must be non-empty")
    if len(set(numbers)) != len(numbers):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    for number in numbers:
        if not isinstance(number, int):
            raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {argnums}")
        if not -count <= number < count:
            raise RuntimeError(f"Got argnum={number}, but only {count} positional inputs")
    return tuple(number % count for number in numbers)


def _choose(argnums: Any) -> Callable[..., Any]:
    """``chosen(args)`` is what is differentiated by; ``chosen(args, new)`` are args with it new."""

    def chosen(args: Any, new: Any = None) -> Any:
        numbers = _checked_argnums(argnums, len(args))
        if new is None:
            return args[numbers[0]] if isinstance(argnums, int) else tuple(args[n] for n in numbers)
        values = dict(zip(numbers, (new,) if isinstance(argnums, int) else new, strict=True))
        return [values.get(i, arg) for i, arg in enumerate(args)]

    return chosen


def _all(args: Any, new: Any = None) -> Any:
    return args if new is None else new


def grad_and_value(func: _Function, argnums: Any = 0, has_aux: bool = False) -> _Function:
    """A function that gives ``(gradient, value)`` of `func`, whose value is one number.

    Args:
        func: gives a scalar tensor, or with `has_aux` a pair of one and anything else.
        argnums: the argument, or a tuple of arguments, to differentiate by. An argument may be a
            nested structure of tensors; its gradient has the same structure.
        has_aux: then the result is ``(gradient, (value, aux))``.

    Raises:
        RuntimeError: if the value is not a scalar tensor, or `argnums` does not fit.

    Example:
        >>> import backlit as torch
        >>> torch.func.grad_and_value(lambda x: (x**2).sum())(torch.tensor([1.0, 2.0]))
        (tensor([2., 4.]), tensor(5.))
    """
    where = "grad_and_value(f)(*args)"

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = _Call(func, args, _choose(argnums), kwargs, where, has_aux)
        value = call.result
        if not isinstance(value, _C.Tensor):
            raise RuntimeError(f"{where}: Expected f(*args) to return a Tensor, got {type(value)}")
        if value.dim() != 0:
            raise RuntimeError(
                f"{where}: Expected f(*args) to return a scalar Tensor, got tensor with "
                f"{value.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        found = call.pull((_C.ones_like(value).detach(),), call.outer)
        gradient = tree_unflatten(found, call.tree)
        value = call.released(value)
        return gradient, (value, call.released(call.aux)) if has_aux else value

    return wrapped


def grad(func: _Function, argnums: Any = 0, has_aux: bool = False) -> _Function:
    """A function that gives the gradient of `func`; see `grad_and_value`.

    Example:
        >>> import backlit as torch
        >>> from backlit.func import grad
        >>> grad(torch.sin)(torch.tensor(0.0)), grad(grad(lambda x: x**3))(torch.tensor(2.0))
        (tensor(1.), tensor(12.))
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def _pretty(spec: TreeSpec) -> str:
    if spec.kind is None:
        return "*"
    children = [_pretty(child) for child in spec.children]
    if spec.context is not None:
        pairs = zip(spec.context, children, strict=True)
        return "{" + ", ".join(f"'{k}': {v}" for k, v in pairs) + "}"
    return ("[{}]" if spec.kind is list else "({})").format(", ".join(children))


def vjp(func: _Function, *primals: Any, has_aux: bool = False) -> Any:
    """``(output, vjp_fn)``, or ``(output, vjp_fn, aux)``: the value, and products with Jacobians.

    ``vjp_fn(v)`` gives ``vᵀ J`` for `v` of the structure and shapes of the output: one tensor if
    there is one primal, else a tuple.

    Raises:
        RuntimeError: if the output holds something else than tensors, or `v` does not fit it.

    Example:
        >>> import backlit as torch
        >>> output, pull = torch.func.vjp(torch.sin, torch.tensor([0.0, 1.0]))
        >>> pull(torch.tensor([1.0, 0.0]))
        (tensor([1., 0.]),)
    """
    call = _Call(func, primals, _all, {}, "vjp(f, *primals)", has_aux)
    call.check_tensors("vjp(f, *primals)")
    structure = tree_flatten(call.result)[1]

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given, spec = tree_flatten(cotangents)
        if spec != structure:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {_pretty(spec)}, primal output: "
                f"{_pretty(structure)}"
            )
        for i, (v, o) in enumerate(zip(given, call.outputs, strict=True)):
            if v.shape != o.shape:
                raise RuntimeError(
                    f"Mismatch in shape: grad_output[{i}] has a shape of {v.shape} and output[{i}] "
                    f"has a shape of {o.shape}."
                )
        found = call.pull(tuple(given), _records(call, given))
        return tree_unflatten(found, call.tree)

    output = call.released(call.result)
    return (output, vjp_fn, call.released(call.aux)) if has_aux else (output, vjp_fn)


def _records(call: _Call, vectors: Any) -> bool:
    """Whether a product with the Jacobian keeps its graph."""
    return _C.is_grad_enabled() and (call.outer or any(v.requires_grad for v in vectors))


def _check_tangents(primals: Any, tangents: Any, where: str) -> _Tensors:
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"{where}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."
        )
    (leaves, spec), (given, theirs) = tree_flatten(primals), tree_flatten(tangents)
    if spec != theirs:
        raise RuntimeError(
            f"{where}: Expected primals and tangents to have the same python structure. For "
            "example, if primals is a tuple of 3 tensors, tangents also must be. Got primals with "
            f"structure {spec} and tangents with structure {theirs}"
        )
    if not leaves:
        raise RuntimeError(f"{where}: Expected primals to contain at least one Tensor.")
    for p, t in zip(leaves, given, strict=True):
        if isinstance(p, _C.Tensor) and isinstance(t, _C.Tensor) and p.shape != t.shape:
            raise RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the "
                f"original Tensor, this is not supported. Tensor is of size {list(p.shape)} while "
                f"the given forward gradient is of size {list(t.shape)}."
            )
    return tuple(given)


def jvp(
    func: _Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> Any:
    """``(output, J v)``, or ``(output, J v, aux)``: the derivative in the direction `tangents`.

    Computed by a backward run through a backward run, so that it costs a few times a `vjp`.

    Args:
        func: gives tensors, or with `has_aux` a pair of them and anything else.
        primals: a tuple of arguments.
        tangents: a tuple of the same structure and shapes.
        strict: raise if an output does not depend on the primals.

    Raises:
        RuntimeError: if the structures or shapes do not fit.

    Example:
        >>> import backlit as torch
        >>> x = torch.tensor([1.0, 2.0])
        >>> torch.func.jvp(lambda x: x.sum() * x, (x,), (torch.tensor([1.0, 0.0]),))
        (tensor([3., 6.]), tensor([4., 2.]))
    """
    where = "jvp(f, primals, tangents)"
    given = _check_tangents(primals, tangents, where)
    call = _Call(func, primals, _all, {}, where, has_aux)
    call.check_tensors(where)
    if strict and any(not o.requires_grad for o in call.outputs):
        raise RuntimeError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the "
            "inputs. This is not allowed with strict=True."
        )
    found = call.push(given, _records(call, given))
    pushed = tree_unflatten(found, tree_flatten(call.result)[1])
    output = call.released(call.result)
    return (output, pushed, call.released(call.aux)) if has_aux else (output, pushed)


def linearize(func: _Function, *primals: Any) -> tuple[Any, _Function]:
    """``(output, jvp_fn)``: the value, and ``jvp_fn(*tangents)`` that gives ``J v``.

    `func` runs once; each product costs one backward run.

    Example:
        >>> import backlit as torch
        >>> output, push = torch.func.linearize(torch.sin, torch.tensor(0.0))
        >>> push(torch.tensor(3.0))
        tensor(3.)
    """
    call = _Call(func, primals, _all, {}, "jvp(f, primals, tangents)", False)
    call.check_tensors("jvp(f, primals, tangents)")

    def jvp_fn(*tangents: Any) -> Any:
        given = _check_tangents(primals, tangents, "jvp(f, primals, tangents)")
        found = call.push(given, _records(call, given))
        return tree_unflatten(found, tree_flatten(call.result)[1])

    return call.released(call.result), jvp_fn


def _by_rows(call: _Call, chunk_size: int | None) -> list[list[Any]]:
    """For each output and each source, the derivative: a backward run with all rows at once."""
    return [directions(o, call.sources, call.outer, chunk_size) for o in call.outputs]


def _by_columns(call: _Call, chunk_size: int | None) -> list[list[Any]]:
    """The same, with all columns at once."""
    probes, products = call._transposed
    columns = [directions(p, probes, call.outer, chunk_size) for p in products]
    return [
        [_transposed(matrix, s.dim()) for matrix, s in zip(row, call.sources, strict=True)]
        for row in zip(*columns, strict=True)
    ]


def _transposed(matrix: Any, dims: int) -> Any:
    """The first `dims` dimensions behind the others."""
    return matrix.permute(*range(dims, matrix.dim()), *range(dims)) if dims else matrix


def _jacobian(
    func: _Function,
    argnums: Any,
    has_aux: bool,
    compute: Any,
    where: str,
    chunk_size: int | None = None,
) -> _Function:
    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = _Call(func, args, _choose(argnums), kwargs, where, has_aux)
        call.check_tensors(where)
        blocks = [tree_unflatten(row, call.tree) for row in compute(call, chunk_size)]
        found = tree_unflatten(blocks, tree_flatten(call.result)[1])
        return (found, call.released(call.aux)) if has_aux else found

    return wrapped


def jacrev(
    func: _Function,
    argnums: Any = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> _Function:
    """A function that gives all first derivatives of `func`, by its rows.

    For an output of shape S and an input of shape T the derivative has the shape S + T. Outputs and
    inputs may be nested structures: the result has the outputs' structure, with that of the inputs
    inside. One backward run with the rows of all elements of the output.

    Args:
        func: gives tensors, or with `has_aux` a pair of them and anything else.
        argnums: the argument, or a tuple of arguments, to differentiate by.
        chunk_size: so many rows at once, which bounds the memory; None: all.

    Raises:
        ValueError: if `chunk_size` is not positive.
        RuntimeError: if `func` gives something else than tensors, or `argnums` does not fit.

    Example:
        >>> import backlit as torch
        >>> torch.func.jacrev(lambda x: x * x)(torch.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")
    return _jacobian(func, argnums, has_aux, _by_rows, "vjp(f, *primals)", chunk_size)


def jacfwd(
    func: _Function, argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> _Function:
    """A function that gives all first derivatives of `func`, by its columns.

    The result is that of `jacrev`, by one run with the columns of all elements of the input.

    Example:
        >>> import backlit as torch
        >>> torch.func.jacfwd(torch.sin)(torch.tensor([0.0]))
        tensor([[1.]])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )
    return _jacobian(func, argnums, has_aux, _by_columns, "jvp(f, primals, tangents)")


def hessian(func: _Function, argnums: Any = 0) -> _Function:
    """A function that gives all second derivatives of `func`: ``jacfwd(jacrev(func))``.

    Example:
        >>> import backlit as torch
        >>> torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def functionalize(func: _Function, *, remove: str = "mutations") -> _Function:
    """Not provided: it serves compilers that need graphs without changes in place."""
    raise NotImplementedError(
        "torch.func.functionalize is not provided by backlit: the function itself gives the same "
        "results."
    )
