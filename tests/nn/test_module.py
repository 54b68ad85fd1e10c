"""Module: registration, traversal, state_dict, hooks, copies; the same lines on PyTorch."""

import copy
import pickle

import pytest

import backlit
from backlit import nn

from oracle import same


def net(lib):
    lib.manual_seed(0)
    return lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Tanh(), lib.nn.Linear(4, 2))


def assign(owner, name, value):
    setattr(owner, name, value)


class TestRegistration:
    @pytest.mark.parametrize(
        "act",
        [
            lambda lib: assign(lib.nn.Linear(2, 3), "weight", 3),
            lambda lib: assign(lib.nn.Linear(2, 3), "weight", lib.ones(1)),
            lambda lib: assign(net(lib), "0", 3),
            lambda lib: assign(lib.nn.BatchNorm1d(2), "running_mean", 3),
            lambda lib: lib.nn.Linear(2, 3).missing,
            lambda lib: lib.nn.Linear(2, 3).register_parameter("w", lib.ones(1)),
            lambda lib: lib.nn.Linear(2, 3).register_parameter("a.b", None),
            lambda lib: lib.nn.Linear(2, 3).register_parameter("", None),
            lambda lib: lib.nn.Linear(2, 3).register_parameter("bias", None),
            lambda lib: lib.nn.Linear(2, 3).register_parameter("forward", None),
            lambda lib: lib.nn.Linear(2, 3).register_parameter(3, None),
            lambda lib: lib.nn.Linear(2, 3).register_buffer("a.b", None),
            lambda lib: lib.nn.Linear(2, 3).register_buffer("b", 3),
            lambda lib: lib.nn.Linear(2, 3).add_module("a.b", lib.nn.ReLU()),
            lambda lib: lib.nn.Linear(2, 3).add_module("", lib.nn.ReLU()),
            lambda lib: lib.nn.Linear(2, 3).add_module("train", lib.nn.ReLU()),
            lambda lib: lib.nn.Linear(2, 3).add_module("m", 3),
            lambda lib: lib.nn.Module(1),
            lambda lib: lib.nn.Module(a=1),
            lambda lib: lib.nn.Module()(1),
            lambda lib: net(lib).get_submodule("7"),
            lambda lib: net(lib).get_submodule("0.weight"),
            lambda lib: net(lib).get_parameter("0.nothing"),
            lambda lib: net(lib).get_parameter("1"),
            lambda lib: net(lib).get_buffer("0.weight"),
            lambda lib: net(lib).set_submodule("", lib.nn.ReLU()),
            lambda lib: net(lib).set_submodule("0.weight", lib.nn.ReLU()),
            lambda lib: net(lib).train(3),
            lambda lib: net(lib).to(lib.int32),
        ],
    )
    def test_errors(self, act):
        same(act)

    def test_assignment_before_init(self):
        def early(lib, value):
            class Early(lib.nn.Module):
                def __init__(self):
                    self.x = value

            return Early()

        same(lambda lib: early(lib, lib.nn.Parameter(lib.ones(1))))
        same(lambda lib: early(lib, lib.nn.ReLU()))
        same(lambda lib: early(lib, lib.nn.Buffer(lib.ones(1))))

    def test_tables_follow_assignment(self):
        def run(lib):
            m = lib.nn.Module()
            m.a = lib.nn.Parameter(lib.ones(1))
            m.b = lib.nn.ReLU()
            m.c = lib.nn.Buffer(lib.ones(1), persistent=False)
            m.d = 3
            seen = [list(m._parameters), list(m._modules), list(m._buffers), list(m.state_dict())]
            m.b = lib.nn.Parameter(lib.zeros(1))
            m.a = None
            del m.c
            m.e = lib.nn.Linear(1, 1)
            m.e = None
            return [
                *seen,
                [list(m._parameters), list(m._modules), list(m._buffers)],
                [n for n, _ in m.named_parameters()],
                repr(m),
                hasattr(m, "c"),
                "b" in dir(m),
            ]

        same(run)


