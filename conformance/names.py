"""Public names of PyTorch's modules: which of them backlit has, listed from PyTorch itself."""

from __future__ import annotations

import importlib
import inspect
import types
from typing import Any, NamedTuple

import torch

import backlit

MODULES = (
    "torch",
    "torch.Tensor",
    "torch.amp",
    "torch.autograd",
    "torch.distributions",
    "torch.fft",
    "torch.func",
    "torch.linalg",
    "torch.masked",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.utils",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.signal.windows",
    "torch.special",
    "torch.utils.data",
)
# Parts of PyTorch that backlit leaves out: how their names begin. They are counted, not listed.
PARTS = {
    "sparse": "sparse to_sparse is_sparse crow_ ccol_ col_ind row_ind coalesce is_coalesced hsmm "
    "hspmm smm spmm saddmm sspaddmm dsmm dense_dim indices values to_dense resize_as_sparse",
    "quantised": "quant q_ qint quint qscheme int_repr per_tensor per_channel fake_ fbgemm dequant "
    "choose_qparams fused_moving_avg empty_quantized",
    "other devices": "cudnn miopen mkldnn ipu xpu mtia vulkan xla maia record_stream Stream Event "
    "batch_norm_ is_ipu is_xpu is_xla is_mtia is_maia is_mps is_vulkan is_mkldnn to_mkldnn "
    "set_autocast_ipu set_autocast_xla get_autocast_ipu get_autocast_xla is_autocast_ipu "
    "is_autocast_xla pin_memory",
    "other dtypes": "float4 float8 bits bit uint int1 int2 int3 int4 int5 int6 int7 chalf "
    "complex32 ScalingType SwizzleType",
    "of compilers": "sym_ cond while_loop parse_ import_ir CompilationUnit JITException Script "
    "unify_type merge_type BroadcastingList has_torch_function fork wait init_num_threads",
}


class Names(NamedTuple):
    """The public names of one module, and those of them that backlit does not have."""

    module: str
    public: list[str]
    missing: list[str]


def listed() -> list[Names]:
    """The names of each module."""
    return [_names(module) for module in MODULES]


def _home(package: types.ModuleType, module: str) -> Any:
    if module == "torch.Tensor":
        return package.Tensor
    below = module.partition(".")[2]
    try:
        return importlib.import_module(f"{package.__name__}.{below}" if below else package.__name__)
    except ModuleNotFoundError:
        return None


def _names(module: str) -> Names:
    theirs, mine = _home(torch, module), _home(backlit, module)
    candidates = getattr(theirs, "__all__", None) or dir(theirs)
    public = sorted(name for name in set(candidates) if _is_public(theirs, name))
    return Names(module, public, [name for name in public if not hasattr(mine, name)])


def _is_public(home: Any, name: str) -> bool:
    """No underscore, no module, and PyTorch's own: neither imported nor a class of its compiler."""
    value = getattr(home, name, None)
    if name.startswith("_") or isinstance(value, types.ModuleType):
        return False
    if isinstance(home, types.ModuleType) and (inspect.isclass(value) or inspect.isfunction(value)):
        own = value.__module__.startswith("torch")
        if inspect.isclass(value) and value.__module__ in ("torch._C", "torch"):
            return own and hasattr(backlit, name)
        return own and not value.__module__.startswith(("torch.overrides", "torch._jit"))
    return not isinstance(value, (str, dict))


def _part(name: str) -> str:
    starts = {part: tuple(text.split()) for part, text in PARTS.items()}
    return next((part for part, start in starts.items() if name.startswith(start)), "")


TITLE = "## Names"


def section() -> list[str]:
    """The part of docs/conformance.md about names."""
    return [
        TITLE,
        "",
        "Public names, listed from PyTorch's modules, without what they import and the classes of "
        "its compiler. Some names are there to refuse what they stand for, by name.",
        "",
        *_table(listed()),
        "",
    ]


def _table(names: list[Names]) -> list[str]:
    rows = ["| module | names | there | not there |", "| --- " * 4 + "|"]
    for found in names:
        there = len(found.public) - len(found.missing)
        shown = ", ".join(f"`{name}`" for name in found.missing if not _part(name))
        left = {part: sum(_part(n) == part for n in found.missing) for part in PARTS}
        counts = ", ".join(f"{count} {part}" for part, count in left.items() if count)
        cell = "; ".join(text for text in (shown, counts) if text)
        rows.append(f"| `{found.module}` | {len(found.public)} | {there} | {cell} |")
    return rows


def rewrite(page: str) -> str:
    """The page with its part about names measured anew."""
    before, _, rest = page.partition(TITLE + "\n")
    after = rest[rest.index("\n## ") + 1 :]
    return before + "\n".join(section()) + "\n" + after
