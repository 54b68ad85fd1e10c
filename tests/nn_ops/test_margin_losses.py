"""Wrong calls of the losses with margins, and of what shrinks, beside PyTorch."""

import pytest

from oracle import same

CALLS = [
    "F.multi_margin_loss(x(5, 0), zeros(5))",
    "F.multi_margin_loss(x(0), zeros(5))",
    "F.multi_margin_loss(x(2, 3, 4), zeros(2))",
    "F.multi_margin_loss(x(5, 4), zeros(5, 4))",
    "F.multi_margin_loss(x(5, 4), zeros(4))",
    "F.multi_margin_loss(x(4), zeros(2))",
    "F.multi_margin_loss(x(5, 4), x(5))",
    "F.multi_margin_loss(x(5, 4), zeros(5).int())",
    "F.multi_margin_loss(x(5, 4), zeros(5) + 4)",
    "F.multi_margin_loss(x(5, 4), zeros(5) - 1)",
    "F.multi_margin_loss(x(5, 4), zeros(5), weight=x(5))",
    "F.multi_margin_loss(x(4), zeros(1))",
    "F.multi_margin_loss(x(), zeros())",
    "F.multilabel_margin_loss(x(5, 0), zeros(5, 4))",
    "F.multilabel_margin_loss(x(0), zeros(0))",
    "F.multilabel_margin_loss(x(5, 4), zeros(4))",
    "F.multilabel_margin_loss(x(5, 4), zeros())",
    "F.multilabel_margin_loss(x(1, 4), zeros(4))",
    "F.multilabel_margin_loss(x(5, 4), x(5, 4))",
    "F.multilabel_margin_loss(x(5, 4), zeros(5, 4) + 4)",
    "F.multilabel_margin_loss(x(5, 4), zeros(5, 4) - 2)",
    "F.multilabel_margin_loss(x(), zeros(1))",
    "F.multilabel_margin_loss(x(0, 4), zeros(0, 4), reduction='none')",
    "F.soft_margin_loss(x(5, 4), x(5))",
    "F.gaussian_nll_loss(x(3), x(3), x(3).abs(), reduction='abc')",
    "F.softshrink(x(1), -0.5)",
    "F.softshrink(x(1).half(), 1e5)",
    "F.softshrink(x(1).double(), 1e39)",
]


@pytest.mark.parametrize("call", CALLS)
def test_call(call):
    def run(torch):
        names = {
            "F": torch.nn.functional,
            "x": lambda *shape: torch.ones(shape),
            "zeros": lambda *shape: torch.zeros(shape, dtype=torch.int64),
        }
        return eval(call, names)

    same(run, 1e-6)
