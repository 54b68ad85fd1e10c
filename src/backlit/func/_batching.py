"""One operation on tensors that carry a batch, as one operation on the tensors of all samples.

Reading starts at `call`: the core hands it every operation with a `BatchedTensor` among its
arguments. It takes away the innermost level and asks for a rule:
- an elementwise row of the registry aligns shapes and broadcasts (`aligned`);
- a row of one tensor with dimensions among its parameters shifts them (`shifted`);
- what is left has its rule in the table of `_batching_rules`;
- what has none runs once for each sample (`looped`), so that every operation is right.
The operation inside a rule may find tensors of outer levels again, and comes back here for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from .. import _C
from ._batched import (
    BatchedTensor,
    Level,
    innermost,
    is_batched,
    rebuilt,
    refuse_control_flow,
    sample_of,
    value_at,
    values_at,
    wrap,
)

_Tensor = _C.Tensor
Rule = Callable[["Call"], Any]

# Parameters that number dimensions of the row's tensor.
_DIMS = frozenset(
    [
        "dim",
        "dims",
        "dim0",
        "dim1",
        "dim2",
        "axis0",
        "axis1",
        "start_dim",
        "end_dim",
        "dimension",
        "source",
        "destination",
    ]
)
RULES: dict[str, Rule] = {}
_CHANGES_IN_PLACE: set[Rule] = set()  # rules that work for the in-place form of their operation


def rule(names: str, in_place: bool = False) -> Callable[[Rule], Rule]:
    """Enters a rule for the operations of these names, their `_copy` forms, and `in_place` ones."""

    def enter(function: Rule) -> Rule:
        for name in names.split():
            assert name not in RULES, f"two rules for {name}"
            RULES[name] = function
        if in_place:
            _CHANGES_IN_PLACE.add(function)
        return function

    return enter


class Operation:
    """What the registry tells of an operation."""

    __slots__ = ("draws", "elementwise", "in_place", "name", "rows", "rule")

    def __init__(self, op: Any) -> None:
        self.name: str = op.__name__
        self.rows = op.__rows__
        self.in_place = self.name.endswith("_") and "input" in self.rows[0]["parameters"]
        self.draws = any(row["draws"] for row in self.rows)
        self.elementwise = all(row["elementwise"] for row in self.rows)
        self.rule = self._rule()

    def _rule(self) -> Rule | None:
        base = self.name.removesuffix("_").removesuffix("_copy")
        there = f"{self.rows[0]['home']}.{self.name}"
        found = RULES.get(there) or RULES.get(self.name) or RULES.get(base)
        if self.elementwise:
            found = aligned
        if self.in_place and found not in _CHANGES_IN_PLACE:
            return looped if found else None
        return found


_known: dict[Any, Operation] = {}


def known(op: Any) -> Operation:
    found = _known.get(op)
    if found is None:
        found = _known[op] = Operation(op)
    return found


def _sampled(value: Any, originals: dict[int, Any]) -> Any:
    """The argument with a sample in the place of each batched tensor."""
    if type(value) is BatchedTensor:
        found = sample_of(value)
        originals[id(found)] = (value, found)
        return found
    if type(value) in (tuple, list):
        return type(value)(_sampled(item, originals) for item in value)
    return value


def _original(value: Any, originals: dict[int, Any]) -> Any:
    if type(value) in (tuple, list):
        return type(value)(_original(item, originals) for item in value)
    found = originals.get(id(value))
    return value if found is None else found[0]


class Call:
    """A call of one row: the values of its parameters, and the level that is taken away."""

    __slots__ = ("level", "op", "operation", "row", "slots")

    def __init__(self, op: Any, args: Any, kwargs: Any, level: Level) -> None:
        self.op = op
        self.operation = known(op)
        self.level = level
        originals: dict[int, Any] = {}  # of the samples that stand for them
        samples = [_sampled(value, originals) for value in args]
        named = {name: _sampled(value, originals) for name, value in kwargs.items()}
        chosen, slots = op._bind(tuple(samples), named)
        self.row = self.operation.rows[chosen]
        self.slots: dict[str, Any] = {
            name: _original(value, originals) for name, value in slots.items()
        }
        if self.slots.get("out") is not None:
            refuse_out(self.operation.name)

    def __getitem__(self, name: str) -> Any:
        return self.slots[name]

    @property
    def size(self) -> int:
        return self.level.size

    def has_batch(self, *names: str) -> bool:
        """Whether one of the tensors carries the batch."""
        return any(innermost(self.slots.get(name)) is self.level for name in names)

    def rank(self, name: str = "input") -> int:
        return int(self.slots[name].dim())

    def value(self, name: str = "input") -> Any:
        """The tensor of all samples, or what is the same for all."""
        return value_at(self.slots[name], self.level)

    def values(self, name: str = "input") -> Any:
        """The tensor of all samples; None stays None."""
        t = self.slots[name]
        return None if t is None else values_at(t, self.level)

    def tensors(self) -> dict[str, Any]:
        """The parameters that are tensors, and were given."""
        types = self.row["parameters"]
        return {
            name: value
            for name, value in self.slots.items()
            if types[name] == "Tensor" and isinstance(value, _Tensor)
        }

    def again(self, **changes: Any) -> Any:
        """The operation with some parameters changed."""
        given = {**self.slots, **changes}
        given.pop("out", None)
        return self.op(**given)

    def run(self) -> Any:
        operation = self.operation
        if operation.in_place:
            return self._in_place()
        return wrap((operation.rule or derived(self))(self), self.level)

    def _in_place(self) -> Any:
        original = self.slots["input"]
        if not is_batched(original, self.level):
            refuse_in_place(self.operation.name, original, self.slots.values(), self.level)
        (self.operation.rule or derived(self))(self)
        return original


def refuse_out(name: str) -> NoReturn:
    raise RuntimeError(
        f"Batching rule not implemented for aten::{name}.out; the fallback path doesn't work on "
        "out= or view ops."
    )


def refuse_in_place(name: str, x: Any, others: Iterable[Any], level: Level) -> NoReturn:
    """Samples cannot all be written into a tensor that they share."""
    entry = _C._operations["torch"].get(name) or getattr(_Tensor, name, None)
    if known(entry).elementwise or (known(entry).rule is aligned and name != "copy_"):
        sizes = [(level.size, *t.shape) for t in others if is_batched(t, level)]
        widest = max(sizes, key=len)
        raise RuntimeError(
            f"output with shape {list(x.shape)} doesn't match the broadcast shape {list(widest)}. "
            "The tensor that is changed is the same for all samples, what is written differs: "
            "use the operation that gives a new tensor."
        )
    said = "inplace arithmetic" if name == "copy_" else f"aten::{name}"
    raise RuntimeError(
        f"vmap: {said}(self, *extra_args) is not possible because there exists a Tensor `other` in "
        "extra_args that has more elements than `self`. This happened due to `other` being vmapped "
        "over but `self` not being vmapped over in a vmap. Use the operation that gives a new "
        "tensor, or make `self` inside the function from a tensor that is vmapped over, for "
        "example with zeros_like."
    )


# --- what is derived from the registry ---


def align(args: Iterable[Any], level: Level, rank: int = -1) -> list[Any]:
    """Arguments of an operation that broadcasts: batches in front, samples' shapes to the right."""
    args = list(args)
    tensors = [t for t in args if isinstance(t, _Tensor)]
    if len(tensors) == 1 and rank < 0:
        return [value_at(t, level) for t in args]
    rank = max(rank, *(t.dim() for t in tensors))
    if len({t.dtype for t in tensors}) > 1:
        args = _promoted(args, tensors, rank)
    found = []
    for t in args:
        if is_batched(t, level):
            gap = rank - t.dim()
            t = t._value
            if gap > 0:
                t = t.reshape(t.shape[0], *(1,) * gap, *t.shape[1:])
        found.append(t)
    return found


