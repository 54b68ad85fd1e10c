"""assert_close and make_tensor: the same judgement and the same words as PyTorch's."""

import pytest


def message(lib, actual, expected, **options):
    try:
        lib.testing.assert_close(actual, expected, **options)
    except AssertionError as error:
        return str(error).splitlines()[0]
    return None


CLOSE = "Tensor-likes are not close!"


@pytest.mark.parametrize(
    ("actual", "expected", "options", "wanted"),
    [
        ([1.0, 2.0], [1.0, 2.1], {}, CLOSE),
        ([1.0], [1.0 + 1e-6], {}, None),
        ([1.0], [2.0], {"rtol": 0, "atol": 1.5}, None),
        ([1, 2], [1, 3], {}, "Tensor-likes are not equal!"),
        ([True], [False], {}, "Tensor-likes are not equal!"),
        (1.0, 2.0, {}, "Scalars are not close!"),
        ([float("nan")], [float("nan")], {}, CLOSE),
        ([float("nan")], [float("nan")], {"equal_nan": True}, None),
        ([float("inf")], [float("inf")], {}, None),
        ([1.0, float("inf")], [1.0, 3.0], {}, CLOSE),
        ([], [], {}, None),
        ([1.0], [2.0], {"msg": "mine"}, "mine"),
        ([1.0], [2.0], {"msg": lambda text: "mine: " + text}, "mine: " + CLOSE),
    ],
)
def test_tensors(lib, actual, expected, options, wanted):
    assert message(lib, lib.tensor(actual), lib.tensor(expected), **options) == wanted


def test_full_text(lib):
    with pytest.raises(AssertionError) as error:
        lib.testing.assert_close(lib.tensor([[1.0, 2.0], [3.0, 4.0]]), lib.ones(2, 2))
    assert str(error.value) == (
        "Tensor-likes are not close!\n\n"
        "Mismatched elements: 3 / 4 (75.0%)\n"
        "Greatest absolute difference: 3.0 at index (1, 1) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 3.0 at index (1, 1) (up to 1.3e-06 allowed)"
    )


def test_attributes(lib):
    one = lib.tensor([1.0])
    double = lib.tensor([1.0], dtype=lib.float64)
    assert message(lib, one, double) == (
        "The values for attribute 'dtype' do not match: torch.float32 != torch.float64."
    )
    assert message(lib, one, double, check_dtype=False) is None
    assert message(lib, one, lib.ones(2)) == (
        "The values for attribute 'shape' do not match: torch.Size([1]) != torch.Size([2])."
    )
    square = lib.ones(2, 2)
    assert "stride()" in message(lib, square.t(), square, check_stride=True)


def test_structures(lib):
    a, b = lib.tensor(1.0), lib.tensor(2.0)
    assert message(lib, [a, (b,)], (a, [b])) is None
    assert message(lib, [1.0], [1.0, 2.0]) == "The length of the sequences mismatch: 1 != 2"
    assert message(lib, {"a": 1}, {"b": 1}) == "The keys of the mappings do not match:"
    assert message(lib, None, 1) == "None mismatch: None is not 1"
    assert message(lib, True, False) == "Booleans mismatch: True is not False"
    with pytest.raises(AssertionError, match=r"The failure occurred for item \['a'\]\[1\]"):
        lib.testing.assert_close({"a": [a, b]}, {"a": [a, a]})


def test_wrong_arguments(lib):
    with pytest.raises(TypeError, match="No comparison pair was able to handle inputs"):
        lib.testing.assert_close(lib.tensor(1.0), 1.0)
    with pytest.raises(ValueError, match="Both 'rtol' and 'atol' must be either specified"):
        lib.testing.assert_close(1.0, 1.0, rtol=1.0)


def test_make_tensor(lib):
    t = lib.testing.make_tensor(3, 4, dtype=lib.float32, device="cpu", low=1, high=2)
    assert t.shape == (3, 4)
    assert bool(((t >= 1) & (t < 2)).all())
    t = lib.testing.make_tensor((100,), dtype=lib.int64, device="cpu", exclude_zero=True)
    assert bool((t != 0).all()) and int(t.min()) >= -9 and int(t.max()) <= 9
    t = lib.testing.make_tensor(
        3, 4, dtype=lib.float64, device="cpu", noncontiguous=True, requires_grad=True
    )
    assert not t.is_contiguous()
    assert t.requires_grad
