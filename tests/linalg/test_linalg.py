"""torch.linalg beside PyTorch: values, first and second derivatives, batches, errors."""

from __future__ import annotations

import numpy as np
import pytest
from ops.dtypes import assert_close

import backlit

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
LIBRARIES = (backlit, torch)
BATCHES = [(), (3,), (2, 1)]


def draw(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape)


def positive(*batch, n=4):
    a = draw(*batch, n, n)
    return a @ np.swapaxes(a, -1, -2) + np.eye(n)


def symmetric(*batch, n=4):
    a = draw(*batch, n, n)
    return a + np.swapaxes(a, -1, -2)


# A sample: the call, as a function of the library and tensors, and a function of the batch that
# draws the inputs. What a decomposition leaves open (signs of vectors) is multiplied away.
SAMPLES = {
    "inv": (lambda T, A: T.linalg.inv(A), lambda b: [draw(*b, 4, 4)]),
    "inverse": (lambda T, A: T.inverse(A), lambda b: [draw(*b, 3, 3)]),
    "solve": (lambda T, A, B: T.linalg.solve(A, B), lambda b: [draw(*b, 4, 4), draw(*b, 4, 2)]),
    "solve vector": (
        lambda T, A, B: T.linalg.solve(A, B),
        lambda b: [draw(*b, 4, 4), draw(*b, 4)],
    ),
    "solve broadcast": (
        lambda T, A, B: T.linalg.solve(A, B),
        lambda b: [draw(4, 4), draw(*b, 4, 2)],
    ),
    "solve right": (
        lambda T, A, B: T.linalg.solve(A, B, left=False),
        lambda b: [draw(*b, 4, 4), draw(*b, 2, 4)],
    ),
    "det": (lambda T, A: T.linalg.det(A), lambda b: [draw(*b, 4, 4)]),
    "det of one": (lambda T, A: T.det(A), lambda b: [draw(*b, 1, 1)]),
    "logdet": (lambda T, A: T.logdet(A), lambda b: [positive(*b)]),
    "slogdet": (lambda T, A: T.linalg.slogdet(A), lambda b: [draw(*b, 4, 4)]),
    "triangular": (
        lambda T, A, B: T.linalg.solve_triangular(A, B, upper=True),
        lambda b: [positive(*b), draw(*b, 4, 3)],
    ),
    "triangular lower, right": (
        lambda T, A, B: T.linalg.solve_triangular(A, B, upper=False, left=False),
        lambda b: [positive(*b), draw(*b, 3, 4)],
    ),
    "triangular unit": (
        lambda T, A, B: T.linalg.solve_triangular(A, B, upper=False, unitriangular=True),
        lambda b: [positive(*b), draw(*b, 4, 1)],
    ),
    "cholesky": (lambda T, A: T.linalg.cholesky(A @ A.mH), lambda b: [positive(*b)]),
    "cholesky upper": (
        lambda T, A: T.linalg.cholesky(A @ A.mH, upper=True),
        lambda b: [positive(*b)],
    ),
    "cholesky_solve upper, broadcast": (
        lambda T, B, L: T.cholesky_solve(B, L, upper=True),
        lambda b: [draw(*b, 4, 2), positive()],
    ),
    "cholesky_solve": (
        lambda T, B, L: T.cholesky_solve(B, L),
        lambda b: [draw(*b, 4, 2), positive(*b)],
    ),
    "cholesky_inverse": (
        lambda T, L: T.cholesky_inverse(L, upper=True),
        lambda b: [positive(*b)],
    ),
    "qr": (lambda T, A: T.linalg.qr(A), lambda b: [draw(*b, 5, 3)]),
    "qr square": (lambda T, A: T.linalg.qr(A), lambda b: [draw(*b, 3, 3)]),
    "qr wide": (lambda T, A: T.linalg.qr(A), lambda b: [draw(*b, 2, 4)]),
    "qr complete wide": (lambda T, A: T.linalg.qr(A, "complete"), lambda b: [draw(*b, 2, 4)]),
    "eigh": (
        lambda T, A: [(f := T.linalg.eigh(A + A.mH))[0], f[1].abs()],
        lambda b: [draw(*b, 4, 4)],
    ),
    "eigvalsh": (lambda T, A: T.linalg.eigvalsh(A + A.mH), lambda b: [draw(*b, 4, 4)]),
    "svd tall": (
        lambda T, A: [(f := T.linalg.svd(A, full_matrices=False))[0].abs(), f[1], f[2].abs()],
        lambda b: [draw(*b, 5, 3)],
    ),
    "svd wide": (
        lambda T, A: [(f := T.linalg.svd(A, full_matrices=False))[0].abs(), f[1], f[2].abs()],
        lambda b: [draw(*b, 2, 4)],
    ),
    "svd u": (lambda T, A: T.linalg.svd(A, False)[0].abs().square(), lambda b: [draw(*b, 4, 3)]),
    "svdvals": (lambda T, A: T.linalg.svdvals(A), lambda b: [draw(*b, 3, 5)]),
    "pinv": (lambda T, A: T.linalg.pinv(A), lambda b: [draw(*b, 4, 3)]),
    "pinv wide": (lambda T, A: T.linalg.pinv(A), lambda b: [draw(*b, 2, 3)]),
    "pinv hermitian": (
        lambda T, A: T.linalg.pinv(A, hermitian=True),
        lambda b: [positive(*b)],
    ),
    "pinverse": (lambda T, A: T.pinverse(A), lambda b: [draw(*b, 3, 3)]),
    "lstsq": (
        lambda T, A, B: T.linalg.lstsq(A, B).solution,
        lambda b: [draw(*b, 5, 3), draw(*b, 5, 2)],
    ),
    "matrix_exp": (lambda T, A: T.linalg.matrix_exp(A), lambda b: [draw(*b, 3, 3)]),
    "matrix_exp large": (lambda T, A: T.matrix_exp(A * 9), lambda b: [draw(*b, 3, 3)]),
    "matrix_power": (lambda T, A: T.linalg.matrix_power(A, -3), lambda b: [positive(*b)]),
    "nuclear": (lambda T, A: T.linalg.matrix_norm(A, "nuc"), lambda b: [draw(*b, 3, 4)]),
    "spectral": (
        lambda T, A: T.linalg.matrix_norm(A, 2, dim=(-1, -2), keepdim=True),
        lambda b: [draw(*b, 3, 4)],
    ),
    "smallest": (lambda T, A: T.linalg.matrix_norm(A, -2), lambda b: [draw(*b, 3, 3)]),
    "cond": (lambda T, A: T.linalg.cond(A), lambda b: [draw(*b, 3, 3)]),
    "cond 1": (lambda T, A: T.linalg.cond(A, 1), lambda b: [draw(*b, 3, 3)]),
    "householder_product": (
        lambda T, A, tau: T.linalg.householder_product(A, tau),
        lambda b: [0.4 * draw(*b, 5, 3), draw(*b, 3, seed=2)],
    ),
    "householder_product of fewer": (
        lambda T, A, tau: T.orgqr(A, tau),
        lambda b: [0.4 * draw(*b, 4, 4), draw(*b, 2, seed=2)],
    ),
    "ormqr": (
        lambda T, A, tau, C: T.ormqr(A, tau, C),
        lambda b: [0.4 * draw(*b, 5, 3), draw(*b, 3, seed=2), draw(*b, 5, 4, seed=3)],
    ),
    "ormqr transposed": (
        lambda T, A, tau, C: T.ormqr(A, tau, C, transpose=True),
        lambda b: [0.4 * draw(*b, 5, 3), draw(*b, 3, seed=2), draw(*b, 5, 4, seed=3)],
    ),
    "ormqr right": (
        lambda T, A, tau, C: T.ormqr(A, tau, C, left=False),
        lambda b: [0.4 * draw(*b, 5, 3), draw(*b, 3, seed=2), draw(*b, 4, 5, seed=3)],
    ),
    "ormqr right, transposed": (
        lambda T, A, tau, C: T.ormqr(A, tau, C, False, True),
        lambda b: [0.4 * draw(*b, 5, 3), draw(*b, 3, seed=2), draw(*b, 4, 5, seed=3)],
    ),
    "lu_factor": (lambda T, A: T.linalg.lu_factor(A)[0], lambda b: [draw(*b, 4, 4)]),
    "lu": (lambda T, A: T.linalg.lu(A)[1:], lambda b: [draw(*b, 4, 4)]),
    "vecdot": (lambda T, x, y: T.linalg.vecdot(x, y), lambda b: [draw(*b, 4), draw(*b, 4)]),
    "vander": (lambda T, x: T.linalg.vander(x, N=3), lambda b: [draw(*b, 4)]),
}
FIRST_ONLY = {"det of one"}  # PyTorch's first derivative is a constant without a graph
VALUE_ONLY = {"cond 1"}  # PyTorch changes the inverse in place, and then misses it in backward
# The value depends on a part of the input only, the derivative of both libraries on all of it.
FORMAL = {"cholesky_solve", "cholesky_solve upper, broadcast", "cholesky_inverse", "pinv hermitian"}
CASES = pytest.mark.parametrize("name", SAMPLES)
KINDS = pytest.mark.parametrize("kind", ["real", "complex"])


