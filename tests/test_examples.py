"""The examples in the docstrings run, and each name of the package's face has one."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import qingwen

PACKAGE = Path(qingwen.__file__).parent
# Only files that hold an example are imported: no example needs prefect.
FILES = sorted(path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text("utf-8"))


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


@pytest.mark.parametrize("name", map(module_of, FILES))
def test_the_examples_of_a_module_run(name: str) -> None:
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0
    assert found.failed == 0  # doctest has printed what it got


@pytest.mark.parametrize("name", qingwen.__all__)
def test_a_name_of_the_face_has_an_example(name: str) -> None:
    examples = doctest.DocTestFinder(recurse=False).find(getattr(qingwen, name), name)
    assert [example for found in examples for example in found.examples]
