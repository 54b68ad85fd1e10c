"""name_copy: what a view shows, in memory of its own."""

from __future__ import annotations

import pytest
from derivatives import derivatives, numbers

import backlit

from oracle import same

CALLS = {
    "alias": (),
    "as_strided": ((2, 2), (1, 4), 1),
    "diagonal": (1,),
    "expand": ((2, 3, 4),),
    "permute": ((1, 0),),
    "select": (1, -1),
    "slice": (1, 0, 4, 2),
    "split": (2,),
    "split_with_sizes": ([1, 2],),
    "squeeze": (),
    "t": (),
    "transpose": (0, 1),
    "unbind": (1,),
    "unfold": (1, 3, 1),
    "unsqueeze": (1,),
    "view": ((2, 6),),
}


def parts(value):
    return list(value) if isinstance(value, (tuple, list)) else [value]


@pytest.mark.parametrize("name", CALLS)
def test_copies(name):
    def call(torch, x):
        return getattr(torch, f"{name}_copy")(x, *CALLS[name])

    same(derivatives(call, numbers(3, 4)), 1e-12)

    def facts(torch):
        x = torch.ones(3, 4, requires_grad=True)
        made = parts(call(torch, x))
        return [
            (y.grad_fn.name(), y.stride(), y.data_ptr() == x.data_ptr(), y._base is None)
            for y in made
        ]

    same(facts)


def test_every_copy_of_pytorch_is_there():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    sparse = ("indices", "values", "detach", "index_")
    wanted = {
        n
        for n in dir(torch)
        if n.endswith("_copy") and n[0] != "_" and not any(w in n for w in sparse)
    }
    made = {n for n in dir(backlit) if n.endswith("_copy") and not n.startswith("index_")}
    assert wanted == made


def test_narrow_copy_and_dtype():
    same(derivatives(lambda torch, x: x.narrow_copy(1, 1, 2), numbers(3, 4)), 1e-12)
    same(lambda torch: torch.view_copy(torch.ones(2), torch.int32))
    same(lambda torch: torch.t_copy(torch.ones(2, 3), out=torch.empty(0)))
