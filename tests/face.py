"""The public interface as text: the stable names with their parameters, fields and defaults.

``python -m tests.face`` writes it to tests/gold/face.txt, where a change of a stable name shows as a difference.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import qingwen

GOLD = Path(__file__).parent / "gold" / "face.txt"


def face() -> str:
    """Return all stable names, each with its members."""
    return "\n".join(line for name in qingwen.__all__ for line in [*_lines(name, getattr(qingwen, name)), ""])


def _lines(name: str, value: Any) -> Iterator[str]:
    if not inspect.isclass(value):
        yield f"{name}{_signature(value)}"
        return
    parents = ", ".join(parent.__name__ for parent in value.__bases__ if parent is not object)
    yield f"class {name}({parents})" if parents else f"class {name}"
    if issubclass(value, Enum):
        yield from (f"    {member.name} = {member.value!r}" for member in value)
        return
    yield from (f"    {line}" for line in _attributes(value))
    if not dataclasses.is_dataclass(value) and not issubclass(value, BaseException):
        yield f"    __init__{_signature(value.__init__)}"
    for own, member in sorted(vars(value).items()):
        if own.startswith("_"):
            continue
        if inspect.isfunction(member):
            yield f"    {own}{_signature(member)}"
        elif code := getattr(member, "fget", None) or getattr(member, "func", None):
            yield f"    {own} -> {_annotation(inspect.signature(code).return_annotation)}"


def _signature(function: Any) -> str:
    """Return a signature with its annotations as they are written, wherever their types come from."""
    return _bare(re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(function))))


def _annotation(kind: Any) -> str:
    return _bare(kind if isinstance(kind, str) else inspect.formatannotation(kind))


def _bare(text: str) -> str:
    return re.sub(r"\b(?:qingwen|collections|datetime|pathlib|typing)\.(?:\w+\.)*(?=[A-Za-z])", "", text)


def _attributes(value: Any) -> Iterator[str]:
    """Yield the fields of a dataclass in their order, or the attributes that a class declares."""
    if not dataclasses.is_dataclass(value):
        yield from (f"{name}: {_annotation(kind)}" for name, kind in inspect.get_annotations(value).items())
        return
    for field in dataclasses.fields(value):
        made = field.default_factory is not dataclasses.MISSING
        default = "..." if made else None if field.default is dataclasses.MISSING else repr(field.default)
        yield f"{field.name}: {_annotation(field.type)}" + ("" if default is None else f" = {default}")


if __name__ == "__main__":
    GOLD.write_text(face(), "utf-8")
    print(f"written: {GOLD}")
