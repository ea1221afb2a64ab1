"""The name of an artefact, which the program computes too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from compile_process import inputs

from inference_server.compiling.artefact_key import ArtefactInputs, artefact_key
from inference_server.job import Size
from inference_server.settings import parse_size

CONTRACT = Path(__file__).resolve().parents[3] / "contracts" / "artefactKey.vectors.json"
VECTORS = json.loads(CONTRACT.read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["key"])
def test_the_key_is_the_one_that_the_program_computes(vector: dict[str, Any]) -> None:
    values = vector["inputs"]
    sizes = tuple(map(parse_size, values["sizes"]))
    assert artefact_key(ArtefactInputs(**{**values, "sizes": sizes})) == vector["key"]


def test_sizes_have_no_order_and_each_counts_once() -> None:
    one, other, wide = Size(512, 768), Size(512, 512), Size(1024, 512)
    keys = {
        artefact_key(inputs(sizes=sizes))
        for sizes in ((one, other, wide), (wide, one, other), (other, one, one, wide))
    }
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("framework", "neuron"),
        ("model", "other"),
        ("accelerator", "g6"),
        ("source", "0" * 16),
        ("sizes", (Size(64, 72),)),
        ("batch", 2),
        ("edits", True),
        ("compiler", "2.8.1"),
    ],
)
def test_another_input_is_another_key(name: str, value: Any) -> None:
    asked = inputs(compiler="2.8.0")
    assert artefact_key(replace(asked, **{name: value})) != artefact_key(asked)
