"""The picture of the architecture, made from the code: rooms and what they import, and the chain of passes.

Mermaid's plain syntax, which GitHub draws.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from qingwen.clean import PASSES

from .rooms import FACE, LEVELS, PACKAGE, arrows, grouped, reduced

README = Path(__file__).parent.parent.parent / "README.md"
MARK, END = "<!-- picture: made by `python -m tests.picture` -->", "<!-- end of the picture -->"
# A sentence on one line, and lines close together: the chain fits a screen.
_NARROW = '%%{init: {"flowchart": {"wrappingWidth": 800, "rankSpacing": 16, "padding": 6}}}%%'
GROUND, TOP, NAMED_FACE = "ground", "top", "face"


def picture() -> str:
    """Return what stands between the marks: two flowcharts."""
    charts = ("\n".join(["```mermaid", *lines, "```"]) for lines in (rooms(), chain()))
    return "\n\n".join(charts)


def rooms() -> list[str]:
    """Return the flowchart of the rooms; files below all folders are one node, and those above the flow another."""
    folders = {name for name in LEVELS if (PACKAGE / name).is_dir()}
    lowest, highest = min(LEVELS[name] for name in folders), LEVELS["flow"]
    groups = {name: GROUND for name, level in LEVELS.items() if level < lowest}
    groups |= {name: TOP for name, level in LEVELS.items() if level > highest} | {FACE: NAMED_FACE}
    drawn = reduced(grouped(arrows(), groups))
    order = sorted(drawn, key=lambda name: (-_level(name, groups), name))
    lines = ["flowchart TD"]
    for name in order:
        # Labels are read as Markdown: two underscores, or a number with a dot, would mean something there.
        inside = [one for one in LEVELS if groups.get(one) == name and not one.startswith("__")]
        files = ", ".join(f"{one}.py" for one in inside) or f"{name}.py"
        title = "import qingwen" if name == NAMED_FACE else f"{name}/" if name in folders else files
        lines.append(f'    {name}["{title}"]')
    return lines + [f"    {name} --> {other}" for name in order for other in sorted(drawn[name])]


def _level(name: str, groups: dict[str, str]) -> int:
    return max([LEVELS.get(name, 0), *(LEVELS[one] for one in LEVELS if groups.get(one) == name)])


def chain() -> list[str]:
    """Return the flowchart of the passes, each with the first sentence of its docstring."""
    lines = [_NARROW, "flowchart TD"]
    for number, step in enumerate(PASSES, 1):
        file = Path(inspect.getfile(step)).relative_to(PACKAGE).as_posix()
        lines.append(f'    p{number}["{number} {step.__name__} ({file})<br/>{_said(step.__doc__)}"]')
    return [*lines, "    " + " --> ".join(f"p{number}" for number in range(1, len(PASSES) + 1))]


def _said(document: str | None) -> str:
    """Return the first line of a docstring as a label may hold it."""
    return re.sub(r"[\"`<>]", "'", (document or "").split("\n")[0].replace("``", ""))


def placed(text: str) -> str:
    """Return a text with the picture between its marks."""
    before, mark, rest = text.partition(MARK)
    _, end, behind = rest.partition(END)
    if not (mark and end):
        raise SystemExit(f"README.md holds no place for the picture: {MARK} … {END}")
    return f"{before}{MARK}\n{picture()}\n{END}{behind}"
