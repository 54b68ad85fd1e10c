"""The batching rules of operations of which the registry does not tell enough: see `_batching`.

A rule takes the call and gives the result for all samples, the batch in dimension 0.
`c.value(name)` is the tensor of all samples, or one that they share; `c.values(name)` always has
the batch.
"""

from __future__ import annotations

from typing import Any

from .. import _C
from ._batched import innermost, is_batched, sample_of, spread, values_at
from ._batching import Call, align, aligned, fits, looped, rule, shift, shifted

_torch = _C._operations["torch"]
_linalg = _C._operations["linalg"]

# Written by hand in the registry, and elementwise or over the last dimensions all the same.
rule(
    "add sub rsub mul div true_divide floor_divide pow float_power square clamp clamp_min "
    "clamp_max heaviside lerp addcmul addcdiv round nan_to_num threshold celu gelu positive "
    "logit mvlgamma polygamma isclose frexp complex polar conj conj_physical resolve_conj real "
    "imag view_as_real view_as_complex clone contiguous zero copy zeros_like ones_like full_like "
    "empty_like is_complex is_floating_point is_signed is_conj bfloat16 bool byte cdouble cfloat "
    "char cpu double float half int long short detach alias constant_pad_nd pixel_shuffle "
    "pixel_unshuffle dropout rrelu _dirichlet_grad _standard_gamma_grad",
    in_place=True,
)(aligned)


def _matrices(*names: str) -> Any:
    """For operations on the last two dimensions: `names` are the tensors, that broadcast."""

    def matrices(c: Call) -> Any:
        if any(c.rank(name) < 2 for name in names):
            return looped(c)
        return c.again(**dict(zip(names, align([c[n] for n in names], c.level), strict=True)))

    return matrices


@rule(
    "tril triu adjoint inverse det slogdet logdet cholesky cholesky_inverse qr svd pinverse "
    "matrix_power matrix_exp cholesky_ex inv inv_ex eig eigvals eigh eigvalsh svdvals lu "
    "lu_factor lu_factor_ex",
    in_place=True,
)
def _one_matrix(c: Call) -> Any:
    return _matrices(next(iter(c.tensors())))(c)


rule("cholesky_solve")(_matrices("input", "L"))
rule("cdist")(_matrices("x1", "x2"))
rule("lu_unpack")(lambda c: c.again(LU_data=c.values("LU_data"), LU_pivots=c.values("LU_pivots")))


# --- views ---


@rule("reshape view")
def _reshape(c: Call) -> Any:
    if "dtype" in c.slots:
        return c.again(input=c.value()) if c.rank() else looped(c)
    name = "shape" if "shape" in c.slots else "size"
    sizes = list(c[name])
    if -1 in sizes and 0 not in c.value().shape:
        known = 1
        for s in sizes:
            known *= s if s != -1 else 1
        if known and c["input"].numel() % known == 0:
            sizes[sizes.index(-1)] = c["input"].numel() // known
    return c.again(input=c.value(), **{name: [c.size, *sizes]})


@rule("view_as reshape_as expand_as")
def _like_other(c: Call) -> Any:
    other = sample_of(c["other"])
    if not is_batched(c["input"], c.level):
        return spread(c.op(c["input"], other), c.size)
    name = c.operation.name.removesuffix("_as")
    return getattr(c["input"], name)(other.shape)._value


@rule("ravel")
def _ravel(c: Call) -> Any:
    return c.value().reshape(c.size, -1) if c.size else looped(c)


@rule("unflatten")
def _unflatten(c: Call) -> Any:
    return shifted(c)


@rule("expand broadcast_to")
def _expand(c: Call) -> Any:
    x, sizes = c.value(), list(c["size"])
    gap = len(sizes) - c.rank()
    if gap < 0:
        return looped(c)
    if gap:
        x = x.reshape(c.size, *(1,) * gap, *c["input"].shape)
    return c.again(input=x, size=[c.size, *sizes])


@rule("permute")
def _permute(c: Call) -> Any:
    if not fits(c["dims"], c.rank()):
        return looped(c)
    return c.again(input=c.value(), dims=[0, *(d % c.rank() + 1 for d in c["dims"])])


