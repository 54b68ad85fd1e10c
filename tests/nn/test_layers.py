"""Values and gradients of layers and functions against PyTorch; containers."""

import pytest

from oracle import same

X = [[-2.5, -1.0, 0.0, 0.25], [0.5, 1.0, 3.5, 7.0]]

ACTIVATIONS = [
    "ReLU()",
    "ReLU6()",
    "LeakyReLU()",
    "ELU(2.)",
    "CELU(0.5)",
    "SELU()",
    "GELU()",
    "GELU('tanh')",
    "SiLU()",
    "Mish()",
    "Sigmoid()",
    "Tanh()",
    "Hardtanh()",
    "Hardswish()",
    "Hardsigmoid()",
    "Softplus()",
    "Softplus(2.,1.)",
    "Softsign()",
    "LogSigmoid()",
    "Softshrink()",
    "Hardshrink()",
    "Tanhshrink()",
    "Threshold(.1,20.)",
    "Softmax(1)",
    "LogSoftmax(0)",
    "Softmin(1)",
    "PReLU()",
    "PReLU(4)",
    "RReLU()",
    "RReLU().eval()",
    "GLU()",
    "Identity()",
    "Flatten(0)",
    "Unflatten(1,(2,2))",
    "LayerNorm(4)",
    "LayerNorm((2,4))",
    "RMSNorm(4)",
    "GroupNorm(2,4)",
    "BatchNorm1d(4)",
    "BatchNorm1d(4).eval()",
    "BatchNorm1d(4,momentum=None)",
    "Dropout()",
    "Dropout(.0)",
    "Dropout(1.)",
    "Dropout1d()",
    "AlphaDropout()",
    "FeatureAlphaDropout(.3)",
    "ReLU(True)",
    "ELU(inplace=True)",
    "Dropout(.2,True)",
    "SiLU(True)",
]


@pytest.mark.parametrize("source", ACTIVATIONS)
def test_layer(source):
    def run(lib):
        lib.manual_seed(3)
        layer = eval("nn." + source, {"nn": lib.nn})
        x = lib.tensor(X, requires_grad=True)
        y = layer(x * 1)
        (y * lib.arange(y.numel()).reshape(y.shape)).sum().backward()
        return y.detach(), x.grad, [p.grad for p in layer.parameters()], dict(layer.state_dict())

    same(run, 2e-6)


LOSSES = [
    "mse_loss(x,t)",
    "mse_loss(x,t,reduction='sum')",
    "mse_loss(x,t,reduction='none')",
    "mse_loss(x,t,False)",
    "mse_loss(x,t,reduction='zzz')",
    "mse_loss(x,t,weight=t+1)",
    "l1_loss(x,t)",
    "smooth_l1_loss(x,t,beta=.5)",
    "huber_loss(x,t,delta=2.)",
    "cross_entropy(x,c)",
    "cross_entropy(x,c,label_smoothing=.1)",
    "cross_entropy(x,c,weight=w)",
    "cross_entropy(x,p)",
    "cross_entropy(x,c,ignore_index=1)",
    "nll_loss(x,c,weight=w)",
    "nll_loss(x,c,reduce=False)",
    "binary_cross_entropy(p,q)",
    "binary_cross_entropy_with_logits(x,q,pos_weight=w)",
    "kl_div(x,p)",
    "kl_div(x,p,reduction='batchmean')",
    "kl_div(x,t,reduction='sum',log_target=True)",
    "poisson_nll_loss(x,p)",
    "poisson_nll_loss(p,p*9,log_input=False,full=True)",
    "gaussian_nll_loss(x,t,p)",
    "gaussian_nll_loss(x,t,-p)",
    "gaussian_nll_loss(x,t,p[:,:1],full=True)",
    "gaussian_nll_loss(x,t,p[:,:2])",
    "hinge_embedding_loss(x,s,reduction='none')",
    "margin_ranking_loss(x,t,s)",
    "margin_ranking_loss(x,t,s[0])",
    "cosine_embedding_loss(x,t,s[:,0],margin=.1)",
    "cosine_embedding_loss(x,t,s)",
    "soft_margin_loss(x,s)",
    "multi_margin_loss(x,c)",
    "multi_margin_loss(x,c,p=2,weight=w)",
    "multi_margin_loss(x,c,p=3)",
    "multilabel_margin_loss(x,lab)",
    "multilabel_soft_margin_loss(x,q)",
    "triplet_margin_loss(x,t,p)",
    "triplet_margin_loss(x,t,p,swap=True,p=1)",
    "triplet_margin_loss(x,t,p,margin=-1)",
    "triplet_margin_loss(x,t,p[0])",
    "triplet_margin_with_distance_loss(x,t,p)",
    "pairwise_distance(x,t)",
    "cosine_similarity(x,t)",
    "cosine_similarity(x[:,None],t[None],0)",
    "normalize(x)",
    "normalize(x,1.,0)",
    "pdist(x)",
    "softmax(x)",
    "log_softmax(x)",
    "softmin(x)",
    "glu(x[:,:3],1)",
    "bilinear(x,t,W)",
    "prelu(x,w[:2])",
    "group_norm(x,3)",
    "batch_norm(x[:1],None,None,training=True)",
    "layer_norm(x,(3,))",
    "dropout(x,2.)",
    "dropout1d(w)",
    "dropout2d(x)",
    "embedding(c,x,padding_idx=7)",
    "embedding(c,x.t(),padding_idx=-3)",
]


