"""Random programs of views, in-place changes and arithmetic, to be run on both libraries.

A program is a list of steps drawn from a seed, without looking at any tensor: a step that cannot
run (a wrong shape, a forbidden change) raises on both libraries alike, and its error is part of
what is compared.
"""

from __future__ import annotations

import contextlib
import random
import warnings

UNARY = ["exp", "sin", "tanh", "sigmoid", "neg", "square", "relu", "abs"]
BINARY = ["add", "mul", "sub", "atan2"]
INDICES = [0, -1, slice(1, None), slice(None, None, 2), (slice(None), 1), (..., slice(0, 2)), None]
VIEWS = {
    "index": lambda t, arg: t[INDICES[arg % len(INDICES)]],
    "t": lambda t, arg: t.transpose(0, -1),
    "flat": lambda t, arg: t.view(-1),
    "squeeze": lambda t, arg: t.squeeze(),
    "unsqueeze": lambda t, arg: t.unsqueeze(arg % 2),
    "expand": lambda t, arg: t.expand(2, *t.shape),
    "diagonal": lambda t, arg: t.diagonal(),
    "unbind": lambda t, arg: t.unbind(0)[0],
    "split": lambda t, arg: t.split(1)[0],
    "chunk": lambda t, arg: t.chunk(2, -1)[0],
    "narrow": lambda t, arg: t.narrow(0, arg % 2, 1),
    "alias": lambda t, arg: t.view_as(t),
    "strided": lambda t, arg: t.as_strided((2,), (1,)),
    "unfold": lambda t, arg: t.unfold(-1, 2, 2),
}
OTHER = {
    "detach": lambda lib, t, u: t.detach(),
    "data": lambda lib, t, u: t.data,
    "clone": lambda lib, t, u: t.clone(),
    "require": lambda lib, t, u: t.requires_grad_(),
    "retain": lambda lib, t, u: t.retain_grad(),
    "assign": lambda lib, t, u: t.__setitem__(0, u),
    "assign_row": lambda lib, t, u: t.__setitem__((..., slice(0, 2)), u[..., :2]),
    "copy": lambda lib, t, u: t.copy_(u),
    "zero": lambda lib, t, u: t.zero_(),
    "fill": lambda lib, t, u: t.fill_(0.5),
    "clamp": lambda lib, t, u: t.clamp_(-0.5, 0.9),
    "mask": lambda lib, t, u: _mask(t),
    "addcmul": lambda lib, t, u: t.addcmul_(t, u, value=0.5),
    "lerp": lambda lib, t, u: t.lerp_(u, 0.3),
    "cumsum": lambda lib, t, u: t.cumsum_(0),
    "pow": lambda lib, t, u: t.pow_(2),
    "detach_": lambda lib, t, u: lib.is_inference_mode_enabled() or t.detach_(),
    "where": lambda lib, t, u: lib.where(t > u, t, u),
    "uniform": lambda lib, t, u: t.uniform_(0.5, 0.5),
}


def _mask(t):
    """PyTorch lets masked_fill_ pass where memory overlaps, with a warning; backlit does not."""
    if 0 not in t.stride():
        t.masked_fill_(t.detach() > 0.6, 0.25)


def program(seed: int, length: int = 8) -> list[tuple]:
    """Steps: (mode, kind, operation, source, other, argument)."""
    draw = random.Random(seed)
    steps = []
    for _ in range(draw.randrange(2, length)):
        kind = draw.choices(
            ["view", "unary_", "binary_", "unary", "binary", "other"], [5, 3, 4, 1, 2, 4]
        )[0]
        names = {"view": list(VIEWS), "other": list(OTHER)}.get(
            kind, UNARY if kind.startswith("unary") else BINARY
        )
        mode = draw.choices(["grad", "no_grad", "inference_mode"], [17, 2, 1])[0]
        steps.append(
            (
                mode,
                kind,
                draw.choice(names),
                draw.randrange(9),
                draw.randrange(9),
                draw.randrange(9),
            )
        )
    return steps


def _apply(lib, step, tensors):
    _, kind, name, a, b, arg = step
    t, u = tensors[a % len(tensors)], tensors[b % len(tensors)]
    if t.is_inference() and not lib.is_inference_mode_enabled():
        return None  # PyTorch refuses a change only after it was made
    if kind == "view":
        return VIEWS[name](t, arg)
    if kind == "other":
        return OTHER[name](lib, t, u)
    if kind.startswith("unary"):
        return getattr(t, name + kind[5:])()
    return getattr(t, name + kind[6:])(u)


def _error(error):
    # of two errors in one step, which comes first differs; texts are compared in the other tests
    return ["raised", type(error).__name__]


def _facts(t):
    """What a tensor tells about itself; asking a forbidden view for its origin is an error."""
    try:
        origin = type(t.grad_fn).__name__
        version = "-" if t.is_inference() else t._version
        return [t.requires_grad, t.is_leaf, origin, version, t.tolist()]
    except Exception as error:
        return _error(error)


def _gradients(lib, tensors, leaves):
    """Of a sum of squares over all that requires a gradient, and of the gradients' squares."""
    parts = [(t * t).sum() for t in tensors if t.requires_grad]
    if not parts:
        return []
    found = lib.autograd.grad(sum(parts), leaves, create_graph=True, allow_unused=True)
    result = [None if g is None else g.tolist() for g in found]
    squares = [(g * g).sum() for g in found if g is not None and g.requires_grad]
    if squares:
        second = lib.autograd.grad(sum(squares), leaves, allow_unused=True, retain_graph=True)
        result += [None if g is None else g.tolist() for g in second]
    return result


def run(lib, steps):
    """All that can be seen of the program's run, as nested lists of plain values."""
    tensors = [
        lib.tensor([[0.3, 0.7, 1.1], [0.2, 0.5, 0.9]], dtype=lib.float64, requires_grad=True),
        lib.tensor([0.4, 0.8, 0.6], dtype=lib.float64, requires_grad=True),
        lib.tensor([[1.2, 0.1, 0.7], [0.6, 0.3, 0.5]], dtype=lib.float64),
    ]
    leaves = tensors[:2]
    # most programs should change something: results of operations, not leaves
    tensors = [tensors[0] * 1, tensors[1] * 1, tensors[2], tensors[0]]
    seen = []
    modes = {"no_grad": lib.no_grad, "inference_mode": lib.inference_mode, "grad": lib.enable_grad}
    for step in steps:
        try:
            with modes[step[0]]():
                result = _apply(lib, step, tensors)
            seen.append("ran")
            if isinstance(result, lib.Tensor) and not any(result is t for t in tensors):
                tensors.append(result)
        except Exception as error:
            seen.append(_error(error))
        for t in tensors:
            # PyTorch takes a view for a leaf after a change of its base, until it is asked
            with contextlib.suppress(RuntimeError):
                t.grad_fn  # noqa: B018
    seen += [_facts(t) for t in tensors]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # .grad of a tensor that is no leaf
        for attempt in (_gradients, _backward):
            try:
                seen.append(attempt(lib, tensors, leaves))
            except Exception as error:
                seen.append(_error(error))
    return seen


def _backward(lib, tensors, leaves):
    parts = [(t * t).sum() for t in tensors if t.requires_grad]
    if parts:
        sum(parts).backward()
    return [None if t.grad is None else t.grad.tolist() for t in tensors]
