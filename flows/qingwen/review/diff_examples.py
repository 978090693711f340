"""Choose a few places of each rule where two datasets differ; the choice depends on page ids alone."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qingwen.dataset.database import Database
from qingwen.model import BODY, TITLE
from qingwen.review.diff_tables import NEW, OLD, RECORD
from qingwen.text.spans import Edit, Segment, Span, align, undo

KEPT = "kept"
_MADE, _UNMADE, _FLAGGED, _UNFLAGGED, _CUT = "made", "not made", "flagged", "not flagged", "cut otherwise"
_AROUND, _MOST_CHANGED, _LONGEST = 10, 40, 300
_Change = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Example:
    """A place where a rule acts in one dataset only; ``acts``: in the new one.

    ``text`` is that of a block or a flag, or an edit as ``[before→after]`` in its context; empty for a whole page.
    ``was`` and ``now`` name the outcome in each dataset.
    """

    rule: str
    page_id: str
    source_path: str
    text: str
    was: str
    now: str
    acts: bool

    @property
    def tells(self) -> bool:
        """Return whether the text differs here, not only the name of the rule."""
        return {KEPT, RECORD, _MADE} & {self.was, self.now} != set()


def examples_of(database: Database, most: int) -> Mapping[str, list[Example]]:
    """Return, by rule, up to ``most`` places where it acts only now and as many where it acted only before.

    Places that change a text come first, then one place of each page. ``database`` comes from `differences`.
    """
    database.do(
        f"CREATE OR REPLACE TABLE chosen AS SELECT rule, page, path FROM ("
        f"SELECT rule, unnest(min(page, {int(most)})) AS page FROM effects JOIN pages USING (page) WHERE differs "
        "GROUP BY rule, change IS NULL, sign(new_blocks - old_blocks + new_edits - old_edits + new_flags - old_flags)"
        ") JOIN pages USING (page)"
    )
    nth: Counter[tuple[str, str, bool]] = Counter()
    ranked: list[tuple[bool, int, str, int, Example]] = []
    for found in (*_pages(database), *_blocks(database), *_edits(database), *_flags(database)):
        key = (found.rule, found.page_id, found.acts)
        ranked.append((not found.tells, nth[key], found.page_id, len(ranked), found))
        nth[key] += 1
    chosen: dict[str, list[Example]] = defaultdict(list)
    taken: Counter[tuple[str, bool]] = Counter()
    for *_, found in sorted(ranked):
        if taken[found.rule, found.acts] < most:
            taken[found.rule, found.acts] += 1
            chosen[found.rule].append(found)
    return chosen


def _pages(database: Database) -> Iterator[Example]:
    query = (
        "SELECT c.rule, page, c.path, was, now FROM chosen c JOIN pages USING (page) "
        "WHERE was <> now AND c.rule IN (was, now) ORDER BY page"
    )
    for rule, page, path, was, now in database.each(query):
        yield Example(rule, page, path, "", was, now, now == rule)


def _blocks(database: Database) -> Iterator[Example]:
    """Yield blocks that a rule removes in one dataset only, or under another label."""
    outcome = (
        f"CASE WHEN {{0}}.kept IS NULL THEN '{_CUT}' WHEN {{0}}.kept THEN '{KEPT}' "
        "ELSE {0}.label || ': ' || {0}.rule END"
    )
    old, new = (f"(SELECT * FROM {age}_labelled WHERE page IN (SELECT page FROM chosen))" for age in (OLD, NEW))
    query = (
        f"SELECT c.rule, page, path, left(coalesce(n.text, o.text), {_LONGEST}), {outcome.format('o')}, "
        f"{outcome.format('n')}, coalesce(n.rule = c.rule, false) "
        f'FROM {old} o FULL JOIN {new} n USING (page, start, "end") '
        "JOIN chosen c USING (page) WHERE c.rule IN (o.rule, n.rule) "
        "AND (o.rule IS DISTINCT FROM n.rule OR o.label <> n.label) ORDER BY c.rule, page, start"
    )
    for rule, page, path, text, *outcomes in database.each(query):
        yield Example(rule, page, path, " ".join(text.split()), *outcomes)


def _flags(database: Database) -> Iterator[Example]:
    flags = (
        "SELECT f.rule, page_id, path, coalesce(form || ' → ' || candidate, form) "
        "FROM {age}_flags f JOIN chosen c ON c.rule = f.rule AND c.page = page_id"
    )
    for here, there, was, now in ((NEW, OLD, _UNFLAGGED, _FLAGGED), (OLD, NEW, _FLAGGED, _UNFLAGGED)):
        query = f"{flags.format(age=here)} EXCEPT ALL {flags.format(age=there)} ORDER BY ALL"
        for rule, page, path, text in database.each(query):
            yield Example(rule, page, path, text, was, now, here == NEW)


def _edits(database: Database) -> Iterator[Example]:
    """Yield the edits that a rule makes more often in one dataset than in the other."""
    wanted = database.rows(
        "SELECT page, path, rule FROM chosen JOIN effects USING (page, rule) "
        "WHERE old_edits + new_edits > 0 ORDER BY ALL"
    )
    made = {age: _made(database, age, {page for page, *_ in wanted}) for age in (OLD, NEW)}
    for page, path, rule in wanted:
        old, new = made[OLD].get(page, {}).get(rule, {}), made[NEW].get(page, {}).get(rule, {})
        for here, there, was, now in ((new, old, _UNMADE, _MADE), (old, new, _MADE, _UNMADE)):
            for change, texts in here.items():
                for text in texts[len(there.get(change, ())) :]:
                    yield Example(rule, page, path, text, was, now, here is new)


def _made(database: Database, age: str, pages: set[str]) -> dict[str, dict[str, dict[_Change, list[str]]]]:
    """Return, by page and rule, each change with its places in context."""
    edits: dict[str, list[Edit]] = defaultdict(list)
    query = (
        'SELECT page_id, part, start, "end", before, after, rule, pass '
        f"FROM {age}_edits WHERE list_contains(?, page_id) ORDER BY page_id, part, pass, n"
    )
    for page, part, start, end, before, after, rule, step in database.each(query, sorted(pages)):
        edits[page].append(Edit(part, Span(start, end), before, after, rule, step))
    found: dict[str, dict[str, dict[_Change, list[str]]]] = {}
    for page, *texts in database.each(
        f"SELECT id, title, text FROM {age}_records WHERE list_contains(?, id)", sorted(pages)
    ):
        mine = found.setdefault(page, defaultdict(lambda: defaultdict(list)))
        for part, text in zip((TITLE, BODY), texts, strict=True):
            made = [edit for edit in edits[page] if edit.part == part]
            for rule, segment, shown in _shown(align(undo(text, made), made)):
                mine[rule][part, segment.before, segment.after].append(shown)
    return found


def _shown(segments: list[Segment]) -> Iterator[tuple[str, Segment, str]]:
    """Yield each change under each of its rules, with its context."""
    heads, tails = ([segment.after[side] for segment in segments] for side in (slice(_AROUND), slice(-_AROUND, None)))
    for n, segment in enumerate(segments):
        if segment.rules:
            left = "".join(tails[max(0, n - _AROUND) : n])[-_AROUND:].replace("\n", " ")
            right = "".join(heads[n + 1 : n + 1 + _AROUND])[:_AROUND].replace("\n", " ")
            shown = f"{left}[{_short(segment.before)}→{_short(segment.after)}]{right}"
            for rule in segment.rules:
                yield rule, segment, shown


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHANGED else text[:_MOST_CHANGED] + "…"
