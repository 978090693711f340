"""What passes over title and body are given and propose, and the one place that applies it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from qingwen.config import Config
from qingwen.model import Flag
from qingwen.rules.book import RuleBook
from qingwen.text.spans import Edit, PositionMap, Span, apply

# Real text needs one round or two; a page that is made to need more is cut short here.
_MAX_ROUNDS = 12


@lru_cache(maxsize=64)
def characters_of(text: str) -> frozenset[str]:
    """Return the characters that a text holds; cached, as several passes ask it about the same text."""
    return frozenset(text)


@dataclass(frozen=True, slots=True)
class Context:
    """What a pass may use besides the parts: the configuration, the rules, and what is known about the page."""

    config: Config
    book: RuleBook
    folded: bool = False  # the page's punctuation was folded to ASCII
    title: Span | None = None  # which characters of the title part are the title
    dump: bool = True  # the page is a plain-text dump, whose lines may hold several paragraphs
    site: str | None = None  # the key of the page's site
    spun_site: bool = False  # pages of the site are known to have words swapped


@dataclass(frozen=True, slots=True)
class Proposal:
    """The edits and flags that a pass proposes, in the positions of the parts that it was given."""

    edits: tuple[Edit, ...] = ()
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """The parts after the passes so far, with all edits and flags.

    ``masked`` are the characters behind the masks in the body: they count when its quality is measured.
    """

    parts: Mapping[str, str]
    edits: tuple[Edit, ...] = ()
    flags: tuple[Flag, ...] = ()
    masked: str = ""

    def was_edited_by(self, rules: Iterable[str]) -> bool:
        """Tell whether one of the rules has made an edit so far."""
        wanted = set(rules)
        return any(edit.rule in wanted for edit in self.edits)


Pass = Callable[[Draft, Context], Proposal]


def run(parts: Mapping[str, str], passes: Sequence[Pass], context: Context) -> Draft:
    """Run the passes over the parts, round after round until a round changes nothing; return all edits and flags.

    A pass may write what an earlier pass looks for (an entity that a deleted character had broken). Edits carry the
    number of their pass, counted through all rounds. Flags carry positions in the finished parts.
    """
    draft = Draft(dict(parts))
    for number in range(_MAX_ROUNDS):
        before = draft
        draft = _round(before, passes, context, number * len(passes))
        if number:
            # A later round flags a place again that an earlier one flagged: keep the earlier flag alone.
            flags = draft.flags[: len(before.flags)]
            known = {(flag.part, flag.rule, flag.span) for flag in flags}
            new = (flag for flag in draft.flags[len(flags) :] if (flag.part, flag.rule, flag.span) not in known)
            draft = replace(draft, flags=(*flags, *new))
        if len(draft.edits) == len(before.edits):
            break
        context = replace(context, title=None)  # the first round has cut the title out of its block
    return draft


def _round(draft: Draft, passes: Sequence[Pass], context: Context, first: int) -> Draft:
    for step, propose in enumerate(passes, first):
        proposal = propose(draft, context)
        if not proposal.edits:
            draft = replace(draft, flags=draft.flags + proposal.flags)
            continue
        edits = tuple(Edit(e.part, e.span, e.before, e.after, e.rule, step) for e in proposal.edits)
        of_part = {name: [edit for edit in edits if edit.part == name] for name in draft.parts}
        maps = {name: PositionMap(found) for name, found in of_part.items()}
        draft = Draft(
            parts={name: apply(text, of_part[name]) for name, text in draft.parts.items()},
            edits=draft.edits + edits,
            flags=tuple(_moved(flag, maps[flag.part]) for flag in draft.flags + proposal.flags),
        )
    return draft


def _moved(flag: Flag, through: PositionMap) -> Flag:
    start = through.forward(flag.span.start)
    return replace(flag, span=Span(start, max(start, through.forward(flag.span.end))))
