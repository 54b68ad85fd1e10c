"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .. import _C
from ..nn._batch_norm import _BatchNorm
from ..nn._module import Module


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """The output of `module` with other tensors in the place of its parameters and buffers.

    Args:
        module: stays as it is.
        parameter_and_buffer_dicts: name -> tensor, or several such dictionaries. What is not named
            keeps its tensor.
        args: the arguments of the module; what is no tuple is its only one.
        kwargs: its keyword arguments.
        tie_weights: a tensor that the module holds under several names is replaced under all.
        strict: raise unless all parameters and buffers are named, and nothing else.

    Raises:
        ValueError: if a name is in several dictionaries, or a tied weight gets two values.
        RuntimeError: if `strict` and the names do not fit.

    Example:
        >>> import backlit as torch
        >>> layer = torch.nn.Linear(1, 1, bias=False)
        >>> w = torch.tensor([[3.0]])
        >>> torch.func.functional_call(layer, {"weight": w}, torch.tensor([2.0]))
        tensor([6.])
    """
    named = _merged(parameter_and_buffer_dicts)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, named, tie_weights, strict):
        return module(*arguments, **(kwargs or {}))


def _merged(given: Any) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    if not (isinstance(given, Sequence) and all(isinstance(d, dict) for d in given)):
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(given)}"
        )
    keys = [key for d in given for key in d]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        raise ValueError(
            f"{repeated} appeared in multiple dictionaries; behavior of functional call is "
            "ambiguous"
        )
    return {key: value for d in given for key, value in d.items()}


def _places(module: Module) -> dict[str, tuple[dict[str, Any], str]]:
    """Full name -> (the table that holds it, its name there), of all parameters and buffers."""
    found = {}
    for prefix, part in module.named_modules(remove_duplicate=False):
        for table in (part._parameters, part._buffers):
            for name, value in table.items():
                if value is not None:
                    found[f"{prefix}.{name}" if prefix else name] = (table, name)
    return found


@contextmanager
def _replaced(
    module: Module, named: dict[str, Any], tie_weights: bool, strict: bool
) -> Iterator[None]:
    places = _places(module)
    values = dict(named)
    if tie_weights:
        values = _with_ties(places, values)
    if strict:
        _check_names(module, places, values)
    before = []
    try:
        for name, value in values.items():
            if name in places:
                table, key = places[name]
                before.append((table, key, table[key]))
                table[key] = value
        yield
    finally:
        for table, key, value in reversed(before):
            table[key] = value


def _with_ties(places: Any, values: dict[str, Any]) -> dict[str, Any]:
    """The values under all names that share a tensor."""
    tensors = {name: id(table[key]) for name, (table, key) in places.items()}
    replaced: dict[int, Any] = {}
    for name in values.keys() & tensors.keys():
        if replaced.setdefault(tensors[name], values[name]) is not values[name]:
            tied = [n for n in values if tensors.get(n) == tensors[name]]
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(tied)}, which are tied. "
                "Consider using tie_weights=False"
            )
    ties = {name: replaced[t] for name, t in tensors.items() if t in replaced}
    return {**values, **ties}


def _check_names(module: Module, places: Any, values: Any) -> None:
    unexpected = [name for name in values if name not in places]
    missing = [name for name in places if name not in values]
    lines = [
        f"{what} key(s): {', '.join(map(repr, names))}."
        for what, names in (("Unexpected", unexpected), ("Missing", missing))
        if names
    ]
    if lines:
        text = "\n\t".join(lines)
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t{text}")


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several models of one class, each stacked.

    For ensembles: `vmap` of `functional_call` over both. The stacked parameters are new leaves.

    Raises:
        RuntimeError: if there are none, or their classes, modes or shapes differ.
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return (
        {name: _stacked_leaf(name, [p[name] for p in parameters]) for name in parameters[0]},
        {name: _C.stack([b[name] for b in buffers]) for name in buffers[0]},
    )


def _stacked_leaf(name: str, values: list[Any]) -> Any:
    requires_grad = {value.requires_grad for value in values}
    if len(requires_grad) > 1:
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    return _C.stack([v.detach() for v in values]).requires_grad_(requires_grad.pop())


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let all batch norms of a module go without running statistics, and return it.

    Transforms cannot change buffers; without them a batch norm always normalises by its batch.
    """
    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
    return root
