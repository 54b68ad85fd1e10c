"""What all distributions share: checks, texts, copies, classes of users."""

import copy
import importlib
import pickle

import pytest
from distributions.table import ROWS, make

import backlit
from backlit import distributions as D

from oracle import same

WRONG = [
    "D.Normal(0.0, -1.0)",
    "D.Normal(t.zeros(2), t.tensor([1.0, t.nan]))",
    "D.Normal(t.zeros(2), t.ones(3))",
    "D.Normal('a', 1.0)",
    "D.Bernoulli()",
    "D.Bernoulli(0.5, 0.5)",
    "D.Bernoulli(1.5)",
    "D.Bernoulli(logits=t.tensor([t.nan]))",
    "D.Binomial(-1, t.tensor(0.5))",
    "D.Categorical()",
    "D.Categorical(t.tensor(0.5))",
    "D.Categorical(logits=t.tensor(0.5))",
    "D.Categorical(t.tensor([-1.0, 2.0]))",
    "D.Dirichlet(t.tensor(1.0))",
    "D.Dirichlet(t.tensor([1.0, -1.0]))",
    "D.Geometric(t.tensor(0.0))",
    "D.Independent(D.Normal(0.0, 1.0), 1)",
    "D.LKJCholesky(1)",
    "D.Multinomial(t.tensor(2), t.tensor([0.5, 0.5]))",
    "D.MultivariateNormal(t.tensor(0.0), t.eye(1))",
    "D.MultivariateNormal(t.zeros(2))",
    "D.MultivariateNormal(t.zeros(2), t.eye(2), t.eye(2))",
    "D.MultivariateNormal(t.zeros(2), scale_tril=t.ones(2))",
    "D.MultivariateNormal(t.zeros(2), -t.eye(2))",
    "D.MultivariateNormal(t.zeros(2), t.tensor([[1.0, 2.0], [0.0, 1.0]]))",
    "D.LowRankMultivariateNormal(t.zeros(2), t.ones(3, 1), t.ones(2))",
    "D.LowRankMultivariateNormal(t.zeros(2), t.ones(2, 1), t.ones(3))",
    "D.LowRankMultivariateNormal(t.zeros(2), t.ones(2), t.ones(2))",
    "D.MixtureSameFamily(D.Normal(0.0, 1.0), D.Normal(t.zeros(2), 1.0))",
    "D.MixtureSameFamily(D.Categorical(t.ones(3)), D.Normal(t.zeros(2), 1.0))",
    "D.MixtureSameFamily(D.Categorical(t.ones(3)), 3)",
    "D.NegativeBinomial(t.tensor(-1.0), t.tensor(0.5))",
    "D.Poisson(t.tensor(-1.0))",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), 3)",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), [3])",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform())",
    "D.Uniform(t.tensor(1.0), t.tensor(0.0))",
    "D.Wishart(t.tensor(0.5), t.eye(2))",
    "D.Wishart(t.tensor(3.0))",
    "D.Wishart(t.tensor(3.0), t.eye(2), t.eye(2))",
    "D.Normal(0.0, 1.0).mode.nothing",
    "D.Bernoulli(0.5).rsample()",
    "D.Categorical(t.ones(3)).cdf(t.tensor(1))",
    "D.Gamma(1.0, 1.0).icdf(t.tensor(0.5))",
    "D.MultivariateNormal(t.zeros(2), t.eye(2)).enumerate_support()",
    "D.Binomial(t.tensor([1.0, 2.0]), t.tensor(0.5)).enumerate_support()",
    "D.Distribution().sample()",
    "D.Distribution().mean",
    "D.Distribution(validate_args=False).expand((2,))",
    "D.Distribution.set_default_validate_args(2)",
]


@pytest.mark.filterwarnings("ignore:.*sample validation")
@pytest.mark.parametrize("source", WRONG)
def test_wrong_calls(source):
    def run(lib):
        try:
            eval(source, {"D": lib.distributions, "t": lib})
            return "no error"
        except Exception as error:
            # the constraint is told after the distribution, whose text here has the parameters
            text = str(error).split(" of distribution")[0].split("\n")[0].split(". ")[0]
            return type(error).__name__, text.rstrip(".").replace("backlit", "torch")

    mine = same(run)
    assert mine != "no error"


