"""Probability distributions, the transforms between them, and divergences.

A distribution samples (`sample`; `rsample` where gradients flow through), and tells its
`log_prob`, `cdf`, `icdf`, `entropy`, `mean`, `mode` and `variance`. Parameters are broadcast
against each other; their shape is `batch_shape`, the shape of one outcome `event_shape`. With the
same seed samples are PyTorch's.

Example:
    >>> import backlit as torch
    >>> from backlit.distributions import Normal
    >>> _ = torch.manual_seed(0)
    >>> loc = torch.zeros(2, requires_grad=True)
    >>> Normal(loc, 1.0).rsample().sum().backward()
    >>> loc.grad
    tensor([1., 1.])
"""

from __future__ import annotations

import re
import sys
import types

from . import (
    constraint_registry as constraint_registry,
    constraints as constraints,
    distribution as distribution,
    kl as kl,
    transforms as transforms,
    utils as utils,
)
from ._discrete import (
    Bernoulli as Bernoulli,
    Binomial as Binomial,
    Categorical as Categorical,
    ContinuousBernoulli as ContinuousBernoulli,
    Geometric as Geometric,
    Multinomial as Multinomial,
    NegativeBinomial as NegativeBinomial,
    OneHotCategorical as OneHotCategorical,
    OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough,
    Poisson as Poisson,
)
from ._gamma import (
    Beta as Beta,
    Chi2 as Chi2,
    Dirichlet as Dirichlet,
    FisherSnedecor as FisherSnedecor,
    Gamma as Gamma,
    InverseGamma as InverseGamma,
    Kumaraswamy as Kumaraswamy,
    LogisticNormal as LogisticNormal,
)
from ._matrix import (
    LKJCholesky as LKJCholesky,
    LowRankMultivariateNormal as LowRankMultivariateNormal,
    MultivariateNormal as MultivariateNormal,
    Wishart as Wishart,
)
from ._real import (
    Cauchy as Cauchy,
    Exponential as Exponential,
    GeneralizedPareto as GeneralizedPareto,
    Gumbel as Gumbel,
    HalfCauchy as HalfCauchy,
    HalfNormal as HalfNormal,
    Laplace as Laplace,
    LogNormal as LogNormal,
    Normal as Normal,
    Pareto as Pareto,
    StudentT as StudentT,
    Uniform as Uniform,
    VonMises as VonMises,
    Weibull as Weibull,
)
from ._relaxed import (
    ExpRelaxedCategorical as ExpRelaxedCategorical,
    LogitRelaxedBernoulli as LogitRelaxedBernoulli,
    RelaxedBernoulli as RelaxedBernoulli,
    RelaxedOneHotCategorical as RelaxedOneHotCategorical,
)
from ._wrappers import (
    ExponentialFamily as ExponentialFamily,
    Independent as Independent,
    MixtureSameFamily as MixtureSameFamily,
    TransformedDistribution as TransformedDistribution,
)
from .constraint_registry import biject_to as biject_to, transform_to as transform_to
from .distribution import Distribution as Distribution
from .kl import kl_divergence as kl_divergence, register_kl as register_kl
from .transforms import (
    AbsTransform as AbsTransform,
    AffineTransform as AffineTransform,
    CatTransform as CatTransform,
    ComposeTransform as ComposeTransform,
    CorrCholeskyTransform as CorrCholeskyTransform,
    CumulativeDistributionTransform as CumulativeDistributionTransform,
    ExpTransform as ExpTransform,
    IndependentTransform as IndependentTransform,
    LowerCholeskyTransform as LowerCholeskyTransform,
    PositiveDefiniteTransform as PositiveDefiniteTransform,
    PowerTransform as PowerTransform,
    ReshapeTransform as ReshapeTransform,
    SigmoidTransform as SigmoidTransform,
    SoftmaxTransform as SoftmaxTransform,
    SoftplusTransform as SoftplusTransform,
    StackTransform as StackTransform,
    StickBreakingTransform as StickBreakingTransform,
    TanhTransform as TanhTransform,
    Transform as Transform,
    identity_transform as identity_transform,
)

# PyTorch has a module for each distribution: its name, where it is not the class's in snake case.
_MODULES = {
    "ExpRelaxedCategorical": "relaxed_categorical",
    "ExponentialFamily": "exp_family",
    "FisherSnedecor": "fishersnedecor",
    "LogitRelaxedBernoulli": "relaxed_bernoulli",
    "LowRankMultivariateNormal": "lowrank_multivariate_normal",
    "OneHotCategoricalStraightThrough": "one_hot_categorical",
    "RelaxedOneHotCategorical": "relaxed_categorical",
    "StudentT": "studentT",
}


def _publish_modules() -> None:
    """``from torch.distributions.normal import Normal``"""
    for name, kind in list(globals().items()):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)) or kind is Distribution:
            continue
        snake = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
        place = _MODULES.get(name, snake)
        module = globals().setdefault(place, types.ModuleType(f"{__name__}.{place}"))
        setattr(module, name, kind)
        sys.modules[module.__name__] = module


_publish_modules()