def arrays_of(name, batch, kind):
    """The sample's inputs; complex ones have the neighbours' numbers as imaginary parts."""
    drawn = SAMPLES[name][1](batch)
    if kind == "real":
        return drawn
    made = [a + 0.5j * np.roll(a, 1, -1) for a in drawn]
    if name == "cholesky_inverse":  # LAPACK takes the diagonal of a factor to be real
        made[0] -= 1j * made[0].imag * np.eye(4)
    return made


def outputs(lib, call, arrays, requires_grad=True):
    inputs = [lib.tensor(a, requires_grad=requires_grad) for a in arrays]
    result = call(lib, *inputs)
    several = isinstance(result, (tuple, list))
    results = result if several else [result]
    return inputs, [t for t in results if t.is_floating_point() or t.is_complex()]


def scalar(lib, results):
    """A number that depends on every element in its own way."""
    total = 0.0
    for t in results:
        weights = np.cos(np.arange(t.numel())).reshape(tuple(t.shape)) + 1.5
        if t.is_complex():
            weights = weights - 0.5j * np.roll(weights, 1)
        if t.requires_grad:
            total = total + lib.real(t * lib.tensor(weights)).sum()
    return total


@KINDS
@pytest.mark.parametrize("batch", BATCHES, ids=str)
@CASES
def test_against_pytorch(name, batch, kind):
    found = []
    for lib in LIBRARIES:
        inputs, results = outputs(lib, SAMPLES[name][0], arrays_of(name, batch, kind))
        grads, second = [], []
        if name not in VALUE_ONLY:
            grads = lib.autograd.grad(scalar(lib, results), inputs, create_graph=True)
        if name not in FIRST_ONLY | VALUE_ONLY:
            bent = sum(lib.real(g.sin()).sum() for g in grads)
            second = lib.autograd.grad(bent, inputs, allow_unused=True)
        found.append([t for t in [*results, *grads, *second] if t is not None])
    assert len(found[0]) == len(found[1])
    for mine, theirs in zip(*found, strict=True):
        assert mine.shape == theirs.shape and str(mine.dtype) == str(theirs.dtype)
        np.testing.assert_allclose(mine.tolist(), theirs.tolist(), rtol=1e-6, atol=1e-8)


