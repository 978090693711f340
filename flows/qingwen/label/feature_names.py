"""The features of the sequence model by name, in groups of which a block has one feature at most.

A feature's name is a sentence fragment that an explanation can print, and the key of its weights in ``weights.json``.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, pairwise

from qingwen.model import Label

# Where sizes, shares and places are cut into steps.
SIZES = (0, 3, 6, 10, 15, 25, 40, 80, 160, 400)
SHARES = (0.001, 0.25, 0.5, 0.8, 0.95)
PLACES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
LEXICAL, NEARBY_LEXICAL = (-4, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 4), (-1, 1)
INSIDE = (0.02, 0.1, 0.3, 0.7, 0.9, 0.98)
NEARBY_SIZES, TITLE_SHARES = (1, 40, 120, 300), (0.1, 0.3, 0.6)

SCOPES = ("any", "article", "head", "tail")
LABELS = tuple(sorted(label.value for label in Label))
TAGS = tuple(
    "body button center dd div dl dt h1 h2 h3 h4 h5 h6 li p section td th title tr ul ol span article main aside "
    "header footer nav form table tbody pre blockquote figure figcaption address dir menu option select label "
    "fieldset ?".split()
)
# The ways in which short lines are written.
LINES = ("with a date or time", "with separators", "opens with a bullet", "opens with a number", "opens with a bracket",
         "ends in a colon", "with gaps")  # fmt: skip
# The elements of which the share of the page's text is measured: a block's own kind, its parent's, its grandparent's.
ELEMENTS = ("elements", "parents", "grandparents")
# The neighbours, by how many blocks they are away (negative: above).
NEIGHBOURS = {-1: "1 above", 1: "1 below"}


def _steps(name: str, bounds: Sequence[float]) -> tuple[str, ...]:
    """Return the names of a measure's steps, from below the first bound on."""
    between = (f"{low:g} to {high:g}" for low, high in pairwise(bounds))
    first = f"0 to {bounds[0]:g}" if bounds[0] >= 0 else f"below {bounds[0]:g}"
    return tuple(name.format(step) for step in (first, *between, f"{bounds[-1]:g} or more"))


def _by_prose(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names for blocks that are not prose, then those for prose."""
    names = tuple(names)
    return tuple(f"{prose}, {name}" for prose in ("no prose", "prose") for name in names)


_SIZES = _steps("{} characters", SIZES)

GROUPS: dict[str, tuple[str, ...]] = {
    "size": _SIZES,
    "size and prose": _by_prose(_SIZES),
    "sentence marks": tuple(f"{n} sentence marks" for n in range(5)),
    "commas": tuple(f"{n} commas" for n in range(5)),
    "sentence end": _by_prose(["does not end a sentence", "ends a sentence"]),
    "lexical": _by_prose(_steps("words of furniture {}", LEXICAL)),
    **{f"line {line}": (f"short, {line}",) for line in LINES},
    "cut off": _by_prose(["breaks off in dots"]),
    "repeated": ("stands twice on the page",),
    "teaser": ("shape of a teaser",),
    **{f"rule label {label}": (f"rule of {label}",) for label in LABELS},
    **{f"rule scope {scope}": (f"rule for the {scope}",) for scope in SCOPES},
    "opens tail": ("heading of other matter",),
    "tag": tuple(f"tag {tag}" for tag in TAGS),
    "links": _steps("link density {}", SHARES),
    "links and prose": _by_prose(_steps("link density {}", SHARES)),
    "inside": _by_prose(_steps("{} likely inside the article's element", INSIDE)),
    "place": _steps("{} of the page above", PLACES),
    "text above": _by_prose(_steps("{} of the text above", PLACES)),
    "text below": _by_prose(_steps("{} of the text below", PLACES)),
    **{f"text in {what}": _by_prose(_steps(f"{{}} of the text in {what} like this", SHARES)) for what in ELEMENTS},
    "own kind": _by_prose(["of the article's own kind", "beside the article's own kind", "of another kind"]),
    "below opener": _by_prose(["below a heading of other matter", "of another kind below a heading of other matter"]),
    "side of title": ("above the title", "the title", "below the title"),
    "below title": _by_prose(["1 below the title", "2 below the title", "3 below the title"]),
    "title words": _by_prose(_steps("shares {} of the title", TITLE_SHARES)),
    "text nearby": _by_prose(_steps("{} characters of text around", NEARBY_SIZES)),
} | {
    f"{where}: {group}": tuple(f"{where}: {name}" for name in names)
    for where in NEIGHBOURS.values()
    for group, names in {
        "edge": ("the page's edge",),
        "size": _by_prose(_SIZES),
        "rule": tuple(f"rule of {label}" for label in LABELS),
        "lexical": _steps("words of furniture {}", NEARBY_LEXICAL),
        "path": ("another path", "the same path"),
        "link": ("a link",),
        "dated": _by_prose(["a short line with a date or time"]),
        "teaser": ("shape of a teaser",),
        "opener": ("heading of other matter",),
    }.items()
}

# The features by number; 0: none of its group.
NAMES = ("", *dict.fromkeys(chain.from_iterable(GROUPS.values())))
