"""Every distribution gives PyTorch's numbers for the same seed, and its errors."""

import pytest

import backlit

from oracle import same

EXPRESSIONS = [
    "t.rand_like(t.zeros(3,4))",
    "t.rand_like(t.zeros(3,4).t())",
    "t.randn_like(t.zeros(5,4))",
    "t.randn_like(t.zeros(5,4).t())",
    "t.randn_like(t.zeros(3,4,dtype=t.float64))",
    "t.randint_like(t.zeros(3,4),10)",
    "t.randint_like(t.zeros(3,4),2,10,dtype=t.int64)",
    "t.zeros(5).random_()",
    "t.zeros(5,dtype=t.int64).random_()",
    "t.zeros(5,dtype=t.int32).random_()",
    "t.zeros(5,dtype=t.uint8).random_()",
    "t.zeros(5,dtype=t.bool).random_()",
    "t.zeros(5).random_(10)",
    "t.zeros(5).random_(3,10)",
    "t.zeros(5).random_(3,None)",
    "t.zeros(5).random_(10,3)",
    "t.poisson(t.linspace(0,9,40))",
    "t.poisson(t.linspace(8,200,60,dtype=t.float64))",
    "t.poisson(t.linspace(0,30,12).view(3,4).t())",
    "t.poisson(t.full((2000,),15.5)).mean()",
    "t.poisson(t.tensor([-1.0]))",
    "t.poisson(t.tensor([t.nan]))",
    "t.poisson(t.tensor([1]))",
    "t.poisson(t.ones(2,requires_grad=True)).grad_fn.name()",
    "t.zeros(20).bernoulli_()",
    "t.zeros(20).bernoulli_(0.2)",
    "t.zeros(20,dtype=t.int64).bernoulli_(0.2)",
    "t.zeros(20).bernoulli_(t.linspace(0,1,20))",
    "t.zeros(3,4).bernoulli_(t.linspace(0,1,4))",
    "t.zeros(4,3).t().bernoulli_(t.linspace(0,1,4))",
    "t.zeros(20,dtype=t.int64).bernoulli_(t.linspace(0,1,20,dtype=t.float64))",
    "t.bernoulli(t.linspace(0,1,20))",
    "t.bernoulli(t.linspace(0,1,20),0.3)",
    "t.bernoulli(t.zeros(3,dtype=t.int64))",
    "t.zeros(3).bernoulli_(2.0)",
    "t.zeros(20).exponential_()",
    "t.zeros(20).exponential_(3)",
    "t.zeros(20,dtype=t.float64).exponential_(3)",
    "t.zeros(20).exponential_(-1)",
    "t.zeros(20,dtype=t.int64).exponential_()",
    "t.zeros(20).geometric_(0.3)",
    "t.zeros(20,dtype=t.int64).geometric_(0.3)",
    "t.zeros(20).geometric_(1.5)",
    "t.zeros(20).log_normal_()",
    "t.zeros(20,dtype=t.float64).log_normal_(0,1)",
    "t.zeros(20).log_normal_(0,-1)",
    "t.zeros(20).cauchy_()",
    "t.zeros(20).cauchy_(1,2)",
    "t.zeros(20).cauchy_(1,-2)",
    "t.multinomial(t.tensor([.1,.2,.7]),2)",
    "t.multinomial(t.tensor([.1,.2,.7]),5)",
    "t.multinomial(t.tensor([.1,.2,.7]),5,replacement=True)",
    "t.multinomial(t.tensor([[.1,.2,.7],[1.,2,3]]),5,replacement=True)",
    "t.multinomial(t.tensor([[.1,.2,.7],[1.,2,3]]),2)",
    "t.multinomial(t.tensor([[.1,.2,.7],[1.,2,3]],dtype=t.float64),1)",
    "t.multinomial(t.tensor([1,2,3]),2)",
    "t.multinomial(t.tensor([-.1,.2]),1)",
    "t.multinomial(t.tensor([0.,0.]),1)",
    "t.multinomial(t.zeros(2,2,2),1)",
    "t.multinomial(t.tensor([1.,2.]),0)",
    "t.normal(0,1,(3,))",
    "t.normal(0,1,(20,))",
    "t.normal(2.,3.,size=(20,))",
    "t.normal(mean=2.,std=3.,size=(3,4))",
    "t.normal(t.arange(20.),t.linspace(0,1,20))",
    "t.normal(t.arange(20.),2.)",
    "t.normal(t.arange(20.))",
    "t.normal(3.,t.linspace(0,1,20))",
    "t.normal(mean=t.arange(4.))",
    "t.normal(3.,t.linspace(-1,1,20))",
    "t.normal(t.arange(20),2.)",
    "t.normal(t.arange(3.),-1)",
    "t.normal(t.zeros(3,1),t.ones(4))",
    "t.zeros(4,4).t().normal_()",
    "t.zeros(4,5).t().normal_()",
    "t.zeros(4,10)[:,::2].normal_()",
    "t.zeros(3).normal_(0,-1)",
    "t.zeros(3,dtype=t.int64).normal_()",
    "t.zeros(4,5).t().uniform_(2,3)",
    "t.randint(0,10,(3,4))",
    "t.randint(10,(3,))",
    "t.randint(3,3,(3,))",
    "t.randint(0,300,(3,),dtype=t.uint8)",
    "t.randperm(10)",
    "t.randperm(0)",
    "t.randperm(-1)",
    "t.rand(3,4)",
    "t.rand((3,4),dtype=t.float64)",
    "t.rand(3,dtype=t.int64)",
    "t.randn(3,dtype=t.int64)",
]


