"""gradcheck: derivatives from backward against derivatives from central differences.

For each real input element the function runs at x - eps and x + eps; the slopes form one numerical
Jacobian per (output, input), which is compared with the rows that backward gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _C
from ._run import grad
from .grad_mode import enable_grad, no_grad

_Function = Callable[..., Any]


class GradcheckError(RuntimeError):
    """The derivatives disagree, or cannot be compared."""


def _tensors(values: Any) -> tuple[Any, ...]:
    if isinstance(values, _C.Tensor):
        return (values,)
    return tuple(values)


def _in_real_numbers(func: _Function, inputs: tuple[Any, ...]) -> tuple[_Function, tuple[Any, ...]]:
    """The same function of the parts of complex inputs, giving the parts of complex outputs.

    So the whole derivative is checked, that of functions which are not analytic included.
    """

    def is_complex(t: Any) -> bool:
        return isinstance(t, _C.Tensor) and t.is_complex()

    which = [is_complex(t) for t in inputs]

    def apart(t: Any) -> Any:
        pairs = _C.view_as_real(t.detach().clone().contiguous())
        return pairs.requires_grad_(t.requires_grad)

    def of_parts(*args: Any) -> Any:
        whole = [_C.view_as_complex(a) if c else a for a, c in zip(args, which, strict=True)]
        return tuple(_C.view_as_real(t) if is_complex(t) else t for t in _tensors(func(*whole)))

    if not any(which) and not any(is_complex(t) for t in _checked(func, inputs)):
        return func, inputs
    return of_parts, tuple(apart(t) if c else t for t, c in zip(inputs, which, strict=True))


def _checked_outputs(outputs: Any) -> tuple[Any, ...]:
    return tuple(t for t in _tensors(outputs) if isinstance(t, _C.Tensor) and t.requires_grad)


def _check_inputs(inputs: tuple[Any, ...]) -> list[int]:
    """Positions of the inputs that are differentiated."""
    where = [i for i, t in enumerate(inputs) if isinstance(t, _C.Tensor) and t.requires_grad]
    if not where:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them "
            "have requires_grad=True."
        )
    for i in where:
        if inputs[i].dtype not in (_C.float64, _C.complex128):
            import warnings

            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or "
                "complex. This check will likely fail if all the inputs are not of double "
                "precision floating point or complex. ",
                stacklevel=3,
            )
        if inputs[i].numel() and any(
            s == 0 and n > 1 for s, n in zip(inputs[i].stride(), inputs[i].shape, strict=True)
        ):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs "
                "that are non-overlapping to be able to compute the numerical gradients correctly. "
                "You should call .contiguous on the input before passing it to gradcheck."
            )
    return where


def _numerical(
    func: _Function, inputs: tuple[Any, ...], where: list[int], eps: float
) -> list[list[list[list[float]]]]:
    """``J[output][input]`` as rows, one per input element, of slopes of the output's elements."""

    def values() -> list[list[float]]:
        return [t.detach().reshape(-1).tolist() for t in _checked(func, inputs)]

    by_output: list[list[list[list[float]]]] = []
    for position, i in enumerate(where):
        x = inputs[i].data  # shares the memory that func reads; changes pass unnoticed
        for index in _indices(tuple(x.shape)):
            with no_grad():
                former = x[index].item()
                x[index] = former - eps
            low = values()
            with no_grad():
                x[index] = former + eps
            high = values()
            with no_grad():
                x[index] = former
            while len(by_output) < len(low):
                by_output.append([[] for _ in where])
            for k, (a, b) in enumerate(zip(low, high, strict=True)):
                slopes = [(q - p) / (2 * eps) for p, q in zip(a, b, strict=True)]
                by_output[k][position].append(slopes)
    return by_output


def _checked(func: _Function, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    with enable_grad():
        return _checked_outputs(func(*inputs))


def _indices(shape: tuple[int, ...]) -> Any:
    import itertools

    return itertools.product(*(range(n) for n in shape))


def _analytical(
    output: Any, sources: list[Any], weights_like: Any, create_graph: bool = False
) -> list[list[list[float]]]:
    """The same rows from backward, one run per output element."""
    columns: list[list[list[float]]] = [[] for _ in sources]
    size = output.numel()
    for j in range(size):
        weight = _C.zeros(size, dtype=output.dtype)
        weight[j] = 1.0
        found = grad(
            output,
            sources,
            weight.reshape(weights_like),
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=True,
        )
        for column, g, s in zip(columns, found, sources, strict=True):
            if g is not None and g.shape != s.shape:
                raise GradcheckError("Analytical gradient has incorrect size")
            g = _C.zeros_like(s) if g is None else g.detach()
            column.append(g.reshape(-1).tolist())
    return [
        [[column[j][e] for j in range(size)] for e in range(s.numel())]
        for column, s in zip(columns, sources, strict=True)
    ]


def _differs(a: list[list[float]], b: list[list[float]], atol: float, rtol: float) -> bool:
    for row_a, row_b in zip(a, b, strict=True):
        for p, q in zip(row_a, row_b, strict=True):
            if p != q and not abs(p - q) <= atol + rtol * abs(q):  # also true for nan
                return True
    return False


def _mismatch(output: int, source: int, numerical: Any, analytical: Any) -> GradcheckError:
    return GradcheckError(
        f"Jacobian mismatch for output {output} with respect to input {source},\n"
        f"numerical:{_C.tensor(numerical, dtype=_C.float64)}\n"
        f"analytical:{_C.tensor(analytical, dtype=_C.float64)}\n"
    )


def _check_backward(
    func: _Function, inputs: tuple[Any, ...], where: list[int], tolerances: dict[str, float]
) -> None:
    outputs = _checked(func, inputs)
    if not outputs:
        _check_no_output(func, inputs, where, tolerances["eps"])
        return
    numerical = _numerical(func, inputs, where, tolerances["eps"])
    sources = [inputs[i] for i in where]
    atol, rtol = tolerances["atol"], tolerances["rtol"]
    for k, output in enumerate(outputs):
        analytical = _analytical(output, sources, output.shape)
        again = _analytical(output, sources, output.shape)
        for position, i in enumerate(where):
            if _differs(analytical[position], again[position], tolerances["nondet_tol"], 0.0):
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and "
                    "grad_output multiple times gives different values, although analytical "
                    "gradient matches numerical gradient. The tolerance for nondeterminism was "
                    f"{tolerances['nondet_tol']}."
                )
            slopes = numerical[k][position] if numerical else []
            if _differs(analytical[position], slopes, atol, rtol):
                raise _mismatch(k, i, slopes, analytical[position])