TEXTS = [
    "D.Normal(0.0, 1.0)",
    "D.Normal(t.zeros(3), 2.0)",
    "D.Bernoulli(logits=t.zeros(3, 2))",
    "D.Categorical(t.ones(2, 3))",
    "D.Independent(D.Normal(t.zeros(3), 1.0), 1)",
    "D.MixtureSameFamily(D.Categorical(t.ones(3)), D.Normal(t.zeros(3), 1.0))",
    "D.MultivariateNormal(t.zeros(2), t.eye(2))",
    "D.Gamma(t.ones(1), t.ones(1))",
    "D.Pareto(t.ones(2), t.ones(2))",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), [D.ExpTransform()])",
    "D.Uniform(0.0, 1.0).support",
    "D.Binomial(3, t.tensor(0.5)).support",
    "D.Categorical(t.ones(3)).support",
]


@pytest.mark.parametrize("source", TEXTS)
def test_text(source):
    same(lambda lib: repr(eval(source, {"D": lib.distributions, "t": lib})))


def test_text_of_derived_distributions_has_the_parameters():
    assert repr(D.LogNormal(0.0, 1.0)) == "LogNormal(loc: 0.0, scale: 1.0)"  # PyTorch: LogNormal()


def test_without_checks():
    def run(lib):
        d = lib.distributions
        found = [d.Normal(0.0, -1.0, validate_args=False).scale]
        d.Distribution.set_default_validate_args(False)
        try:
            found += [d.Normal(0.0, -1.0).scale, d.Uniform(0.0, 1.0).log_prob(lib.tensor(2.0))]
        finally:
            d.Distribution.set_default_validate_args(True)
        return found

    same(run)


def user_class(lib):
    """A triangle on [0, 2], as a program would write it."""

    class Triangle(lib.distributions.Distribution):
        arg_constraints = {"peak": lib.distributions.constraints.positive}  # noqa: RUF012
        support = lib.distributions.constraints.interval(0.0, 2.0)
        has_rsample = True

        def __init__(self, peak, validate_args=None):
            self.peak = peak
            super().__init__(peak.shape, validate_args=validate_args)

        def rsample(self, sample_shape=()):
            shape = self._extended_shape(sample_shape)
            return self.peak * (lib.rand(shape) + lib.rand(shape))

        def log_prob(self, value):
            if self._validate_args:
                self._validate_sample(value)
            return (1 - (value / self.peak - 1).abs()).log() - self.peak.log()

    return Triangle


def test_a_class_of_a_user():
    def run(lib):
        kind = user_class(lib)
        lib.manual_seed(0)
        d = kind(lib.ones(2, requires_grad=True))
        found = [d.sample((3,)), d.rsample().requires_grad, d.log_prob(lib.tensor([0.5, 1.0]))]
        for wrong in (
            lambda: kind(-lib.ones(2)),
            lambda: d.log_prob(lib.tensor([0.5, 3.0])),
            lambda: d.expand((3, 2)),
            lambda: d.entropy(),
            lambda: d.variance,
        ):
            with pytest.raises((ValueError, NotImplementedError)) as raised:
                wrong()
            found.append((type(raised.value).__name__, str(raised.value).split("\n")[0]))
        return found

    same(run)


def test_a_subclass_with_its_own_arguments_needs_its_own_expand():
    def run(lib):
        class Centred(lib.distributions.Normal):
            def __init__(self, scale):
                super().__init__(lib.zeros_like(scale), scale)

        return Centred(lib.ones(2)).expand((3, 2))

    same(run)


def test_a_subclass_that_changes_the_density():
    def run(lib):
        class Joint(lib.distributions.Normal):
            def log_prob(self, value):
                return super().log_prob(value).sum(-1)

        d = Joint(lib.zeros(3), lib.ones(3))
        return d.log_prob(lib.ones(3)), d.expand((2, 3)).log_prob(lib.ones(2, 3))

    same(run, 1e-6)


@pytest.mark.parametrize("row", ROWS)
def test_copies_and_pickles(row):
    d = make(backlit, row)
    again = pickle.loads(pickle.dumps(copy.deepcopy(d)))
    backlit.manual_seed(0)
    value = d.sample((2,))
    assert again.log_prob(value).tolist() == d.log_prob(value).tolist()


@pytest.mark.parametrize("name", sorted(D.__dict__))
def test_modules_of_pytorch(name):
    torch = pytest.importorskip("torch")
    kind = getattr(D, name)
    if not isinstance(kind, type) or not hasattr(torch.distributions, name):
        return
    place = getattr(torch.distributions, name).__module__.replace("torch", "backlit", 1)
    assert getattr(importlib.import_module(place), name) is kind


def test_all_names_of_pytorch():
    torch = pytest.importorskip("torch")
    assert not [n for n in torch.distributions.__all__ if not hasattr(D, n)]
