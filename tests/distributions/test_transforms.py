"""Transforms and constraints: PyTorch's values, inverses, Jacobians, shapes and texts."""

import pytest

import backlit

from oracle import same

TRANSFORMS = [
    "D.AbsTransform()",
    "D.AffineTransform(1.5, -2.0)",
    "D.AffineTransform(t.zeros(3), t.tensor([1.0, -2.0, 3.0]))",
    "D.AffineTransform(0.5, 2.0, event_dim=1)",
    "D.ComposeTransform([D.AffineTransform(1.0, 2.0), D.ExpTransform()])",
    "D.ComposeTransform([D.StickBreakingTransform(), D.AffineTransform(1.0, 2.0)])",
    "D.ComposeTransform([])",
    "D.CorrCholeskyTransform()",
    "D.CumulativeDistributionTransform(D.Normal(0.0, 2.0))",
    "D.ExpTransform()",
    "D.ExpTransform().inv",
    "D.IndependentTransform(D.ExpTransform(), 1)",
    "D.IndependentTransform(D.TanhTransform(), 2)",
    "D.PowerTransform(2.5)",
    "D.PowerTransform(t.tensor([-1.0, 2.0, 0.5]))",
    "D.ReshapeTransform((3,), (3, 1))",
    "D.SigmoidTransform()",
    "D.SoftmaxTransform()",
    "D.SoftplusTransform()",
    "D.StickBreakingTransform()",
    "D.TanhTransform()",
    "D.CatTransform([D.ExpTransform(), D.TanhTransform()], dim=-1, lengths=[1, 2])",
    "D.CatTransform([D.ExpTransform(), D.identity_transform], dim=0, lengths=[1, 1])",
    "D.StackTransform([D.ExpTransform(), D.TanhTransform(), D.SigmoidTransform()], dim=-1)",
]
SQUARE = ["D.LowerCholeskyTransform()", "D.PositiveDefiniteTransform()"]


def make(lib, source):
    return eval(source, {"D": lib.distributions, "t": lib})


def attempt(compute):
    try:
        return compute()
    except (NotImplementedError, ValueError) as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize("source", TRANSFORMS + SQUARE)
def test_values_inverses_and_slopes(source):
    def run(lib):
        transform = make(lib, source)
        shape = (3, 3) if source in SQUARE else (2, 3)
        x = lib.linspace(0.2, 0.9, lib.Size(shape).numel(), dtype=lib.float64).reshape(shape)
        x.requires_grad_()
        y = transform(x)
        back = transform.inv(y)
        slope = attempt(lambda: transform.log_abs_det_jacobian(x, y))
        whole = y.sum() + (slope.sum() if isinstance(slope, lib.Tensor) else 0)
        grad = lib.autograd.grad(whole, x)
        slope = slope.detach() if isinstance(slope, lib.Tensor) else slope
        return (
            y.detach(),
            back.detach(),
            slope,
            grad,
            attempt(lambda: transform.sign),
            transform.bijective,
            attempt(lambda: transform.forward_shape(x.shape)),
            attempt(lambda: transform.inverse_shape(y.shape)),
            attempt(lambda: transform.domain.event_dim),
            attempt(lambda: transform.codomain.event_dim),
            attempt(lambda: transform.event_dim),
            repr(transform),
            transform == transform,
            transform == lib.distributions.AffineTransform(9.0, 9.0),
        )

    same(run, 1e-8)


@pytest.mark.parametrize("source", TRANSFORMS + SQUARE)
def test_cache(source):
    transform = make(backlit, source)
    cached = transform.with_cache()
    assert cached.with_cache() is cached
    if source == "D.ComposeTransform([])" or source in SQUARE:
        return
    x = backlit.full((2, 3), 0.5)
    y = cached(x)
    assert cached(x) is y or "Compose" in source
    assert cached.inv(y) is x
    assert (transform(x) == y).all()


@pytest.mark.parametrize("source", [s for s in TRANSFORMS + SQUARE if "Cumulative" not in s])
def test_equal_parameters_make_equal_transforms(source):
    assert make(backlit, source) == make(backlit, source)


@pytest.mark.parametrize("cache_size", [-1, 2])
def test_sizes_of_caches(cache_size):
    same(lambda lib: lib.distributions.ExpTransform(cache_size=cache_size))


CONSTRAINTS = [
    "c.boolean",
    "c.cat([c.positive, c.unit_interval], dim=-1, lengths=[1, 2])",
    "c.corr_cholesky",
    "c.dependent",
    "c.greater_than(0.5)",
    "c.greater_than_eq(1.0)",
    "c.half_open_interval(0.0, 1.0)",
    "c.independent(c.positive, 1)",
    "c.integer_interval(0, 1)",
    "c.interval(0.0, 1.0)",
    "c.less_than(0.5)",
    "c.lower_cholesky",
    "c.lower_triangular",
    "c.multinomial(2)",
    "c.nonnegative",
    "c.nonnegative_integer",
    "c.one_hot",
    "c.positive",
    "c.positive_definite",
    "c.positive_integer",
    "c.positive_semidefinite",
    "c.real",
    "c.real_vector",
    "c.simplex",
    "c.square",
    "c.stack([c.positive, c.real, c.boolean], dim=-1)",
    "c.symmetric",
    "c.unit_interval",
]
VALUES = [
    "t.eye(3)",
    "-t.eye(3)",
    "t.tensor([[0.2, 0.3, 0.5]] * 3)",
    "t.tensor([[1.0, t.nan, 0.5]] * 3)",
    "t.tensor([[2.0, 0.0, 0.0], [1.0, 3.0, 0.0], [0.5, 1.5, 2.0]])",
    "t.zeros(3, 3)",
    "t.tensor([[2.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 1.0]])",
]


@pytest.mark.parametrize("source", CONSTRAINTS)
def test_constraint(source):
    def run(lib):
        constraint = eval(source, {"c": lib.distributions.constraints})
        checked = [
            attempt(lambda v=v: constraint.check(eval(v, {"t": lib})))
            for v in VALUES
            if not (source == "c.positive_semidefinite" and "nan" in v)
        ]
        return (
            checked,
            repr(constraint),
            attempt(lambda: constraint.event_dim),
            attempt(lambda: constraint.is_discrete),
            lib.distributions.constraints.is_dependent(constraint),
        )

    same(run)


@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
@pytest.mark.parametrize("source", CONSTRAINTS)
def test_transform_onto_a_region(source, registry):
    def run(lib):
        constraint = eval(source, {"c": lib.distributions.constraints})
        try:
            transform = getattr(lib.distributions, registry)(constraint)
        except NotImplementedError as error:
            return str(error)
        x = lib.linspace(-1.5, 1.5, 9).reshape(3, 3)
        y = transform(x)
        return repr(transform), y, transform.inv(y), constraint.check(y)

    same(run, 1e-5)
