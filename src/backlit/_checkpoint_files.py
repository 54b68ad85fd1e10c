"""The two containers of checkpoints: the zip archive of today and the older run of pickles."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import struct
import sys
import warnings
import zipfile
from collections.abc import Callable
from typing import IO, Any

from . import _C, _checkpoint_pickle as _pickles
from ._checkpoint_pickle import Storage

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_ALIGNMENT = 64


def write_zip(obj: object, file: IO[bytes], name: str, protocol: int) -> None:
    data = io.BytesIO()
    pickler = _pickles.Pickler(data, protocol)
    pickler.dump(obj)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, f"{name}/data.pkl", data.getbuffer())
        _add(archive, f"{name}/.format_version", b"1")
        _add(archive, f"{name}/.storage_alignment", str(_ALIGNMENT).encode())
        _add(archive, f"{name}/byteorder", sys.byteorder.encode())
        for key, storage in enumerate(pickler.storages):
            _add(archive, f"{name}/data/{key}", memoryview(storage.memory))  # type: ignore[arg-type]
        _add(archive, f"{name}/version", b"3\n")


def _add(archive: zipfile.ZipFile, name: str, data: bytes | memoryview) -> None:
    """An entry whose bytes start at a multiple of 64, for those who map the file into memory."""
    info = zipfile.ZipInfo(name)
    info.file_size = len(data)
    start = archive.start_dir + zipfile.sizeFileHeader + len(name.encode()) + 4  # type: ignore[attr-defined]
    padding = -start % _ALIGNMENT
    info.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
    with archive.open(info, "w") as entry:
        entry.write(data)


def write_legacy(obj: object, file: IO[bytes], name: str, protocol: int) -> None:
    sizes = {"short": 2, "int": 4, "long": 4}
    system = {
        "protocol_version": _PROTOCOL,
        "little_endian": sys.byteorder == "little",
        "type_sizes": sizes,
    }
    for head in (_MAGIC, _PROTOCOL, system):
        pickle.dump(head, file, protocol)
    data = io.BytesIO()
    pickler = _pickles.Pickler(data, protocol, legacy=True)
    pickler.dump(obj)
    file.write(data.getbuffer())
    pickle.dump([str(key) for key in range(len(pickler.storages))], file, protocol)
    for storage in pickler.storages:
        file.write(struct.pack("<q", storage.memory.numel() // storage.dtype.itemsize))
        file.write(memoryview(storage.memory))  # type: ignore[arg-type]


def read(file: IO[bytes], map_location: Any, only: bool, encoding: str) -> Any:
    start = file.tell()
    head = file.read(4)
    file.seek(start)
    if not head:
        raise EOFError("Ran out of input: the file is empty")
    read = _read_zip if head == b"PK\x03\x04" else _read_legacy
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of escapes in a damaged string
            return read(file, _places(map_location), only, encoding)
    except (pickle.UnpicklingError, NotImplementedError, RuntimeError):
        raise
    except EOFError as error:
        raise EOFError("Ran out of input: the file ends too early") from error
    except (zipfile.BadZipFile, KeyError, OverflowError, MemoryError, struct.error) as error:
        raise RuntimeError(f"{_DAMAGED}: {error}") from error
    except (AttributeError, ImportError, IndexError, TypeError, ValueError) as error:
        raise _pickles.damaged(f"its pickle ({error})") from error


_DAMAGED = "PytorchStreamReader failed reading zip archive: the file is damaged or incomplete"


def _places(map_location: Any) -> Callable[[str], None]:
    """A check that storages saved at a place may be put into the CPU's memory."""

    def check(location: str) -> None:
        wanted: Any = map_location
        if isinstance(wanted, dict):
            wanted = wanted.get(location, location)
        elif wanted is None:
            wanted = location
        elif callable(wanted) and not isinstance(wanted, (str, _C.device)):
            return  # whatever it does with storages, they are in the CPU's memory here
        place = str(wanted)
        if place.startswith("cpu"):
            return
        if place.startswith("cuda"):
            raise RuntimeError(
                "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() "
                "is False. If you are running on a CPU-only machine, please use torch.load with "
                "map_location=torch.device('cpu') to map your storages to the CPU."
            )
        raise RuntimeError(
            "don't know how to restore data location of torch.storage.UntypedStorage (tagged with "
            f"{place}); use map_location='cpu'"
        )

    return check


