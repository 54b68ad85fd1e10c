"""Views and their bases: who requires a gradient, who has which origin, what may be changed."""

from __future__ import annotations

import pytest
from autograd.cases import Cases, leaf, origin

from oracle import same

case = Cases()


# --- the base comes to need a gradient after the view was made ---


@case
def base_required_later(lib):
    base = lib.arange(4.0)
    view = base[:2]
    base.requires_grad_()
    return view.requires_grad, view.is_leaf, view.grad_fn, (view * 2).requires_grad


@case
def base_required_later_is_no_path(lib):
    # the view has no edge to its base: its gradient is lost, in PyTorch too
    base = lib.arange(4.0)
    view = base[:2]
    base.requires_grad_()
    ((view * 2).sum() + base.sum()).backward()
    return base.grad, view.grad


@case
def base_changed_by_a_leaf_later(lib):
    base, w = lib.ones(4, dtype=lib.float64), leaf(lib, 4)
    view = base[:2]
    base.mul_(w)
    (view * view).sum().backward()
    return view.requires_grad, view.is_leaf, origin(view), w.grad


@case
def another_view_changed_by_a_leaf_later(lib):
    base, w = lib.ones(4, dtype=lib.float64), leaf(lib, 2)
    view, other = base[:2], base[1:3]
    other.mul_(w)
    facts = [view.requires_grad, base.requires_grad, repr(view)]
    (view * view).sum().backward()
    return facts, w.grad


@case
def base_changed_then_required(lib):
    base = lib.ones(4)
    view = base[:2]
    base.add_(1)
    base.requires_grad_()
    (view * view).sum().backward()
    return origin(view), base.grad


@case
def view_of_unrequired_base_may_require(lib):
    base = lib.ones(4)
    view = base[:2].requires_grad_()
    base.mul_(2)
    (view * view).sum().backward()
    return view, base.requires_grad, view.grad


@case
def base_set_free_again(lib):
    base = leaf(lib, 4)
    view = base[:2]
    base.requires_grad_(False)
    return view.requires_grad, origin(view)


# --- a leaf that is a view ---


@case
def leaf_of_view(lib):
    return lib.zeros(4).view(2, 2).requires_grad_().mul_(2)


@case
def leaf_of_slice(lib):
    return lib.zeros(4)[:2].requires_grad_().mul_(2)


@case
def leaf_of_transposed(lib):
    return lib.zeros(2, 3).t().requires_grad_().exp_()


@case
def leaf_of_part(lib):
    return lib.zeros(4).split(2)[0].requires_grad_().mul_(2)


@case
def leaf_of_detached(lib):
    return leaf(lib, 4).detach().requires_grad_().mul_(2)


@case
def leaf_of_view_of_detached(lib):
    return leaf(lib, 4).detach().view(2, 2).requires_grad_().mul_(2)


@case
def part_of_leaf_of_view(lib):
    lib.zeros(4).view(2, 2).requires_grad_()[0].mul_(2)


@case
def leaf_of_view_without_recording(lib):
    x = lib.zeros(4).view(2, 2).requires_grad_()
    with lib.no_grad():
        x[0].add_(2)
        x.mul_(3)
    (x * x).sum().backward()
    return x, x.grad


@case
def view_of_leaf(lib):
    leaf(lib, 4).view(2, 2).mul_(2)


@case
def assignment_to_leaf(lib):
    leaf(lib, 4)[0] = 1.0


# --- several views of one node ---


@case
def part_of_split(lib):
    (leaf(lib, 4) * 1).split(2)[0].mul_(2)


@case
def part_of_chunk(lib):
    (leaf(lib, 4) * 1).chunk(2)[0].mul_(2)


@case
def row_of_unbind(lib):
    (leaf(lib, 4) * 1).unbind()[1].mul_(2)


@case
def row_of_iteration(lib):
    for row in leaf(lib, 4) * 1:
        row.mul_(2)


@case
def part_of_a_part(lib):
    (leaf(lib, 4) * 1).split(2)[1][:1].mul_(2)


@case
def part_of_a_leaf(lib):
    leaf(lib, 4).split(2)[0].mul_(2)


@case
def part_after_a_change_of_the_base(lib):
    x = leaf(lib, 4) * 1
    rows = x.unbind()
    x.mul_(2)
    return rows[1] * 2


@case
def part_of_unrequired_base(lib):
    x = lib.ones(4)
    part = x.split(2)[0]
    part.mul_(2)
    x.unbind()[0].add_(1)
    return x, part


@case
def part_of_unrequired_base_and_a_leaf(lib):
    lib.ones(4, dtype=lib.float64).split(2)[0].mul_(leaf(lib, 2))


@case
def part_without_recording(lib):
    x = leaf(lib, 4) * 1
    parts = x.split(2)
    with lib.no_grad():
        parts[1].mul_(2)
    return x, parts[1].detach()


