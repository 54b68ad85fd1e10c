"""Indexing: gathers and scatters of millions of elements, and views of tiny tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._measure import Case, Work

SIZE = 1 << 22
ROWS, WIDTH = 1 << 16, 64  # SIZE elements as a matrix

Setup = Callable[[Any], Work]


def _vectors(torch: Any, n: int = SIZE) -> tuple[Any, Any, Any]:
    torch.manual_seed(0)
    return torch.randn(n), torch.randint(0, n, (n,)), torch.randn(n)


def _matrix(torch: Any) -> tuple[Any, Any, Any]:
    torch.manual_seed(0)
    return (
        torch.randn(ROWS, WIDTH),
        torch.randint(0, ROWS, (ROWS,)),
        torch.randint(0, WIDTH, (ROWS, WIDTH)),
    )


def _index(torch: Any) -> Work:
    x, i, _ = _vectors(torch)
    return lambda: x[i]


def _index_backward(torch: Any) -> Work:
    x, i, g = _vectors(torch)
    x.requires_grad_()

    def work() -> None:
        x.grad = None
        x[i].backward(g)

    return work


def _gather(torch: Any) -> Work:
    x, i, _ = _vectors(torch)
    return lambda: x.gather(0, i)


def _gather_rows(torch: Any) -> Work:
    x, _, i = _matrix(torch)
    return lambda: x.gather(1, i)


def _gather_columns(torch: Any) -> Work:
    x, _, i = _matrix(torch)
    return lambda: x.gather(0, i)


def _gather_one_per_row(torch: Any) -> Work:
    x, _, i = _matrix(torch)
    chosen = i[:, :1].contiguous()
    return lambda: x.gather(1, chosen)


def _scatter(torch: Any) -> Work:
    x, i, s = _vectors(torch, 1 << 20)
    return lambda: x.scatter(0, i, s)


def _scatter_add(torch: Any) -> Work:
    x, i, s = _vectors(torch, 1 << 20)
    return lambda: x.scatter_add(0, i, s)


def _scatter_add_rows(torch: Any) -> Work:
    x, _, i = _matrix(torch)
    return lambda: x.scatter_add(1, i, x)


def _scatter_add_columns(torch: Any) -> Work:
    x, _, i = _matrix(torch)
    return lambda: x.scatter_add(0, i, x)


def _index_select(torch: Any) -> Work:
    x, i, _ = _matrix(torch)
    return lambda: x.index_select(0, i)


def _index_select_columns(torch: Any) -> Work:
    x, _, i = _matrix(torch)
    columns = i[0].contiguous()
    return lambda: x.index_select(1, columns)


def _index_add(torch: Any) -> Work:
    x, i, _ = _matrix(torch)
    y = x.clone()
    return lambda: y.index_add_(0, i, x)


def _index_put(torch: Any) -> Work:
    x, i, _ = _matrix(torch)
    y = x.clone()

    def work() -> None:
        y[i] = x

    return work


def _pairs(torch: Any) -> Work:
    x, i, j = _matrix(torch)
    columns = j[:, 0].contiguous()
    return lambda: x[i, columns]


def _mask(torch: Any) -> Work:
    x, _, _ = _vectors(torch)
    mask = x > 0
    return lambda: x[mask]


def _masked_fill(torch: Any) -> Work:
    x, _, _ = _vectors(torch)
    mask = x > 0
    return lambda: x.masked_fill(mask, 0.0)


def _mask_assign(torch: Any) -> Work:
    x, _, _ = _vectors(torch)
    mask = x > 0

    def work() -> None:
        x[mask] = 1.0

    return work


def _nonzero(torch: Any) -> Work:
    x, _, _ = _vectors(torch)
    mask = x > 0
    return lambda: mask.nonzero()


def _of_vector(function: Callable[[Any, Any], Any]) -> Setup:
    def prepare(torch: Any) -> Work:
        x, _, _ = _vectors(torch)
        return lambda: function(torch, x)

    return prepare


def _of_matrix(function: Callable[[Any, Any], Any]) -> Setup:
    def prepare(torch: Any) -> Work:
        x, _, _ = _matrix(torch)
        return lambda: function(torch, x)

    return prepare


LARGE: dict[str, Setup] = {
    "x[i], 4M floats": _index,
    "x[i], 4M floats, forward and backward": _index_backward,
    "gather, 4M floats": _gather,
    "gather along rows, 65536×64": _gather_rows,
    "gather along columns, 65536×64": _gather_columns,
    "gather one of each row, 65536×64": _gather_one_per_row,
    "scatter, 1M floats": _scatter,
    "scatter_add, 1M floats": _scatter_add,
    "scatter_add along rows, 65536×64": _scatter_add_rows,
    "scatter_add along columns, 65536×64": _scatter_add_columns,
    "index_select of rows, 65536×64": _index_select,
    "index_select of columns, 65536×64": _index_select_columns,
    "index_add_ of rows, 65536×64": _index_add,
    "x[i] = rows, 65536×64": _index_put,
    "x[i, j], 65536 pairs": _pairs,
    "x[mask], 4M floats, half": _mask,
    "x[mask] = 1, 4M floats, half": _mask_assign,
    "masked_fill, 4M floats": _masked_fill,
    "nonzero of a mask, 4M": _nonzero,
    "flip, 4M floats": _of_vector(lambda torch, x: x.flip(0)),
    "flip of columns, 65536×64": _of_matrix(lambda torch, x: x.flip(1)),
    "flip of rows, 65536×64": _of_matrix(lambda torch, x: x.flip(0)),
    "roll, 4M floats": _of_vector(lambda torch, x: x.roll(1000)),
    "copy of x[::2], 4M floats": _of_vector(lambda torch, x: x[::2].clone()),
    "copy of x[:, :32], 65536×64": _of_matrix(lambda torch, x: x[:, :32].contiguous()),
    "copy of x.t(), 65536×64": _of_matrix(lambda torch, x: x.t().contiguous()),
    "cat of two, 4M floats": _of_vector(lambda torch, x: torch.cat([x, x])),
    "cat of columns, 65536×64": _of_matrix(lambda torch, x: torch.cat([x, x], 1)),
    "stack of two, 4M floats": _of_vector(lambda torch, x: torch.stack([x, x])),
    "repeat 3, 4M floats": _of_vector(lambda torch, x: x.repeat(3)),
    "repeat_interleave 2, 4M floats": _of_vector(lambda torch, x: x.repeat_interleave(2)),
    "tril, 1024×4096": _of_vector(lambda torch, x: x.view(1024, 4096).tril()),
}


def _tiny(function: Callable[[Any, Any, Any], Any]) -> Setup:
    def prepare(torch: Any) -> Work:
        x = torch.arange(12.0).reshape(3, 4)
        i = torch.tensor([2, 0])
        return lambda: function(torch, x, i)

    return prepare


def _assign(value: float) -> Setup:
    def prepare(torch: Any) -> Work:
        x = torch.arange(12.0).reshape(3, 4)

        def work() -> None:
            x[0] = value

        return work

    return prepare


def _tiny_mask(torch: Any) -> Work:
    x = torch.arange(12.0).reshape(3, 4)
    mask = x > 5
    return lambda: x[mask]


SMALL: dict[str, Setup] = {
    "x[0]": _tiny(lambda torch, x, i: x[0]),
    "x[0, 1]": _tiny(lambda torch, x, i: x[0, 1]),
    "x[1:3]": _tiny(lambda torch, x, i: x[1:3]),
    "x[:, 1]": _tiny(lambda torch, x, i: x[:, 1]),
    "x[None, ..., 0]": _tiny(lambda torch, x, i: x[None, ..., 0]),
    "x[i]": _tiny(lambda torch, x, i: x[i]),
    "x[i, i]": _tiny(lambda torch, x, i: x[i, i]),
    "x[[2, 0]]": _tiny(lambda torch, x, i: x[[2, 0]]),
    "x[mask]": _tiny_mask,
    "x[0] = 2.0": _assign(2.0),
    "view": _tiny(lambda torch, x, i: x.view(4, 3)),
    "reshape": _tiny(lambda torch, x, i: x.reshape(-1)),
    "t": _tiny(lambda torch, x, i: x.t()),
    "transpose": _tiny(lambda torch, x, i: x.transpose(0, 1)),
    "unsqueeze": _tiny(lambda torch, x, i: x.unsqueeze(0)),
    "squeeze": _tiny(lambda torch, x, i: x.squeeze()),
    "expand": _tiny(lambda torch, x, i: x.expand(2, 3, 4)),
    "permute": _tiny(lambda torch, x, i: x.permute(1, 0)),
    "index_select": _tiny(lambda torch, x, i: x.index_select(0, i)),
    "gather": _tiny(lambda torch, x, i: x.gather(1, x.long() % 4)),
    "cat": _tiny(lambda torch, x, i: torch.cat([x, x])),
    "stack": _tiny(lambda torch, x, i: torch.stack([x, x])),
    "split": _tiny(lambda torch, x, i: x.split(1)),
    "unbind": _tiny(lambda torch, x, i: x.unbind()),
}

CASES = [Case(name, "≥ 1", prepare, 1, 15) for name, prepare in LARGE.items()] + [
    Case(f"{name}, 3×4", "≥ 5", prepare, 1, 25) for name, prepare in SMALL.items()
]
