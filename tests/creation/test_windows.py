"""torch.signal.windows beside PyTorch."""

import pytest

import backlit

from oracle import same

NAMES = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]


def call(name, *args, **options):
    return lambda torch: getattr(torch.signal.windows, name)(*args, **options)


@pytest.mark.parametrize("sym", (True, False))
@pytest.mark.parametrize("name", NAMES)
def test_lengths(name, sym):
    def run(torch):
        window = getattr(torch.signal.windows, name)
        return [window(n, sym=sym, dtype=torch.float64) for n in range(10)], window(7, sym=sym)

    same(run, 1e-6 if name == "kaiser" else 1e-7)


@pytest.mark.parametrize(
    "name, size, options",
    [
        ("general_cosine", 6, {"a": [0.3, 0.2, 0.4, 0.1], "sym": False}),
        ("general_cosine", 1, {"a": (2.0,)}),
        ("general_cosine", 0, {"a": 3}),
        ("general_hamming", 5, {"alpha": 0.7}),
        ("exponential", 6, {"tau": 2.5}),
        ("exponential", 6, {"center": 1, "sym": False}),
        ("gaussian", 6, {"std": 2.5}),
        ("gaussian", 6, {"std": 0.7, "sym": False}),
        ("kaiser", 6, {"beta": 3.0}),
        ("kaiser", 6, {"beta": 0.0}),
        ("hann", 4, {"requires_grad": True}),
    ],
)
def test_parameters(name, size, options):
    def run(torch):
        window = call(name, size, **options)(torch)
        return window, window.requires_grad

    same(run, 1e-6)


@pytest.mark.parametrize(
    "name, size, options",
    [
        *((name, -1, {}) for name in NAMES),
        ("general_cosine", 4, {"a": []}),
        ("general_cosine", 4, {"a": 3}),
        ("exponential", 4, {"tau": -1}),
        ("exponential", 4, {"center": 1}),
        ("exponential", -4, {"tau": -1}),
        ("gaussian", 4, {"std": 0}),
        ("kaiser", 4, {"beta": -1}),
    ],
)
def test_wrong_parameters(name, size, options):
    assert same(call(name, size, **options))[0] == "raised"


def test_wrong_dtype():
    for name in ("hann", "kaiser", "cosine"):
        run = lambda torch, name=name: call(name, 3, dtype=torch.int64)(torch)  # noqa: E731
        assert same(run)[0] == "raised"


TOP_LEVEL = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


@pytest.mark.parametrize("periodic", (True, False))
@pytest.mark.parametrize("name", TOP_LEVEL)
def test_top_level_lengths(name, periodic):
    def run(torch):
        window = getattr(torch, name)
        return [window(n, periodic, dtype=torch.float64) for n in range(10)], window(7, periodic)

    same(run, 1e-6)


@pytest.mark.parametrize(
    "source",
    [
        "hamming_window(5, False, 0.3, 0.2)",
        "hamming_window(5, True, 0.3)",
        "kaiser_window(5, False, 3)",
        "kaiser_window(5, periodic=True, beta=2.5)",
        "hann_window(4, requires_grad=True).requires_grad",
        "hann_window(4, periodic=False, layout=T.strided, device='cpu', pin_memory=False)",
    ],
)
def test_top_level_parameters(source):
    same(lambda torch: eval(f"T.{source}", {"T": torch}), 1e-6)


@pytest.mark.parametrize("dtype", ("float16", "bfloat16"))
def test_top_level_sixteen_bits(dtype):
    def run(torch):
        return torch.hann_window(5, dtype=getattr(torch, dtype))

    same(run, 1e-2)  # PyTorch rounds every step, backlit the result


@pytest.mark.parametrize("size", ["-1", "'a'", "True", "4.0", "4, device='x'"])
@pytest.mark.parametrize("name", TOP_LEVEL)
def test_top_level_wrong(name, size):
    assert same(lambda torch: eval(f"T.{name}({size})", {"T": torch}))[0] == "raised"


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_top_level_dtypes_that_do_not_float(name):
    with pytest.raises(RuntimeError, match=f"^{name} expects floating point dtypes, got: .*int64"):
        getattr(backlit, name)(4, dtype=backlit.int64)