@pytest.mark.parametrize("source", LOSSES)
def test_function(source):
    def run(lib):
        lib.manual_seed(3)
        names = {
            "x": lib.tensor(X, requires_grad=True),
            "t": lib.tensor([[0.5, -1.0, 2.0, 0.0], [1.0, 1.5, 3.5, -2.0]]),
            "p": lib.tensor([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]]),
            "q": lib.tensor([[0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.5, 0.0]]),
            "s": lib.tensor([[1.0, -1.0, 1.0, -1.0], [-1.0, 1.0, 1.0, -1.0]]),
            "c": lib.tensor([3, 1]),
            "w": lib.tensor([1.0, 2.0, 0.5, 0.25]),
            "W": lib.arange(32.0).reshape(2, 4, 4),
            "lab": lib.tensor([[3, 0, -1, 1], [2, -1, 0, 0]]),
        }
        y = eval("F." + source, {"F": lib.nn.functional, **names})
        if y.requires_grad:
            y.sum().backward()
        return y.detach(), names["x"].grad

    same(run, 3e-6)


@pytest.mark.parametrize("classes", [-1, 3, 2])
@pytest.mark.parametrize("values", [[0, 2, 1], [[1], [0]], [-1], [], 2])
def test_one_hot(values, classes):
    same(lambda lib: lib.nn.functional.one_hot(lib.tensor(values, dtype=lib.int64), classes))


def test_gumbel_softmax():
    def run(lib):
        lib.manual_seed(0)
        x = lib.tensor(X, requires_grad=True)
        y = lib.nn.functional.gumbel_softmax(x, hard=True)
        (y * lib.arange(4.0)).sum().backward()
        return y.detach(), x.grad

    same(run, 2e-6)


CONTAINERS = [
    "s+s",
    "s*2",
    "2*s",
    "s*0",
    "s*'a'",
    "s+3",
    "s[0:1]",
    "s[-1]",
    "s[7]",
    "s[-9]",
    "s.insert(1,nn.Tanh())",
    "s.insert(9,nn.Tanh())",
    "s.append(3)",
    "s.extend([nn.Tanh()])",
    "s.pop(0)",
    "s.__delitem__(0)",
    "s.__setitem__(0,nn.Tanh())",
    "len(s)",
    "s.__iadd__(s[:1])",
    "s.__imul__(2)",
    "l+[nn.ReLU()]",
    "l.pop(-1)",
    "l.append(nn.GELU())",
    "l[0:2]",
    "l[5]",
    "l.extend(3)",
    "l(1)",
    "l.__iadd__([nn.ReLU()])",
    "nn.ModuleList([3])",
    "nn.ModuleList(3)",
    "d['a']",
    "list(d)",
    "d.pop('b')",
    "d.update({'c':nn.GELU()})",
    "d.update(3)",
    "d.update([3])",
    "d.update([('a',)])",
    "nn.Sequential(3)",
    "nn.ModuleDict({'keys':nn.ReLU()})",
    "nn.ModuleDict({'a':3})",
    "'a'in(d)",
    "list(d.items())",
    "d.clear()",
    "list(p)",
    "p|{'b':3}",
    "p.get('q',2)",
    "p.setdefault('z')",
    "p.pop('a')",
    "p.popitem()",
    "list(reversed(p))",
    "p['no']",
    "p.copy()",
    "p.fromkeys('ab',1)",
    "p.update([3])",
    "len(p)",
    "nn.ParameterDict(3)",
    "q[0:1]",
    "q[5]",
    "q.append(4)",
    "q.extend(3)",
    "q(1)",
    "p(1)",
    "q.__iadd__([5])",
    "list(q.state_dict())",
    "nn.ParameterList(3)",
]


@pytest.mark.parametrize("source", CONTAINERS)
def test_container(source):
    def run(lib):
        nn = lib.nn
        names = {
            "nn": nn,
            "s": nn.Sequential(nn.Linear(1, 2), nn.ReLU()),
            "l": nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()]),
            "d": nn.ModuleDict({"b": nn.ReLU(), "a": nn.Tanh()}),
            "p": nn.ParameterDict({"b": lib.ones(1), "a": 2}),
            "q": nn.ParameterList([lib.ones(1), 2]),
        }
        result = eval(source, names)
        return repr(result), [repr(names[k]) for k in "sldpq"]

    same(run)


WRONG_CALLS = {
    "rms_norm of nothing": lambda T: T.nn.functional.rms_norm(T.ones(1, 2, 3), ()),
    "rms_norm weight": lambda T: T.nn.functional.rms_norm(T.ones(2, 3), (3,), T.ones(2)),
    "prelu of a number": lambda T: T.nn.functional.prelu(T.ones(()), T.ones(2)),
    "prelu weight": lambda T: T.nn.functional.prelu(T.ones(2, 8), T.ones(2, 4)),
    "rrelu bounds": lambda T: T.nn.functional.rrelu(T.ones(2), 0.3, 0.1),
    "reduction": lambda T: T.nn.functional.multi_margin_loss(
        T.ones(5, 4), T.ones(5).long(), reduction="abc"
    ),
    "triplet": lambda T: T.nn.functional.triplet_margin_with_distance_loss(
        T.ones(3), T.ones(3, 4), T.ones(3, 4)
    ),
}


@pytest.mark.parametrize("call", WRONG_CALLS.values(), ids=WRONG_CALLS)
def test_wrong_calls(call):
    same(call)
