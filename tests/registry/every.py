"""All samples, from every `samples_*.py` of this folder."""

from __future__ import annotations

import importlib
from pathlib import Path

from registry.sample import Sample

FAMILIES = [
    importlib.import_module(f"registry.{file.stem}")
    for file in sorted(Path(__file__).parent.glob("samples_*.py"))
]
ALL: list[Sample] = [sample for family in FAMILIES for sample in family.SAMPLES]
SAMPLES = [sample for sample in ALL if not sample.raises]
WRONG = [sample for sample in ALL if sample.raises]
