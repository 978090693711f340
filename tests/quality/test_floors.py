"""The quality floors do not fall."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("rapidfuzz")
sys.path.insert(0, str(Path(__file__).parent))
import measure


@pytest.fixture(scope="module")
def pinned() -> dict[str, dict[str, float | str]]:
    found: dict[str, dict[str, float | str]] = json.loads(measure.FLOORS.read_text("utf-8"))
    return found


@pytest.mark.slow
def test_no_figure_is_below_its_floor(pinned: dict[str, dict[str, float | str]]) -> None:
    assert measure.fallen(pinned, measure.measure()) == []


def test_a_fall_is_noticed(pinned: dict[str, dict[str, float | str]]) -> None:
    worse = {"own": {**pinned["own"], "f1": float(pinned["own"]["f1"]) - 0.01}}
    assert measure.fallen(pinned, worse) == [f"own: f1 {worse['own']['f1']} is below its floor {pinned['own']['f1']}."]


def test_other_pages_than_those_measured_are_noticed(pinned: dict[str, dict[str, float | str]]) -> None:
    (fault,) = measure.fallen(pinned, {"own": {**pinned["own"], "digest": "0"}})
    assert fault.startswith("own: the pages are not those")


def test_the_pages_of_the_tests_come_out_whole(pinned: dict[str, dict[str, float | str]]) -> None:
    assert pinned["own"]["f1"] == 1.0
    assert pinned["own"]["title"] == 1.0
