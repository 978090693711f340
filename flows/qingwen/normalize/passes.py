"""The passes over title and body, in order, and the one place that applies what they propose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from qingwen.config import Config
from qingwen.model import Flag
from qingwen.rules.book import RuleBook
from qingwen.text.spans import Edit, PositionMap, Span, apply


@lru_cache(maxsize=64)
def characters_of(text: str) -> frozenset[str]:
    """Return the characters that a text holds: what a pass asks first, and what several passes ask of one text."""
    return frozenset(text)


@dataclass(frozen=True, slots=True)
class Context:
    """What a pass may look at besides the parts: thresholds, rules, and what is known of the page."""

    config: Config
    book: RuleBook
    folded: bool  # the page's punctuation was folded to ASCII
    title: Span | None = None  # which characters of the title part are the title
    dump: bool = True  # the parts come from a dump, whose lines may hold several paragraphs
    site: str | None = None  # what the page's site is known by
    spun_site: bool = False  # the site's pages are known to be spun
    masks: tuple[Edit, ...] = ()  # personal data in the parts, masked already


@dataclass(frozen=True, slots=True)
class Proposal:
    """The edits and flags that a pass proposes, in the positions of the parts that it was given."""

    edits: tuple[Edit, ...] = ()
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """The parts as they stand, with every edit made so far."""

    parts: Mapping[str, str]
    edits: tuple[Edit, ...] = ()
    flags: tuple[Flag, ...] = ()

    def restored(self, rules: Iterable[str]) -> bool:
        """Tell whether one of the rules has changed anything so far."""
        wanted = set(rules)
        return any(edit.rule in wanted for edit in self.edits)


Pass = Callable[[Draft, Context], Proposal]
# Text in the wild is at rest after one round, or two; a page that is made to need more is cut short here.
_MOST_ROUNDS = 12


def run(parts: Mapping[str, str], passes: Sequence[Pass], context: Context) -> Draft:
    """Run the passes over the parts, round after round until a round changes nothing; return all edits and flags.

    What one pass writes may be what an earlier one looks for (an entity that a deleted character had broken): the last
    round proves that it is not. Edits carry the number of their pass, counted through all rounds; flags are carried
    along to where they stand in the finished parts.
    """
    draft = Draft(dict(parts))
    for number in range(_MOST_ROUNDS):
        done, flagged = len(draft.edits), len(draft.flags)
        draft = _round(draft, passes, context, number * len(passes))
        if number:
            # What an earlier round flagged stands as that round said it.
            known = {(flag.part, flag.rule, flag.span) for flag in draft.flags[:flagged]}
            new = (flag for flag in draft.flags[flagged:] if (flag.part, flag.rule, flag.span) not in known)
            draft = replace(draft, flags=(*draft.flags[:flagged], *new))
        if len(draft.edits) == done:
            break
        # The slice that is the title is cut out by now, and the masks are told.
        context = replace(context, title=None, masks=())
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
            flags=tuple(_carried(flag, maps[flag.part]) for flag in draft.flags + proposal.flags),
        )
    return draft


def _carried(flag: Flag, through: PositionMap) -> Flag:
    start = through.forward(flag.span.start)
    return replace(flag, span=Span(start, max(start, through.forward(flag.span.end))))
