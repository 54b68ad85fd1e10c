"""What is generated from the registry is current; what the registry shows, runs."""

import doctest
import importlib.util
from pathlib import Path

import pytest

import backlit
from backlit import _C

ROOT = Path(__file__).parents[2]
OPERATIONS = {
    f"{home}.{name}": operation
    for home, operations in _C._operations.items()
    for name, operation in operations.items()
}


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "file"), [("make_stub", "src/backlit/_C.pyi"), ("make_docs", "docs/operations.md")]
)
def test_generated_file_is_current(name, file):
    expected = script(name).text().splitlines()
    found = (ROOT / file).read_text(encoding="utf-8").splitlines()
    different = sorted(set(expected) ^ set(found))[:10]
    assert expected == found, f"{file} is not current, run `make generate`: {different}"


def test_every_operation_is_bound_and_described():
    bare = [n for n, op in OPERATIONS.items() for row in op.__rows__[:1] if not row["meaning"]]
    assert not bare
    for full, operation in OPERATIONS.items():
        home, name = full.split(".")
        holder = _C if home in ("torch", "_C") else getattr(_C, f"_{home}")
        assert getattr(holder, name) is operation
        assert operation.__doc__.startswith(operation.__rows__[0]["signature"])


def run_example(text):
    code, _, expected = (piece.strip() for piece in text.partition("->"))
    value = eval(code, {"torch": backlit, "backlit": backlit, "tensor": backlit.tensor})
    return repr(value), expected


EXAMPLES = sorted({row["example"] for op in OPERATIONS.values() for row in op.__rows__} - {""})


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_of_the_registry(example):
    got, expected = run_example(example)
    assert " ".join(got.split()) == " ".join(expected.split())


def test_a_wrong_example_is_noticed():
    got, expected = run_example("torch.tensor([1.0, 2.0]) * 2 -> tensor([2., 5.])")
    assert got == "tensor([2., 4.])" != expected


def modules():
    for file in sorted((ROOT / "src" / "backlit").rglob("*.py")):
        if ">>>" in file.read_text(encoding="utf-8"):
            parts = file.relative_to(ROOT / "src").with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("name", list(modules()))
def test_docstring_examples(name):
    module = importlib.import_module(name)
    names = {"torch": backlit, "backlit": backlit}
    if ".nn" in name or ".optim" in name:  # written as inside of these packages
        public = {**vars(backlit.nn), **vars(backlit.optim)}
        names |= {key: value for key, value in public.items() if key[0] != "_"}
    result = doctest.testmod(module, extraglobs=names)
    assert result.attempted > 0
    assert result.failed == 0


def test_readme_examples():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest(text.replace("```", ""), {}, "README", None, 0)
    assert test.examples
    runner = doctest.DocTestRunner()
    runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
