"""Learning rate schedules against PyTorch."""

import pytest

from oracle import same

SCHEDULES = [
    "StepLR(o,3)",
    "StepLR(o,2,.5)",
    "MultiStepLR(o,[2,5,5])",
    "ConstantLR(o)",
    "LinearLR(o)",
    "LinearLR(o,.5,.1,4)",
    "ExponentialLR(o,.9)",
    "CosineAnnealingLR(o,5)",
    "CosineAnnealingLR(o,4,.01)",
    "PolynomialLR(o,6,2.)",
    "CosineAnnealingWarmRestarts(o,3)",
    "CosineAnnealingWarmRestarts(o,2,2,.01)",
    "LambdaLR(o,f)",
    "MultiplicativeLR(o,f)",
    "LambdaLR(o,[f,f])",
    "OneCycleLR(o,1.,20)",
    "OneCycleLR(o,[1.,2.],20,three_phase=True)",
    "OneCycleLR(o,1.,epochs=4,steps_per_epoch=5,anneal_strategy='linear')",
    "OneCycleLR(o,1.,5)",
    "OneCycleLR(o,1.,70)",
    "OneCycleLR(o,[1.,2.],64,three_phase=True,pct_start=.4,div_factor=10.,final_div_factor=50.)",
    "OneCycleLR(o,1.,80,cycle_momentum=False)",
    "OneCycleLR(adam,1.,80)",
    "CyclicLR(adam,.1,1.,4)",
    "CyclicLR(o,[.1,.2],[1.,2.],7,5,cycle_momentum=False)",
    "CyclicLR(o,.1,1.,4,scale_fn=Scale(.5))",
    "CosineAnnealingLR(o,100,.02)",
    "CosineAnnealingWarmRestarts(o,5,3)",
    "LinearLR(o,.1,.9,40)",
    "PolynomialLR(o,50,.5)",
    "MultiplicativeLR(o,[lambda e:.95,lambda e:1.01])",
    "LambdaLR(o,[Scale(.5),f])",
    "ChainedScheduler([LinearLR(o,.2,1.,30),CosineAnnealingLR(o,20),StepLR(o,7,.9)])",
    "SequentialLR(o,[LinearLR(o,.1,1.,10),CyclicLR(o,.1,1.,5),ExponentialLR(o,.9)],[10,40])",
    "CyclicLR(o,.1,1.,4)",
    "CyclicLR(o,.1,1.,3,2,mode='triangular2')",
    "CyclicLR(o,.1,1.,3,mode='exp_range',gamma=.9)",
    "CyclicLR(o,.1,1.,3,scale_fn=f,scale_mode='iterations')",
    "ChainedScheduler([ConstantLR(o),ExponentialLR(o,.9)])",
    "SequentialLR(o,[ConstantLR(o),ExponentialLR(o,.9)],[4])",
    "SequentialLR(o,[LinearLR(o),CosineAnnealingLR(o,6),StepLR(o,2)],[3,8])",
    "SequentialLR(o,[LinearLR(o),CosineAnnealingWarmRestarts(o,4)],[3])",
    "LinearLR(o,2)",
    "LinearLR(o,0)",
    "LinearLR(o,end_factor=2)",
    "ConstantLR(o,2)",
    "StepLR(3,1)",
    "LambdaLR(o,[f])",
    "OneCycleLR(o,1)",
    "OneCycleLR(o,1,-1)",
    "OneCycleLR(o,1,epochs=-1,steps_per_epoch=1)",
    "OneCycleLR(o,[1],10)",
    "OneCycleLR(o,1,epochs=1,steps_per_epoch=0)",
    "OneCycleLR(o,1,10,pct_start=2)",
    "OneCycleLR(o,1,10,anneal_strategy='x')",
    "CyclicLR(o,.1,1.,mode='x')",
    "CyclicLR(o,[.1],1.)",
    "CosineAnnealingWarmRestarts(o,0)",
    "CosineAnnealingWarmRestarts(o,5,T_mult=0)",
    "ChainedScheduler([])",
    "SequentialLR(o,[],[])",
    "SequentialLR(o,[StepLR(o,1)],[1])",
    "SequentialLR(o,[StepLR(o,1),ReduceLROnPlateau(o)],[1])",
    "StepLR(o,1,last_epoch=3)",
    "ReduceLROnPlateau(o,factor=1)",
    "ReduceLROnPlateau(o,'x')",
    "ReduceLROnPlateau(o,threshold_mode='x')",
    "ReduceLROnPlateau(o,min_lr=[1])",
]


