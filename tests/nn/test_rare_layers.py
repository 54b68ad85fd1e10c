"""Layers for several devices or processes on the one that there is, and old names."""

import numpy as np
import pytest

import backlit

from oracle import same


def numbers(lib, *shape):
    return lib.from_numpy(np.random.RandomState(sum(shape)).standard_normal(shape))


@pytest.mark.parametrize(
    "made", ["SyncBatchNorm(3)", "SyncBatchNorm(3, bias=False, momentum=None)"]
)
@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2, 2), (3,), (3, 0), (1, 3)])
def test_sync_batch_norm_of_one_process(made, shape):
    def run(lib):
        layer = eval(f"nn.{made}", {"nn": lib.nn}).double()
        y = layer(numbers(lib, *shape)).detach()
        return repr(layer), y, layer.state_dict(), layer.eval()(numbers(lib, *shape)).detach()

    same(run, 1e-12)


def test_convert_sync_batchnorm():
    def run(lib):
        nn = lib.nn
        inner = nn.Sequential(nn.BatchNorm1d(3, affine=False), nn.InstanceNorm1d(3))
        net = nn.Sequential(nn.BatchNorm2d(2, momentum=0.3), nn.ReLU(), inner.eval())
        weight = net[0].weight
        converted = nn.SyncBatchNorm.convert_sync_batchnorm(net)
        alone = nn.SyncBatchNorm.convert_sync_batchnorm(
            nn.BatchNorm1d(2, track_running_stats=False)
        )
        shared = converted is net, converted[0].weight is weight, converted[2][0].training
        return repr(converted), repr(alone), shared, converted.state_dict()

    same(run)


def test_process_groups_are_refused():
    with pytest.raises(NotImplementedError, match="process groups"):
        backlit.nn.SyncBatchNorm(3, process_group=object())
    with pytest.raises(NotImplementedError, match="LocalResponseNorm"):
        backlit.nn.CrossMapLRN2d(3)
    with pytest.raises(NotImplementedError, match="scaled_mm"):
        backlit.nn.functional.scaled_mm(1, 2, 3, 4, 5, 6)


def test_data_parallel():
    def run(lib):
        lib.manual_seed(0)
        layer = lib.nn.DataParallel(lib.nn.Linear(2, 1))
        return repr(layer), layer.state_dict(), layer(lib.ones(3, 2)).detach(), layer.device_ids

    same(run)


def test_old_names():
    same(lambda lib: repr(lib.nn.Container(act=lib.nn.ReLU(), other=lib.nn.Linear(1, 1))))
    same(lambda lib: repr(lib.nn.NLLLoss2d(reduction="sum")))


GROUPED = [
    ((6, 3), (2, 3, 4), [2, 6]),
    ((6, 3), (3, 3, 4), [0, 2, 2]),  # empty groups, rows behind the last
    ((2, 5, 3), (2, 3, 4), None),
    ((2, 4, 3), (3, 8), [4, 8]),
    ((4, 8), (8, 4), [4, 8]),
    ((6, 3), (2, 3, 4), None),
    ((2, 5, 3), (2, 3, 4), [2, 5]),
    ((6, 3), (2, 2, 4), [2, 6]),
    ((3,), (2, 3, 4), [2, 6]),
    ((6, 3), (2, 3, 4), [6]),
]


def aligned(lib, shape, scale=1.0):
    """Of float32 with rows of 16 bytes, which PyTorch asks for."""
    room = lib.zeros(*shape[:-1], (shape[-1] + 3) // 4 * 4)
    part = room[..., : shape[-1]]
    part.copy_(numbers(lib, *shape) * scale)
    return part


@pytest.mark.parametrize(("a", "b", "ends"), GROUPED)
def test_grouped_mm(a, b, ends):
    def run(lib):
        offs = None if ends is None else lib.tensor(ends, dtype=lib.int32)
        y = lib.nn.functional.grouped_mm(aligned(lib, a), aligned(lib, b), offs=offs)
        if ends is not None and len(a) == 2 and len(b) == 3:
            y = y[: ends[-1]]  # PyTorch leaves the rest undefined
        return y

    same(run, 1e-5)


@pytest.mark.parametrize(("a", "b", "ends"), GROUPED[:5])
def test_grouped_mm_gradients(a, b, ends):
    offs = None if ends is None else backlit.tensor(ends, dtype=backlit.int32)
    inputs = [numbers(backlit, *shape).requires_grad_() for shape in (a, b)]
    run = backlit.nn.functional.grouped_mm
    assert backlit.autograd.gradcheck(lambda x, y: run(x, y, offs=offs), inputs)


def test_native_channel_shuffle():
    same(lambda lib: lib.nn.functional.native_channel_shuffle(numbers(lib, 1, 6, 2, 2), 3))


@pytest.mark.parametrize(
    "call",
    [
        "str(nn.factory_kwargs({'device': 'cpu', 'factory_kwargs': {'dtype': t.float32}}))",
        "nn.factory_kwargs(None)",
        "nn.factory_kwargs({'device': 'cpu', 'foo': 1})",
        "nn.factory_kwargs({'device': 'cpu', 'factory_kwargs': {'device': 'cpu'}})",
        "nn.utils.clip_grad_norm([], 1.0)",
        "t.is_storage(t.ones(1).untyped_storage()) and t.UntypedStorage.__name__",
    ],
)
def test_small_functions(call):
    same(lambda t: eval(call, {"t": t, "nn": t.nn}))


def test_batch_norms_without_running_statistics():
    def run(t):
        inner = t.nn.Sequential(t.nn.BatchNorm2d(2), t.nn.InstanceNorm1d(2))
        net = t.nn.Sequential(t.nn.BatchNorm1d(2), inner)
        changed = t.func.replace_all_batch_norm_modules_(net)
        return changed is net, repr(net), net.state_dict(), net[0].eval()(numbers(t, 4, 2).float())

    same(lambda t: tuple(v.detach() if isinstance(v, t.Tensor) else v for v in run(t)), 1e-6)
