"""Listed in the registry == bound == documented == tested; every parameter is set by a sample."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ops.cases import CASES
from registry.every import ALL

import backlit
from backlit import _C

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")

# Rows without a sample, by name: where they are tested, and why there.
ELSEWHERE = {
    r"torch\.(rand|randn|randint|rand_like|randn_like|randint_like|randperm|normal|bernoulli"
    r"|multinomial|poisson|binomial|_standard_gamma(_grad)?|_sample_dirichlet|_dirichlet_grad)"
    r"|Tensor\.(bernoulli|cauchy|exponential|geometric|log_normal|normal|random"
    r"|uniform)_": "random numbers: tests/random compares them with PyTorch's, seed by seed",
    r"(torch|nn)\.dropout": "random: tests/nn_ops/test_dropout_embedding.py",
    r"torch\.rrelu_?": "random: tests/nn_ops",
    r"torch\.empty(_like|_strided)?|Tensor\.new_empty(_strided)?": "memory that nobody wrote: "
    r"tests/creation",
    r"Tensor\.(set|resize)_|torch\.resize_as_": "memory is given away or added: tests/indexing",
    r"linalg\.(cholesky(_ex)?|det|eig|eigvals|eigh|eigvalsh|householder_product|inv(_ex)?"
    r"|ldl_(factor(_ex)?|solve)|lu(_factor(_ex)?|_solve)?|matrix_exp|qr"
    r"|slogdet|solve(_ex|_triangular)?|svd|svdvals)|torch\.(cholesky(_inverse|_solve)?|det|geqrf|inverse"
    r"|logdet|lu_unpack|matrix_exp|orgqr|ormqr|pinverse|qr|slogdet|svd)"
    r"|_C\._(pinv|least_squares)": "of matrices of a kind, and up to signs: tests/linalg",
    r"nn\.(reflection|replication)_pad[123]d": "behind pad, nowhere public in PyTorch: "
    "tests/nn/test_padding.py",
    r"nn\._?upsample_\w+": "behind interpolate: tests/nn/test_resampling.py",
    r"_C\._(max_unpool|fractional_max_pool)[23]d": "behind the layers of that name: "
    "tests/nn/test_unpooling.py",
    r"_C\._(einsum|tensordot|chain_matmul)": "behind einsum, tensordot and chain_matmul: "
    r"tests/products",
    r"_C\._embedding_bag": "behind nn.functional.embedding_bag: tests/nn_ops/test_embedding_bag.py",
}
# Parameters that all makers of tensors share (tests/creation), and out= (ops, products).
SHARED = {"out", "layout", "device", "pin_memory", "requires_grad", "memory_format"}


def operations():
    """ "home.name" -> rows, of every operation once: other names of one are the same object."""
    found = {}
    for home, listed in _C._operations.items():
        for name, operation in listed.items():
            if operation.__rows__[0]["name"] == name:
                found[f"{home}.{name}"] = operation.__rows__
    for name, operation in vars(backlit.Tensor).items():
        rows = getattr(operation, "__rows__", None)
        if rows and rows[0]["name"] == name and f"torch.{name}" not in found:
            found[f"Tensor.{name}"] = rows
    return found


OPERATIONS = operations()
STRUCTURED = {
    full: rows
    for full, found in OPERATIONS.items()
    if (rows := [row for row in found if not row["elementwise"]])
}


def called_by_cases():
    """What tests/ops calls: operations that are an elementwise formula with other arguments."""
    homes = {"T.special": "special", "T": "torch", "F": "nn"}
    calls = (re.match(r"(T\.special|T|F)\.(\w+)\(", case.expression) for case in CASES)
    return {f"{homes[call[1]]}.{call[2]}" for call in calls if call}


SAMPLED = {f"{sample.home}.{sample.name}" for sample in ALL}
CALLED = SAMPLED | called_by_cases()


def is_tested(full):
    """Sampled, or the in-place form or method of what is."""
    home, _, name = full.partition(".")
    bases = {full, f"{home}.{name.rstrip('_')}", f"torch.{name}", f"torch.{name.rstrip('_')}"}
    return bool(bases & CALLED) or any(re.fullmatch(why, full) for why in ELSEWHERE)


@pytest.mark.parametrize("full", sorted(STRUCTURED))
def test_every_row_is_tested(full):
    assert is_tested(full), (
        f"{full} has no sample. Add one to the samples_*.py of its family in tests/registry; "
        "registry/sample.py shows how. If it cannot be sampled, list it in ELSEWHERE in "
        "test_registry_closure.py with the place that tests it."
    )


def test_elsewhere_lists_nothing_else():
    for pattern in ELSEWHERE:
        assert any(re.fullmatch(pattern, full) for full in STRUCTURED), pattern
        assert not [full for full in SAMPLED if re.fullmatch(pattern, full)], pattern


def test_every_sample_is_of_a_row():
    known = set(OPERATIONS) | {f"Tensor.{name}" for name in dir(backlit.Tensor)}
    for home, listed in _C._operations.items():  # other names
        known |= {f"{home}.{name}" for name in listed}
    assert not SAMPLED - known


def parameters(row):
    """(names that may be given by position, all names, names that must be given)."""
    inside = row["signature"][row["signature"].index("(") + 1 :].rpartition(" ->")[0][:-1]
    positional, named, required = [], [], set()
    keyword_only = False
    for text in re.split(r", (?![^\[(]*[\])])", inside):
        if text == "*":
            keyword_only = True
            continue
        declaration, _, default = text.partition("=")
        kind, name = declaration.rsplit(" ", 1)
        named.append(name)
        if not keyword_only:
            positional.append(name)
        if not default:
            required.add(name)
        if kind.endswith("*"):  # takes all that are left
            positional += [name] * 8
    return positional, named, required


def given(row, call):
    """The parameters that a call sets, or nothing where it is not a call of this row."""
    positional, named, required = parameters(row)
    if len(call.args) > len(positional):
        return set()
    names = set(positional[: len(call.args)]) | {k.arg for k in call.keywords}
    return names if names <= set(named) and required <= names else set()


@pytest.mark.parametrize("full", sorted(SAMPLED & set(STRUCTURED)))
def test_every_parameter_is_set(full):
    calls = [s.call for s in ALL if f"{s.home}.{s.name}" == full]
    for row in STRUCTURED[full]:
        _, named, _ = parameters(row)
        found = set().union(*(given(row, call) for call in calls))
        missing = [name for name in named if name not in found | SHARED]
        assert not missing, f"no sample of {row['signature']} sets {missing}"


def test_every_operation_is_bound_and_documented():
    missing = []
    for full in OPERATIONS:
        home, _, name = full.partition(".")
        homes = {"torch": backlit, "Tensor": backlit.Tensor, "nn": _C._nn, "_C": _C}
        holder = homes[home] if home in homes else getattr(backlit, home)
        if not hasattr(holder, name):
            missing.append(f"{full} is not bound")
        shown = any(form in PAGE for form in (f"`{name}(", f"in place: `{name}`"))
        if home != "_C" and not shown:
            missing.append(f"{full} is not in docs/operations.md")
    assert not missing
