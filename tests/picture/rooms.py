"""The package's rooms as its files show them: folders and files right below the package, and what each imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import qingwen

PACKAGE = Path(qingwen.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
FACE = "__init__"
# The rooms from the bottom up; a file may import from its own level's room and from those below.
LEVELS = {
    "errors": 0, "han": 0, "text": 1, "config": 1, "mojibake": 1, "model": 2, "conversion": 2, "views": 3, "rules": 4, "read": 5, "segment": 5, "label": 5,
    "normalize": 5, "metadata": 5, "assess": 5, "clean": 6, "cleaner": 7, "report": 7, "corpus": 7, "adapters": 8, "operations": 8, "flow": 9, "actions": 10, "keeping": 11, "arguments": 11, "commands": 12, "cli": 13, "__main__": 14, "__init__": 9,
}  # fmt: skip
Arrows = dict[str, set[str]]


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, wherever in it; ``from qingwen import flow`` imports qingwen.flow."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{name_of(path)}:{node.lineno}: name the module that is imported from"
            assert not node.level, f"{name_of(path)}:{node.lineno}: write qingwen.{node.module}"
            rooms = {alias.name for alias in node.names if node.module == "qingwen"} & LEVELS.keys()
            yield from (f"qingwen.{name}" for name in sorted(rooms))
            yield node.module


def room(module: str) -> str:
    """Return the room of a module of the package: that of qingwen.read.files is read."""
    return module.split(".")[1] if "." in module else FACE


def room_of(path: Path) -> str:
    """Return the room that a file stands in, or is."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def used_rooms(path: Path) -> set[str]:
    """Return the other rooms that a file imports."""
    return {room(module) for module in imports(path) if module.startswith("qingwen.")} - {room_of(path)}


def arrows() -> Arrows:
    """Return, for each room, the other rooms that its files import."""
    found: Arrows = {room_of(path): set() for path in FILES}
    for path in FILES:
        found[room_of(path)] |= used_rooms(path)
    return found


def grouped(arrows: Arrows, groups: dict[str, str]) -> Arrows:
    """Return the arrows between groups of rooms; ``groups`` names that of a room, if it is in one."""
    found: Arrows = {groups.get(name, name): set() for name in arrows}
    for name, used in arrows.items():
        mine = groups.get(name, name)
        found[mine] |= {groups.get(other, other) for other in used} - {mine}
    return found


def reduced(arrows: Arrows) -> Arrows:
    """Return the arrows without those beside which a longer way leads to the same room; there is no circle."""
    below = {name: _below(name, arrows) for name in arrows}
    return {name: {to for to in used if not any(to in below[by] for by in used)} for name, used in arrows.items()}


def _below(name: str, arrows: Arrows) -> set[str]:
    found: set[str] = set()
    waiting = list(arrows[name])
    while waiting:
        if (other := waiting.pop()) not in found:
            found.add(other)
            waiting += arrows[other]
    return found