def _check_no_output(
    func: _Function, inputs: tuple[Any, ...], where: list[int], eps: float
) -> None:
    """Without an output that requires a gradient, every numerical slope must be zero."""

    def recorded(*args: Any) -> Any:
        return [t for t in _tensors(func(*args)) if isinstance(t, _C.Tensor)]

    for i in where:
        x = inputs[i].data
        for index in _indices(tuple(x.shape)):
            with no_grad():
                former = x[index].item()
                x[index] = former - eps
                low = [t.tolist() for t in recorded(*inputs)]
                x[index] = former + eps
                high = [t.tolist() for t in recorded(*inputs)]
                x[index] = former
            if low != high:
                raise GradcheckError("Numerical gradient for function expected to be zero")


def _check_unused_gradients(func: _Function, inputs: tuple[Any, ...], where: list[int]) -> None:
    """A missing incoming gradient must count as zeros: try each output alone."""
    outputs = _checked(func, inputs)
    if len(outputs) < 2:
        return
    sources = [inputs[i] for i in where]
    for output in outputs:
        try:
            grad(output, sources, _C.zeros_like(output), retain_graph=True, allow_unused=True)
        except RuntimeError as error:
            raise GradcheckError(
                "Expected backward function to handle undefined output grads. A backward of "
                "several outputs must accept None for those that were not used."
            ) from error


def gradcheck(
    func: _Function,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare `func`'s gradients with central differences; use float64 inputs.

    Args:
        func: takes the inputs, returns a tensor or several.
        inputs: a tensor or several; those that require a gradient are checked.
        eps: the step of the differences.
        atol: allowed absolute difference.
        rtol: allowed relative difference.
        raise_exception: False returns False, not an error, on disagreement.
        nondet_tol: allowed difference between two runs of backward.
        check_undefined_grad: also run backward for each of several outputs alone.
        check_grad_dtypes: also require gradients of the inputs' dtype.
        fast_mode, masked, check_batched_grad, check_batched_forward_grad, check_forward_ad:
            accepted; backlit always runs the full check in backward mode.

    Example:
        >>> import backlit as torch
        >>> x = torch.tensor([0.5, 1.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradcheck(torch.sin, (x,))
        True
    """
    func, given = _in_real_numbers(func, _tensors(inputs))
    tolerances = {"eps": eps, "atol": atol, "rtol": rtol, "nondet_tol": nondet_tol}
    try:
        where = _check_inputs(given)
        if check_backward_ad:
            _check_backward(func, given, where, tolerances)
        if check_undefined_grad:
            _check_unused_gradients(func, given, where)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: _Function,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """`gradcheck` of the gradients of `func`: its second derivatives.

    Args:
        grad_outputs: incoming gradients of the outputs; random ones unless given.

    The other arguments are those of `gradcheck`.

    Example:
        >>> import backlit as torch
        >>> x = torch.tensor([0.5, 1.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradgradcheck(torch.sin, (x,))
        True
    """
    given = _tensors(inputs)
    if grad_outputs is None:
        weights = tuple(_random_like(t) for t in _checked(func, given))
    else:
        weights = _tensors(grad_outputs)
    count = len(weights)

    def gradients(*args: Any) -> tuple[Any, ...]:
        sources, incoming = args[: len(args) - count], args[len(args) - count :]
        wanted = [t for t in sources if isinstance(t, _C.Tensor) and t.requires_grad]
        outputs = _checked_outputs(func(*sources))
        found = grad(outputs, wanted, incoming, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradients,
        given + weights,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
    )


def _random_like(t: Any) -> Any:
    """Normal numbers that leave the state of the generator as it was."""
    state = _C.get_rng_state()
    values = _C.randn(tuple(t.shape), dtype=t.dtype)
    _C.set_rng_state(state)
    return values.requires_grad_()
