"""Transforms of functions: derivatives, batches, and modules as functions of their parameters.

Example:
    >>> import backlit as torch
    >>> from backlit.func import grad, vmap
    >>> vmap(grad(lambda x: x**2))(torch.tensor([1.0, 2.0]))
    tensor([2., 4.])
"""

from __future__ import annotations

from ._derivatives import (
    functionalize as functionalize,
    grad as grad,
    grad_and_value as grad_and_value,
    hessian as hessian,
    jacfwd as jacfwd,
    jacrev as jacrev,
    jvp as jvp,
    linearize as linearize,
    vjp as vjp,
)
from ._modules import (
    functional_call as functional_call,
    replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_,
    stack_module_state as stack_module_state,
)
from ._vmap import vmap as vmap