def _promoted(args: list[Any], tensors: list[Any], rank: int) -> list[Any]:
    """A 0-d tensor does not widen the dtype of others; with a batch it would not be 0-d."""
    widths = [t.dtype for t in tensors if t.dim() > 0]
    if not widths or rank == 0:
        return args
    dtype = widths[0]
    for other in widths[1:]:
        dtype = _C.promote_types(dtype, other)

    def narrowed(t: Any) -> Any:
        zero = type(t) is BatchedTensor and t.dim() == 0
        number = zero and str(t.dtype) != "torch.bool" and t.dtype != dtype
        return t.to(dtype) if number and _C.can_cast(t.dtype, dtype) else t

    return [narrowed(t) for t in args]


def aligned(c: Call) -> Any:
    """An operation that broadcasts its tensors, or has one whose dimensions do not matter."""
    tensors = c.tensors()
    rank = c.rank() if c.operation.in_place else -1
    return c.again(**dict(zip(tensors, align(tensors.values(), c.level, rank), strict=True)))


_CHANGES_IN_PLACE.add(aligned)


def shift(dim: int, rank: int) -> int:
    """The number of a sample's dimension in the tensor of all samples."""
    return dim + 1 if dim >= 0 else dim


def fits(dims: Any, rank: int) -> bool:
    return all(isinstance(d, int) and -rank <= d < rank for d in dims)


