"""Kinds of characters, defined once: Han, marks that end a sentence, closing marks, characters that do not print."""

import unicodedata
from importlib import resources
from typing import Any

# Han: Unicode's unified ideographs up to extension H, and 〇. First and last code point of each block.
HAN_RANGES = ((0x3007, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x323AF))
# The same for a pattern, between brackets: f"[{HAN}]".
HAN = "".join(chr(first) if first == last else f"{chr(first)}-{chr(last)}" for first, last in HAN_RANGES)
# Marks that may end a line of running text, and marks that may follow them.
SENTENCE_ENDS = "。！？!?…：:"
CLOSING_MARKS = "”’」』\"')）】"

# The tables beside this file: what the contact view undoes, and what OpenCC leaves open.
TABLES = ("contact.toml", "script.toml")


def table_text(name: str) -> str:
    """Return the text of one of `TABLES`."""
    return resources.files("qingwen.text").joinpath(name).read_text("utf-8")


def code_points(text: str) -> Any:
    """Return the code points of a text as a numpy array of ``uint32``.

    >>> code_points("清文").tolist()
    [28165, 25991]
    """
    import numpy as np  # importing this module stays cheap

    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def printed(text: str) -> str:
    r"""Return a text in which characters that do not print, or would control a terminal, are escaped as in Python.

    >>> printed("a\x1b[2Jb\u202e")
    'a\\x1b[2Jb\\u202e'
    """
    return "".join(char if _prints(char) else char.encode("unicode_escape").decode("ascii") for char in text)


def _prints(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"
