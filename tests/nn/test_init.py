"""Initial values: the same seed gives PyTorch's numbers."""

import pytest

from oracle import same

CALLS = [
    "uniform_(t)",
    "uniform_(t,-2.,3.)",
    "normal_(t)",
    "normal_(t,1.,.1)",
    "trunc_normal_(t)",
    "trunc_normal_(t,10.)",
    "trunc_normal_(t,0.,.02)",
    "constant_(t,3.)",
    "ones_(t)",
    "zeros_(t)",
    "eye_(t)",
    "eye_(t[0])",
    "dirac_(k)",
    "dirac_(k,2)",
    "dirac_(t)",
    "xavier_uniform_(t)",
    "xavier_normal_(t,2.)",
    "kaiming_uniform_(t)",
    "kaiming_uniform_(k,a=1.)",
    "kaiming_normal_(t,mode='fan_out',nonlinearity='relu')",
    "kaiming_uniform_(t,mode='x')",
    "sparse_(t,.3)",
    "xavier_uniform_(t[0])",
    "xavier_uniform(t)",
    "normal(t)",
    "constant(t,2.)",
    "sparse_(t[0],.1)",
    "calculate_gain('x')",
    "calculate_gain('tanh')",
    "calculate_gain('selu')",
    "calculate_gain('leaky_relu',.2)",
    "calculate_gain('leaky_relu','a')",
    "calculate_gain('conv_transpose2d')",
    "kaiming_uniform_(t[:0])",
    "orthogonal_(t[0])",
    "orthogonal_(t)",
    "orthogonal_(t.t(),gain=2.)",
    "orthogonal_(k)",
    "orthogonal_(t[:0])",
]


@pytest.mark.parametrize("source", CALLS)
def test_init(source):
    def run(lib):
        lib.manual_seed(11)
        names = {"t": lib.zeros(5, 7), "k": lib.zeros(4, 2, 3)}
        return eval("init." + source, {"init": lib.nn.init, **names}), lib.rand(1)

    same(run, 1e-6)


@pytest.mark.parametrize(
    "source",
    [
        "Linear(3,5)",
        "Linear(40,50,bias=False)",
        "Bilinear(2,3,4)",
        "Embedding(6,3,padding_idx=1)",
        "PReLU(2)",
        "LayerNorm(3)",
        "Linear(0,3)",
        "BatchNorm1d(2)",
    ],
)
def test_layers_start_alike(source):
    def run(lib):
        lib.manual_seed(5)
        return dict(eval("nn." + source, {"nn": lib.nn}).state_dict()), lib.rand(1)

    same(run, 1e-6)
