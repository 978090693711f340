"""The `RuleBook`: all rule tables, read and compiled; a wrong row is refused."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from qingwen.config import parse_toml, read_bounded
from qingwen.errors import RuleError
from qingwen.rules.conversion_exceptions import KeptWord, KeptWordTable
from qingwen.rules.line_rules import VIEWS, Rule
from qingwen.rules.page_rules import PageRule, PageRules
from qingwen.rules.patterns import Scanner, line_bounds
from qingwen.rules.personal_data import PersonalDataTable, parse_personal_data
from qingwen.rules.row_checks import know, read_rows
from qingwen.rules.swapped_words import SwappedWordTable, parse_swapped_words
from qingwen.text.characters import TABLES, table_text
from qingwen.text.match_view import view
from qingwen.text.spans import Span

# The rows that a user's own table may hold, and the keys beside them.
ROWS, BESIDE = ("rule", "page", "sub", "keep", "mask", "spare"), ("classes", "words", "between")

# The key that lists the shipped rows that a user's table turns off.
OFF = "off"
Tables = Sequence[tuple[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched in a block, with the span in the block's own words."""

    rule: Rule
    span: Span


@dataclass(frozen=True)
class RuleBook:
    """All rules, compiled; ``version`` is a digest (16 hex digits) of all tables and of the labelling weights.

    >>> book = load_rules()
    >>> [hit.rule.id for hit in book.hits("长按识别二维码，关注“今日观察”")]
    ['ad.scan-qr-code']
    >>> book.check()  # what is wrong with the rows, one sentence each
    []
    """

    rules: tuple[Rule, ...]
    spun: SwappedWordTable
    version: str
    keep: KeptWordTable = field(default_factory=KeptWordTable)
    personal: PersonalDataTable = field(default_factory=PersonalDataTable)
    pages: PageRules = field(default_factory=PageRules)
    # The ids of the rows of the user's own tables: what they hit goes, whatever it reads like.
    own: frozenset[str] = frozenset()

    def hits(self, words: str) -> list[Hit]:
        """Return every rule that matches in the words of one block.

        Rules of the raw view come first, then of the folded, then of the contact view; of each in the tables' order.
        """
        lines = words.split("\n")
        found = zip(line_bounds(lines), self.hits_of(lines), strict=True)
        hits = [Hit(hit.rule, hit.span.shifted(start)) for (start, _), some in found for hit in some]
        first = {hit.rule.id: hit for hit in reversed(hits)}
        return [first[rule.id] for _, _, rules in self._scanners for rule in rules if rule.id in first]

    def hits_of(self, lines: Sequence[str]) -> list[tuple[Hit, ...]]:
        """Return, for each line of a page, what `hits` returns for it; all lines are searched at once."""
        found: list[list[Hit]] = [[] for _ in lines]
        text, bounds = "\n".join(lines), line_bounds(lines)
        for kind, scanner, rules in self._scanners:
            for number, line, span in scanner.find(view(text, kind), bounds):
                found[line].append(Hit(rules[number], span))
        return [tuple(hits) for hits in found]

    @cached_property
    def _scanners(self) -> tuple[tuple[str, Scanner, tuple[Rule, ...]], ...]:
        groups = ((kind, tuple(rule for rule in self.rules if rule.view == kind)) for kind in VIEWS)
        return tuple((kind, Scanner([rule.lines for rule in rules]), rules) for kind, rules in groups if rules)

    def check(self) -> list[str]:
        """Run every row against every case and return what is wrong, one sentence each.

        A rule must hit its ``matches`` and miss its ``not_this``; no rule of any table may hit any ``spares``.
        """
        hits = self._hits_of_cases()
        faults = [
            f"{rule.table}: {rule.id}: does not match its case {case!r}."
            for rule in self.rules
            for case in rule.matches
            if rule.id not in hits[case]
        ]
        faults += [
            f"{rule.table}: {rule.id}: matches {case!r}, which its not_this forbids."
            for rule in self.rules
            for case in rule.not_this
            if rule.id in hits[case]
        ]
        faults += [
            f"{rule.table}: {rule.id}: matches the news line {case!r}, which {owner.id} spares."
            for owner in self.rules
            for case in owner.spares
            for rule in hits[case].values()
        ]
        return faults + self.pages.check() + self.spun.check() + self.keep.check() + self.personal.check()

    def _hits_of_cases(self) -> dict[str, dict[str, Rule]]:
        """Return, for each case of a rule, the rules that match in it, by id; all cases are searched at once."""
        cases = {case for rule in self.rules for case in (*rule.matches, *rule.not_this, *rule.spares)}
        lines = [(case, line) for case in sorted(cases) for line in case.split("\n")]
        found: dict[str, dict[str, Rule]] = {case: {} for case in cases}
        for (case, _), hits in zip(lines, self.hits_of([line for _, line in lines]), strict=True):
            found[case].update({hit.rule.id: hit.rule for hit in hits})
        return found

    @property
    def n_cases(self) -> int:
        """Return how many cases the rows carry."""
        of_rules = sum(len(rule.matches) + len(rule.spares) + len(rule.not_this) for rule in self.rules)
        return of_rules + self.pages.n_cases + self.spun.n_cases + self.keep.n_cases + self.personal.n_cases


