"""Datasets, samplers, collation and the DataLoader against PyTorch."""

from collections import OrderedDict, namedtuple

import pytest

import backlit

from oracle import same

Point = namedtuple("Point", "x y")


def data(lib):
    return lib.utils.data


class Pairs:
    """An indexed dataset that is no TensorDataset."""

    def __len__(self):
        return 23

    def __getitem__(self, i):
        return {"i": i, "pair": (i * 0.5, str(i))}


LOADERS = [
    "L(t)",
    "L(t,8)",
    "L(t,8,True)",
    "L(t,8,True,drop_last=True)",
    "L(t,8,drop_last=True)",
    "L(part,4,True)",
    "L(part,4)",
    "L(t,5,sampler=D.WeightedRandomSampler(range(1,104),70))",
    "L(t,5,sampler=D.SubsetRandomSampler(range(3,50)))",
    "L(t,5,sampler=D.RandomSampler(t,True,64))",
    "L(t,5,sampler=D.RandomSampler(t,True,70))",
    "L(t,None)",
    "L(t,50,sampler=D.RandomSampler(t,False,250))",
    "L(t,10,True,generator=g)",
    "L(t,None,True)",
    "L(pairs,4,True)",
    "L(t,batch_sampler=[[1,2],[5]])",
    "L(t,3,sampler=[5,4,3,2,1])",
    "L(pairs,4,collate_fn=len)",
    "L(D.ConcatDataset([t,t]),9,True)",
    "L(D.StackDataset(t,t),9,True)",
    "L(D.StackDataset(a=t,b=t),9)",
    "L(D.Subset(pairs,[3,2]),2)",
    "L(stream,2)",
    "L(stream,None)",
    "L(stream,2,drop_last=True)",
    "L(D.ChainDataset([stream,stream]),4)",
    "L(t,sampler=D.WeightedRandomSampler([1.,2.],1),batch_size=None)",
    "L(t,0)",
    "L(t,shuffle=True,sampler=[1])",
    "L(t,3,batch_sampler=[[1]])",
    "L(t,None,drop_last=True)",
    "L(t,num_workers=-1)",
    "L(t,timeout=-1)",
    "L(t,prefetch_factor=2)",
    "L(t,persistent_workers=True)",
    "L(t,multiprocessing_context='fork')",
    "L(stream,shuffle=True)",
    "L(stream,sampler=[1])",
    "L(stream,batch_sampler=[1])",
    "L([],shuffle=True)",
]


def names(lib):
    D = data(lib)

    class Stream(D.IterableDataset):
        def __iter__(self):
            return iter(range(5))

    t = D.TensorDataset(lib.arange(412.0).reshape(103, 4), lib.arange(103))
    return {
        "D": D,
        "L": D.DataLoader,
        "t": t,
        "part": D.Subset(t, list(range(90, 10, -3))),
        "pairs": Pairs(),
        "pairless": object(),
        "stream": Stream(),
        "g": lib.Generator().manual_seed(3),
        "torch": lib,
    }


@pytest.mark.parametrize("source", LOADERS)
def test_batches(source):
    def run(lib):
        lib.manual_seed(7)
        loader = eval(source, names(lib))
        batches = [batch for _ in range(2) for batch in loader]
        length = len(loader) if "stream" not in source else None
        return batches, length, lib.rand(1)

    same(run)


