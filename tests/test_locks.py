"""The locks hold what pyproject.toml asks for, each with its hashes, and the README's commands and CI install from them."""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from conftest import ROOT

LOCKS = {name: ROOT / name for name in ("requirements.lock", "tests/requirements.lock")}
PYTHONS = ("3.11.9", "3.12.9", "3.13.9")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Pin:
    """One package of a lock, as its requirement line says."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        return str(self.requirement.specifier).removeprefix("==")

    def holds_on(self, python: str) -> bool:
        minor = ".".join(python.split(".")[:2])
        here = {**default_environment(), "python_version": minor, "python_full_version": python}
        return self.requirement.marker is None or self.requirement.marker.evaluate(here)


def pins(lock: Path) -> Iterator[Pin]:
    lines = [line for line in lock.read_text("utf-8").splitlines() if line.strip() and not line.strip().startswith("#")]
    assert lines[0] == "--only-binary :all:"
    for entry in re.split(r"\n(?=\S)", "\n".join(lines[1:])):
        requirement, *hashes = (piece.strip(" \\") for piece in entry.split("\n"))
        yield Pin(Requirement(requirement), tuple(hashes))


def asked(*extras: str) -> list[Requirement]:
    optional = PROJECT["project"]["optional-dependencies"]
    lines = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    lines += [line for extra in extras for line in optional[extra] if not line.startswith("qingwen[")]
    return [Requirement(line) for line in lines]


def test_a_line_of_a_lock_is_one_version_with_its_hashes() -> None:
    loose = [
        str(pin.requirement)
        for lock in LOCKS.values()
        for pin in pins(lock)
        if not re.fullmatch(r"==[\w.!+]+", str(pin.requirement.specifier))
        or pin.requirement.url is not None
        or not pin.hashes
        or not all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", digest) for digest in pin.hashes)
    ]
    assert loose == []


def test_a_lock_names_no_place_to_download_from() -> None:
    place = re.compile(r"^.*://.*$|^\s*(?:-i|-f|--index|--extra-index|--find-links|--trusted).*$", re.MULTILINE)
    assert [line for lock in LOCKS.values() for line in place.findall(lock.read_text("utf-8"))] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_each_requirement_is_locked_once_within_its_bounds(python: str) -> None:
    """Where one fails: python -m tests.lock."""
    faults = []
    for lock, extras in zip(LOCKS.values(), [(), ("test", "dev")], strict=True):
        held = [pin for pin in pins(lock) if pin.holds_on(python)]
        locked = {pin.name: pin.version for pin in held}
        faults += [
            f"{lock.name}: {name} twice" for name, times in Counter(pin.name for pin in held).items() if times > 1
        ]
        for requirement in asked(*extras):
            version = locked.get(canonicalize_name(requirement.name))
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                faults.append(f"{lock.name}: {requirement}: locked at {version}")
    assert faults == []


@pytest.mark.parametrize("python", PYTHONS)
def test_both_locks_name_the_same_versions_and_files(python: str) -> None:
    run, tests = ({pin.name: pin for pin in pins(lock) if pin.holds_on(python)} for lock in LOCKS.values())
    assert run.keys() <= tests.keys()
    pairs = [(pin, tests[name]) for name, pin in run.items()]
    assert [one.name for one, other in pairs if (one.version, one.hashes) != (other.version, other.hashes)] == []


def test_a_lock_is_complete() -> None:
    """What a locked package needs is locked too: the install resolves nothing (--no-deps)."""
    missing = []
    for lock in LOCKS.values():
        locked = {pin.name: pin for pin in pins(lock) if pin.holds_on(default_environment()["python_full_version"])}
        for name, pin in locked.items():
            with contextlib.suppress(metadata.PackageNotFoundError):
                if metadata.version(name) != pin.version:
                    continue
                needs = [Requirement(line) for line in metadata.distribution(name).requires or ()]
                missing += [
                    f"{lock.name}: {name} needs {need}"
                    for need in needs
                    if (need.marker is None or need.marker.evaluate({"extra": ""}))
                    and canonicalize_name(need.name) not in locked
                ]
    assert missing == []


def commands() -> list[str]:
    readme = (ROOT / "README.md").read_text("utf-8")
    return [line for line in readme.splitlines() if line.startswith("python3 -m venv")]


def test_the_readme_s_commands_install_from_the_locks() -> None:
    for command, lock in zip(commands(), LOCKS, strict=True):
        _, locked, project, _ = command.split(" && ")
        assert locked == f".venv/bin/pip install -q --no-deps --require-hashes -r {lock}"
        assert project == ".venv/bin/pip install -q --no-deps --no-build-isolation ."


def test_ci_runs_the_readme_s_test_command_and_its_linters_are_locked() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "grep -m1 -- '-m pytest$' README.md" in script
    assert [command for command in commands() if command.endswith("-m pytest")] == commands()[1:]
    for tool in ("ruff", "mypy"):
        assert f'.venv/bin/{tool}"' in script


def test_the_lowest_versions_are_what_the_bounds_begin_with() -> None:
    found = {pin.name: pin for pin in pins(ROOT / "tests" / "lowest.lock")}
    wanted = [one for one in asked("test") if canonicalize_name(one.name) != "hatchling" or one.name in found]
    for requirement in wanted:
        pin = found[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin.version), pin.requirement
        assert pin.hashes
    lowest = {one.name: [spec.version for spec in one.specifier if spec.operator == ">="] for one in wanted}
    begun = [
        name
        for name, bounds in lowest.items()
        if Version(found[canonicalize_name(name)].version) in map(Version, bounds)
    ]
    # The others were never published under just that number, or another package asks for more.
    assert len(begun) > len(wanted) // 2
