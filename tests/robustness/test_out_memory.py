"""Where out= lies in memory: over itself, over an input."""

from __future__ import annotations

import pytest

from oracle import same

WITH_OWN_MEMORY = {  # what PyTorch refuses to write over what it still reads
    "cat": lambda lib, x, i: lib.cat([x[:2], x[2:]], out=x),
    "take": lambda lib, x, i: lib.take(x, i, out=x),
    "gather": lambda lib, x, i: lib.gather(x, 0, i, out=x),
    "index_select": lambda lib, x, i: lib.index_select(x, 0, i, out=x),
    "masked_select": lambda lib, x, i: lib.masked_select(x, x > -9, out=x),
    "kthvalue": lambda lib, x, i: lib.kthvalue(x, 2, out=(x[0], i[0])),
    "median": lambda lib, x, i: lib.median(x, 0, out=(x[0], i[0])),
    "mode": lambda lib, x, i: lib.mode(x, 0, out=(x[0], i[0])),
    "max": lambda lib, x, i: lib.max(x, 0, out=(x[0], i[0])),
    "min": lambda lib, x, i: lib.min(x, 0, out=(x[0], i[0])),
}
OVER_A_PART = {
    "exp": lambda lib, x, i: lib.exp(x[:3], out=x[1:]),
    "add": lambda lib, x, i: lib.add(x[:3], 1, out=x[1:]),
    "mul": lambda lib, x, i: lib.mul(x[:3], x[:3], out=x[1:]),
}
OVER_AN_INPUT = {
    "exp": lambda lib, x, i: lib.exp(x, out=x),
    "cumsum": lambda lib, x, i: lib.cumsum(x, 0, out=x),
    "sort": lambda lib, x, i: lib.sort(x, out=(x, i)).values,
}
INTO_REPEATED = {
    "exp": lambda lib, x, i, y: lib.exp(x, out=y),
    "gather": lambda lib, x, i, y: lib.gather(x, 0, i, out=y),
    "cumsum": lambda lib, x, i, y: lib.cumsum(x, 0, out=y),
    "bernoulli": lambda lib, x, i, y: lib.bernoulli(x / 9, out=y),
    "stack": lambda lib, x, i, y: lib.stack(list(x), out=y),
}


def data(lib):
    return lib.tensor([3.0, 1.0, 2.0, 5.0]), lib.tensor([3, 2, 1, 0])


@pytest.mark.parametrize("name", [*WITH_OWN_MEMORY, *OVER_A_PART])
def test_shared_memory_is_refused(name):
    call = {**WITH_OWN_MEMORY, **OVER_A_PART}[name]
    same(lambda lib: call(lib, *data(lib)))


@pytest.mark.parametrize("name", OVER_AN_INPUT)
def test_an_input_is_replaced_by_the_result(name):
    same(lambda lib: OVER_AN_INPUT[name](lib, *data(lib)), 1e-6)


@pytest.mark.parametrize("name", INTO_REPEATED)
def test_elements_with_one_place_are_refused(name):
    same(lambda lib: INTO_REPEATED[name](lib, *data(lib), lib.zeros(1).expand(4)))


def test_read_only_memory_is_not_written():
    numpy = pytest.importorskip("numpy")
    import backlit

    array = numpy.zeros(3, dtype=numpy.float32)
    array.flags.writeable = False
    with pytest.warns(UserWarning):
        out = backlit.from_numpy(array)
    with pytest.raises(RuntimeError, match="read-only"):
        backlit.exp(backlit.ones(3), out=out)
    assert array.tolist() == [0, 0, 0]