@rule("t", in_place=True)
def _t(c: Call) -> Any:
    if c.rank() < 2:
        return c.value()
    if c.rank() > 2:
        return looped(c)
    change = c.value().transpose_ if c.operation.in_place else c.value().transpose
    return change(1, 2)


@rule("squeeze", in_place=True)
def _squeeze(c: Call) -> Any:
    if "dim" in c.slots:
        return shifted(c) if c.rank() else c.value()
    ones = [d + 1 for d, size in enumerate(c["input"].shape) if size == 1]
    return c.op(c.value(), ones) if ones else c.value().view_as(c.value())


@rule("unsqueeze diag_embed", in_place=True)
def _new_dims(c: Call) -> Any:
    rank = c.rank() + 1
    dims = [c[name] for name in ("dim", "dim1", "dim2") if name in c.slots]
    if not fits(dims, rank):
        return looped(c)
    names = [name for name in ("dim", "dim1", "dim2") if name in c.slots]
    return c.again(input=c.value(), **{n: shift(c[n], rank) for n in names})


@rule("as_strided")
def _as_strided(c: Call) -> Any:
    x = c.value()
    offset = None if c["storage_offset"] is None else x.storage_offset() + c["storage_offset"]
    return c.op(x, [c.size, *c["size"]], [x.stride(0), *c["stride"]], offset)


@rule("as_strided_scatter")
def _as_strided_scatter(c: Call) -> Any:
    y = c.values().contiguous().clone()
    place = y.as_strided(
        [c.size, *c["size"]], [y.stride(0), *c["stride"]], c["storage_offset"] or 0
    )
    place.copy_(c.values("src"))
    return y


@rule("narrow")
def _narrow(c: Call) -> Any:
    return looped(c) if isinstance(c["start"], _C.Tensor) else shifted(c)


@rule("hsplit vsplit dsplit")
def _split_at(c: Call) -> Any:
    dim = {"h": min(1, c.rank() - 1), "v": 0, "d": 2}[c.operation.name[0]]
    if c.rank() <= dim or c.rank() == 0:
        return looped(c)
    return _torch["tensor_split"](c.value(), c["indices_or_sections"], dim + 1)


@rule("atleast_1d atleast_2d atleast_3d")
def _at_least(c: Call) -> Any:
    if "input" not in c.slots:
        return looped(c)
    sizes = sample_of(c["input"])
    return c.value().view(c.size, *c.op(sizes).shape)


@rule("swapdims swapaxes transpose movedim flatten torch.unfold select diagonal", in_place=True)
def _shifted(c: Call) -> Any:
    return shifted(c)


@rule("fliplr flipud")
def _flipped(c: Call) -> Any:
    dim = 1 if c.operation.name == "fliplr" else 0
    return c.value().flip(dim + 1) if c.rank() > dim else looped(c)


@rule("rot90")
def _rot90(c: Call) -> Any:
    if c["dims"] is None:
        c.slots["dims"] = [0, 1]
    return shifted(c)


@rule("repeat tile")
def _repeat(c: Call) -> Any:
    name = "repeats" if "repeats" in c.slots else "dims"
    times = list(c[name])
    gap = len(times) - c.rank()
    if gap < 0 and name == "repeats":
        return looped(c)
    times = [1] * -gap + times
    x = c.value().reshape(c.size, *(1,) * max(gap, 0), *c["input"].shape)
    return x.repeat(1, *times)


@rule("diag")
def _diag(c: Call) -> Any:
    if c.rank() == 1:
        return _torch["diag_embed"](c.value(), c["diagonal"])
    return _torch["diagonal"](c.value(), c["diagonal"], 1, 2) if c.rank() == 2 else looped(c)


@rule("trace")
def _trace(c: Call) -> Any:
    return c.value().diagonal(0, 1, 2).sum(-1) if c.rank() == 2 else looped(c)


@rule("new_zeros new_ones new_full new_empty")
def _new(c: Call) -> Any:
    return c.again(input=c.value(), size=[c.size, *c["size"]])