class TestTraversal:
    def test_names(self):
        def run(lib):
            m = net(lib)
            m.add_module("again", m[0])
            return [
                [n for n, _ in m.named_modules()],
                [n for n, _ in m.named_modules(remove_duplicate=False, prefix="p")],
                [n for n, _ in m.named_parameters("q")],
                [n for n, _ in m.named_parameters(remove_duplicate=False)],
                [n for n, _ in m.named_children()],
                len(list(m.parameters(recurse=False))),
            ]

        same(run)

    def test_conversion_keeps_identity(self):
        def run(lib):
            m = net(lib)
            before = list(m.parameters())
            m(lib.ones(1, 3)).sum().backward()
            m.double()
            after = list(m.parameters())
            return [a is b for a, b in zip(before, after, strict=False)], [
                str(p.grad.dtype) for p in after
            ]

        same(run)

    def test_modes_and_grads(self):
        def run(lib):
            m = net(lib).eval()
            modes = [c.training for c in m.modules()]
            m.requires_grad_(False)
            fixed = [p.requires_grad for p in m.parameters()]
            m.requires_grad_(True).train()
            m(lib.ones(1, 3)).sum().backward()
            m.zero_grad(set_to_none=False)
            zeros = [p.grad for p in m.parameters()]
            m.zero_grad()
            return modes, fixed, zeros, [p.grad for p in m.parameters()]

        same(run)

    @pytest.mark.parametrize("dtype", ["half", "bfloat16"])
    def test_sixteen_bits(self, dtype):
        def run(lib):
            model = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.Tanh())
            for i, p in enumerate(model.parameters()):
                lib.nn.init.constant_(p, 0.1 * (i + 1))
            model = getattr(model, dtype)()
            x = lib.tensor([[0.5, -1.0], [2.0, 0.25]], dtype=model[0].weight.dtype)
            optimizer = lib.optim.SGD(model.parameters(), lr=0.5)
            for _ in range(2):
                optimizer.zero_grad()
                model(x).square().mean().backward()
                optimizer.step()
            return [list(model.parameters()), [p.grad for p in model.parameters()]]

        same(run, 2e-2 if dtype == "bfloat16" else 2e-3)


class TestStateDict:
    @pytest.mark.parametrize(
        "state",
        [
            lambda lib: {},
            lambda lib: {"0.weight": lib.ones(1), "extra": lib.ones(1)},
            lambda lib: {"0.weight": 3},
            lambda lib: [1],
            lambda lib: {"0.weight": lib.ones(4, 3), "9.x": lib.ones(1), "0.y.z": lib.ones(1)},
        ],
    )
    @pytest.mark.parametrize("strict", [True, False])
    def test_problems_are_told_alike(self, state, strict):
        def run(lib):
            try:
                return repr(net(lib).load_state_dict(state(lib), strict=strict))
            except RuntimeError as error:
                return str(error)

        same(run)

    def test_round_trip_and_metadata(self):
        def run(lib):
            a, b = net(lib), net(lib)
            a[0].weight.data.fill_(2.0)
            state = a.state_dict()
            shared = state["0.weight"].data_ptr() == a[0].weight.data_ptr()
            said = repr(b.load_state_dict(state))
            return said, shared, dict(state), dict(state._metadata), b[0].weight.sum().item()

        same(run)

    def test_assign(self):
        def run(lib):
            m = net(lib)
            new = {k: v.double() for k, v in m.state_dict().items()}
            m.load_state_dict(new, assign=True)
            return [(str(p.dtype), p.requires_grad, type(p).__name__) for p in m.parameters()]

        same(run)

    def test_hooks_and_extra_state(self):
        def run(lib):
            log = []

            class Extra(lib.nn.Linear):
                def get_extra_state(self):
                    return {"n": 1}

                def set_extra_state(self, state):
                    log.append(state)

            m = lib.nn.Sequential(Extra(1, 1))
            m.register_state_dict_pre_hook(lambda mod, prefix, keep: log.append(prefix))
            m.register_state_dict_post_hook(lambda mod, sd, prefix, meta: log.append(len(sd)))
            m.register_load_state_dict_pre_hook(lambda mod, sd, *rest: log.append(len(sd)))
            m.register_load_state_dict_post_hook(lambda mod, keys: keys.missing_keys.clear())
            state = m.state_dict()
            del state["0.bias"]
            log.append(repr(m.load_state_dict(state)))
            return log, list(state)

        same(run)


