"""The passes over title and body, in order, and the one place that applies what they propose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from qingwen.config import Config
from qingwen.model import Flag
from qingwen.rules.book import RuleBook
from qingwen.text import Edit, Span, apply
from qingwen.text import Mapping as PositionMap


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


def run(parts: Mapping[str, str], passes: Iterable[Pass], context: Context) -> Draft:
    """Run the passes over the parts and return them finished, with every edit and flag.

    Edits carry the number of their pass; flags are carried along to where they stand in the finished parts.
    """
    draft = Draft(dict(parts))
    for step, propose in enumerate(passes):
        proposal = propose(draft, context)
        if not proposal.edits:
            draft = replace(draft, flags=draft.flags + proposal.flags)
            continue
        edits = tuple(replace(edit, step=step) for edit in proposal.edits)
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
