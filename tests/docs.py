"""The documents as data, and `commands.md`, which is the command line's own help.

``python -m tests.docs`` writes commands.md anew.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).parent.parent
GUIDES = ROOT / "flows" / "qingwen" / "docs"
COMMANDS = GUIDES / "commands.md"
README, CHINESE = ROOT / "README.md", ROOT / "README.zh.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path: Path) -> list[tuple[str, str]]:
    """Return the code blocks of a document: language and text."""
    return BLOCK.findall(path.read_text("utf-8"))


def prose(path: Path) -> str:
    """Return a document without its code blocks."""
    return BLOCK.sub("", path.read_text("utf-8"))


def guides() -> list[Path]:
    """Return the guides."""
    return sorted(GUIDES.glob("*.md"))


@lru_cache(maxsize=1)
def commands() -> tuple[tuple[str, ...], ...]:
    """Return every command of the command line by its words, in the order of the help: ("rules", "check")."""
    from typer.main import get_command

    from qingwen.cli.main import app

    def walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if words:
            yield words
        for name, inner in getattr(command, "commands", {}).items():
            if not inner.hidden:
                yield from walk(inner, (*words, name))

    return tuple(walk(get_command(app), ()))


@lru_cache(maxsize=64)
def help_of(*words: str) -> str:
    """Return what ``qingwen WORDS --help`` prints in a window of 100 columns."""
    from qingwen.cli.main import main

    printed = io.StringIO()
    with (
        mock.patch.dict(os.environ, {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        main([*words, "--help"])
    return "\n".join(line.rstrip() for line in printed.getvalue().strip().splitlines())


def reference() -> str:
    """Return the text of commands.md."""
    parts = ["# Commands: every command with its options\n"]
    parts += ["Printed by `qingwen COMMAND --help`; `python -m tests.docs` writes this page.\n"]
    parts += [f"```text\n{help_of()}\n```\n"]
    parts += [f"## qingwen {' '.join(words)}\n\n```text\n{help_of(*words)}\n```\n" for words in commands()]
    return "\n".join(parts)


if __name__ == "__main__":
    COMMANDS.write_text(reference(), "utf-8")
    print(f"written: {COMMANDS}")
