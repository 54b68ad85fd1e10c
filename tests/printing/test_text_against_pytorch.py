"""The text of random tensors, character for character against PyTorch."""

import math

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import backlit
from backlit._tensor_str import tensor_repr

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")

FLOATS = {
    "normal": st.floats(-10, 10, width=32),
    "whole": st.integers(-5, 20).map(float),
    "large whole": st.integers(0, 2 * 10**8).map(float),
    "wide": st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False),
    "small": st.floats(0, 0.0009765625, width=32, allow_subnormal=False),
    "special": st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 3.0]),
    "special and not whole": st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 0.75]),
    "zeros": st.sampled_from([0.0, -0.0]),
}
INTEGERS = {"int64": 63, "int32": 31, "int16": 15, "int8": 7}
SHAPES = st.lists(st.sampled_from([1, 2, 3, 5, 7, 9]), max_size=3) | st.sampled_from(
    [[], [30], [0], [0, 3], [2, 0], [30, 4], [2, 2, 2, 3], [7, 7, 2, 1]]
)


@st.composite
def contents(draw):
    """A dtype's name, a flat list of its values, a shape."""
    shape = draw(SHAPES)
    kind = draw(st.sampled_from([*FLOATS, *INTEGERS, "uint8", "bool"]))
    if kind in FLOATS:
        dtype, value = draw(st.sampled_from(["float32", "float64"])), FLOATS[kind]
    elif kind in INTEGERS:
        bits = INTEGERS[kind]
        dtype = kind
        value = st.integers(-9, 9) | st.integers(-(2**bits), 2**bits - 1)
    elif kind == "uint8":
        dtype, value = kind, st.integers(0, 255)
    else:
        dtype, value = kind, st.booleans()
    some = draw(st.lists(value, min_size=1, max_size=12))
    count = math.prod(shape)
    return dtype, [some[i % len(some)] for i in range(count)], shape


@st.composite
def options(draw):
    given = {"profile": draw(st.sampled_from(["default", "short", "full"]))}
    if draw(st.booleans()):
        given["precision"] = draw(st.sampled_from([None, 0, 1, 3, 7]))
        given["threshold"] = draw(st.sampled_from([None, 0, 3, 10, 100]))
        given["edgeitems"] = draw(st.sampled_from([None, 0, 1, 2, 4]))
        given["linewidth"] = draw(st.sampled_from([None, 10, 40, 80, 120]))
        given["sci_mode"] = draw(st.sampled_from([None, True, False]))
    return given


def build(lib, dtype, values, shape):
    return lib.tensor(values, dtype=getattr(lib, dtype)).reshape(shape)


@pytest.fixture(autouse=True)
def default_options():
    yield
    backlit.set_printoptions(profile="default")
    torch.set_printoptions(profile="default")


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(contents(), options(), st.sampled_from(["no", "leaf", "result"]))
def test_same_text(data, chosen, gradient):
    dtype = data[0]
    backlit.set_printoptions(**chosen)
    torch.set_printoptions(**chosen)
    ours, theirs = build(backlit, *data), build(torch, *data)
    if dtype.startswith("float") and gradient != "no":
        ours.requires_grad_()
        theirs.requires_grad_()
        if gradient == "result":
            ours, theirs = ours * 1, theirs * 1
    assert tensor_repr(ours) == repr(theirs)


def test_edges_of_large_tensors():
    for shape in ([2000], [20, 100], [11, 10, 10], [2, 3, 4, 50]):
        values = [i * 0.37 for i in range(math.prod(shape))]
        data = ("float32", values, shape)
        assert repr(build(backlit, *data)) == repr(build(torch, *data))


def test_default_dtype_decides_what_is_said():
    for dtype in ("float32", "float64"):
        for lib in (backlit, torch):
            lib.set_default_dtype(lib.float64)
        try:
            texts = [repr(build(lib, dtype, [1.5], [1])) for lib in (backlit, torch)]
        finally:
            for lib in (backlit, torch):
                lib.set_default_dtype(lib.float32)
        assert texts[0] == texts[1]


def test_same_format():
    for lib in (backlit, torch):
        x = lib.tensor(2.5, requires_grad=True)
        assert f"{x:>8.2f}" == "    2.50"
        assert f"{x}" == "2.5"
        assert f"{lib.ones(2)}" == "tensor([1., 1.])"