def shifted(c: Call, rank: int | None = None, name: str = "") -> Any:
    """An operation of one tensor along dimensions. `rank`: of the result, where dims are its."""
    name = name or next(iter(c.tensors()))
    rank = c.rank(name) if rank is None else rank
    changes: dict[str, Any] = {name: c.value(name)}
    if rank == 0:
        return looped(c)
    for parameter in _DIMS & c.slots.keys():
        dims = c[parameter]
        every = parameter == "dim" and c.row["parameters"]["dim"] == "tuple of ints"
        if every and (dims is None or dims in ((), [])):
            changes[parameter] = list(range(1, rank + 1))
        elif dims is None:
            return looped(c)
        elif isinstance(dims, (tuple, list)):
            if not fits(dims, rank):
                return looped(c)
            changes[parameter] = [shift(d, rank) for d in dims]
        else:
            if not fits((dims,), rank):
                return looped(c)
            changes[parameter] = shift(dims, rank)
    return c.again(**changes)


_CHANGES_IN_PLACE.add(shifted)


def derived(c: Call) -> Rule:
    """The rule that follows from the row alone."""
    row = c.row
    if "rule" not in row:
        row["rule"] = _from_row(row, c.operation.rows)
        row["objects"] = [n for n, kind in row["parameters"].items() if kind == "object"]
    if len(c.tensors()) != 1 or any(innermost(c.slots[name]) for name in row["objects"]):
        return looped
    found: Rule = row["rule"]
    return found


def _from_row(row: dict[str, Any], rows: list[dict[str, Any]]) -> Rule:
    """For a call with one tensor."""
    types = row["parameters"]
    if "tuple of Tensors" in types.values():
        return looped
    if _DIMS & types.keys():
        return shifted
    has_dims = any(other["parameters"].get("dim") == "tuple of ints" for other in rows)
    return _over_all if has_dims and "input" in types else looped


def _over_all(c: Call) -> Any:
    """A reduction of all elements that has a form with dimensions."""
    rank = c.rank()
    return c.again(input=c.value(), dim=list(range(1, rank + 1))) if rank else looped(c)


# --- once for each sample ---


def looped(c: Call, before: Callable[[], None] = lambda: None) -> Any:
    """The operation for each sample; the results stacked. `before` is called before each."""
    if c.size == 0:
        return c.value() if c.operation.in_place else _none(c)
    results = []
    for i in range(c.size):
        before()
        results.append(c.op(**_sample(c, i)))
    if c.operation.in_place:  # as one change, which later ones of a sample do not invalidate
        return c.value().copy_(_stacked(results))
    return _stacked(results)


def _sample(c: Call, i: int) -> dict[str, Any]:
    def pick(value: Any) -> Any:
        if is_batched(value, c.level):
            return value._value.select(0, i)
        if type(value) in (tuple, list):
            return type(value)(map(pick, value))
        return value

    found = {name: pick(value) for name, value in c.slots.items() if name != "out"}
    if c.operation.in_place:
        found["input"] = found["input"].clone()
    return found


def _none(c: Call) -> Any:
    """The results of no samples: shapes and dtypes from a sample of zeros."""

    def zero(value: Any) -> Any:
        if is_batched(value, c.level):
            return value._value.new_zeros(value.shape)
        if type(value) in (tuple, list):
            return type(value)(map(zero, value))
        return value

    def none(result: Any) -> Any:
        if isinstance(result, _Tensor):
            return result.new_empty((0, *result.shape))
        items = [none(item) for item in result]
        return type(result)(items) if type(result) in (tuple, list) else rebuilt(result, items)

    return none(c.op(**{n: zero(v) for n, v in c.slots.items() if n != "out"}))


def _stacked(results: list[Any]) -> Any:
    first = results[0]
    if isinstance(first, _Tensor):
        if any(r.shape != first.shape for r in results):
            raise RuntimeError(
                "vmap: We do not support batching operators that can output dynamic shape. The "
                "result would have another shape for each sample: "
                f"{sorted({tuple(r.shape) for r in results})}."
            )
        return _C.stack(results)
    if isinstance(first, (tuple, list)):
        items = [_stacked(list(column)) for column in zip(*results, strict=True)]
        return type(first)(items) if type(first) in (tuple, list) else rebuilt(first, items)
    if first is None:
        return None
    refuse_control_flow()


# --- the door ---


def call(op: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of an operation whose arguments hold batched tensors."""
    operation = known(op)
    if operation.draws:
        from ._batching_random import call_drawing

        return call_drawing(op, args, kwargs)
    level = innermost((args, kwargs))
    assert level is not None
    if operation.elementwise and not kwargs and not operation.in_place:
        return BatchedTensor(op(*align(args, level)), level)
    return Call(op, args, kwargs, level).run()
