"""Inference tensors and what they must not be used for; views of normal tensors in the mode."""

from __future__ import annotations

import pytest
from autograd.cases import Cases, leaf, origin

import backlit

from oracle import same

case = Cases()


def inferred(lib):
    with lib.inference_mode():
        return lib.ones(3, dtype=lib.float64)


@case
def which_tensors_are(lib):
    x, w = inferred(lib), leaf(lib, 3)
    with lib.inference_mode():
        inside = [w * 2, w[:2], x[:2], w.clone(), lib.tensor([1.0]), x.mul_(2), w.detach()]
    outside = [x[:2], x.clone(), x * 2, x.view(3, 1), x.detach(), x.data]
    return [(t.is_inference(), t.requires_grad) for t in inside + outside]


@case
def saved_for_backward(lib):
    return inferred(lib) * leaf(lib, 3)


@case
def not_saved_for_backward(lib):
    w = leaf(lib, 3)
    (inferred(lib) + w).sum().backward()
    return w.grad


@case
def saved_by_an_in_place_product(lib):
    (leaf(lib, 3) * 1).mul_(inferred(lib))


@case
def version(lib):
    return inferred(lib)._version


@case
def requires_grad_outside(lib):
    inferred(lib).requires_grad_()


@case
def backward_inside(lib):
    with lib.inference_mode():
        lib.ones(()).backward()


@case
def source_of_a_copy(lib):
    y = lib.ones(3, dtype=lib.float64)
    y.copy_(inferred(lib))
    y.add_(inferred(lib))
    return y, y.is_inference()


@case
def leaf_changed_inside(lib):
    w = leaf(lib, 3)
    y = w * w
    with lib.inference_mode():
        w.add_(1)
    y.sum().backward()


@case
def view_of_a_normal_tensor_has_its_base(lib):
    w = leaf(lib, 3) * 1
    with lib.inference_mode():
        view = w[:2]
        view.mul_(2)
    return w.detach(), view._base is w, view.is_inference(), view.requires_grad


@case
def view_made_inside_changed_outside(lib):
    w = leaf(lib, 3) * 1
    with lib.inference_mode():
        view = w[:2]
    view.mul_(2)


@case
def view_made_inside_and_base_changed_outside(lib):
    w = leaf(lib, 3) * 1
    with lib.inference_mode():
        view = w[:2]
    w.mul_(2)
    return origin(view)


@case.parametrize()
def test_like_pytorch(case) -> None:
    same(case)


@pytest.mark.parametrize("mode", ["no_grad", "enable_grad"])
@pytest.mark.parametrize("change", [lambda x: x.mul_(2), lambda x: x[:2].add_(1)])
def test_no_change_outside(mode, change) -> None:
    # PyTorch's text, but for its missing spaces between sentences
    message = "Inplace update to inference tensor outside InferenceMode is not allowed"
    for lib in (backlit, pytest.importorskip("torch", reason="PyTorch is the oracle")):
        x = inferred(lib)
        with getattr(lib, mode)(), pytest.raises(RuntimeError, match=message):
            change(x)
