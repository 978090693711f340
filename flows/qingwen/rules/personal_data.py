"""Personal data in running text: what is masked, where the configuration asks for it, and what is spared.

A `Mask` finds one kind of data by its patterns and proves it where it can be proved; a `Spare` says where such data is
no person's: a hotline's number, an amount, a web address.

The patterns of this table run in Python's `re`: the separator of a number's groups recurs (a back-reference), and data
ends where something else follows. Each repeat has an end, so that a match reads a bounded stretch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from html import unescape
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from stdnum import luhn
from stdnum.cn import ric
from stdnum.exceptions import ValidationError as NumberError

from qingwen.errors import RuleError
from qingwen.rules.row_checks import BoundedPattern, Cases, Row, Texts, bounded, read_rows
from qingwen.text.match_view import DIGITS, FOLDED, View, contact_tables, view
from qingwen.text.spans import Span

# The mask character. White space and invisible characters stay. An HTML entity keeps one mask character, so that
# normalising does not change the length.
MASKED = "█"
_MASKABLE = re.compile(r"[^\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
# A word that spares, or that a mask needs nearby, is searched for in so many characters before the data; at most so
# many may be in between.
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
class PersonalDataMatch:
    """Personal data in a text, and the row that found it."""

    span: Span
    rule: str


def joined(matches: Iterable[PersonalDataMatch]) -> tuple[PersonalDataMatch, ...]:
    """Return matches from left to right; those that overlap become one, by the rule of the first."""
    done: list[PersonalDataMatch] = []
    for match in sorted(matches, key=lambda match: (match.span.start, -match.span.end)):
        if done and match.span.start < done[-1].span.end:
            span = Span(done[-1].span.start, max(done[-1].span.end, match.span.end))
            done[-1] = replace(done[-1], span=span)
        else:
            done.append(match)
    return tuple(done)


# First two digits of the codes of provinces (GB/T 2260).
_PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83".split()
)


def is_proved(proof: str, data: str) -> bool:
    """Tell whether a proof holds of data, whatever parts its digits and in whichever form they are.

    >>> is_proved("id-card", "110105 19491231 002x"), is_proved("luhn", "6222-0212-3456-7890-127")
    (True, False)
    """
    signs = "".join(filter(str.isalnum, _BREAK.sub("", data).translate(_SPELLED))).upper()
    return _PROOFS[proof]("".join(str(int(sign)) if sign.isdecimal() else sign for sign in signs))


def _is_born(signs: str) -> bool:
    """Tell whether an identity card's province and date of birth can be. Its county may be one that no list has."""
    try:
        return signs[:2] in _PROVINCES and ric.get_birth_date(signs).year >= 1900
    except NumberError:
        return False


# Chinese numerals, letters and raised or lowered figures that stand for digits, and what stands for an X.
_SPELLED = str.maketrans(
    "零〇○OoIl幺一二三四五六七八九壹贰叁肆伍陆柒捌玖×✕Хх⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉",
    "00000111123456789123456789XXXX01234567890123456789",
)
_BREAK = re.compile("<[Bb][Rr]")
# With the code of China, or the zero of a call to another place.
_MOBILE = re.compile(r"(?:00)?(?:86)?0?1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}")

_PROOFS: Mapping[str, Callable[[str], bool]] = {
    "": lambda signs: True,
    "mobile": lambda signs: _MOBILE.fullmatch(signs) is not None,
    # GB 11643-1999; the check digit is that of ISO 7064 MOD 11-2.
    "id-card": lambda signs: ric.calc_check_digit(signs) == signs[-1] and _is_born(signs),
    "old-id-card": lambda signs: _is_born(f"{signs[:6]}19{signs[6:]}"),
    # ISO/IEC 7812-1, annex B.
    "luhn": luhn.is_valid,
}


def _id(kind: str) -> Any:
    def check(value: str) -> str:
        if not re.fullmatch(rf"{kind}\.[a-z0-9-]{{1,99}}", value):
            raise ValueError(f"the id must look like {kind}.mobile")
        return value

    return AfterValidator(check)


def _part(value: Any) -> Any:
    """Refuse a part of a pattern that does not compile by itself, or holds a group, which would number others anew."""
    if isinstance(value, str) and bounded(f"(?:{value})").groups:
        raise ValueError(f"the pattern {value!r} must hold no capturing group; write (?:...)")
    return value


