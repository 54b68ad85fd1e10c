"""Functions of `torch` that take numbers where `nn.functional` takes words, beside PyTorch."""

import numpy as np
import pytest

import backlit

from oracle import same


class Call:
    """What the expressions below read: tensors that depend on their shape alone."""

    def __init__(self, torch):
        self.torch = torch
        self.leaves = []

    def x(self, *shape):
        """Normal numbers that require grad."""
        values = np.random.RandomState(sum(shape) + len(self.leaves)).standard_normal(shape)
        leaf = self.torch.from_numpy(values).requires_grad_()
        self.leaves.append(leaf)
        return leaf

    def signs(self, n):
        return self.torch.tensor([1.0, -1.0] * n)[:n].double()

    def ints(self, *values):
        return self.torch.tensor(values)


DIFFERENTIABLE = [
    "t.bilinear(x(3, 2), x(3, 4), x(5, 2, 4), x(5))",
    "t.cosine_similarity(x(3, 4), x(3, 4), 0)",
    "t.pairwise_distance(x(3, 4), x(3, 4), 1.5, 1e-3, True)",
    "t.pdist(x(4, 3))",
    "t.rms_norm(x(3, 4), (4,), x(4))",
    "t.binary_cross_entropy_with_logits(x(3, 2), x(3, 2).detach().sigmoid(), None, None, 2)",
    "t.binary_cross_entropy_with_logits(x(3, 2), x(3, 2).detach().sigmoid(), x(2).detach())",
    "t.cosine_embedding_loss(x(3, 4), x(3, 4), signs(3), 0.1, 0)",
    "t.ctc_loss(x(6, 2, 4).log_softmax(2), ints(1, 2, 3, 1).view(2, 2), (6, 5), (2, 1), 0, 2)",
    "t.ctc_loss(x(6, 1, 4).log_softmax(2), ints(1, 2).view(1, 2), ints(6), ints(2))",
    "t.hinge_embedding_loss(x(4), signs(4), 0.7, 2)",
    "t.kl_div(x(2, 3), x(2, 3).detach().softmax(1))",
    "t.kl_div(x(2, 3), x(2, 3).detach(), 0, log_target=True)",
    "t.margin_ranking_loss(x(4), x(4), signs(4), 0.1)",
    "t.poisson_nll_loss(x(4), x(4).detach().exp(), True, True, 1e-8, 1)",
    "t.triplet_margin_loss(x(2, 3), x(2, 3), x(2, 3), 0.5, 2.0, 1e-6, True, 0)",
    "t.affine_grid_generator(x(2, 2, 3), (2, 1, 3, 4), False)",
    "t.grid_sampler(x(1, 2, 3, 4), x(1, 2, 2, 2), 0, 1, True)",
    "t.grid_sampler_2d(x(1, 2, 3, 4), x(1, 2, 2, 2), 2, 2, False)",
    "t.grid_sampler_3d(x(1, 1, 2, 3, 2), x(1, 2, 1, 2, 3), 0, 0, True)",
    "t.layer_norm(x(2, 3, 4), (3, 4), x(3, 4), None, 1e-3, False)",
    "t.group_norm(x(2, 4, 3), 2, x(4), x(4), 1e-3, False)",
    "t.instance_norm(x(2, 3, 4), x(3), x(3), None, None, True, 0.1, 1e-4, True)",
    "t.native_layer_norm(x(2, 3, 4), (4,), x(4), x(4), 1e-4)",
    "t.native_group_norm(x(2, 4, 3, 2), x(4), x(4), 2, 4, 6, 2, 1e-4)",
    "t.norm_except_dim(x(2, 3, 4), 2, 1)",
    "t.norm_except_dim(x(2, 3, 4), 2, -1)",
    "t.embedding(x(4, 2), ints(1, 3, 1), 3)",
]


@pytest.mark.parametrize("call", DIFFERENTIABLE)
def test_value_and_gradient(call):
    def run(torch):
        names = Call(torch)
        result = eval(call, {"t": torch, "x": names.x, "signs": names.signs, "ints": names.ints})
        results = result if isinstance(result, tuple) else (result,)
        total = sum((y * (k + 2)).sin().sum() for k, y in enumerate(results))
        leaves = [leaf for leaf in names.leaves if leaf.requires_grad]
        gradients = torch.autograd.grad(total, leaves, allow_unused=True)
        zeros = [torch.zeros_like(leaf) for leaf in leaves]
        found = [z if g is None else g for g, z in zip(gradients, zeros, strict=True)]
        return [y.detach() for y in results], found

    same(run, 1e-8)


PLAIN = [
    "t.empty_permuted((2, 3, 4), (0, 2, 1)).stride()",
    "t.empty_permuted((2, 3), (0,))",
    "t.dropout_(t.ones(3), 1.0, True)",
    "t.alpha_dropout(t.ones(3), 0.5, False)",
    "t.feature_dropout(t.ones(3, 2), 0.0, True)",
    "t.embedding_renorm_(t.ones(3, 2), t.tensor([0, 2]), 1.0, 2.0)",
    "t.grid_sampler_2d(t.ones(1, 1, 2, 2, 2), t.zeros(1, 1, 1, 1, 3), 0, 0, True)",
    "t.is_anomaly_enabled(), t.is_anomaly_check_nan_enabled()",
]


@pytest.mark.parametrize("call", PLAIN)
def test_call(call):
    same(lambda t: eval(call, {"t": t}), 1e-6)


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout", "feature_dropout"])
def test_dropouts_draw_as_pytorch_does(name):
    def run(t):
        t.manual_seed(5)
        kept = getattr(t, name)(t.ones(3, 4, 2), 0.5, True)
        changed = t.ones(3, 4, 2)
        t.manual_seed(5)
        again = getattr(t, name + "_")(changed, 0.5, True)
        return kept, t.equal(again, kept), again is changed

    same(run, 1e-6)


def test_names_are_found_like_others():
    assert "layer_norm" not in vars(backlit)
    assert backlit.layer_norm is backlit._numbered.layer_norm
    with pytest.raises(AttributeError, match=r"does not provide torch\.Nonsense"):
        _ = backlit.Nonsense
