"""The trial of thresholds finds those of a module, and changes each."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("rapidfuzz")
sys.path.insert(0, str(Path(__file__).parent))
import thresholds

from qingwen.label import rescue, title


def test_the_numbers_of_a_module_are_its_thresholds() -> None:
    found = dict(thresholds.thresholds(rescue))
    assert found["_MOST_ADS"] == rescue._MOST_ADS
    assert found.keys().isdisjoint({"BODY", "DIRT"})  # another room's
    assert {"_SHORTEST", "_LONGEST"} <= dict(thresholds.thresholds(title)).keys()  # two in one statement


def test_a_threshold_is_tried_as_less_and_as_more() -> None:
    for value in (0, 1, 5, 0.0001, 0.3, 0.9, 1.5, -0.15):
        assert value not in thresholds.tried(value)
        assert value != 0.9 or max(thresholds.tried(value)) < 1  # a share stays one