# A shape or a memory of its own, which one tensor of all samples cannot have.
@rule("resize resize_as set as_strided_", in_place=True)
def _refused(c: Call) -> Any:
    raise NotImplementedError(
        f"vmap: {c.operation.name} on a tensor that is vmapped over is not provided. Use view, "
        "reshape or clone."
    )


@rule("tensor as_tensor asarray new_tensor")
def _from_data(c: Call) -> Any:
    data: Any = c.slots.get("data", c.slots.get("obj"))
    if type(data) in (tuple, list):
        for item in data:
            if innermost(item) is c.level:
                float(item)  # one number is asked for
    if not is_batched(data, c.level):  # new_tensor takes the dtype of its tensor
        return spread(c.again(input=sample_of(c["input"])), c.size)
    x = data._value
    if c.operation.name in ("tensor", "new_tensor"):
        x = x.detach().clone()
    return x if c["dtype"] is None else x.to(c["dtype"])


@rule("to type_as")
def _to(c: Call) -> Any:
    changes = {"other": sample_of(c["other"])} if "other" in c.slots else {}
    return c.again(input=c.values(), **changes)


@rule("result_type")
def _result_type(c: Call) -> Any:
    return c.again(**{name: sample_of(value) for name, value in c.slots.items()})


@rule("fill masked_fill", in_place=True)
def _filled(c: Call) -> Any:
    if not c.has_batch("value"):
        return aligned(c)
    if "mask" not in c.slots or c.operation.in_place:
        return looped(c)
    x, mask, value = align((c["input"], c["mask"], c["value"]), c.level)
    return _torch["where"](mask, value.to(x.dtype), x)


# --- reductions, order ---


@rule("max min")
def _extremum(c: Call) -> Any:
    if "other" in c.slots:
        return aligned(c)
    if "dim" in c.slots:
        return shifted(c)
    if c.rank() == 0:
        return c.value().clone()
    return getattr(c.value(), "a" + c.operation.name)(list(range(1, c.rank() + 1)))


@rule("argmax argmin aminmax median nanmedian prod")
def _along_one(c: Call) -> Any:
    """Without dim: of all elements."""
    if c.slots.get("dim") is not None:
        return shifted(c)
    if c.slots.get("keepdim") or c.rank() == 0:
        return looped(c)
    given = {name: v for name, v in c.slots.items() if name in ("dtype",)}
    found = c.op(c.value().reshape(c.size, c["input"].numel()), dim=1, **given)
    return found[0] if "median" in c.operation.name else found


@rule("norm vector_norm")
def _norm(c: Call) -> Any:
    order = c.slots.get("p", c.slots.get("ord"))
    return looped(c) if isinstance(order, str) and order != "fro" else shifted(c)


@rule("matrix_norm")
def _matrix_norm(c: Call) -> Any:
    if c["dim"] is None:
        c.slots["dim"] = [-2, -1]
    return shifted(c)


# Over all dimensions but one, of a tensor of another rank, or of elements in a row.
@rule("renorm roll cov corrcoef diagflat nonzero_static")
def _each(c: Call) -> Any:
    if c.operation.name == "roll" and c["dims"] not in (None, [], ()):
        return shifted(c)
    return looped(c)


@rule("nonzero argwhere unique unique_consecutive")
def _dynamic(c: Call) -> Any:
    name = c.operation.name.replace("unique", "_unique2", 1)
    raise RuntimeError(
        "vmap: We do not support batching operators that can output dynamic shape. Attempted to "
        f"vmap over aten::{name}. Use masks and torch.where."
    )


@rule("equal")
def _equal(c: Call) -> Any:
    raise RuntimeError("Batching rule not implemented for aten::equal. Use (a == b).all().")


@rule("allclose")
def _all_close(c: Call) -> Any:
    raise RuntimeError("vmap over torch.allclose isn't supported yet. Use isclose(a, b).all().")


@rule("masked_select")
def _masked_select(c: Call) -> Any:
    if c.has_batch("mask"):
        raise RuntimeError(
            "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot "
            "support this because for each batch this would return a differently shaped Tensor. "
            "Use torch.where or masked_fill."
        )
    return looped(c)


