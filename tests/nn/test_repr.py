"""`repr` of modules, character for character."""

import pytest
from oracle import same

MODULES = """
Hardtanh() Hardtanh(inplace=True) Threshold(1,2,True) PReLU(3) RReLU() RReLU(inplace=True) GLU()
Softplus() ELU(2.,True) CELU() ReLU() ReLU(True) ReLU6() ReLU6(True) Softmax(1) Softmax()
LogSoftmax(1) Softmin(1) Softmax2d() Dropout(.1,True) Dropout1d() Dropout2d() Dropout3d()
AlphaDropout() FeatureAlphaDropout() Embedding(3,4)
Embedding(3,4,padding_idx=-1,norm_type=3.,scale_grad_by_freq=True,sparse=True,max_norm=2.)
LayerNorm(3) LayerNorm((2,3),elementwise_affine=False,bias=False) LayerNorm(3,bias=False)
RMSNorm(3) GroupNorm(1,2) BatchNorm1d(3,affine=False) CosineSimilarity() PairwiseDistance()
Bilinear(1,2,3) Linear(1,2,bias=False) Identity(3,a=2) SiLU() SiLU(True) Mish(True) Hardswish(True)
LeakyReLU(.1) LeakyReLU(.1,True) SELU(True) GELU() GELU('tanh') Sigmoid() Tanh() Hardshrink()
Softshrink() Hardsigmoid(True) Softsign() LogSigmoid() Tanhshrink() Flatten() Unflatten(1,(2,3))
MSELoss() L1Loss() SmoothL1Loss() HuberLoss() CrossEntropyLoss() NLLLoss() BCELoss()
BCEWithLogitsLoss() KLDivLoss() TripletMarginWithDistanceLoss() Sequential() ModuleList()
ModuleDict() ParameterList() ParameterDict() Sequential(nn.Linear(1,2),nn.ReLU())
Sequential(nn.Sequential(nn.Linear(1,2),nn.ModuleList([nn.ReLU(),nn.ReLU(),nn.GELU()])))
ModuleList([nn.Sequential(nn.ReLU())]*3) ModuleDict({'a':nn.ReLU(),'b':nn.Sequential(nn.ReLU())})
ParameterList([torch.ones(2),torch.ones(1,3),3]) ParameterDict({'b':torch.ones(2),'a':3})
Sequential(nn.ParameterList([torch.ones(2),torch.ones(1)])) Parameter(torch.ones(2))
""".split()


@pytest.mark.parametrize("source", MODULES)
def test_repr(source):
    same(lambda lib: repr(eval("nn." + source, {"nn": lib.nn, "torch": lib})))
