"""Pruning: parameters with some entries held at 0 by a mask.

A pruned tensor `name` is computed before every forward call from the parameter `name_orig` and the
buffer `name_mask`; pruning it again keeps the first mask's zeros.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

import backlit as bl

if TYPE_CHECKING:
    from backlit import Tensor

    from .._module import Module


class BasePruningMethod(ABC):
    """A way to choose what is pruned: subclasses say which entries the mask keeps.

    `PRUNING_TYPE` is "unstructured" (entries), "structured" (slices along `dim`) or "global".
    """

    PRUNING_TYPE: ClassVar[str]
    _tensor_name: str

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """`default_mask` with zeros for what is pruned, judged by the scores `t`."""

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def apply_mask(self, module: Module) -> Tensor:
        """The original with zeros where the mask is 0."""
        original = getattr(module, self._tensor_name + "_orig")
        masked: Tensor = getattr(module, self._tensor_name + "_mask").to(original.dtype) * original
        return masked

    def prune(
        self,
        t: Tensor,
        default_mask: Tensor | None = None,
        importance_scores: Tensor | None = None,
    ) -> Tensor:
        """A pruned copy of a tensor."""
        scores = _scores(importance_scores, t, "tensor")
        mask = bl.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=mask)

    @classmethod
    def apply(
        cls,
        module: Any,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> BasePruningMethod:
        """Prunes a parameter of a module, from now on."""
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        tensor = getattr(module, name)
        scores = _scores(importance_scores, tensor, f"parameter {name} of {module}")
        before = _hook_of(module, name)
        if before is None:
            mask = method.compute_mask(scores, default_mask=bl.ones_like(tensor))
            del module._parameters[name]
            module.register_parameter(name + "_orig", tensor)
        else:
            key, earlier = before
            container = earlier if isinstance(earlier, PruningContainer) else None
            container = container or PruningContainer(earlier)
            container.add_pruning_method(method)
            method = container
            kept = getattr(module, name + "_mask").detach().clone()
            mask = method.compute_mask(scores, default_mask=kept)
            del module._forward_pre_hooks[key]
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def remove(self, module: Any) -> None:
        """The pruned tensor becomes the parameter."""
        name = self._tensor_name
        weight = self.apply_mask(module)
        delattr(module, name)
        original = module._parameters.pop(name + "_orig")
        original.data = weight.data
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


def _scores(scores: Tensor | None, tensor: Tensor, what: str) -> Tensor:
    if scores is None:
        return tensor
    if scores.shape != tensor.shape:
        raise AssertionError(
            f"importance_scores should have the same shape as {what}, got {scores.shape} vs "
            f"{tensor.shape}"
        )
    return scores


def _hook_of(module: Any, name: str) -> tuple[int, BasePruningMethod] | None:
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return key, hook
    return None


class PruningContainer(BasePruningMethod):
    """Several methods on one tensor; the last one added decides about what the others left."""

    PRUNING_TYPE = "global"

    def __init__(self, *args: Any) -> None:
        methods = args[0] if len(args) == 1 and isinstance(args[0], Iterable) else args
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        for i, method in enumerate(methods):
            if i == 0 and isinstance(method, BasePruningMethod):
                self._tensor_name = method._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """One more method for the same tensor."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        name = getattr(self, "_tensor_name", method._tensor_name)
        if method._tensor_name != name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> BasePruningMethod:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        method: Any = self._pruning_methods[-1]
        mask = default_mask.to(t.dtype)
        left: Any
        if method.PRUNING_TYPE == "unstructured":
            left = mask == 1
        elif method.PRUNING_TYPE == "structured":
            others = [d for d in range(t.dim()) if d != method.dim % t.dim()]
            left = [slice(None)] * t.dim()
            left[method.dim] = mask.sum(others) != 0
            left = tuple(left)
        elif method.PRUNING_TYPE == "global":
            left = (slice(None),) * t.dim()
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        made = mask.clone()
        made[left] = method.compute_mask(t[left], default_mask=mask[left]).to(made.dtype)
        return made


