"""All distributions, as calls with their parameters; from each row all checks are derived.

`D` is torch.distributions, `a` and `b` are vectors of 3 positive numbers, `x` and `y` of real ones,
`p` and `q` of probabilities, `W` is a matrix (4, 3) of positive numbers, `L` a Cholesky factor.
"""

import math

PARAMETERS = {
    "a": [0.7, 1.5, 4.0],
    "b": [2.5, 0.9, 1.2],
    "x": [-1.3, 0.2, 2.1],
    "y": [0.4, -0.6, 1.7],
    "p": [0.15, 0.5, 0.8],
    "q": [0.35, 0.6, 0.7],
    "W": [[0.3, 1.2, 2.0], [1.0, 1.0, 3.5], [0.6, 0.2, 0.1], [4.0, 2.0, 7.0]],
    "V": [[0.5, -1.0], [0.3, 0.8], [1.5, 0.2]],
    "L": [[1.2, 0.0, 0.0], [0.5, 0.8, 0.0], [-0.3, 0.4, 1.5]],
    "t": 0.7,
    "n": [4.5, 6.0, 9.0],
}

ROWS = [
    "D.Bernoulli(p)",
    "D.Bernoulli(logits=x)",
    "D.Beta(a, b)",
    "D.Binomial(7, p)",
    "D.Binomial(7, logits=x)",
    "D.Categorical(W)",
    "D.Categorical(logits=W)",
    "D.Cauchy(x, b)",
    "D.Chi2(a)",
    "D.ContinuousBernoulli(p)",
    "D.ContinuousBernoulli(logits=x)",
    "D.Dirichlet(W)",
    "D.Exponential(a)",
    "D.FisherSnedecor(n, b + 4)",
    "D.Gamma(a, b)",
    "D.GeneralizedPareto(x, b, y)",
    "D.Geometric(p)",
    "D.Geometric(logits=x)",
    "D.Gumbel(x, b)",
    "D.HalfCauchy(a)",
    "D.HalfNormal(a)",
    "D.Independent(D.Normal(x, W), 1)",
    "D.InverseGamma(a + 2, b)",
    "D.Kumaraswamy(a, b)",
    "D.LKJCholesky(3, a)",
    "D.Laplace(x, b)",
    "D.LogNormal(x, b)",
    "D.LogisticNormal(x, b)",
    "D.LowRankMultivariateNormal(x, V, b)",
    "D.MixtureSameFamily(D.Categorical(p), D.Normal(x, b))",
    "D.MixtureSameFamily(D.Categorical(p), D.Independent(D.Normal(V, 1.0), 1))",
    "D.Multinomial(6, W)",
    "D.Multinomial(6, logits=W)",
    "D.MultivariateNormal(x, L @ L.mT)",
    "D.MultivariateNormal(W, precision_matrix=L @ L.mT)",
    "D.MultivariateNormal(x, scale_tril=L)",
    "D.NegativeBinomial(a, p)",
    "D.NegativeBinomial(a, logits=x)",
    "D.Normal(x, b)",
    "D.OneHotCategorical(W)",
    "D.OneHotCategorical(logits=W)",
    "D.OneHotCategoricalStraightThrough(W)",
    "D.Pareto(a, b)",
    "D.Poisson(a)",
    "D.RelaxedBernoulli(t, p)",
    "D.RelaxedBernoulli(t, logits=x)",
    "D.RelaxedOneHotCategorical(t, W)",
    "D.RelaxedOneHotCategorical(t, logits=W)",
    "D.StudentT(n, x, b)",
    "D.TransformedDistribution(D.Normal(x, b), [D.AffineTransform(y, -a), D.TanhTransform()])",
    "D.TransformedDistribution(D.Normal(W, 1.0), D.StickBreakingTransform())",
    "D.Uniform(x, x + b)",
    "D.VonMises(x, b)",
    "D.Weibull(a, b)",
    "D.Wishart(n, L @ L.mT)",
    "D.Wishart(n, scale_tril=L.tril())",
]


def parameters(lib, dtype="float64", requires_grad=False):
    """Name -> tensor."""
    return {
        name: lib.tensor(value, dtype=getattr(lib, dtype), requires_grad=requires_grad)
        for name, value in PARAMETERS.items()
    }


def make(lib, row, given=None, **options):
    """The distribution of a row."""
    given = parameters(lib, **options) if given is None else given
    return eval(row, {"D": lib.distributions, "inf": math.inf, **given})
