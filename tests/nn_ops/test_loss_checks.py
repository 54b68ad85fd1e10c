"""Losses of targets that do not fit: refused, broadcast or converted as in PyTorch."""

import pytest

from oracle import same

INPUTS = {
    "rows": lambda t: t.tensor([[0.1, 0.2, 0.7], [0.5, 0.3, 0.9]]),
    "row": lambda t: t.tensor([0.1, 0.2, 0.7]),
    "double": lambda t: t.tensor([[0.1, 0.2, 0.7], [0.5, 0.3, 0.9]], dtype=t.float64),
    "integers": lambda t: t.tensor([[1, 2, 3], [4, 5, 6]]),
    "cube": lambda t: t.full((2, 3, 4), 0.5),
}
TARGETS = {
    "rows": lambda t: t.tensor([[1.0, -1.0, 1.0], [0.0, 1.0, 0.5]]),
    "row": lambda t: t.tensor([1.0, -1.0, 1.0]),
    "pair": lambda t: t.tensor([1.0, 0.0]),
    "classes": lambda t: t.tensor([0, 2]),
    "no_class": lambda t: t.tensor([0, 3]),
    "integers": lambda t: t.tensor([[1, 0, -1], [0, 1, 2]]),
    "number": lambda t: t.tensor(1),
    "int32": lambda t: t.tensor([0, 1], dtype=t.int32),
    "bool": lambda t: t.tensor([[True, False, True], [True, True, False]]),
    "double": lambda t: t.full((2, 3), 0.25, dtype=t.float64),
    "empty": lambda t: t.ones(0, 3),
}
LOSSES = [
    "l1_loss",
    "huber_loss",
    "kl_div",
    "soft_margin_loss",
    "hinge_embedding_loss",
    "poisson_nll_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "nll_loss",
    "cross_entropy",
    "binary_cross_entropy_with_logits",
]
# what PyTorch refuses here for another reason first
ORDER = {
    ("l1_loss", "cube", "bool"),
    ("binary_cross_entropy_with_logits", "integers", "bool"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("given", INPUTS)
@pytest.mark.parametrize("loss", LOSSES)
def test_checks(loss, given, target):
    if (loss, given, target) in ORDER:
        pytest.skip("both refuse it, in another order of the checks")
    same(lambda t: getattr(t.nn.functional, loss)(INPUTS[given](t), TARGETS[target](t)), 1e-5)


@pytest.mark.parametrize("dims", [(2, 2, 1), (2, 1, 1), (1, 1, 1), (1, 1, 0), (3, 3, 1), (1, 2, 0)])
def test_cosine_embedding_dimensions(dims):
    sizes = {0: (), 1: (3,), 2: (3, 3), 3: (3, 3, 3)}
    same(lambda t: t.nn.functional.cosine_embedding_loss(*(t.ones(sizes[d]) for d in dims)), 1e-5)


def test_classes_of_a_broadcast_target():
    """The classes are the input's last dimension, wherever the target puts it."""
    x, t = [0.1, 0.2, 0.7], [[1.0, 0.0, 1.0], [0.5, 1.0, 0.0]]
    same(
        lambda lib: lib.nn.functional.multilabel_soft_margin_loss(lib.tensor(x), lib.tensor(t)),
        1e-5,
    )
