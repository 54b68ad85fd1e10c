"""no_grad and its relatives, as context managers, decorators and functions."""

import pytest


@pytest.fixture
def x(lib):
    return lib.tensor([1.0, 2.0], requires_grad=True)


def test_no_grad(lib, x):
    with lib.no_grad():
        assert not lib.is_grad_enabled()
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_enable_grad_within_no_grad(lib, x):
    with lib.no_grad():
        with lib.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad


def test_mode_returns_after_an_exception(lib):
    with pytest.raises(ValueError, match="stop"), lib.no_grad():
        raise ValueError("stop")
    assert lib.is_grad_enabled()


@pytest.mark.parametrize("parentheses", [True, False])
def test_decorator(lib, x, parentheses):
    decorator = lib.no_grad() if parentheses else lib.no_grad

    @decorator
    def double(t):
        """Twice."""
        return t * 2

    assert double.__name__ == "double"
    assert double.__doc__ == "Twice."
    assert not double(x).requires_grad
    assert lib.is_grad_enabled()


def test_decorated_function_may_call_itself(lib):
    @lib.no_grad()
    def depth(n):
        assert not lib.is_grad_enabled()
        return 0 if n == 0 else 1 + depth(n - 1)

    assert depth(5) == 5
    assert lib.is_grad_enabled()


@pytest.mark.filterwarnings("ignore:the .type, exc, tb. signature of throw:DeprecationWarning")
def test_decorated_generator(lib):
    @lib.no_grad()
    def steps():
        assert not lib.is_grad_enabled()
        sent = yield 1
        assert not lib.is_grad_enabled()
        try:
            yield sent
        except KeyError:
            assert not lib.is_grad_enabled()
            yield 3
        return 4

    generator = steps()
    assert next(generator) == 1
    assert lib.is_grad_enabled()
    assert generator.send(2) == 2
    assert lib.is_grad_enabled()
    assert generator.throw(KeyError()) == 3
    with pytest.raises(StopIteration) as end:
        next(generator)
    assert end.value.value == 4
    assert lib.is_grad_enabled()


def test_decorated_generator_is_closed(lib):
    modes = []

    @lib.no_grad()
    def steps():
        try:
            yield 1
        finally:
            modes.append(lib.is_grad_enabled())

    generator = steps()
    next(generator)
    generator.close()
    assert modes == [False]
    assert lib.is_grad_enabled()


def test_set_grad_enabled_as_function(lib):
    lib.set_grad_enabled(False)
    try:
        assert not lib.is_grad_enabled()
    finally:
        lib.set_grad_enabled(True)
    assert lib.is_grad_enabled()


def test_set_grad_enabled_as_context(lib):
    with lib.set_grad_enabled(False):
        assert not lib.is_grad_enabled()
        with lib.set_grad_enabled(True):
            assert lib.is_grad_enabled()
        assert not lib.is_grad_enabled()
    assert lib.is_grad_enabled()


def test_set_grad_enabled_as_decorator(lib):
    @lib.set_grad_enabled(False)
    def mode():
        return lib.is_grad_enabled()

    assert lib.is_grad_enabled()
    assert mode() is False
    assert mode() is False
    assert lib.is_grad_enabled()


def test_inference_mode(lib, x):
    with lib.inference_mode():
        assert not lib.is_grad_enabled()
        assert lib.is_inference_mode_enabled()
        y = x * 2
    assert lib.is_grad_enabled()
    assert not lib.is_inference_mode_enabled()
    assert y.is_inference()
    assert not x.is_inference()


def test_inference_mode_as_decorator(lib, x):
    @lib.inference_mode()
    def double(t):
        return t * 2

    assert double(x).is_inference()


def test_leaving_inference_mode_inside_it(lib, x):
    with lib.inference_mode():
        with lib.inference_mode(False):
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad


def test_classes_warn(lib):
    with pytest.warns(FutureWarning, match="Decorating classes is deprecated"):

        @lib.no_grad()
        class Holder:
            def __init__(self):
                self.mode = lib.is_grad_enabled()

    assert Holder().mode is False
