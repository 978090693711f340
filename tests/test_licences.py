"""The licence of each package that the lock installs is listed, allowed, and the one that the package itself states."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata

from conftest import ROOT

LIST = tomllib.loads((ROOT / "tests" / "licences.toml").read_text("utf-8"))
LISTED: dict[str, str] = LIST["licences"]
PINS = dict(re.findall(r"^([\w.-]+)==([\w.!+]+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))


def installed() -> list[str]:
    """Return the locked packages that are here in the locked version; others may call their licence by another word."""
    here = {found.name.lower().replace("_", "-").replace(".", "-"): found.version for found in metadata.distributions()}
    return sorted(package for package, version in PINS.items() if here.get(package) == version)


def stated(package: str) -> str:
    """Return what a package's metadata calls its licence, in SPDX terms: its expression, its word, or its classifiers."""
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
    assert sorted(LISTED) == sorted(PINS)


def test_a_licence_is_allowed_or_has_its_reason() -> None:
    terms = {package: set(re.split(r"[()\s]+|AND|OR", listed)) - {""} for package, listed in LISTED.items()}
    foreign = {package for package, words in terms.items() if not words <= {*LIST["allowed"]}}
    assert foreign == {package for package, reason in LIST["copyleft"].items() if reason}


def test_each_package_states_the_licence_listed() -> None:
    found = {package: stated(package) for package in installed()}
    assert found == {package: LISTED[package] for package in found}
