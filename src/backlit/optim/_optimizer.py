"""`Optimizer`: parameter groups, state, hooks and their saving; the update is in subclasses."""

from __future__ import annotations

import functools
import warnings
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit import Tensor
from backlit.nn._hooks import HookDict, RemovableHandle, StateHooks, add_hook, live

from ._state import StateTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class _Required:
    """Marks a hyperparameter without a default."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()

_global_pre_hooks = HookDict()
_global_post_hooks = HookDict()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(optimizer, args, kwargs)` before every step of every optimizer."""
    return add_hook(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run `hook(optimizer, args, kwargs)` after every step of every optimizer."""
    return add_hook(_global_post_hooks, hook)


def hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step` with its hooks run around it, and the mark that schedulers look for."""

    @functools.wraps(step)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True
        if not live:
            return step(self, *args, **kwargs)
        for hook in [*_global_pre_hooks.values(), *self._optimizer_step_pre_hooks.values()]:
            changed = hook(self, (self, *args), kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{step.__qualname__} must return None or a tuple of "
                        f"(new_args, new_kwargs), but got {changed}."
                    )
                (self, *args), kwargs = changed
        result = step(self, *args, **kwargs)
        for hook in [*self._optimizer_step_post_hooks.values(), *_global_post_hooks.values()]:
            hook(self, (self, *args), kwargs)
        return result

    wrapper.hooked = True  # type: ignore[attr-defined]
    return wrapper


class Optimizer:
    """Base class: subclasses give `defaults` and override `step`.

    `param_groups` is a list of dicts with "params" and the hyperparameters of the group;
    `state` maps each parameter to a dict.
    """

    param_groups: list[dict[str, Any]]
    defaults: dict[str, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        step = cls.__dict__.get("step")
        if step is not None and not getattr(step, "hooked", False):
            cls.step = hooked(step)  # type: ignore[method-assign]

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self._prepare()
        self.defaults = defaults
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                f"dicts, but got {params.type()}"
            )
        self.state = {}  # type: ignore[assignment]
        self.param_groups = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)
        self._opt_called = False

    def _prepare(self) -> None:
        """What is not saved: hooks and plans."""
        self._plans: dict[int, Any] = {}
        self._optimizer_step_pre_hooks = HookDict()
        self._optimizer_step_post_hooks = HookDict()
        self._state_dict_pre_hooks = StateHooks()
        self._state_dict_post_hooks = StateHooks()
        self._load_pre_hooks = StateHooks()
        self._load_post_hooks = StateHooks()
        self._opt_called = False

    @property
    def state(self) -> StateTable:
        """The state of each parameter."""
        return self._state

    @state.setter
    def state(self, value: Any) -> None:
        self._plans.clear()
        self._state = StateTable(self._plans, value)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "defaults": self.defaults,
            "state": self.state,
            "param_groups": self.param_groups,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_plans" not in self.__dict__:
            self._prepare()
        for name, value in state.items():
            setattr(self, name, value)
        self._plans.clear()

    def __repr__(self) -> str:
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            for key in sorted(group):
                if key != "params":
                    text += f"    {key}: {group[key]}\n"
        return text + ")"

    # ---- groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters with its own hyperparameters, for example new layers."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, Tensor):
            listed: list[Any] = [params]
        elif isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the "
                "ordering of tensors in sets will change between runs. "
                "Please use a list instead."
            )
        else:
            listed = list(params)
        named = [isinstance(item, tuple) for item in listed]
        if any(named):
            if not all(named):
                raise ValueError(
                    "all optimizer params should be with/without names. "
                    "Some param names are missing"
                )
            param_group["param_names"] = [name for name, _ in listed]
            listed = [param for _, param in listed]
        param_group["params"] = listed
        for param in listed:
            _check_param(param, self.defaults.get("differentiable"))
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(
                    "parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            param_group.setdefault(name, default)
        if len(listed) != len(set(map(id, listed))):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this "
                "will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        known = {id(param) for group in self.param_groups for param in group["params"]}
        if not known.isdisjoint(map(id, listed)):
            raise ValueError("some parameters appear in more than one parameter group")
        if self.param_groups and ("param_names" in param_group) != (
            "param_names" in self.param_groups[0]
        ):
            has, had = ("with", "without") if "param_names" in param_group else ("without", "with")
            raise ValueError(
                "all optimizer param groups should be with/without names. "
                f"cannot add param group {has} names to the optimizer {had} names"
            )
        self.param_groups.append(param_group)
        self._plans.clear()

    # ---- steps

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parameters: None, or zeros."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    if param.grad.grad_fn is not None:
                        param.grad.detach_()
                    else:
                        param.grad.requires_grad_(False)
                    param.grad.zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters from their gradients; `closure` computes the loss again."""
        raise NotImplementedError

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Run `hook(optimizer, args, kwargs)` before `step`; it may return new (args, kwargs)."""
        return add_hook(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Run `hook(optimizer, args, kwargs)` after `step`."""
        return add_hook(self._optimizer_step_post_hooks, hook)

    # ---- saving and loading

    def state_dict(self) -> dict[str, Any]:
        """State and groups, with parameters replaced by their numbers."""
        for pre_hook in self._state_dict_pre_hooks.values():
            pre_hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            packed = {key: value for key, value in group.items() if key != "params"}
            for param in group["params"]:
                numbers.setdefault(id(param), len(numbers))
            packed["params"] = [numbers[id(param)] for param in group["params"]]
            groups.append(packed)
        state = {
            (numbers[id(key)] if isinstance(key, Tensor) else key): (
                dict(value) if isinstance(value, dict) else value
            )
            for key, value in self.state.items()
        }
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for post_hook in self._state_dict_post_hooks.values():
            changed = post_hook(self, result)
            result = result if changed is None else changed
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned, for an optimizer with the same groups."""
        state_dict = dict(state_dict)
        for pre_hook in self._load_pre_hooks.values():
            changed = pre_hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        mine, theirs = self.param_groups, deepcopy(state_dict["param_groups"])
        if len(mine) != len(theirs):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(mine, theirs, strict=False)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                "optimizer's group"
            )
        numbers = [number for group in theirs for number in group["params"]]
        params = [param for group in mine for param in group["params"]]
        by_number = dict(zip(numbers, params, strict=False))
        state: dict[Any, Any] = {}
        for key, value in state_dict["state"].items():
            if key in by_number:
                param = by_number[key]
                state[param] = _cast(param, value)
            else:
                state[key] = value
        for group, new in zip(mine, theirs, strict=False):
            new["params"] = group["params"]
            if "param_names" in group and "param_names" not in new:
                new["param_names"] = group["param_names"]
        self.__setstate__({"state": state, "param_groups": theirs})
        for post_hook in self._load_post_hooks.values():
            post_hook(self)

    def register_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Run `hook(optimizer)` before `state_dict`."""
        return _add(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Run `hook(optimizer, state_dict)` after `state_dict`; it may return another dict."""
        return _add(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Run `hook(optimizer, state_dict)` before loading; it may return another dict."""
        return _add(self._load_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Run `hook(optimizer)` after loading."""
        return _add(self._load_post_hooks, hook, prepend)


def _add(hooks: StateHooks, hook: Callable[..., Any], prepend: bool) -> RemovableHandle:
    rest = dict(hooks)
    handle = add_hook(hooks, hook)
    if prepend:
        hooks.clear()
        hooks.update({handle.id: hook} | rest)
    return handle


def _check_param(param: Any, differentiable: Any) -> None:
    if not isinstance(param, Tensor):
        raise TypeError(
            f"optimizer can only optimize Tensors, but one of the params is {_typename(param)}"
        )
    if not differentiable and not (param.is_leaf or param.retains_grad):
        raise ValueError("can't optimize a non-leaf Tensor")


def _typename(value: Any) -> str:
    module = type(value).__module__
    name = type(value).__qualname__
    return name if module in ("builtins", "__main__") else f"{module}.{name}"


def _cast(param: Tensor, value: Any, key: str | None = None) -> Any:
    """A copy of loaded state in the parameter's dtype; step counts keep theirs."""
    if isinstance(value, Tensor):
        if key != "step" and param.is_floating_point():
            return value.to(dtype=param.dtype).detach().clone()
        return value.detach().clone()
    if isinstance(value, dict):
        return {name: _cast(param, item, name) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(param, item) for item in value)
    return value


def number(value: Any) -> float:
    """A hyperparameter that may be a one-element tensor, as a number."""
    return value.item() if isinstance(value, Tensor) else value


def run_closure(closure: Callable[[], Any] | None) -> Any:
    """The closure's result, computed with gradients recorded."""
    if closure is None:
        return None
    with bl.enable_grad():
        return closure()


def active_reals(rule: str, group: dict[str, Any]) -> Iterable[tuple[Tensor, Tensor]]:
    """The parameters of a group that have a gradient, with it, for a rule of real numbers."""
    for param in group["params"]:
        if param.grad is None:
            continue
        if param.is_complex():
            raise RuntimeError(f"{rule} does not support complex parameters")
        yield param, param.grad