def load_rules(extra: Path | None = None) -> RuleBook:
    """Return the shipped rules, with those of a file or folder added; a row with a known id replaces that row.

    >>> load_rules() is load_rules()  # the shipped ones are compiled once in a process
    True

    Raises:
        RuleError: a table cannot be read or a row is wrong; the message names the table, the row and the fault.
    """
    return compile_rules(extra_tables(extra)) if extra else _shipped()


def check_own_rules(extra: Path, book: RuleBook) -> None:
    """Check the rows of a user's own tables, a file or folder, against their cases, as part of all rules.

    Raises:
        RuleError: a row fails a case; the message names the table, the row and the case.
    """
    own = tuple(f"{name}: " for name, _ in extra_tables(extra))
    faults = [fault for fault in book.check() if fault.startswith(own)]
    if faults:
        more = f" {len(faults) - 1} more: qingwen rules check --rules {extra}" if len(faults) > 1 else ""
        raise RuleError(faults[0] + more)


def compile_rules(extra: Sequence[tuple[str, str]]) -> RuleBook:
    """Return the shipped rules with those of further tables, each a name and its text.

    Raises:
        RuleError: a table is no TOML or a row is wrong; the message names the table, the row and the fault.
    """
    return _compile(shipped_tables(), extra) if extra else _shipped()


@lru_cache(maxsize=1)
def _shipped() -> RuleBook:
    return _compile(shipped_tables())


def shipped_tables() -> list[tuple[str, str]]:
    """Return the tables that the package ships, each its name and text."""
    folder = resources.files("qingwen.rules")
    tables = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")}
    return sorted({**tables, **{name: table_text(name) for name in TABLES}}.items())


def weights_of_features() -> str:
    """Return ``weights.json``: what labelling learned, each part with its card."""
    return resources.files("qingwen.rules").joinpath("weights.json").read_text("utf-8")


def weights_of_words() -> bytes:
    """Return ``lexical.bin``: how much each n-gram speaks for page furniture, a byte each."""
    return resources.files("qingwen.rules").joinpath("lexical.bin").read_bytes()


def extra_tables(path: Path) -> list[tuple[str, str]]:
    """Return the tables of a file or folder, each its name and text.

    Raises:
        RuleError: there is no table, or one cannot be read.
    """
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise RuleError(f"{path}: the folder holds no *.toml rule table.")
    try:
        return [(str(file), read_bounded(file)) for file in files]
    except (OSError, UnicodeDecodeError) as fault:
        raise RuleError(f"{path}: cannot read the rule table: {fault}.") from fault


def _compile(shipped: Sequence[tuple[str, str]], extra: Sequence[tuple[str, str]] = ()) -> RuleBook:
    rules: dict[str, Rule] = {}
    swapped, kept, personal, pages = SwappedWordTable(), KeptWordTable(), PersonalDataTable(), PageRules()
    digest = hashlib.sha256(weights_of_features().encode() + weights_of_words())
    for _, text in (*shipped, *extra):
        digest.update(text.encode())
    own = [(name, _parsed(name, text)) for name, text in extra]
    for name, table in own:
        know(table, (*ROWS, *BESIDE, OFF), name)
    for name, table in (*_without_off(shipped, own), *own):
        swapped = swapped.joined(parse_swapped_words(table, name))
        kept = kept.joined(KeptWordTable(tuple(read_rows(KeptWord, table, "keep", name))))
        personal = personal.joined(parse_personal_data(table, name))
        pages = pages.joined(read_rows(PageRule, table, "page", name))
        rules.update({rule.id: rule for rule in read_rows(Rule, table, "rule", name)})
        for key in ROWS:
            ids = [row["id"] for row in table.get(key, ())]
            twice = next((id_ for id_ in ids if ids.count(id_) > 1), None)
            if twice is not None:
                raise RuleError(f"{name}: {twice}: two rows of the table have this id; an id names one rule for ever.")
    mine = frozenset(row["id"] for _, table in own for row in table.get("rule", ()))
    return RuleBook(tuple(rules.values()), swapped, digest.hexdigest()[:16], kept, personal, pages, mine)


def _parsed(name: str, text: str) -> dict[str, Any]:
    return parse_toml(text, name, RuleError)


def _without_off(shipped: Sequence[tuple[str, str]], own: Tables) -> Tables:
    tables = [(name, _parsed(name, text)) for name, text in shipped]
    off: set[str] = set()
    known = {row["id"] for _, table in tables for key in ROWS for row in table.get(key, ())}
    for name, table in own:
        listed = table.get(OFF, [])
        if not (isinstance(listed, list) and all(isinstance(id_, str) for id_ in listed)):
            raise RuleError(f"{name}: {OFF} must be a list of texts, not {listed!r}.")
        off |= set(listed)
        if not off <= known:
            raise RuleError(f"{name}: {OFF}: no shipped row has the id {min(off - known)!r}; see qingwen rules show.")
    for _, table in tables if off else ():
        table.update({key: [row for row in table[key] if row["id"] not in off] for key in ROWS if key in table})
    return tables