class Identity(BasePruningMethod):
    """Prunes nothing: the mask is there, full of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _ByAmount(BasePruningMethod):
    """A share (float) or a number (int) of entries or slices."""

    def __init__(self, amount: float) -> None:
        if not isinstance(amount, Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        most = math.inf if isinstance(amount, Integral) else 1.0
        if not 0.0 <= amount <= most:
            raise ValueError(
                f"amount={amount} should either be a float in the range [0, 1] or a "
                "non-negative integer"
            )
        self.amount: Any = amount

    def _count(self, size: int) -> int:
        if isinstance(self.amount, float):
            return round(self.amount * size)
        if self.amount > size:
            raise ValueError(
                f"amount={self.amount} should be smaller than the number of parameters to "
                f"prune={size}"
            )
        return int(self.amount)


def _without(mask: Tensor, places: Tensor) -> Tensor:
    mask = mask.clone(memory_format=bl.contiguous_format)
    mask.view(-1)[places] = 0
    return mask


class RandomUnstructured(_ByAmount):
    """Random entries."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = self._count(t.numel())
        if count == 0:
            return default_mask.clone()
        draws = bl.rand_like(t)
        return _without(default_mask, draws.view(-1).topk(count).indices)


class L1Unstructured(_ByAmount):
    """The entries nearest to 0."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = self._count(t.numel())
        if count == 0:
            return default_mask.clone()
        lowest = t.abs().reshape(-1).topk(count, largest=False)
        return _without(default_mask, lowest.indices)


class _Structured(_ByAmount):
    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _check(self, t: Tensor) -> None:
        if t.dim() <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor "
                f"of shape {t.shape} with {t.dim()} dims"
            )
        if self.dim >= t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")

    def _keeping(self, mask: Tensor, t: Tensor, kept: Tensor) -> Tensor:
        """The mask with zeros in all slices along `dim` but those that are kept."""
        sizes = [1] * t.dim()
        sizes[self.dim] = -1
        return mask * kept.to(mask.dtype).reshape(sizes)


class RandomStructured(_Structured):
    """Random slices along `dim`."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        self._check(t)
        slices = t.shape[self.dim]
        count = self._count(slices)
        if count == 0:
            return default_mask
        draws = bl.rand(slices)
        return self._keeping(default_mask, t, draws > draws.kthvalue(count).values)


class LnStructured(_Structured):
    """The slices along `dim` with the smallest n-norm."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        self._check(t)
        slices = t.shape[self.dim]
        count = self._count(slices)
        if count == 0:
            return default_mask
        others = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        best = bl.norm(t, p=self.n, dim=others).topk(slices - count).indices
        kept = bl.zeros(slices, dtype=bl.bool)
        kept[best] = True
        return self._keeping(default_mask, t, kept)


class CustomFromMask(BasePruningMethod):
    """A mask that the user made."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask * self.mask.to(default_mask.dtype)


def identity(module: Module, name: str) -> Module:
    """Gives the parameter a mask of ones."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prunes random entries: a share (float) or a number (int) of them."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Module, name: str, amount: float, importance_scores: Tensor | None = None
) -> Module:
    """Prunes the entries nearest to 0 (or those with the lowest scores).

    >>> layer = l1_unstructured(backlit.nn.Linear(4, 2), "weight", amount=0.5)
    >>> int((layer.weight == 0).sum())
    4
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prunes random slices along `dim`."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module,
    name: str,
    amount: float,
    n: Any,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Prunes the slices along `dim` with the smallest n-norm."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prunes where `mask` is 0."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Any, pruning_method: Any, importance_scores: Any = None, **kwargs: Any
) -> None:
    """Prunes several (module, name) together, as if they were one tensor.

    Raises TypeError for a method that is not "unstructured".
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    pairs = list(parameters)
    given = {} if importance_scores is None else importance_scores
    if not isinstance(given, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    scores = [given.get((m, name), getattr(m, name)) for m, name in pairs]
    masks = [
        getattr(m, name + "_mask", bl.ones_like(getattr(m, name))).reshape(-1) for m, name in pairs
    ]
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. '
            f"Found method {pruning_method} of type {method.PRUNING_TYPE}"
        )
    together = bl.cat([s.detach().reshape(-1) for s in scores])
    mask = PruningContainer(method).compute_mask(together, bl.cat(masks))
    parts = mask.split([s.numel() for s in scores])
    for (module, name), part in zip(pairs, parts, strict=True):
        custom_from_mask(module, name, mask=part.view_as(getattr(module, name)))


def remove(module: Module, name: str) -> Module:
    """Makes the pruning of a parameter permanent. Raises ValueError where there is none."""
    found = _hook_of(module, name)
    if found is None:
        raise ValueError(
            f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
        )
    key, method = found
    method.remove(module)
    del module._forward_pre_hooks[key]
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module, or of one in it, is pruned."""
    return any(
        isinstance(hook, BasePruningMethod)
        for part in module.modules()
        for hook in part._forward_pre_hooks.values()
    )
