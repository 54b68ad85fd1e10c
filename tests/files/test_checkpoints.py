"""Checkpoints: to and from PyTorch, whole or not at all, and never run."""

from __future__ import annotations

import collections
import io
import os
import pickle
import random
import struct
import zipfile

import pytest

import backlit

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
LIBRARIES = {"backlit": backlit, "torch": torch}
FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
DTYPES = ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")


def written(lib, obj, zipped=True):
    file = io.BytesIO()
    lib.save(obj, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def content(lib):
    """What a training script keeps, and what tensors can be."""
    lib.manual_seed(3)
    net = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.ReLU(), lib.nn.Linear(4, 2))
    optimizer = lib.optim.Adam(net.parameters(), lr=0.01)
    net(lib.ones(5, 3)).sum().backward()
    optimizer.step()
    x = lib.arange(12.0).view(3, 4)
    return {
        "net": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "parameter": net[0].weight,
        "views": [x, x[1], x.t(), x[:, 2], lib.tensor(3.0), lib.zeros(0, 3)],
        "dtypes": {name: lib.tensor([1, 0, 1], dtype=getattr(lib, name)) for name in DTYPES},
        "expanded": lib.ones(1).expand(4),
        "leaf": lib.ones(2, requires_grad=True),
        "plain": (1, 2.5, "ä", None, True, b"\x00\xff", {1, 2}, [], {}),
        "words": (lib.float64, lib.Size([2, 3]), lib.device("cpu")),
        "ordered": collections.OrderedDict(b=1, a=2),
    }


def plain(obj):
    """The same without tensors: everything that has to survive."""
    if hasattr(obj, "stride"):
        kind = type(obj).__name__
        numbers = obj.detach().tolist()
        return kind, str(obj.dtype), tuple(obj.shape), obj.stride(), obj.requires_grad, numbers
    if isinstance(obj, dict):
        return type(obj).__name__, [(key, plain(value)) for key, value in obj.items()]
    if isinstance(obj, (list, tuple)):
        return type(obj).__name__, [plain(value) for value in obj]
    return str(obj)


@FORMATS
@pytest.mark.parametrize("reader", LIBRARIES)
@pytest.mark.parametrize("writer", LIBRARIES)
def test_round_trip(writer, reader, zipped):
    saved = content(LIBRARIES[writer])
    loaded = LIBRARIES[reader].load(io.BytesIO(written(LIBRARIES[writer], saved, zipped)))
    assert plain(loaded) == plain(saved)
    addresses = {t.untyped_storage().data_ptr() for t in loaded["views"][:4]}
    assert len(addresses) == 1  # what shared memory shares it again
    assert loaded["net"]._metadata == saved["net"]._metadata


def test_training_goes_on_as_in_pytorch(tmp_path):
    path = tmp_path / "checkpoint.pt"
    torch.save(content(torch), path)
    losses = []
    for lib in LIBRARIES.values():
        kept = lib.load(path)
        net = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.ReLU(), lib.nn.Linear(4, 2))
        net.load_state_dict(kept["net"])
        optimizer = lib.optim.Adam(net.parameters(), lr=1.0)
        optimizer.load_state_dict(kept["optimizer"])
        for _ in range(5):
            optimizer.zero_grad()
            loss = net(lib.ones(5, 3)).pow(2).sum()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_attributes_and_subclasses():
    class Tagged(backlit.Tensor):
        pass

    t = backlit.ones(2)
    t.note = "kept"
    tagged = backlit.ones(2).as_subclass(Tagged)
    parameter = backlit.nn.Parameter(backlit.ones(2))
    parameter.note = [1]
    file = io.BytesIO(written(backlit, [t, parameter]))
    loaded = backlit.load(file)
    assert loaded[0].note == "kept" and loaded[1].note == [1]
    assert type(loaded[1]) is backlit.nn.Parameter
    with pytest.raises((pickle.PicklingError, AttributeError)):  # a local class has no name
        written(backlit, tagged)