def _read_zip(file: IO[bytes], check: Callable[[str], None], only: bool, encoding: str) -> Any:
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise RuntimeError(
            "PytorchStreamReader failed reading zip archive: failed finding central directory. "
            f"The file is damaged or incomplete ({error})"
        ) from error
    with archive:
        entries = {info.filename.partition("/")[2]: info for info in archive.infolist()}
        if "data.pkl" not in entries:
            raise RuntimeError(
                "PytorchStreamReader failed locating file data.pkl: file not found. It is a zip "
                "archive, but not one that torch.save wrote"
            )
        if "constants.pkl" in entries:
            raise NotImplementedError("torch.load: TorchScript archives are not supported")
        swapped = "byteorder" in entries and archive.read(entries["byteorder"]) not in (
            sys.byteorder.encode(),
            b"",
        )
        storages: dict[str, Storage] = {}

        def storage_of(dtype: Any, key: str, location: str, count: int) -> Storage:
            if key not in storages:
                check(location)
                info = entries[f"data/{key}"]
                if info.compress_type != zipfile.ZIP_STORED:
                    raise RuntimeError(f"{_DAMAGED}: the entry data/{key} is compressed")
                if info.file_size != count * dtype.itemsize:
                    raise RuntimeError(
                        f"{_DAMAGED}: data/{key} has {info.file_size} bytes, "
                        f"{count} elements of {dtype} need {count * dtype.itemsize}"
                    )
                with archive.open(info) as entry:
                    storages[key] = Storage(_memory(entry, info.file_size), dtype)
                if swapped:
                    _swap_bytes(storages[key])
            if storages[key].dtype != dtype:
                raise RuntimeError(f"{_DAMAGED}: data/{key} is referred to as two dtypes")
            return storages[key]

        data = archive.read(entries["data.pkl"])
        _pickles.check_opcodes(data)
        return _pickles.Unpickler(io.BytesIO(data), storage_of, only, encoding).load()


def _memory(file: IO[bytes], nbytes: int) -> _C.Tensor:
    """The next bytes of a file as a uint8 tensor; bytes that are not there take no memory."""
    data = bytearray()
    while len(data) < nbytes:
        part = file.read(min(nbytes - len(data), 1 << 24))
        if not part:
            raise RuntimeError(f"{_DAMAGED}: it ends within a storage")
        data += part
    return _C.frombuffer(data, dtype=_C.uint8) if nbytes else _C.empty(0, dtype=_C.uint8)


def _swap_bytes(storage: Storage) -> None:
    """From a machine of the other byte order."""
    import numpy as np

    words = np.asarray(storage.memory)
    if words.size:
        each = storage.dtype.itemsize // (2 if storage.dtype.is_complex else 1)
        words.view(f"u{each}").byteswap(inplace=True)


def _read_legacy(file: IO[bytes], check: Callable[[str], None], only: bool, encoding: str) -> Any:
    """Pickles one after the other: magic number, protocol, system, object, keys; then storages."""
    storages: dict[str, Storage] = {}

    def no_storage(*_: Any) -> Storage:
        raise _pickles.damaged("a storage in the file's head")

    def storage_of(dtype: Any, key: str, location: str, count: int) -> Storage:
        if key not in storages:
            check(location)
            left = _bytes_left(file)
            if count < 0 or count * dtype.itemsize > left:
                raise RuntimeError(f"{_DAMAGED}: a storage of {count} elements, {left} bytes left")
            storages[key] = Storage(_C.zeros(count * dtype.itemsize, dtype=_C.uint8), dtype)
        return storages[key]

    def part(storages_from: Callable[..., Storage]) -> Any:
        start = file.tell()
        _pickles.check_opcodes(_one_pickle(file))
        file.seek(start)
        return _pickles.Unpickler(file, storages_from, only, encoding).load()

    if part(no_storage) != _MAGIC:
        raise RuntimeError("Invalid magic number; corrupt file?")
    if (version := part(no_storage)) != _PROTOCOL:
        raise RuntimeError(f"Invalid protocol version: {version}")
    system = part(no_storage)
    result = part(storage_of)
    for key in part(no_storage):
        storage = storages[str(key)]
        (count,) = struct.unpack("<q", file.read(8))
        if count * storage.dtype.itemsize != storage.memory.numel():
            raise RuntimeError(f"{_DAMAGED}: storage {key} has another size than its record says")
        memoryview(storage.memory)[:] = _exactly(file, storage.memory.numel())  # type: ignore[arg-type]
        if isinstance(system, dict) and system.get("little_endian", True) != (
            sys.byteorder == "little"
        ):
            _swap_bytes(storage)
    return result


def _one_pickle(file: IO[bytes]) -> bytes:
    """The bytes of the pickle that starts here, by its own instructions."""
    start = file.tell()
    for _ in pickletools.genops(file):
        pass
    end = file.tell()
    file.seek(start)
    return file.read(end - start)


def _bytes_left(file: IO[bytes]) -> int:
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end - here


def _exactly(file: IO[bytes], nbytes: int) -> bytes:
    data = file.read(nbytes)
    if len(data) != nbytes:
        raise RuntimeError(f"{_DAMAGED}: it ends within a storage")
    return data