@KINDS
@CASES
def test_finite_differences(name, kind):
    if name in FORMAL:
        pytest.skip("the derivative is PyTorch's, of more than the value depends on")
    call = SAMPLES[name][0]

    def function(*inputs):
        result = call(backlit, *inputs)
        results = result if isinstance(result, (tuple, list)) else [result]
        return tuple(t for t in results if t.requires_grad)

    inputs = [backlit.tensor(a, requires_grad=True) for a in arrays_of(name, (), kind)]
    assert backlit.autograd.gradcheck(function, inputs, atol=1e-4, rtol=1e-3)


@KINDS
@CASES
def test_empty_and_single(name, kind):
    single = "complex64" if kind == "complex" else "float32"
    call = SAMPLES[name][0]
    one = [a.astype(single) for a in arrays_of(name, (2,), kind)]
    for arrays in (arrays_of(name, (0,), kind), one):
        (_, mine), (_, theirs) = (outputs(lib, call, arrays, False) for lib in LIBRARIES)
        for a, b in zip(mine, theirs, strict=True):
            assert a.shape == b.shape and str(a.dtype) == str(b.dtype)
            np.testing.assert_allclose(a.tolist(), b.tolist(), rtol=2e-2, atol=2e-3)


@pytest.mark.parametrize(
    "call",
    [
        lambda T, A: T.linalg.eigh(A),
        lambda T, A: T.linalg.svd(A),
        lambda T, A: T.svd(A),
        lambda T, A: T.linalg.qr(A, "r"),
        lambda T, A: T.linalg.qr(A, "complete"),
        lambda T, A: T.linalg.lu(A),
        lambda T, A: T.linalg.lu_factor_ex(A),
        lambda T, A: T.linalg.inv_ex(A),
        lambda T, A: T.linalg.cholesky_ex(A),
        lambda T, A: T.slogdet(A),
        lambda T, A: T.linalg.lstsq(A, A),
        lambda T, A: T.linalg.solve_ex(A, A),
    ],
    ids=range(12),
)
def test_named_results(call):
    for array in (symmetric(2), symmetric()):
        mine, theirs = (call(lib, lib.tensor(array)) for lib in LIBRARIES)
        assert type(mine).__name__ == type(theirs).__name__
        fields = [
            name for name in dir(theirs) if not name.startswith(("_", "n_", "count", "index"))
        ]
        for field in fields:
            a, b = getattr(mine, field), getattr(theirs, field)
            assert str(a.dtype) == str(b.dtype) and a.shape == b.shape
            flat = [t.abs().double().flatten().tolist() for t in (a, b)]  # signs are free
            np.testing.assert_allclose(*flat, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (3, 3)], ids=str)