def test_storages_are_aligned():
    data = written(backlit, content(backlit))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            name, extra = struct.unpack("<HH", data[info.header_offset + 26 :][:4])
            assert (info.header_offset + 30 + name + extra) % 64 == 0


def test_one_memory_as_two_dtypes():
    for lib in LIBRARIES.values():
        x = lib.zeros(4)
        with pytest.raises(RuntimeError, match="view the same data as different types"):
            written(lib, [x, x.view(lib.int32)])


# --- files ---


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.pt"
    backlit.save({"a": backlit.ones(2)}, path)
    before = path.read_bytes()
    with pytest.raises((pickle.PicklingError, AttributeError)):
        backlit.save({"a": lambda: 1}, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.pt"]


def test_permissions_and_links_stay(tmp_path):
    path, link = tmp_path / "model.pt", tmp_path / "link.pt"
    backlit.save(1, path)
    path.chmod(0o640)
    link.symlink_to(path)
    backlit.save(2, str(link))
    assert link.is_symlink() and backlit.load(path) == 2
    assert path.stat().st_mode & 0o777 == 0o640
    backlit.save(3, os.devnull)


@pytest.mark.parametrize("lib", LIBRARIES.values(), ids=LIBRARIES)
def test_wrong_arguments(lib, tmp_path):
    with pytest.raises(RuntimeError, match=r"Parent directory .*nowhere does not exist\."):
        lib.save(1, tmp_path / "nowhere" / "x.pt")
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like"):
        lib.save(1, 3)
    with pytest.raises(AttributeError, match="You can only torch"):
        lib.load(3)
    with pytest.raises(FileNotFoundError, match="No such file or directory"):
        lib.load(tmp_path / "none.pt")
    with pytest.raises(EOFError):
        lib.load(io.BytesIO(b""))


# --- damaged and hostile files ---


class Reduced:
    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return self.parts


@pytest.mark.parametrize("weights_only", [None, True, False])
@pytest.mark.parametrize(
    ("call", "name"),
    [
        ((os.system, ("touch {marker}",)), "posix.system|nt.system"),
        ((eval, ("open('{marker}', 'w')",)), r"builtins\.eval"),
        ((getattr, (backlit, "save")), r"builtins\.getattr"),
    ],
)
@FORMATS
def test_code_is_refused_by_name_and_not_run(call, name, weights_only, zipped, tmp_path):
    marker = tmp_path / "ran"
    function, arguments = call
    arguments = tuple(
        part.format(marker=marker) if isinstance(part, str) else 1 for part in arguments
    )
    data = written(torch, {"a": Reduced(function, arguments)}, zipped)
    with pytest.raises(pickle.UnpicklingError, match=f"Weights only load failed.*{name}"):
        backlit.load(io.BytesIO(data), weights_only=weights_only)
    assert not marker.exists()


def archive_with(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    {
        "memo of 2^31 entries": b"\x80\x02Nr\xff\xff\xff\x7f.",
        "attribute of a function": b"\x80\x02ctorch\nSize\nN}X\x01\x00\x00\x00aK\x01s\x86b.",
        "attribute of a class": b"\x80\x02ctorch\nTensor\nN}X\x01\x00\x00\x00aK\x01s\x86b.",
        "a class called": b"\x80\x02ctorch\nTensor\nJ\xff\xff\xff\x7f\x85R.",
        "bytes by size": b"\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
        "instance": b"\x80\x02(cbuiltins\nset\no.",
        "extension": b"\x80\x02\x82\x01.",
        "no storage": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NK\x00)K\x01\x85\x89NtR.",
        "no tuple": b"\x80\x02K\x01Q.",
        "stack": b"\x80\x02R.",
    }.items(),
    ids=lambda item: item[0],
)
def test_hostile_pickles(data):
    with pytest.raises((pickle.UnpicklingError, RuntimeError)):
        backlit.load(io.BytesIO(archive_with(data[1])))


