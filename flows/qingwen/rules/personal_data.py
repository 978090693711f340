"""Personal data in running text: what is masked, where the configuration asks for it, and what is spared.

A `Mask` finds one kind of data by its patterns and proves it where it can be proved; a `Spare` says where such data is
no person's: a hotline's number, an amount, a web address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from qingwen.errors import RuleError
from qingwen.rules.check_digits import PROOFS, is_proved
from qingwen.rules.row_checks import compiled, know, need, one_of, tables_of, typed
from qingwen.rules.unmasked_forms import Form, bared, forms_of
from qingwen.text.spans import Span

# What stands in the place of each character that is masked, but for white space and what is not seen: of an entity one
# is left, so that the masked text is, once it is normalised, as long as the text would be.
MASKED = "\u2588"
_MASKABLE = re.compile(r"[^\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")

_MASK = ("id", "sign", "pattern", "why", "since", "matches")
_MASK_KNOWN = (*_MASK, "proof", "near", "spares")
_SPARE = ("id", "of", "why", "since", "spares")
_TEXTS = ("id", "sign", "why", "proof", "near", "between")
_PLACES = ("before", "after", "within")
_ID = re.compile(r"(?:mask|spare)\.[a-z0-9-]+")
# So far back a word that spares, or one that must stand near, is looked for; so many words may stand between.
_BACK, _BETWEEN = 60, 40


def overwrite(text: str, spans: Iterable[Span]) -> str:
    """Return a text of the same length in which all that some spans cover is masked.

    >>> overwrite("call 138 0013", [Span(5, 13)])
    'call ███ ████'
    """
    pieces, done = [], 0
    for span in spans:
        pieces += [text[done : span.start], _MASKABLE.sub(MASKED, bared(span.of(text)))]
        done = span.end
    return "".join((*pieces, text[done:]))


@dataclass(frozen=True, slots=True)
class Found:
    """Personal data in a text, and the row that found it."""

    span: Span
    rule: str


def joined(found: Iterable[Found]) -> tuple[Found, ...]:
    """Return what was found from left to right; what overlaps is one, by the rule of the first."""
    done: list[Found] = []
    for hit in sorted(found, key=lambda hit: (hit.span.start, -hit.span.end)):
        if done and hit.span.start < done[-1].span.end:
            span = Span(done[-1].span.start, max(done[-1].span.end, hit.span.end))
            done[-1] = replace(done[-1], span=span)
        else:
            done.append(hit)
    return tuple(done)


@dataclass(frozen=True, slots=True)
class Mask:
    """One kind of personal data: each holds a ``sign``; ``near`` must stand before it in its line."""

    id: str
    sign: re.Pattern[str]
    patterns: tuple[re.Pattern[str], ...]
    proof: str
    near: re.Pattern[str] | None
    matches: tuple[str, ...]
    spares: tuple[str, ...]
    table: str

    def find(self, text: str, lines: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield where data of this kind stands in the lines of a view's text that hold its sign, form after form."""
        for first, last in lines:
            for pattern in self.patterns:
                at = first
                while found := pattern.search(text, at, last):
                    start, end = found.span()
                    at = end if is_proved(self.proof, found[0]) else start + 1
                    if at == end and (self.near is None or self.near.search(text, max(first, start - _BACK), start)):
                        yield start, end


@dataclass(frozen=True, slots=True)
class Spare:
    """Where data of the kinds ``of`` is spared: behind ``before``, in front of ``after``, inside of ``within``.

    Nothing but ``between`` (None: the table's) may stand between ``before`` and the data.
    """

    id: str
    of: tuple[str, ...]
    before: str | None
    between: str | None
    after: re.Pattern[str] | None
    within: re.Pattern[str] | None
    spares: tuple[str, ...]
    table: str


