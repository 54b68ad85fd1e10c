"""Safetensors files, against the library's own PyTorch side; damaged ones; a failed write."""

from __future__ import annotations

import pytest

import backlit
from backlit import nn, safetensors

library = pytest.importorskip("safetensors")


def tensors(lib):
    return {
        "weight": lib.arange(6.0).reshape(2, 3),
        "steps": lib.tensor([1, -2], dtype=lib.int64),
        "mask": lib.tensor([True, False]),
        "one": lib.tensor(2.5, dtype=lib.float64),
        "none": lib.zeros(0, 4),
        "byte": lib.tensor([255], dtype=lib.uint8),
    }


def described(state):
    return {k: (str(t.dtype), tuple(t.shape), t.tolist()) for k, t in sorted(state.items())}


@pytest.fixture
def theirs():
    pytest.importorskip("torch")
    return pytest.importorskip("safetensors.torch")


def test_files_of_either_side(theirs, tmp_path):
    import torch

    path = tmp_path / "x.safetensors"
    safetensors.save_file(tensors(backlit), path, {"note": "ours"})
    assert described(theirs.load_file(path)) == described(tensors(torch))
    theirs.save_file(tensors(torch), path, {"note": "theirs"})
    assert described(safetensors.load_file(path)) == described(tensors(backlit))
    assert safetensors.save(tensors(backlit)) == theirs.save(tensors(torch))


@pytest.mark.parametrize(
    "make",
    [
        lambda lib: [lib.ones(2)],
        lambda lib: {"a": 1},
        lambda lib: {"a": lib.ones(2, 3).t()},
        lambda lib: (lambda x: {"a": x, "b": x[0]})(lib.ones(2, 3)),
    ],
)
def test_what_is_refused(make, theirs):
    import torch

    with pytest.raises(Exception) as expected:
        theirs.save(make(torch))
    with pytest.raises(expected.type) as found:
        safetensors.save(make(backlit))
    start = str(expected.value).split("'")[0].split("torch.Tensor")[0].split(":")[0].strip()
    assert start in str(found.value)


def test_a_failed_write_leaves_the_file(tmp_path):
    path = tmp_path / "x.safetensors"
    safetensors.save_file({"a": backlit.ones(2)}, path)
    with pytest.raises(ValueError, match="non contiguous"):
        safetensors.save_file({"a": backlit.ones(2, 3).t()}, path)
    assert safetensors.load_file(path)["a"].tolist() == [1, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]


def test_damaged_files_raise(tmp_path):
    data = safetensors.save(tensors(backlit))
    for end in range(0, len(data), 7):
        with pytest.raises(library.SafetensorError):
            safetensors.load(data[:end])
    with pytest.raises(FileNotFoundError, match="No such file or directory"):
        safetensors.load_file(tmp_path / "nothing")


def test_models(theirs, tmp_path):
    path = tmp_path / "m.safetensors"
    one, other = nn.Linear(2, 3), nn.Linear(2, 3)
    safetensors.save_model(one, path)
    assert safetensors.load_model(other, path) == (set(), [])
    assert other.weight.tolist() == one.weight.tolist()
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        safetensors.load_model(nn.Linear(3, 3), path)
    deep = nn.Sequential(nn.Linear(2, 3))
    with pytest.raises(RuntimeError, match="Missing key") as error:
        safetensors.load_model(deep, path)
    assert "Unexpected key(s)" in str(error.value)
    assert safetensors.load_model(deep, path, strict=False)[0] == {"0.weight", "0.bias"}


def test_tied_weights_are_written_once(theirs, tmp_path):
    path = tmp_path / "m.safetensors"

    def tied(lib):
        model = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.Linear(2, 2))
        model[1].weight = model[0].weight
        return model

    import torch

    model = tied(backlit)
    safetensors.save_model(model, path)
    assert theirs.load_model(tied(torch), path)[1] == []
    again = tied(backlit)
    assert safetensors.load_model(again, path) == (set(), [])
    assert again[1].weight.tolist() == model[0].weight.tolist()


def test_numpy_files_go_through_numpy(tmp_path):
    numpy = pytest.importorskip("numpy")
    model, again = nn.Linear(2, 3), nn.Linear(2, 3)
    numpy.savez(tmp_path / "m.npz", **{k: t.numpy() for k, t in model.state_dict().items()})
    with numpy.load(tmp_path / "m.npz") as arrays:
        again.load_state_dict({k: backlit.from_numpy(arrays[k]) for k in arrays.files})
    assert again.weight.tolist() == model.weight.tolist()
    numpy.save(tmp_path / "w.npy", model.weight.detach())
    assert numpy.load(tmp_path / "w.npy").tolist() == model.weight.tolist()
