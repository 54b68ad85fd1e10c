"""`nn.modules`: the layers again, under the names of the files that PyTorch has them in.

>>> isinstance(BatchNorm2d(3), backlit.nn.modules.batchnorm._BatchNorm)
True
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from backlit import _namespace

from .. import (
    _activation,
    _adaptive,
    _attention,
    _batch_norm,
    _containers,
    _conv,
    _dropout,
    _embedding_bag,
    _fold,
    _hooks,
    _lazy,
    _linear,
    _loss,
    _module,
    _normalization,
    _padding,
    _parameter_containers,
    _pooling,
    _recurrent,
    _recurrent_cells,
    _resampling,
    _state_dict,
    _transformer,
)
from . import utils as utils

# PyTorch's file -> the files here that its classes are in.
_HOMES = {
    "activation": (_activation, _attention),
    "adaptive": (_adaptive,),
    "batchnorm": (_batch_norm, _lazy),
    "channelshuffle": (_resampling,),
    "container": (_containers, _parameter_containers),
    "conv": (_conv, _lazy),
    "distance": (_loss,),
    "dropout": (_dropout,),
    "flatten": (_linear,),
    "fold": (_fold,),
    "instancenorm": (_batch_norm, _lazy),
    "lazy": (_lazy,),
    "linear": (_linear, _lazy),
    "loss": (_loss,),
    "module": (_module, _state_dict, _hooks),
    "normalization": (_normalization,),
    "padding": (_padding,),
    "pixelshuffle": (_resampling,),
    "pooling": (_pooling,),
    "rnn": (_recurrent, _recurrent_cells),
    "sparse": (_linear, _embedding_bag),
    "transformer": (_transformer,),
    "upsampling": (_resampling,),
}


def _publish(name: str, files: tuple[types.ModuleType, ...]) -> None:
    home = types.ModuleType(f"{__name__}.{name}", f"Layers of `torch.nn.modules.{name}`.")
    for file in files:
        names = {key: value for key, value in vars(file).items() if not key.startswith("__")}
        home.__dict__.update(names)
    sys.modules[home.__name__] = home
    globals()[name] = home
    for value in vars(home).values():
        if isinstance(value, type) and not value.__name__.startswith("_"):
            globals().setdefault(value.__name__, value)


for _name, _files in _HOMES.items():
    _publish(_name, _files)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:
    __getattr__ = _namespace.missing_attribute(__name__)