@dataclass(frozen=True)
class PersonalTable:
    """All rows; ``between``: what may stand between a word that spares and the data, where a row does not say."""

    masks: tuple[Mask, ...] = ()
    spares: tuple[Spare, ...] = ()
    between: str = ""

    def joined(self, other: PersonalTable) -> PersonalTable:
        """Return this table with another's rows added; a row with a known id takes its place."""
        masks = {row.id: row for row in (*self.masks, *other.masks)}
        spares = {row.id: row for row in (*self.spares, *other.spares)}
        return PersonalTable(tuple(masks.values()), tuple(spares.values()), other.between or self.between)

    def find(self, text: str) -> tuple[Found, ...]:
        """Return the personal data in a text of one or more lines, from left to right; what overlaps is one.

        Nothing is found in the masked text: what hung together with data, and was none for it, is looked at again.
        """
        found: tuple[Found, ...] = ()
        while new := [hit for hit in self._found_in(text) if overwrite(text, [hit.span]) != text]:
            found = joined([*found, *new])
            text = overwrite(text, (hit.span for hit in joined(new)))
        return found

    def _found_in(self, text: str) -> Iterator[Found]:
        return (hit for form in forms_of(text) for hit in self._found(form))

    def _found(self, form: Form) -> Iterator[Found]:
        text = form.text
        lines = {sign: list(_lines_with(sign, text)) for sign in {mask.sign for mask in self.masks}}
        found = [(mask, list(mask.find(text, lines[mask.sign]))) for mask in self.masks]
        rows = [row for row in self.spares if any(hits and mask.id in row.of for mask, hits in found)]
        inside = {row.id: _cover(row.within, text) for row in rows if row.within is not None}
        for mask, hits in found:
            spares = [row for row in rows if mask.id in row.of]
            for start, end in hits:
                if not any(self._spared(row, text, start, end, inside) for row in spares):
                    yield Found(form.back(start, end), mask.id)

    def _spared(self, row: Spare, text: str, start: int, end: int, inside: Mapping[str, bytearray]) -> bool:
        before = self._before.get(row.id)
        return (
            (before is not None and before.search(text, max(0, start - _BACK), start) is not None)
            or (row.after is not None and row.after.match(text, end) is not None)
            or (row.id in inside and bool(inside[row.id][start]))
        )

    @cached_property
    def _before(self) -> Mapping[str, re.Pattern[str]]:
        return {
            # What stands between is taken once (possessive): time is bounded whatever a row says. A line may end there.
            row.id: re.compile(f"(?:{row.before})(?:{row.between or self.between}){{0,{_BETWEEN}}}+\\s{{0,4}}\\Z")
            for row in self.spares
            if row.before is not None
        }

    @property
    def _all(self) -> tuple[Mask | Spare, ...]:
        return (*self.masks, *self.spares)

    @property
    def n_rows(self) -> int:
        """Return how many rows there are."""
        return len(self.masks) + len(self.spares)

    @property
    def n_cases(self) -> int:
        """Return how many cases the rows carry."""
        return sum(len(row.matches) + len(row.spares) for row in self.masks) + sum(
            len(row.spares) for row in self.spares
        )

    def check(self) -> list[str]:
        """Run every row against its cases and return what is wrong, one sentence each."""
        faults = [
            f"{row.table}: {row.id}: does not match its case {case!r}."
            for row in self.masks
            for case in row.matches
            if row.id not in [found.rule for found in self.find(case)]
        ]
        faults += [
            f"{row.table}: {found.rule}: masks {found.span.of(case)!r} in {case!r}, which {row.id} spares."
            for row in self._all
            for case in row.spares
            for found in self.find(case)
        ]
        for row in self.spares:
            rest = replace(self, spares=tuple(other for other in self.spares if other is not row))
            faults += [
                f"{row.table}: {row.id}: its case {case!r} is spared without it."
                for case in row.spares
                if not rest.find(case)
            ]
        return faults


def parse_personal(table: Mapping[str, Any], name: str) -> PersonalTable:
    """Return the rows of one parsed TOML table; refuse a wrong row."""
    return PersonalTable(
        tuple(_mask(row, name, number) for number, row in enumerate(tables_of(table, "mask", name), 1)),
        tuple(_spare(row, name, number) for number, row in enumerate(tables_of(table, "spare", name), 1)),
        _joint(table, "between", name) or "",
    )


def _mask(row: Mapping[str, Any], table: str, number: int) -> Mask:
    where = f"{table}: {row.get('id', f'mask row {number}')}"
    need(row, _MASK, where)
    know(row, _MASK_KNOWN, where)
    patterns_stated = [row["pattern"]] if isinstance(row["pattern"], str) else row["pattern"]
    typed({**row, "pattern": patterns_stated}, where, texts=_TEXTS, lists=("pattern", "matches", "spares"))
    one_of(where, "proof", row.get("proof", ""), PROOFS)
    patterns = tuple(compiled(one, where) for one in patterns_stated)
    if any(pattern.search("") for pattern in patterns):
        raise RuleError(f"{where}: the pattern matches the empty line, and so everything.")
    near = row.get("near")
    return Mask(
        id=_id(row, "mask", where),
        sign=compiled(row["sign"], where),
        patterns=patterns,
        proof=row.get("proof", ""),
        near=None if near is None else compiled(near, where),
        matches=tuple(row["matches"]),
        spares=tuple(row.get("spares", ())),
        table=table,
    )


def _spare(row: Mapping[str, Any], table: str, number: int) -> Spare:
    where = f"{table}: {row.get('id', f'spare row {number}')}"
    need(row, _SPARE, where)
    know(row, (*_SPARE, *_PLACES, "between"), where)
    typed(row, where, texts=(*_TEXTS, *_PLACES), lists=("of", "spares"))
    before, between = _joint(row, "before", where), _joint(row, "between", where)
    after, within = (compiled(row[name], where) if name in row else None for name in ("after", "within"))
    if before is None and after is None and within is None:
        raise RuleError(f"{where}: says not where it spares. Give it one of {', '.join(_PLACES)}.")
    return Spare(
        id=_id(row, "spare", where),
        of=tuple(row["of"]),
        before=before,
        between=between,
        after=after,
        within=within,
        spares=tuple(row["spares"]),
        table=table,
    )


def _joint(row: Mapping[str, Any], key: str, where: str) -> str | None:
    """Return a pattern that is joined with others: without flags and groups of its own."""
    typed(row, where, texts=(key,))
    if key in row and compiled(f"(?:{row[key]})", where).groups:
        raise RuleError(f"{where}: {key} must hold no capturing group; write (?:...).")
    return row.get(key)


def _id(row: Mapping[str, Any], kind: str, where: str) -> str:
    if not _ID.fullmatch(row["id"]) or not row["id"].startswith(f"{kind}."):
        raise RuleError(f"{where}: the id must look like {kind}.mobile.")
    return str(row["id"])


def _lines_with(sign: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Yield where the lines start and end that hold a sign."""
    end = 0
    while found := sign.search(text, end):
        start, end = text.rfind("\n", 0, found.start()) + 1, text.find("\n", found.end())
        end = len(text) if end < 0 else end
        yield start, end


def _cover(pattern: re.Pattern[str], text: str) -> bytearray:
    """Return which characters of a text a pattern covers, as ones."""
    covered = bytearray(len(text))
    for found in pattern.finditer(text):
        covered[found.start() : found.end()] = b"\x01" * (found.end() - found.start())
    return covered
