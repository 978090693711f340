"""The licence of each package that the lock installs is listed, allowed, and the one that the package itself states."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata

import pytest

from conftest import ROOT

LIST = tomllib.loads((ROOT / "tests" / "licences.toml").read_text("utf-8"))
LISTED: dict[str, str] = LIST["licences"]
PINS = re.findall(r"^([\w.-]+)==([\w.!+]+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
LOCKED = {package for package, _ in PINS}


def installed() -> list[str]:
    """The locked packages that are here in the locked version; others may call their licence by another word."""
    here = {found.name.lower().replace("_", "-").replace(".", "-"): found.version for found in metadata.distributions()}
    return sorted(package for package, version in PINS if here.get(package) == version)


def stated(package: str) -> str:
    """What a package's metadata calls its licence, in SPDX terms: its expression, else its word, else its classifiers."""
    fields = metadata.metadata(package)
    if expression := fields.get("License-Expression"):
        return str(expression)
    word = (fields.get("License") or "").strip().partition("\n")[0]
    if word in LIST["allowed"]:
        return word
    if word in LIST["spdx"]:
        return str(LIST["spdx"][word])
    classifiers = (line for line in fields.get_all("Classifier", []) if line.startswith("License ::"))
    names = (line.rpartition(":: ")[2] for line in classifiers)
    return " OR ".join(LIST["spdx"].get(name, name) for name in names) or word


def test_the_locked_packages_are_those_listed() -> None:
    assert sorted(LISTED) == sorted(LOCKED)


def test_a_licence_is_allowed_or_has_its_reason() -> None:
    for package, expression in LISTED.items():
        terms = set(re.split(r"[()\s]+|AND|OR", expression)) - {""}
        assert terms <= set(LIST["allowed"]) or LIST["copyleft"].get(package), f"{package}: {expression}"


def test_a_reason_belongs_to_a_package_that_needs_one() -> None:
    for package in LIST["copyleft"]:
        assert "MPL" in LISTED[package] or "Artistic" in LISTED[package], package


@pytest.mark.parametrize("package", installed())
def test_a_package_states_the_licence_listed(package: str) -> None:
    assert stated(package) == LISTED[package]