@rule("linalg.norm")
def _any_norm(c: Call) -> Any:
    return looped(c)


@rule("msort")
def _msort(c: Call) -> Any:
    return c.value().sort(1).values if c.rank() else looped(c)


@rule("bucketize")
def _bucketize(c: Call) -> Any:
    return looped(c) if c.has_batch("boundaries") else c.again(input=c.value())


# --- joining ---


@rule("cat concat concatenate")
def _cat(c: Call) -> Any:
    ranks = {t.dim() for t in c["tensors"]}
    if len(ranks) > 1 or not fits((c["dim"],), rank := ranks.pop()):
        return looped(c)
    return c.again(tensors=_each_with_batch(c), dim=shift(c["dim"], rank))


@rule("stack")
def _stack(c: Call) -> Any:
    rank = c["tensors"][0].dim() + 1
    if not fits((c["dim"],), rank):
        return looped(c)
    return c.again(tensors=_each_with_batch(c), dim=shift(c["dim"], rank))


def _each_with_batch(c: Call) -> list[Any]:
    return [values_at(t, c.level) for t in c["tensors"]]


@rule("broadcast_tensors")
def _broadcast_tensors(c: Call) -> Any:
    rank = max(t.dim() for t in c["tensors"])
    wrapped = [values_at(t, c.level) for t in c["tensors"]]
    return c.op(*(t.reshape(c.size, *(1,) * (rank + 1 - t.dim()), *t.shape[1:]) for t in wrapped))


# --- by index ---


@rule("gather scatter scatter_add scatter_reduce take_along_dim", in_place=True)
def _along(c: Call) -> Any:
    tensors = c.tensors()
    ranks = {t.dim() for t in tensors.values()}
    dim = c["dim"]
    if len(ranks) > 1 or dim is None or 0 in ranks or not fits((dim,), rank := ranks.pop()):
        return looped(c)
    return c.again(**{name: c.values(name) for name in tensors}, dim=shift(dim, rank))


@rule("index_select index_add index_copy index_fill index_reduce", in_place=True)
def _by_index(c: Call) -> Any:
    """One index for all samples."""
    other = c.slots.get("source", c.slots.get("value"))
    zero = isinstance(other, _C.Tensor) and other.dim() != c.rank()
    if c.has_batch("index") or c.rank() == 0 or zero or not fits((c["dim"],), c.rank()):
        return looped(c)
    changes = {"source": c.values("source")} if "source" in c.slots else {}
    return c.again(input=c.values(), dim=shift(c["dim"], c.rank()), **changes)


@rule("select_scatter slice_scatter diagonal_scatter")
def _scattered(c: Call) -> Any:
    dims = [name for name in ("dim", "dim1", "dim2") if name in c.slots]
    if not fits((c[name] for name in dims), c.rank()):
        return looped(c)
    changes = {name: shift(c[name], c.rank()) for name in dims}
    return c.again(input=c.values(), src=c.values("src"), **changes)


@rule("where")
def _where(c: Call) -> Any:
    return looped(c) if "other" not in c.slots else aligned(c)


@rule("embedding")
def _embedding(c: Call) -> Any:
    if c.has_batch("weight") or c["scale_grad_by_freq"]:
        return looped(c)
    return c.again(input=c.value())


# --- products ---


@rule("matmul")
def _matmul(c: Call) -> Any:
    a, b = c["input"], c["other"]
    if a.dim() == 0 or b.dim() == 0:
        return looped(c)
    return _product(c, a, b)


def _product(c: Call, a: Any, b: Any) -> Any:
    """a @ b of samples: matrices, vectors or batches of matrices."""
    shared = not is_batched(b, c.level)
    if shared and b.dim() <= 2 and a.dim() >= 1:
        return _torch["matmul"](a._value, b)
    rows, columns = a.dim() == 1, b.dim() == 1
    a = a.unsqueeze(0) if rows else a
    b = b.unsqueeze(1) if columns else b
    y = _torch["matmul"](*align((a, b), c.level))
    y = y.squeeze(-1) if columns else y
    return y.squeeze(-1 if columns else -2) if rows else y