def test_full_matrices_rebuild_the_input(shape):
    A = backlit.tensor(draw(*shape))
    U, s, Vh = backlit.linalg.svd(A)
    assert U.shape == (shape[0], shape[0]) and Vh.shape == (shape[1], shape[1])
    k = min(shape)
    np.testing.assert_allclose((U[:, :k] * s @ Vh[:k]).tolist(), A.tolist(), atol=1e-12)
    np.testing.assert_allclose((U @ U.mT).tolist(), np.eye(shape[0]), atol=1e-12)
    Q, R = backlit.linalg.qr(A, "complete")
    np.testing.assert_allclose((Q @ R).tolist(), A.tolist(), atol=1e-12)
    P, L, U = backlit.linalg.lu(A)
    np.testing.assert_allclose((P @ L @ U).tolist(), A.tolist(), atol=1e-12)


def test_singular_matrices():
    """The derivative of det exists everywhere: the cofactors."""
    for array in ([[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]], np.diag([1.0, 2, 0]) + 0):
        A = backlit.tensor(array, dtype=backlit.float64, requires_grad=True)
        backlit.linalg.det(A).backward()
        a = np.array(array)
        n = len(a)
        minors = [
            [(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(n)]
            for i in range(n)
        ]
        np.testing.assert_allclose(A.grad.tolist(), minors, atol=1e-12)
    with pytest.raises(NotImplementedError, match="second derivative at a singular matrix"):
        A = backlit.zeros(2, 2, requires_grad=True)
        backlit.autograd.grad(backlit.det(A), A, create_graph=True)


def test_ranks():
    low = draw(5, 2) @ draw(2, 4)
    for lib in LIBRARIES:
        A = lib.tensor(low)
        assert lib.linalg.matrix_rank(A).item() == 2
        assert lib.linalg.matrix_rank(A, atol=1e9).item() == 0
        assert lib.linalg.matrix_rank(A @ A.mT, hermitian=True).item() == 2
        assert lib.linalg.matrix_rank(lib.zeros(3, 0, 2)).tolist() == [0, 0, 0]
        P = lib.linalg.pinv(A)
        np.testing.assert_allclose((A @ P @ A).tolist(), low, atol=1e-10)
        assert lib.linalg.lstsq(A, lib.ones(5, 1).double()).rank.item() == 2


def test_lu_solve_and_tensor_equations():
    for lib in LIBRARIES:
        A, B = lib.tensor(draw(2, 4, 4)), lib.tensor(draw(2, 4, 3, seed=2))
        LU, pivots = lib.linalg.lu_factor(A)
        for left in (True, False):
            for adjoint in (True, False):
                side = B if left else B.mT
                X = lib.linalg.lu_solve(LU, pivots, side, left=left, adjoint=adjoint)
                op = A.mT if adjoint else A
                product = op @ X if left else X @ op
                np.testing.assert_allclose(product.tolist(), side.tolist(), atol=1e-9)
        P, L, U = lib.lu_unpack(LU, pivots)
        np.testing.assert_allclose((P @ L @ U).tolist(), A.tolist(), atol=1e-12)
        T4 = lib.tensor(draw(4, 6, 8, 3))
        inverse = lib.linalg.tensorinv(T4)
        assert tuple(inverse.shape) == (8, 3, 4, 6)
        X = lib.linalg.tensorsolve(T4, lib.tensor(draw(4, 6)))
        assert tuple(X.shape) == (8, 3)
        np.testing.assert_allclose(lib.tensordot(T4, X, 2).tolist(), draw(4, 6).tolist(), atol=1e-9)


@pytest.mark.parametrize("hermitian", [False, True])
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_ldl(kind, hermitian):
    for batch in [(), (3,)]:
        a = symmetric(*batch) + (1j * symmetric(*batch) if kind == "complex" else 0)
        if kind == "complex" and hermitian:
            a = a + np.conj(np.swapaxes(a, -1, -2))
        b = draw(*batch, 4, 2).astype(a.dtype)
        found = []
        for lib in LIBRARIES:
            A, B = lib.tensor(a), lib.tensor(b)
            LD, pivots, info = lib.linalg.ldl_factor_ex(A, hermitian=hermitian)
            assert not info.any()
            X = lib.linalg.ldl_solve(LD, pivots, B, hermitian=hermitian)
            np.testing.assert_allclose((A @ X).tolist(), b.tolist(), atol=1e-9)
            found.append([LD, pivots, *lib.linalg.ldl_factor(A, hermitian=hermitian)])
        for mine, theirs in zip(*found, strict=True):
            assert str(mine.dtype) == str(theirs.dtype)
            np.testing.assert_allclose(mine.tolist(), theirs.tolist(), atol=1e-9)


def test_geqrf_rebuilds_the_input():
    for lib in LIBRARIES:
        A = lib.tensor(draw(2, 5, 3))
        packed, tau = lib.geqrf(A)
        Q, R = lib.linalg.householder_product(packed, tau), packed[:, :3].triu()
        np.testing.assert_allclose((Q @ R).tolist(), A.tolist(), atol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda T, A: T.geqrf(A)[0],
        lambda T, A: T.linalg.ldl_factor(A)[0],
        lambda T, A: T.linalg.ldl_solve(*T.linalg.ldl_factor(A.detach()), A),
    ],
    ids=range(3),
)
def test_derivatives_that_neither_library_has(call):
    for lib in LIBRARIES:
        y = call(lib, lib.tensor(symmetric(), requires_grad=True))
        with pytest.raises(RuntimeError, match="is not implemented"):
            y.sum().backward()


