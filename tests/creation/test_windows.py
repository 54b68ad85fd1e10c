"""torch.signal.windows beside PyTorch."""

import pytest

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