@rule("mm bmm mv dot")
def _checked_product(c: Call) -> Any:
    a, b = c.tensors().values()
    c.op(sample_of(a), sample_of(b)) if not _same_kind(c, a, b) else None
    return _product(c, a, b)


_RANKS = {"mm": (2, 2), "bmm": (3, 3), "mv": (2, 1), "dot": (1, 1)}


def _same_kind(c: Call, a: Any, b: Any) -> bool:
    fit = (a.dim(), b.dim()) == _RANKS[c.operation.name] and a.dtype == b.dtype
    inner = a.shape[-1] == b.shape[-2 if b.dim() > 1 else -1]
    return bool(fit and inner and (a.dim() < 3 or a.shape[0] == b.shape[0]))


@rule("vdot")
def _vdot(c: Call) -> Any:
    return _product(c, c["input"].conj(), c["other"])


@rule("inner")
def _inner(c: Call) -> Any:
    a, b = c["input"], c["other"]
    if not a.dim() or not b.dim() or b.dim() > 2:
        return looped(c)
    return _product(c, a, b.mT if b.dim() == 2 else b)


@rule("outer")
def _outer(c: Call) -> Any:
    a, b = c.value(), c.value("vec2")
    return a.unsqueeze(-1) * (b.unsqueeze(-2) if c.has_batch("vec2") else b)


@rule("addmm addmv baddbmm addr")
def _added_product(c: Call) -> Any:
    _, a, b = c.tensors().values()
    if c.operation.name == "addr":
        x = align((a.unsqueeze(-1), b.unsqueeze(0)), c.level)
        product = x[0] * x[1]
    elif is_batched(a, c.level) or is_batched(b, c.level):
        product = _product(c, a, b)
    else:
        product = values_at(_torch["matmul"](a, b), c.level)
    gap = product.dim() - 1 - c.rank()
    if gap < 0:
        return looped(c)
    x = c.value()
    if c.has_batch("input") and gap:
        x = x.reshape(c.size, *(1,) * gap, *c["input"].shape)
    product = product if c["alpha"] == 1 else product * c["alpha"]
    if c["beta"] == 0:
        return product
    return (x if c["beta"] == 1 else x * c["beta"]) + product


@rule("linear")
def _linear(c: Call) -> Any:
    x, w, b = c["input"], c["weight"], c["bias"]
    if not c.has_batch("weight", "bias"):
        return c.again(input=c.value())
    if w.dim() != 2 or x.dim() == 0:
        return looped(c)
    if c.has_batch("input", "weight"):
        y = _product(c, x, w.mT)
    else:
        y = values_at(_torch["matmul"](x, w.mT), c.level)
    if b is None:
        return y
    b = c.value("bias")
    return y + (b.reshape(c.size, *(1,) * (x.dim() - 1), -1) if c.has_batch("bias") else b)


@rule("_einsum")
def _einsum(c: Call) -> Any:
    """A letter of its own for the batch."""
    terms, arrow, result = c["equation"].replace(" ", "").partition("->")
    free = [x for x in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if x not in c["equation"]]
    if not arrow or not free:
        return looped(c)
    marked = [
        free[0] * is_batched(t, c.level) + term
        for term, t in zip(terms.split(","), c["operands"], strict=True)
    ]
    operands = [t._value if is_batched(t, c.level) else t for t in c["operands"]]
    return c.op(f"{','.join(marked)}->{free[0]}{result}", operands)


@rule("cross")
def _cross(c: Call) -> Any:
    rank = max(c.rank(), c.rank("other"))
    if c["dim"] is None or not fits((c["dim"],), rank):
        return looped(c)
    if c.rank() != c.rank("other"):
        return looped(c)
    return c.op(c.values(), c.values("other"), dim=shift(c["dim"], rank))


@rule("solve solve_ex solve_triangular")
def _solve(c: Call) -> Any:
    a, b = c["A"], c["B"]
    if a.dim() != 2 or b.dim() not in (1, 2):
        return looped(c)
    return c.again(A=c.values("A"), B=c.values("B"))
