"""Every distribution of the table: samples, densities, moments and gradients are PyTorch's."""

import pytest
from distributions.table import ROWS, make, parameters

from oracle import same

TOLERANCE = 1e-8  # in float64, where PyTorch's formulas cancel more than ours
# Parts of PyTorch's formulas have 7 digits; traces of inverses cancel.
FEWER_DIGITS = ("VonMises", "Multinomial(", "Wishart")
# PyTorch approximates how beta and gamma samples move with their parameters to 3 or 4 digits.
ROUGH = 2e-3


def gradients(lib, value, given):
    """Of the sum, weighted so that nothing cancels, with respect to the parameters."""
    if not value.requires_grad:
        return "no graph"
    weights = lib.linspace(0.5, 1.5, value.numel(), dtype=value.dtype).reshape(value.shape)
    tensors = list(given.values())
    found = lib.autograd.grad((value * weights).sum(), tensors, allow_unused=True)
    return dict(zip(given, found, strict=True))


def tolerance_of(row):
    return 1e-6 if any(name in row for name in FEWER_DIGITS) else TOLERANCE


def draw(lib, d, shape=(), method="sample"):
    """Samples; of a Wishart distribution without PyTorch's second draw for what is not singular."""
    if type(d).__name__ == "Wishart" and lib.__name__ == "torch":
        value = d._bartlett_sampling(shape)
        return value.detach() if method == "sample" else value
    return getattr(d, method)(shape)


def skip_where_pytorch_fails(row, name):
    if (row, name) == ("D.Kumaraswamy(a, b)", "mode"):
        pytest.skip("PyTorch takes the logarithm of a negative number: nan where there is a mode")
    if row.startswith("D.GeneralizedPareto") and name in ("log_prob", "cdf"):
        pytest.skip("PyTorch compares float64 with float32 and raises; float32 is tested")


def value_and_gradients(row, compute, tolerance=None):
    def run(lib):
        lib.manual_seed(3)
        given = parameters(lib, requires_grad=True)
        value = compute(lib, make(lib, row, given))
        return value.detach(), gradients(lib, value, given)

    return same(run, tolerance or tolerance_of(row))


@pytest.mark.parametrize("row", ROWS)
def test_shapes_and_support(row):
    def run(lib):
        d = make(lib, row)
        return (
            d.batch_shape,
            d.event_shape,
            d.has_rsample,
            d.has_enumerate_support,
            d.support.event_dim,
            d.support.is_discrete,
            type(d).__name__,
            [isinstance(d, lib.distributions.ExponentialFamily)],
            sorted(d.arg_constraints),
        )

    same(run)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", ROWS)
def test_samples(row, dtype):
    def run(lib):
        lib.manual_seed(5)
        d = make(lib, row, dtype=dtype)
        drawn = [draw(lib, d, shape) for shape in ((), (2,), (3, 5))]
        assert not any(s.requires_grad for s in drawn)
        return drawn, lib.rand(2)

    same(run, 1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("row", ROWS)
def test_samples_carry_gradients(row):
    rough = any(
        name in row for name in ("Beta", "Gamma", "Chi2", "Dirichlet", "StudentT", "Fisher")
    )
    rough = rough or "Wishart" in row
    tolerance = ROUGH if rough else TOLERANCE
    value_and_gradients(row, lambda lib, d: draw(lib, d, (2,), "rsample"), tolerance)


@pytest.mark.parametrize("row", ROWS)
def test_log_prob(row):
    skip_where_pytorch_fails(row, "log_prob")
    value_and_gradients(row, lambda lib, d: d.log_prob(draw(lib, d, (4,))))


@pytest.mark.parametrize("row", ROWS)
def test_log_prob_of_float32(row):
    def run(lib):
        lib.manual_seed(1)
        d = make(lib, row, dtype="float32")
        return d.log_prob(draw(lib, d, (4,)))

    same(run, 2e-4)


@pytest.mark.parametrize("name", ["mean", "mode", "variance", "stddev"])
@pytest.mark.parametrize("row", ROWS)
def test_moments(row, name):
    skip_where_pytorch_fails(row, name)
    value_and_gradients(row, lambda lib, d: getattr(d, name))


@pytest.mark.parametrize("row", ROWS)
def test_entropy_and_perplexity(row):
    value_and_gradients(row, lambda lib, d: d.entropy())
    value_and_gradients(row, lambda lib, d: d.perplexity())


@pytest.mark.parametrize("row", ROWS)
def test_cdf(row):
    skip_where_pytorch_fails(row, "cdf")
    value_and_gradients(row, lambda lib, d: d.cdf(draw(lib, d, (4,))))


@pytest.mark.parametrize("row", ROWS)
def test_icdf(row):
    def compute(lib, d):
        u = lib.linspace(0.01, 0.99, 7, dtype=lib.float64)
        return d.icdf(u.reshape(-1, *[1] * len(d.batch_shape)))

    value_and_gradients(row, compute)


@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("row", ROWS)
def test_enumerated_support(row, expand):
    same(lambda lib: make(lib, row).enumerate_support(expand=expand))


@pytest.mark.parametrize("row", ROWS)
def test_expanded(row):
    skip_where_pytorch_fails(row, "log_prob")

    def run(lib):
        d = make(lib, row)
        e = d.expand((2, *d.batch_shape))
        lib.manual_seed(2)
        value = draw(lib, e, (3,))
        return e.batch_shape, e.event_shape, value, e.log_prob(value), d.log_prob(value)

    same(run, tolerance_of(row))


@pytest.mark.parametrize("row", ROWS)
def test_values_outside_the_support(row):
    def run(lib, validate=True):
        d = make(lib, row)
        d._validate_args = validate
        value = lib.full(d.batch_shape + d.event_shape, -0.25, dtype=lib.float64)
        lib.manual_seed(0)
        try:
            return d.log_prob(value)
        except ValueError as error:  # the text shows the distribution, ours with its parameters
            return str(error).split(" of the distribution")[0]

    same(run, tolerance_of(row))


@pytest.mark.parametrize("row", ROWS)
def test_wrong_values(row):
    def run(lib):
        d = make(lib, row)
        found = []
        for value in (1.0, lib.zeros(7, 9, dtype=lib.float64)):
            try:
                found.append(d.log_prob(value))
            except ValueError as error:
                found.append(str(error).split(":")[0])
        return found

    same(run, tolerance_of(row))
