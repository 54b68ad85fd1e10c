"""Spectral normalisation as a hook; `parametrizations.spectral_norm` is its successor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl

from ..parameter import Parameter
from ._norms import as_matrix, largest_singular_value, unit

if TYPE_CHECKING:
    from backlit import Tensor

    from .._module import Module


class SpectralNorm:
    """A forward pre-hook: weight = name_orig / σ, with singular vectors name_u and name_v."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with bl.no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(unit(bl.mv(matrix.T, u), self.eps))
                    u.copy_(unit(bl.mv(matrix, v), self.eps))
        # copies: the next call changes the buffers
        normalised: Tensor = weight / largest_singular_value(matrix, u.clone(), v.clone())
        return normalised

    def start(self, module: Module) -> None:
        """Moves the weight to name_orig and draws the singular vectors."""
        weight = module._parameters[self.name]
        if weight is None:
            raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{self.name}` is None")
        matrix = as_matrix(weight.detach(), self.dim)
        vectors = [unit(weight.new_empty(n).normal_(0, 1), self.eps) for n in matrix.shape]
        del module._parameters[self.name]
        module.register_parameter(self.name + "_orig", weight)
        setattr(module, self.name, weight.data)
        for part, vector in zip("uv", vectors, strict=True):
            module.register_buffer(f"{self.name}_{part}", vector.detach())

    def remove(self, module: Module) -> None:
        with bl.no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        delattr(module, self.name)
        for part in ("u", "v", "orig"):
            delattr(module, f"{self.name}_{part}")
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: Any,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Any:
    """The weight divided by its largest singular value before every forward call.

    In training, `n_power_iterations` improve the singular vectors first. Raises RuntimeError where
    the tensor is normalised already.
    """
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, SpectralNorm) and hook.name == name:
            raise RuntimeError(
                f"Cannot register two spectral_norm hooks on the same parameter {name}"
            )
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    made = SpectralNorm(name, n_power_iterations, dim, eps)
    made.start(module)
    module.register_forward_pre_hook(made)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """The weight becomes a parameter again. Raises ValueError where it is not normalised."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, SpectralNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"spectral_norm of '{name}' not found in {module}")