def optimizer(lib, **options):
    a, b = lib.nn.Parameter(lib.ones(1)), lib.nn.Parameter(lib.ones(1))
    return lib.optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.1, **options)


def half(epoch):
    return 1 / (1 + epoch)


class Scale:
    """A factor with a state of its own."""

    def __init__(self, base):
        self.base = base

    def __call__(self, x):
        return self.base + 0.1 * x


def make(lib, source, o):
    names = {n: getattr(lib.optim.lr_scheduler, n) for n in dir(lib.optim.lr_scheduler)}
    if "adam" in source:
        o = lib.optim.Adam([{"params": g["params"], "lr": g["lr"]} for g in o.param_groups])
    return eval(source, {**names, "o": o, "adam": o, "f": half, "Scale": Scale})


@pytest.mark.parametrize("source", SCHEDULES)
def test_schedule(source):
    def run(lib):
        o = optimizer(lib, momentum=0.9)
        schedule = make(lib, source, o)
        log = []
        for _ in range(60):
            try:
                o.step()
                schedule.step()
            except ValueError as error:
                return log, str(error)
            groups = schedule.optimizer.param_groups
            momenta = [g.get("momentum", g.get("betas")) for g in groups]
            log.append([[g["lr"] for g in groups], momenta, schedule.get_last_lr()])
        return log

    same(run, 1e-12)


@pytest.mark.parametrize("source", SCHEDULES)
def test_state_dict(source):
    """Saved after nine steps, a schedule goes on in another one of its kind."""

    def run(lib):
        o = optimizer(lib, momentum=0.9)
        schedule = make(lib, source, o)
        for _ in range(9):
            schedule.optimizer.step()
            schedule.step()
        other = make(lib, source, optimizer(lib, momentum=0.9))
        other.load_state_dict(schedule.state_dict())
        other.optimizer.load_state_dict(schedule.optimizer.state_dict())
        rates = []
        for _ in range(9):
            other.optimizer.step()
            other.step()
            rates.append(other.get_last_lr())
        return sorted(schedule.state_dict()), rates, other.last_epoch

    same(run, 1e-12)


@pytest.mark.parametrize(
    "options", [{}, {"mode": "max"}, {"threshold_mode": "abs"}, {"cooldown": 2, "min_lr": 0.02}]
)
def test_plateau(options):
    def run(lib):
        o = optimizer(lib)
        schedule = lib.optim.lr_scheduler.ReduceLROnPlateau(o, patience=1, **options)
        log = []
        for metric in [1.0, 0.9, 0.9, 0.95, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8]:
            schedule.step(metric)
            log.append([*schedule.get_last_lr(), schedule.num_bad_epochs, schedule.best])
        return log, sorted(schedule.state_dict())

    same(run, 1e-12)


def test_order_is_checked():
    same(lambda lib: lib.optim.lr_scheduler.StepLR(optimizer(lib), 1).step())


def test_epoch_argument_and_get_lr():
    def run(lib):
        o = optimizer(lib)
        schedule = lib.optim.lr_scheduler.StepLR(o, 2)
        o.step()
        schedule.step(5)
        return schedule.get_last_lr(), schedule.get_lr()

    same(run, 1e-12)


def test_tensor_learning_rate():
    def run(lib):
        lr = lib.tensor(0.1)
        o = lib.optim.Adam([lib.nn.Parameter(lib.ones(1))], lr=lr)
        schedule = lib.optim.lr_scheduler.ExponentialLR(o, 0.5)
        o.step()
        schedule.step()
        return lr, o.param_groups[0]["lr"] is lr

    same(run, 1e-7)