@pytest.mark.parametrize("source", EXPRESSIONS)
def test_expression(source):
    def run(t):
        t.manual_seed(3)
        made = eval(source, {"t": t})
        return (made, made.stride()) if isinstance(made, t.Tensor) else made

    same(run)


DRAWS = [
    "t.rand(n, dtype=d)",
    "t.randn(n, dtype=d)",
    "t.empty(n, dtype=d).uniform_(-0.37, 0.91)",
    "t.empty(n, dtype=d).normal_(0.3, 1.7)",
    "t.empty(n, dtype=d).exponential_(1.3)",
    "t.empty(n, dtype=d).log_normal_(0.3, 0.7)",
    "t.empty(n, dtype=d).cauchy_(0.3, 0.7)",
    "t.empty(n, dtype=d).geometric_(0.3)",
    "t.empty(n, dtype=d).bernoulli_(0.3)",
    "t.empty(n, dtype=d).random_(-3, 1000)",
    "t.empty(n, dtype=d).random_()",
    "t.multinomial(t.linspace(0.1, 1, n, dtype=d), n // 2 + 1)",
    "t.multinomial(t.linspace(0.1, 1, n, dtype=d), n, True)",
    "t.normal(t.linspace(0, 1, n, dtype=d), t.linspace(0.1, 1, n, dtype=d))",
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 31, 100, 1025])
@pytest.mark.parametrize("source", DRAWS)
def test_numbers_and_the_state_after_them(source, n, dtype):
    def run(t):
        t.manual_seed(n + 11)
        made = eval(source, {"t": t, "n": n, "d": getattr(t, dtype)})
        return made, t.rand(3), t.randn(3)

    same(run)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64"])
@pytest.mark.parametrize("n", [1, 17, 300])
def test_integers(n, dtype):
    def run(t):
        d = getattr(t, dtype)
        t.manual_seed(5)
        return [
            t.randint(0, 2, (n,), dtype=d),
            t.empty(n, dtype=d).random_(),
            t.empty(n, dtype=d).bernoulli_(0.4),
            t.randperm(n),
            t.randint_like(t.empty(n, dtype=d), 2),
            t.randint(-(2**40), 2**61, (n,)),
        ]

    same(run)


LAYOUTS = [
    "t.empty(5, 7).t()",
    "t.empty(4, 10)[:, ::2]",
    "t.empty(3, 4, 5).permute(1, 2, 0)",
    "t.empty(2, 3, 4, 5).permute(3, 1, 0, 2)[1:, :, 1:]",
    "t.empty(1, 20).t()",
    "t.empty(20, 1)[::2]",
]


@pytest.mark.parametrize("fill", ["uniform_(1, 2)", "normal_()", "exponential_()", "random_(50)"])
@pytest.mark.parametrize("source", LAYOUTS)
def test_memory_order(source, fill):
    def run(t):
        t.manual_seed(2)
        return eval(f"{source}.{fill}", {"t": t})

    same(run)


GENERATORS = [
    "t.manual_seed(-1).initial_seed()",
    "t.manual_seed(2**63).initial_seed()",
    "t.manual_seed(2**64)",
    "t.manual_seed('a')",
    "t.Generator().initial_seed()",
    "t.rand(3, generator=t.Generator().manual_seed(4))",
    "t.randperm(5, generator=t.Generator().manual_seed(4))",
    "(lambda g: (t.rand(2, generator=g), t.rand(2, generator=g.clone_state()),"
    " t.rand(2, generator=g)))(t.Generator().manual_seed(4))",
    "(lambda s: (t.randn(3), t.set_rng_state(s), t.randn(3)))"
    "((t.manual_seed(1), t.randn(1), t.get_rng_state())[2])",
    "t.manual_seed(9).get_state()",
    "(t.manual_seed(9), t.randn(3), t.get_rng_state())[2]",
    "t.set_rng_state(t.zeros(3))",
    "t.initial_seed() == t.seed()",
]


@pytest.mark.parametrize("source", GENERATORS)
def test_generators(source):
    def run(t):
        made = eval(source, {"t": t})
        if not isinstance(made, tuple):
            return made
        return [item for item in made if not isinstance(item, t.Generator)]

    same(run)


def test_fork_rng_restores_the_state():
    def run(t):
        t.manual_seed(1)
        with t.random.fork_rng():
            inside = t.rand(2)
        return inside, t.rand(2)

    same(run)


def test_seeds_of_two_processes_differ():
    assert backlit.seed() != backlit.seed()


def test_in_place_rules():
    def run(t):
        w = t.ones(3, requires_grad=True)
        with t.no_grad():
            w.uniform_()
        told = w._version
        w.normal_()
        return told

    same(run)


def test_bernoulli_has_a_gradient_of_zero():
    def run(t):
        p = t.full((4,), 0.5, requires_grad=True)
        y = t.bernoulli(p)
        y.sum().backward()
        return type(y.grad_fn).__name__, p.grad

    same(run)
