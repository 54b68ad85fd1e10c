"""Makes the package in src/ importable, and its command runnable, in this environment.

The extension is built into src/backlit by CMake, so that one edited file costs one compiler run and
no installation. `pip install .` is the way to install a copy.
"""

import sys
import sysconfig
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src"


def main() -> None:
    (Path(sysconfig.get_path("purelib")) / "backlit.pth").write_text(
        f"{SOURCE}\n", encoding="utf-8"
    )
    command = Path(sysconfig.get_path("scripts")) / "backlit"
    command.write_text(
        f"#!{sys.executable}\nimport sys\nfrom backlit._cli import main\nsys.exit(main())\n",
        encoding="utf-8",
    )
    command.chmod(0o755)


if __name__ == "__main__":
    main()
