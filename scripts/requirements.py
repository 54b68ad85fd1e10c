"""Prints what pyproject.toml requires: `requirements.py build runtime test lint`, for pip.

`build` is what builds the extension, `runtime` what the package needs, the rest are the extras.
"""

import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    from pip._vendor import tomli as tomllib


def requirements(groups: list[str]) -> list[str]:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    known = {
        "build": [*data["build-system"]["requires"], "cmake>=3.20", "ninja>=1.10"],
        "runtime": data["project"]["dependencies"],
        **data["project"]["optional-dependencies"],
    }
    return [line for group in groups for line in known[group]]


if __name__ == "__main__":
    print("\n".join(requirements(sys.argv[1:])))