ERRORS = {
    "householder vector": lambda T: T.linalg.householder_product(T.ones(3), T.ones(3)),
    "householder wide": lambda T: T.linalg.householder_product(T.ones(2, 3), T.ones(3)),
    "householder tau": lambda T: T.linalg.householder_product(T.ones(3, 2), T.ones(3)),
    "householder dims": lambda T: T.linalg.householder_product(T.ones(3, 2), T.ones(1, 2)),
    "householder dtypes": lambda T: T.linalg.householder_product(T.ones(3, 2), T.ones(2).double()),
    "householder integers": lambda T: T.orgqr(T.ones(3, 2).long(), T.ones(2).long()),
    "ormqr": lambda T: T.ormqr(T.ones(4, 3), T.ones(3), T.ones(3, 5)),
    "ormqr tau": lambda T: T.ormqr(T.ones(4, 3), T.ones(2), T.ones(4, 5)),
    "ormqr dims": lambda T: T.ormqr(T.ones(4, 3), T.ones(3), T.ones(2, 4, 3)),
    "ormqr dtypes": lambda T: T.ormqr(T.ones(4, 3), T.ones(3), T.ones(4, 3).double()),
    "geqrf": lambda T: T.geqrf(T.ones(4)),
    "ldl": lambda T: T.linalg.ldl_factor(T.ones(4, 3)),
    "ldl sides": lambda T: T.linalg.ldl_solve(T.eye(2), T.ones(2).int(), T.ones(3, 2)),
    "ldl pivots": lambda T: T.linalg.ldl_solve(T.eye(2), T.ones(3).int(), T.ones(2, 2)),
    "ldl floats": lambda T: T.linalg.ldl_solve(T.eye(2), T.ones(2), T.ones(2, 2)),
    "ldl dtypes": lambda T: T.linalg.ldl_solve(T.eye(2), T.ones(2).int(), T.ones(2, 2).double()),
    "singular": lambda T: T.linalg.inv(T.zeros(2, 2)),
    "singular in a batch": lambda T: T.linalg.inv(T.stack([T.eye(2), T.zeros(2, 2)])),
    "no solution": lambda T: T.linalg.solve(T.zeros(2, 2), T.ones(2)),
    "not positive": lambda T: T.linalg.cholesky(-T.eye(2)),
    "nan": lambda T: T.linalg.svd(T.full((2, 2), float("nan"))),
    "not square": lambda T: T.linalg.inv(T.ones(2, 3)),
    "vector": lambda T: T.linalg.inv(T.ones(2)),
    "integers": lambda T: T.linalg.inv(T.ones(2, 2, dtype=T.int64)),
    "solve shapes": lambda T: T.linalg.solve(T.ones(2, 2), T.ones(3)),
    "solve dtypes": lambda T: T.linalg.solve(T.ones(2, 2), T.ones(2, dtype=T.float64)),
    "solve square": lambda T: T.linalg.solve(T.ones(2, 3), T.ones(3)),
    "det": lambda T: T.linalg.det(T.ones(2, 3)),
    "slogdet": lambda T: T.linalg.slogdet(T.ones(2, 3, 4)),
    "svd": lambda T: T.linalg.svd(T.ones(2)),
    "qr mode": lambda T: T.linalg.qr(T.ones(2, 2), mode="x"),
    "eigh": lambda T: T.linalg.eigh(T.ones(2, 3)),
    "eigh half": lambda T: T.linalg.eigh(T.ones(2, 2), UPLO="x"),
    "svd of integers": lambda T: T.linalg.svd(T.ones(2, 2, dtype=T.int32)),
    "triangular": lambda T: T.linalg.solve_triangular(T.ones(2, 2), T.ones(3, 2), upper=True),
    "triangular vector": lambda T: T.linalg.solve_triangular(T.ones(2, 2), T.ones(2), upper=True),
    "lstsq": lambda T: T.linalg.lstsq(T.ones(2, 2), T.ones(3, 2)),
    "lstsq driver": lambda T: T.linalg.lstsq(T.ones(2, 2), T.ones(2, 2), driver="x"),
    "qr complete": lambda T: (
        T.linalg.qr(T.ones(4, 2, requires_grad=True), "complete")[0].sum().backward()
    ),
    "qr r": lambda T: T.linalg.qr(T.ones(4, 2, requires_grad=True), "r")[1].sum().backward(),
    "order": lambda T: T.linalg.matrix_norm(T.ones(2, 2), 3),
    "cond": lambda T: T.linalg.cond(T.ones(2, 3), 1),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    texts = []
    for lib in LIBRARIES:
        with pytest.raises(RuntimeError) as caught:
            ERRORS[name](lib)
        is_linalg = isinstance(caught.value, lib.linalg.LinAlgError)
        texts.append((is_linalg, str(caught.value).split(". ")[0].rstrip(".")))
    assert texts[0][0] == texts[1][0]
    assert texts[0][1].startswith(texts[1][1]), texts


@pytest.mark.parametrize("kind", ["real", "complex"])
def test_eig(kind):
    """The decomposition itself: the order of eigenvalues and the phase of vectors are free."""
    a = backlit.tensor([[2.0, -1.0, 0.5], [1.0, 0.5, 3.0], [0.0, 2.0, -1.0]], dtype=backlit.float64)
    a = a * (1 + 0.5j) + 1j if kind == "complex" else a
    a.requires_grad_()
    values, vectors = backlit.linalg.eig(a)
    product = a.to(values.dtype) @ vectors - vectors * values
    assert product.abs().max().item() < 1e-12
    assert backlit.autograd.gradcheck(backlit.linalg.eigvals, (a,))
    assert backlit.autograd.gradcheck(lambda m: backlit.linalg.eig(m)[1].abs(), (a,))
    sizes = [T.linalg.eigvals(T.tensor(a.tolist())).abs().sort()[0] for T in LIBRARIES]
    assert_close(*sizes, "complex64", "eigvals")


@pytest.mark.parametrize("name", ["eigh", "svd"])
def test_losses_that_depend_on_a_phase_are_refused(name):
    """Vectors of complex matrices are known up to a factor of modulus 1."""
    texts = []
    for lib in LIBRARIES:
        a = lib.tensor(draw(3, 3) + 1j * draw(3, 3, seed=2))
        vectors = getattr(lib.linalg, name)((a + a.mH).requires_grad_())[name == "eigh"]
        with pytest.raises(RuntimeError, match="ill-defined") as caught:
            lib.real(vectors * lib.tensor(draw(3, 3) + 1j)).sum().backward()
        texts.append(str(caught.value).split(". ")[0])
    assert texts[0] == texts[1]
