"""Inputs that once broke a law break none now, and neither do freshly damaged ones; ``python -m tests.fuzz`` finds others."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

import pytest

from fuzz.engine import explore, fault_of
from fuzz.targets import CORPUS, TARGETS

FOUND = sorted(path for path in CORPUS.glob("*/*") if path.is_file())
# Inputs that are not mended yet, each with the reason. One that breaks no law any more fails its test.
WAITING: dict[str, str] = {}


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_input_that_broke_a_law_breaks_none(path: Path, request: pytest.FixtureRequest) -> None:
    if path.name in WAITING:
        request.applymarker(pytest.mark.xfail(reason=WAITING[path.name], strict=True))
    TARGETS[path.parent.name].check(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_what_fuzzing_starts_from_breaks_no_law(name: str) -> None:
    target = TARGETS[name]
    assert [octets for octets in list(target.seeds())[:12] if fault_of(target, octets)] == []


@pytest.mark.parametrize("share", [pytest.param(5, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs_break_no_law(name: str, share: int) -> None:
    # Each run tries the same inputs, so that a change that passed once passes again.
    seed = zlib.crc32(name.encode())
    for octets, fault in explore(TARGETS[name], max(1, TARGETS[name].examples // share), seed):
        pytest.fail(
            f"{fault[0]} at {fault[1]} (seed {seed}): write these bytes, base64 here, to a file of tests/fuzz/corpus/{name} "
            f"and mend what they break:\n{base64.b64encode(octets).decode()}"
        )
