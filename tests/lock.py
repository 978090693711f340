"""Write the locks, and check that every locked package has a wheel for each Python and platform.

``python -m tests.lock`` keeps each locked version that pyproject.toml still allows; ``--upgrade`` takes the newest.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNTIME, TESTS = "requirements.lock", "tests/requirements.lock"
# The oldest versions that the bounds of pyproject.toml allow, for CI.
LOWEST = "tests/lowest.lock"
PYTHONS = ("3.11", "3.12", "3.13")
# Elsewhere some package has no wheel: cryptography (of Prefect) on Macs with an Intel processor, resiliparse on Alpine, pyarrow
# on Windows for ARM. There `pip install .` builds them.
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin", "x86_64-pc-windows-msvc")
UV = (sys.executable, "-m", "uv", "pip")
# Wheels alone: what builds a source package is not pinned by any hash.
WHEELS = ("--only-binary", ":all:")


def compile_lock(lock: str, *options: str) -> None:
    """Write one lock for all Pythons and platforms: hatchling, which builds this project, and what it runs on."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    command = [
        *UV,
        "compile",
        "pyproject.toml",
        "-",
        "--output-file",
        lock,
        "--universal",
        "--python-version",
        PYTHONS[0],
    ]
    command += [*WHEELS, "--emit-build-options", "--generate-hashes", "--quiet", *options]
    command += ["--custom-compile-command", "python -m tests.lock"]
    subprocess.run(command, cwd=ROOT, input="\n".join(build), text=True, check=True)


def check_wheels(lock: str, python: str, platform: str) -> None:
    """Resolve the lock as pip would there, with its hashes; nothing is installed."""
    there = ["--python-version", python, "--python-platform", platform]
    with tempfile.TemporaryDirectory() as nowhere:
        command = [*UV, "install", "--python", sys.executable, "--target", nowhere, "--dry-run", "--quiet"]
        subprocess.run([*command, *there, *WHEELS, "--require-hashes", "-r", lock], cwd=ROOT, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    upgrade = ["--upgrade"] if parser.parse_args().upgrade else []
    # The larger lock comes first and constrains the smaller one, so that both name the same versions.
    compile_lock(TESTS, "--extra", "dev", *upgrade)
    compile_lock(RUNTIME, "--constraint", TESTS, *upgrade)
    compile_lock(LOWEST, "--extra", "test", "--resolution", "lowest-direct", "--upgrade")
    for lock in (RUNTIME, TESTS):
        for python in PYTHONS:
            for platform in PLATFORMS:
                check_wheels(lock, python, platform)


if __name__ == "__main__":
    main()
