"""The families of signs, and their names: what the sequence model knows of a block.

A family holds signs of which a block has one at most; signs are numbered in the order in which they are named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qingwen.label.block_stats import Ints
from qingwen.label.zones import ARTICLE, HEAD, TAIL
from qingwen.model import Label

SIZES = (0, 3, 6, 10, 15, 25, 40, 80, 160, 400)
SHARES = (0.001, 0.25, 0.5, 0.8, 0.95)
PLACES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
AROUND, TITLE_SHARES = (1, 40, 120, 300), (0.1, 0.3, 0.6)

NAMES: list[str] = [""]  # the signs by number; 0: no sign of the family


@dataclass(frozen=True, slots=True)
class Family:
    """Signs of which a block has one at most; ``numbers`` has a place for each case, and a last one for none."""

    numbers: Ints

    def of(self, cases: Ints | Sequence[int], here: npt.NDArray[np.bool_] | None = None) -> Ints:
        """Return the signs' numbers for the blocks' cases; no sign where a block is not ``here``."""
        found = self.numbers[np.asarray(cases)]
        return found if here is None else np.where(here, found, 0)


def _family(names: Iterable[str]) -> Family:
    """Number the names of a family; a family may share names with another."""
    numbers = []
    for name in names:
        if name not in _NUMBERS:
            _NUMBERS[name] = len(NAMES)
            NAMES.append(name)
        numbers.append(_NUMBERS[name])
    return Family(np.array([*numbers, 0], dtype=np.int64))


_NUMBERS: dict[str, int] = {}


def _stepped(bounds: Sequence[float], name: str) -> list[str]:
    """Return the names of a measure's steps, from below the first bound on."""
    return [name.format(_between(at, bounds)) for at in range(len(bounds) + 1)]


def _between(at: int, bounds: Sequence[float]) -> str:
    return f"{bounds[at - 1] if at else 0:g}-{bounds[at]:g}" if at < len(bounds) else f"{bounds[-1]:g}+"


def _by_prose(names: Sequence[str]) -> Family:
    """Return a family of the names for blocks that are no prose, then of those for prose."""
    return _family([f"{prose}, {name}" for prose in ("no prose", "prose") for name in names])


ZONES = (HEAD, ARTICLE, TAIL)
SCOPES = ("any", "article", "head", "tail")
LABELS = tuple(sorted(label.value for label in Label))
HAND = _family(f"the hand-set weights say {zone}" for zone in ZONES)
HAND_PROSE = _by_prose([f"the hand-set weights say {zone}" for zone in ZONES])
SIZE = _family(_stepped(SIZES, "{} characters"))
SIZE_PROSE = _by_prose(_stepped(SIZES, "{} characters"))
SENTENCES = _family(f"{n} sentence marks" for n in range(5))
COMMAS = _family(f"{n} commas" for n in range(5))
ENDS = _by_prose(["does not end a sentence", "ends a sentence"])
LITTLE_HAN = _family(["mostly no Han"])
DIGITS = _family(["a third digits"])
LATIN = _family(["a third Latin letters"])
LINES = tuple(
    _family([f"short, {what}"])
    for what in (
        "with a date or time", "with separators", "opens with a bullet", "opens with a number", "opens with a bracket",
        "ends in a colon", "with gaps",
    )
)  # fmt: skip
CUT_OFF = _by_prose(["breaks off in dots"])
TWICE = _family(["stands twice on the page"])
TEASER = _family(["shape of a teaser"])
RULES = tuple(_family([f"rule of {label}"]) for label in LABELS)
RULE_SCOPES = tuple(_family([f"rule for the {scope}"]) for scope in SCOPES)
OPENS_TAIL = _family(["heading of other matter"])
TAGS = (
    "body button center dd div dl dt h1 h2 h3 h4 h5 h6 li p section td th title tr ul ol span article main aside "
    "header footer nav form table tbody pre blockquote figure figcaption address dir menu option select label "
    "fieldset ?"
).split()
TAG_NAMES = _family(f"tag {tag}" for tag in TAGS)
LINKED = _family(_stepped(SHARES, "link density {}"))
LINKED_PROSE = _by_prose(_stepped(SHARES, "link density {}"))
CLASS_GOOD = _family(["class names say article"])
CLASS_BAD = _family(["class names say chrome"])
OUTSIDE = _by_prose(["outside the main container"])
PLACE = _family(_stepped(PLACES, "{} of the page above"))
ABOVE = _by_prose(_stepped(PLACES, "{} of the text above"))
BELOW = _by_prose(_stepped(PLACES, "{} of the text below"))
WHERE = ("in elements like this", "in parents like this", "in grandparents like this")
ALIKE = tuple(_by_prose(_stepped(SHARES, f"{{}} of the text {where}")) for where in WHERE)
MAIN = _by_prose(["where most text stands"])
BELOW_OPENER = _by_prose(["below a heading of other matter"])
TITLE_SIDE = _family(["above the title", "the title", "below the title"])
BELOW_TITLE = _by_prose(["1 below the title", "2 below the title", "3 below the title"])
TITLE_WORDS = _by_prose(_stepped(TITLE_SHARES, "shares {} of the title"))
NEAR = _by_prose(_stepped(AROUND, "{} characters of text around"))


@dataclass(frozen=True)
class Beside:
    """The families of the block that stands so many blocks away; negative: above."""

    away: int
    size: Family
    edge: Family
    rule: Family
    path: Family
    link: Family
    teaser: Family
    opener: Family

    @classmethod
    def at(cls, away: int) -> Beside:
        """Name the families of the block that stands ``away`` blocks away."""
        name = f"{abs(away)} {'above' if away < 0 else 'below'}: "
        sizes = [f"{prose}, {size}" for prose in ("no prose", "prose") for size in _stepped(SIZES, "{} characters")]
        listed = (
            sizes, ["the page's edge"], [f"rule of {label}" for label in LABELS], ["another path", "the same path"],
            ["a link"], ["shape of a teaser"], ["heading of other matter"],
        )  # fmt: skip
        return cls(away, *(_family(name + said for said in names) for names in listed))


BESIDES = tuple(Beside.at(away) for away in (-2, -1, 1, 2))