def test_a_tensor_larger_than_its_storage():
    data = written(backlit, backlit.ones(4))
    pickled = zipfile.ZipFile(io.BytesIO(data)).read("archive/data.pkl")
    assert pickled.count(b"K\x04\x85") == 1  # the size (4,)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled.replace(b"K\x04\x85", b"K\x7f\x85"))
        archive.writestr("archive/data/0", bytes(16))
    with pytest.raises(RuntimeError):
        backlit.load(io.BytesIO(file.getvalue()))


@FORMATS
def test_damaged_files(zipped):
    """Cut anywhere and flipped anywhere: an error of the documented classes, or a sound object."""
    whole = written(torch, content(torch), zipped)
    chance = random.Random(7)
    failed = 0
    for turn in range(400):
        if turn % 2:
            data = bytearray(whole)
            for _ in range(chance.choice((1, 1, 3, 10))):
                data[chance.randrange(len(data))] = chance.randrange(256)
        else:
            data = bytearray(whole[: chance.randrange(len(whole))])
        try:
            plain(backlit.load(io.BytesIO(bytes(data))))
        except (pickle.UnpicklingError, RuntimeError, EOFError, NotImplementedError) as error:
            failed += 1
            assert str(error)
    assert failed > 200


def test_what_damage_is_called():
    whole = written(backlit, backlit.ones(3))
    for data in (whole[: len(whole) // 2], whole[:-5]):
        with pytest.raises(RuntimeError, match="failed finding central directory"):
            backlit.load(io.BytesIO(data))
    with pytest.raises(RuntimeError, match="failed locating file data"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("readme", "a zip file of something else")
        backlit.load(io.BytesIO(file.getvalue()))


# --- devices, dtypes, trust ---


def test_cuda_files_need_a_place():
    pickled = zipfile.ZipFile(io.BytesIO(written(backlit, backlit.ones(3)))).read(
        "archive/data.pkl"
    )
    pickled = pickled.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/data/0", struct.pack("<3f", 1, 2, 3))
        archive.writestr("archive/version", "3\n")
    data = file.getvalue()
    for lib in LIBRARIES.values():
        with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
            lib.load(io.BytesIO(data))
        for place in ("cpu", lib.device("cpu"), {"cuda:0": "cpu"}, lambda storage, where: storage):
            assert lib.load(io.BytesIO(data), map_location=place).tolist() == [1, 2, 3]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "complex64", "complex128"])
def test_dtypes(dtype):
    for source, target in ((torch, backlit), (backlit, torch)):
        data = written(source, source.tensor([1.5, -2.25]).to(getattr(source, dtype)))
        read = target.load(io.BytesIO(data))
        assert str(read.dtype) == f"torch.{dtype}"
        assert read.tolist() == [1.5, -2.25]


class Point:
    def __init__(self, x):
        self.x = x


class Net(backlit.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = backlit.nn.Linear(2, 1)


def test_classes_that_the_user_trusts():
    data = written(backlit, Point(backlit.ones(2)))
    with pytest.raises(pickle.UnpicklingError, match=r"Point.*add_safe_globals"):
        backlit.load(io.BytesIO(data))
    with backlit.serialization.safe_globals([Point]):
        assert backlit.load(io.BytesIO(data)).x.tolist() == [1, 1]
    assert backlit.serialization.get_safe_globals() == []


def test_whole_modules():
    net = Net()
    data = written(backlit, net)
    with pytest.raises(pickle.UnpicklingError, match="Net"):
        backlit.load(io.BytesIO(data))
    loaded = backlit.load(io.BytesIO(data), weights_only=False)
    assert type(loaded) is Net
    x = backlit.ones(3, 2)
    assert loaded.layer(x).tolist() == net.layer(x).tolist()


@pytest.mark.parametrize("lib", LIBRARIES.values(), ids=LIBRARIES)
def test_mmap_is_for_paths(lib):
    buffer = io.BytesIO()
    lib.save({"w": lib.ones(2)}, buffer)
    buffer.seek(0)
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        lib.load(buffer, mmap=True)