class TestHooks:
    def test_forward_hooks(self):
        def run(lib):
            log = []
            m = lib.nn.Linear(2, 2, bias=False)
            m.weight.data.fill_(1.0)
            x = lib.ones(1, 2)
            handles = [
                m.register_forward_pre_hook(lambda mod, args: log.append("pre")),
                m.register_forward_pre_hook(lambda mod, args: args[0] * 2, prepend=True),
                m.register_forward_pre_hook(
                    lambda mod, args, kw: (args, {"input": kw["input"] + 1}) if kw else None,
                    with_kwargs=True,
                ),
                m.register_forward_hook(lambda mod, args, out: out + 1),
                m.register_forward_hook(lambda mod, args, kw, out: out * 10, with_kwargs=True),
            ]
            first = m(x)
            for handle in handles[:2]:
                handle.remove()
            second = m(input=x)
            for handle in handles:
                handle.remove()
            return first, second, m(x), log

        same(run)

    def test_always_called(self):
        def run(lib):
            log = []
            m = lib.nn.Linear(2, 2)
            m.register_forward_hook(lambda mod, args, out: log.append(out), always_call=True)
            m.register_forward_hook(lambda mod, args, out: log.append("no"))
            try:
                m("not a tensor")
            except Exception:
                log.append("raised")
            return log

        same(run)

    def test_full_backward_hooks(self):
        def run(lib):
            log = []
            m = net(lib)
            m[2].register_full_backward_pre_hook(lambda mod, go: (go[0] * 2,))
            m[2].register_full_backward_hook(lambda mod, gi, go: log.append((gi, go)))
            m[0].register_full_backward_hook(lambda mod, gi, go: (gi[0] * 3,))
            x = lib.ones(2, 3, requires_grad=True)
            m(x).sum().backward()
            return log, x.grad, [p.grad for p in m.parameters()]

        same(run, 1e-6)

    def test_backward_hook_without_input_gradient(self):
        def run(lib):
            log = []
            m = lib.nn.Linear(2, 1)
            m.register_full_backward_hook(lambda mod, gi, go: log.append((gi, go)))
            m(lib.ones(1, 2)).sum().backward()
            return log

        same(run)

    def test_global_hooks(self):
        calls = []
        handle = nn._hooks.register_module_forward_hook(lambda m, a, out: calls.append(type(m)))
        net(backlit)(backlit.ones(1, 3))
        handle.remove()
        net(backlit)(backlit.ones(1, 3))
        assert calls == [nn.Linear, nn.Tanh, nn.Linear, nn.Sequential]

    def test_no_hooks_left_behind(self):
        live = nn._hooks.live
        before = len(live)
        m = nn.Linear(1, 1)
        handle = m.register_forward_hook(print)
        assert len(live) == before + 1
        handle.remove()
        assert len(live) == before
        m.register_forward_hook(print)
        del m
        assert len(live) == before


class TestCopies:
    @pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
    def test_copy_is_independent(self, duplicate):
        m = net(backlit)
        twin = duplicate(m)
        assert repr(twin) == repr(m)
        assert [p.tolist() for p in twin.parameters()] == [p.tolist() for p in m.parameters()]
        twin[0].weight.data.zero_()
        assert m[0].weight.abs().sum().item() > 0
        assert all(isinstance(p, nn.Parameter) for p in twin.parameters())

    def test_hooks_survive_a_deepcopy(self):
        m = nn.Identity()
        m.register_forward_hook(lambda mod, args, out: out + 1)
        assert copy.deepcopy(m)(1) == 2
        del m


def test_unknown_names_are_named():
    with pytest.raises(AttributeError, match=r"backlit does not provide torch\.nn\.Nonsense"):
        _ = nn.Nonsense