EXPRESSIONS = [
    "D.TensorDataset(torch.ones(2),torch.ones(3))",
    "D.RandomSampler(t,replacement=3)",
    "D.RandomSampler(t,num_samples=0)",
    "D.BatchSampler([1],0,False)",
    "D.BatchSampler([1],2,3)",
    "D.random_split(t,[1,2])",
    "D.random_split(t,[.5,.6])",
    "[list(p.indices)for(p)in(D.random_split(t,[50,53]))]",
    "[len(p)for(p)in(D.random_split(t,[.35,.35,.3]))]",
    "[len(p)for(p)in(D.random_split(range(1),[.5,.5]))]",
    "D.ConcatDataset([])",
    "D.ConcatDataset([t,t])[-300]",
    "D.ConcatDataset([t,t])[-1]",
    "D.ConcatDataset([stream])",
    "(t+t)[150]",
    "D.StackDataset()",
    "D.StackDataset(t,t)[1]",
    "D.StackDataset(a=t,b=t)[1]",
    "D.StackDataset(t,range(2))",
    "D.StackDataset(t,a=t)",
    "D.WeightedRandomSampler([.1],0)",
    "D.WeightedRandomSampler([.1,.9],3,2)",
    "D.WeightedRandomSampler([[1.]],1)",
    "D.Dataset()[0]",
    "t[[1,2]]",
    "list(D.BatchSampler(range(7),3,True))",
    "len(D.BatchSampler(range(7),3,False))",
    "list(D.ChainDataset([[1]]))",
    "D.default_collate([object()])",
    "D.default_collate([[1,2],[3]])",
    "D.default_collate([])",
    "D.default_collate(['a','b'])",
    "D.default_collate([(1,'a'),(2,'b')])",
    "D.default_collate([True,False])",
    "D.default_collate([1.5,2])",
    "D.default_collate([1,2])",
    "D.default_collate([{'a':1,'b':torch.ones(2)},{'a':2.,'b':torch.ones(2)}])",
    "D.default_collate([P(1,2),P(3,4)])",
    "D.default_collate([O(a=1),O(a=2)])",
    "D.default_collate([[torch.ones(1)],[torch.ones(1)]])",
    "D.default_convert({'a':(1,[2])})",
    "D.default_collate([b'a',b'b'])",
    "D.default_collate([torch.ones(1),torch.ones(2)])",
    "len(L(stream))",
    "len(L(pairless))",
    "L(pairless,shuffle=True)",
    "[list(D.DistributedSampler(range(11),3,r,seed=5))for(r)in(0,1,2)]",
    "[list(D.DistributedSampler(range(2),5,r,shuffle=False))for(r)in(0,4)]",
    "[list(D.DistributedSampler(range(11),3,r,False,drop_last=True))for(r)in(0,2)]",
    "len(D.DistributedSampler(range(3),4,0,drop_last=True))",
    "D.DistributedSampler(t,2,2)",
    "D.DistributedSampler(t,2,-1)",
    "L(t,num_workers=1,multiprocessing_context='x')",
    "L(t,num_workers=1,multiprocessing_context=3)",
    "L(t,num_workers=1,prefetch_factor=-1)",
    "list(L(part,4,pin_memory=True))",
]


@pytest.mark.parametrize("source", EXPRESSIONS)
def test_expression(source):
    def run(lib):
        lib.manual_seed(7)
        made = eval(source, {**names(lib), "P": Point, "O": OrderedDict})
        return (
            made
            if not hasattr(made, "__dict__") or isinstance(made, (dict, tuple, lib.Tensor))
            else str(type(made))
        )

    result = same(lambda lib: _without_address(run(lib)))
    assert result is not None


def _without_address(value):
    return value.split(" at 0x")[0] if isinstance(value, str) else value


def test_numpy_samples():
    np = pytest.importorskip("numpy", reason="NumPy is not installed")

    def run(lib):
        collate, convert = data(lib).default_collate, data(lib).default_convert
        return [
            collate([np.ones(2), np.zeros(2)]),
            collate([np.float32(1), np.float32(2)]),
            collate([(np.int64(1), 2), (np.int64(3), 4)]),
            convert([np.arange(3), "a"]),
        ]

    same(run)


def test_batches_do_not_share_memory_with_the_dataset():
    x = backlit.zeros(4, 2)
    for (batch,) in data(backlit).DataLoader(data(backlit).TensorDataset(x), batch_size=2):
        batch.fill_(1.0)
    assert x.sum().item() == 0


def test_fixed_attributes():
    def run(lib):
        loader = data(lib).DataLoader([1, 2])
        loader.batch_size = 3

    same(run)


def test_distributed_sampler_changes_its_order_by_epoch():
    def run(lib):
        sampler = data(lib).DistributedSampler(range(7), num_replicas=2, rank=0)
        orders = []
        for epoch in range(3):
            sampler.set_epoch(epoch)
            orders.append(list(sampler))
        return orders

    same(run)


def test_more_samples_than_told():
    def run(lib):
        class Liar(data(lib).IterableDataset):
            def __iter__(self):
                return iter(range(4))

            def __len__(self):
                return 3

            def __repr__(self):
                return "Liar"

        loader = data(lib).DataLoader(Liar())
        return len(loader), list(loader)

    same(run)