@case
def part_by_sections(lib):
    x = leaf(lib, 4, 2) * 1
    x.tensor_split(2)[0].mul_(2)
    return x


# --- recording switched off in between ---


@case
def views_made_without_recording(lib):
    seen = []
    for base in (leaf(lib, 4), leaf(lib, 4) * 1, lib.ones(4)):
        with lib.no_grad():
            views = base[:2], base.view(2, 2), base.unbind()[0], base.detach()
        seen += [(v.requires_grad, v._base is base) for v in views]
    return seen


@case
def view_made_without_recording_changed(lib):
    x = leaf(lib, 4) * 1
    with lib.no_grad():
        view = x[:2]
    view.mul_(2)


@case
def view_made_without_recording_and_base_changed(lib):
    x = leaf(lib, 4) * 1
    with lib.no_grad():
        view = x[:2]
    x.mul_(2)
    return view * 2


@case
def unrecorded_change_through_a_view(lib):
    w = leaf(lib, 4)
    x = w * 1
    view = x[:2]
    with lib.no_grad():
        view.mul_(2)
    x.sum().backward()
    return w.grad, view, origin(view)


@case
def unrecorded_change_of_the_base(lib):
    w = leaf(lib, 4)
    view = w[:2]
    with lib.no_grad():
        w.mul_(2)
    (view * view).sum().backward()
    return w.grad, origin(view)


@case
def unrecorded_change_of_a_saved_view(lib):
    w = leaf(lib, 4)
    view = w[:2]
    y = view * view
    with lib.no_grad():
        w.mul_(2)
    y.sum().backward()


# --- overlapping memory ---


@case
def expanded(lib):
    (leaf(lib, 3, 1) * 1).expand(3, 2).mul_(2)


@case
def unfolded(lib):
    lib.ones(3).unfold(0, 2, 1).mul_(2)


@case
def partly_overlapping_operands(lib):
    x = leaf(lib, 4) * 1
    x[1:].add_(x[:-1])


@case
def expanded_to_its_own_size(lib):
    return (leaf(lib, 1) * 1).expand(1).mul_(2)


# --- detach() sees changes, .data does not ---


@case
def detached_shares_the_version(lib):
    x = leaf(lib, 3)
    detached = x.detach()
    detached.add_(1)
    data = x.data
    data.add_(1)
    return x._version, detached._version, data._version, x.detach().requires_grad


@case
def change_through_detached_is_noticed(lib):
    x = leaf(lib, 3)
    y = x.exp()
    y.detach().zero_()
    y.sum().backward()


@case
def change_through_data_is_not(lib):
    x = leaf(lib, 3)
    y = x.exp()
    y.data.zero_()
    y.sum().backward()
    return x.grad


@case
def detached_view_gives_the_view_a_new_origin(lib):
    x = leaf(lib, 3) * 1
    view = x[:2]
    view.detach().add_(1)
    return x._version, view._version, view, origin(view)


@case
def detach_in_place_of_a_view(lib):
    (leaf(lib, 3) * 1)[:2].detach_()


@case
def detach_in_place_of_a_saved_tensor(lib):
    x = leaf(lib, 3)
    y = x * 1
    z = y * y
    y.detach_()
    z.sum().backward()


# --- hooks and retained gradients across changes ---


@case
def retained_gradient_follows_the_tensor(lib):
    x = leaf(lib, 4) * 1
    x.retain_grad()
    x.mul_(3)
    x.sum().backward()
    return x.grad


@case
def hooks_stay_with_the_value_they_were_put_on(lib):
    seen = []
    x = leaf(lib, 4) * 1
    x.register_hook(seen.append)
    x.mul_(3)
    x.register_hook(seen.append)
    x.sum().backward()
    return seen


@case
def retained_gradient_of_a_changed_view(lib):
    view = (leaf(lib, 4) * 1)[:2]
    view.retain_grad()
    view.mul_(3)
    view.sum().backward()
    return view.grad


@case
def retained_gradient_of_a_view_of_a_changed_base(lib):
    x = leaf(lib, 4) * 1
    view = x[:2]
    view.retain_grad()
    x.mul_(3)
    view.sum().backward()
    return view.grad


@case
def view_of_a_view(lib):
    x = leaf(lib, 4) * 1
    rows = x.view(2, 2)
    row = rows[0]
    row.mul_(2)
    return x, rows, row, [origin(t) for t in (x, rows, row)], row._base is x


@case.parametrize()
def test_like_pytorch(case) -> None:
    same(case, 1e-9)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0)])
def test_in_place_on_small_views(shape) -> None:
    def change(lib):
        w = leaf(lib, *shape)
        x = w * 1
        view = x.view_as(x)
        view.exp_()
        return view, lib.autograd.grad(x.sum(), w)

    same(change, 1e-9)