Part = Annotated[str, BeforeValidator(_part)]
Forms = Annotated[
    tuple[BoundedPattern, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    Field(strict=False, min_length=1),
]


class Mask(Row):
    """One kind of personal data: each holds a ``sign``; ``near`` must match before it.

    The sign, what is near and the data are in one line, or in so many ``lines``. A row that is further forms ``of``
    another's kind is spared where that one is.
    """

    id: Annotated[str, _id("mask")]
    sign: BoundedPattern
    patterns: Annotated[Forms, Field(alias="pattern")]
    matches: Cases
    of: Annotated[str, _id("mask")] | None = None
    proof: Literal["", "mobile", "id-card", "old-id-card", "luhn"] = ""
    near: BoundedPattern | None = None
    lines: Annotated[int, Field(ge=1, le=9)] = 1
    spares: Texts = ()

    @model_validator(mode="after")
    def _takes_something(self) -> Mask:
        if any(pattern.search("") for pattern in self.patterns):
            raise ValueError("the pattern matches the empty line, and so everything")
        return self

    def find(self, text: str, lines: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield the places of this kind of data in a view's ``lines``, which hold its sign, form after form."""
        for first, last in lines:
            for pattern in self.patterns:
                at = first
                while match := pattern.search(text, at, last):
                    start, end = match.span()
                    at = end if is_proved(self.proof, match[0]) else start + 1
                    if at == end and (self.near is None or self.near.search(text, max(first, start - _BACK), start)):
                        yield start, end


class Spare(Row):
    """Where data of the kinds ``of`` is spared: behind ``before``, in front of ``after``, inside of ``within``.

    Nothing but ``between`` (None: the table's) may be between ``before`` and the data.
    """

    id: Annotated[str, _id("spare")]
    of: Cases
    spares: Cases
    before: Part | None = None
    between: Part | None = None
    after: BoundedPattern | None = None
    within: BoundedPattern | None = None

    @model_validator(mode="after")
    def _says_where(self) -> Spare:
        if self.before is None and self.after is None and self.within is None:
            raise ValueError("says not where it spares. Give it one of before, after, within")
        return self

    def is_for(self, mask: Mask) -> bool:
        """Tell whether this row spares data of such a kind."""
        return mask.id in self.of or mask.of in self.of


@dataclass(frozen=True)
class PersonalDataTable:
    """All rows; ``between``: what may be between a word that spares and the data, where a row does not say."""

    masks: tuple[Mask, ...] = ()
    spares: tuple[Spare, ...] = ()
    between: str = ""

    def joined(self, other: PersonalDataTable) -> PersonalDataTable:
        """Return this table with another's rows added; a row with a known id replaces that row."""
        masks = {row.id: row for row in (*self.masks, *other.masks)}
        spares = {row.id: row for row in (*self.spares, *other.spares)}
        return PersonalDataTable(tuple(masks.values()), tuple(spares.values()), other.between or self.between)

    def find(self, text: str) -> tuple[PersonalDataMatch, ...]:
        """Return the personal data in a text of one or more lines, from left to right; what overlaps is one.

        Repeats until nothing new is found: masking one number can reveal another that touched it.
        """
        matches: tuple[PersonalDataMatch, ...] = ()
        while new := [match for match in self._matches(text) if overwrite(text, [match.span]) != text]:
            matches = joined([*matches, *new])
            text = overwrite(text, (match.span for match in joined(new)))
        return matches

    def _matches(self, text: str) -> Iterator[PersonalDataMatch]:
        return (match for form in forms_of(text) for match in self._matches_in(form))

    def _matches_in(self, form: Form) -> Iterator[PersonalDataMatch]:
        text = form.text
        windows = {(mask.sign, mask.lines) for mask in self.masks}
        lines = {(sign, n): list(_lines_with(sign, text, n)) for sign, n in windows}
        places = [(mask, list(mask.find(text, lines[mask.sign, mask.lines]))) for mask in self.masks]
        rows = [row for row in self.spares if any(found and row.is_for(mask) for mask, found in places)]
        inside = {row.id: _cover(row.within, text) for row in rows if row.within is not None}
        for mask, found in places:
            spares = [row for row in rows if row.is_for(mask)]
            for start, end in found:
                if not any(self._is_spared(row, text, start, end, inside) for row in spares):
                    # Of data over several lines each line is a match of its own.
                    for line in re.finditer(r"[^\n]+", text[start:end]):
                        yield PersonalDataMatch(form.back(start + line.start(), start + line.end()), mask.id)

    def _is_spared(self, row: Spare, text: str, start: int, end: int, inside: Mapping[str, bytearray]) -> bool:
        before = self._before.get(row.id)
        return (
            (before is not None and before.search(text, max(0, start - _BACK), start) is not None)
            or (row.after is not None and row.after.match(text, end) is not None)
            or (row.id in inside and bool(inside[row.id][start]))
        )

    @cached_property
    def _before(self) -> Mapping[str, re.Pattern[str]]:
        return {
            # The words between are matched once (possessive), so that time is bounded. A line may end behind them.
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
        spared = sum(len(row.spares) for row in self._all)
        return spared + sum(len(row.matches) for row in self.masks)

    def check(self) -> list[str]:
        """Run every row against its cases and return what is wrong, one sentence each."""
        faults = [
            f"{row.table}: {row.id}: does not match its case {case!r}."
            for row in self.masks
            for case in row.matches
            if row.id not in [match.rule for match in self.find(case)]
        ]
        faults += [
            f"{row.table}: {match.rule}: masks {match.span.of(case)!r} in {case!r}, which {row.id} spares."
            for row in self._all
            for case in row.spares
            for match in self.find(case)
        ]
        for row in self.spares:
            rest = replace(self, spares=tuple(other for other in self.spares if other is not row))
            faults += [
                f"{row.table}: {row.id}: its case {case!r} is spared without it."
                for case in row.spares
                if not rest.find(case)
            ]
        return faults


def parse_personal_data(table: Mapping[str, Any], name: str) -> PersonalDataTable:
    """Return the rows of one parsed TOML table; refuse a wrong row."""
    between = table.get("between", "")
    if not isinstance(between, str):
        raise RuleError(f"{name}: between must be a text in quotes, not {between!r}.")
    try:
        _part(between)
    except ValueError as fault:
        raise RuleError(f"{name}: between: {fault}.") from fault
    return PersonalDataTable(
        tuple(read_rows(Mask, table, "mask", name)), tuple(read_rows(Spare, table, "spare", name)), between
    )


def _lines_with(sign: re.Pattern[str], text: str, n: int) -> Iterator[tuple[int, int]]:
    """Yield where each line starts that holds a sign, and where it ends, or the last of ``n`` lines from it on."""
    end = 0
    while match := sign.search(text, end):
        start, end = text.rfind("\n", 0, match.start()) + 1, _line_end(text, match.end())
        last = end
        for _ in range(n - 1):
            last = _line_end(text, min(last + 1, len(text)))
        yield start, last


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _cover(pattern: re.Pattern[str], text: str) -> bytearray:
    """Return which characters of a text a pattern covers, as ones."""
    covered = bytearray(len(text))
    for match in pattern.finditer(text):
        covered[match.start() : match.end()] = b"\x01" * (match.end() - match.start())
    return covered


# Entities hide digits and signs; so do digits of other scripts and styles, and signs without a width, of which the
# folded view does not know.
_HIDING = re.compile(
    r"&(?:amp;){0,3}(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});|[\u0335-\u0338\u180e\u20e3\ufe00-\ufe0f]|[^\D0-9０-９]"
)
# The views leave it out.
_NOTHING = "\u200b"


@dataclass(frozen=True, slots=True)
class Form:
    """A view of a text in which what hides data is undone; ``plain`` is as long as the text."""

    seen: View
    plain: str

    @property
    def text(self) -> str:
        """Return what is searched."""
        return self.seen.text

    def back(self, start: int, end: int) -> Span:
        """Return the raw span of a span of the form, with all of an entity at its end."""
        span = self.seen.back(start, end)
        end = span.end
        while self.plain.startswith(_NOTHING, end):
            end += 1
        return Span(span.start, end)


def forms_of(text: str) -> Iterator[Form]:
    """Yield a text folded and, where other forms of digits are together, with those read too.

    >>> [form.text for form in forms_of("１&#51;⑧")]
    ['13⑧', '138']
    """
    plain = bared(text)
    folded = Form(view(plain, FOLDED), plain)
    yield folded
    if _other_digits().search(folded.text):
        yield Form(view(plain, DIGITS), plain)


def bared(text: str) -> str:
    """Return a text, as long as it was, in which what hides data is undone; U+200B fills the rest of an entity."""
    return _HIDING.sub(_undone, text)


def _undone(match: re.Match[str]) -> str:
    """Return the character that an entity is, in as many characters: the views leave out what fills it."""
    hiding = match[0]
    if hiding.isdecimal():
        return str(int(hiding))
    value = unescape(re.sub("&(?:amp;)+", "&", hiding)) if hiding[0] == "&" else ""
    if len(value) > 1:
        return hiding
    return (" " if value.isspace() else value).ljust(len(hiding), _NOTHING)


@lru_cache(maxsize=1)
def _other_digits() -> re.Pattern[str]:
    forms = "".join(map(chr, contact_tables().digits))
    return re.compile(rf"[{forms}][ .-]?[{forms}\d]|(?<=\d)[{forms}]")
