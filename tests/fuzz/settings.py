"""What must hold of what people and runs write: rule tables, settings, sites, cases, kits, jobs; tables; the algebra of text."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from opencc.opencc import OpenCC
from pyarrow import compute

from qingwen import Config, clean_page
from qingwen.clean import restore_parts
from qingwen.config import CONVERSIONS, load_config, read_rules_setting
from qingwen.dataset import delta
from qingwen.dataset.location import location_of
from qingwen.dataset.lookup import look_up
from qingwen.dataset.rows import ITEM, arrow, rows_of, source_row
from qingwen.dataset.schema import KEYS, TABLES
from qingwen.errors import BatchError, RuleError, SetupError
from qingwen.model import Page, Rejection, Segmented
from qingwen.read.page import RawPage, Source
from qingwen.review.complaints import check_cases, count_cases
from qingwen.review.terminal import printed
from qingwen.rules.book import _compile
from qingwen.rules.site_book import Site, SiteBook, Template, parse_sites
from qingwen.rules.takedowns import Forgotten, parse_forgotten
from qingwen.run.jobs import Counts, WorkerContext, open_context, write_context
from qingwen.segment.segment import segment
from qingwen.text.match_view import CONTACT, FOLDED, RAW, view
from qingwen.text.opencc import converter
from qingwen.text.spans import Edit, PositionMap, Span, align, apply, invert, trace_back, undo

from .files import FOLDER
from .laws import BOOK, CONFIG, page_of, text_of

_NEWS = "新華社北京5月30日電 記者從會議上獲悉，圖書館的開放時間延長到晚上十點。蕞先開放的是一樓。\n".encode() * 4
_LIBRARY: dict[str, Any] = {}
T = TypeVar("T")


def _taken(act: Callable[[], T], kind: type[Exception], name: str) -> T | None:
    """Return what comes of an act, or None where it is refused by this kind of error, which must name its input."""
    try:
        return act()
    except kind as fault:
        said = str(fault)
    assert name in said, said
    said.encode()
    return None


def rule_table(octets: bytes) -> None:
    """A table of rules is a book that can be asked, or refused with a `RuleError`."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return
    # Alone: with all shipped rows beside it, one table would take a hundred times as long to compile.
    book = _taken(lambda: _compile([], [("mine.toml", text)]), RuleError, "mine.toml")
    if book is None:
        return
    lines = ["租房找小王", "扫一扫二维码", "", *(case for rule in book.rules for case in rule.matches)]
    assert len(book.hits_of([line.replace("\n", " ") for line in lines])) == len(lines)
    assert all(isinstance(fault, str) for fault in book.check())
    assert book.n_cases >= 0
    clean_page(("\n".join(lines) + "\n蕞大，頭部。" * 20).encode(), rules=book)


def settings(octets: bytes) -> None:
    """A file of settings is a `Config`, or refused with a `SetupError` that names it."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        path = Path(folder) / "qingwen.toml"
        path.write_bytes(octets)
        config = _taken(lambda: load_config(path), SetupError, "qingwen.toml")
        if config is not None:
            assert config.digest
            for page in (b"<html><title>x</title><p>" + _NEWS, _NEWS):
                clean_page(page, source_path="./a.html" if page[:1] == b"<" else "/b", config=config)
        rules = _taken(lambda: read_rules_setting(path), SetupError, "qingwen.toml")
        assert rules is None or isinstance(rules, str)


def sites(octets: bytes) -> None:
    """A file of sites is a book that gives itself back, or refused with a `SetupError`."""
    book = _taken(lambda: parse_sites(text_of(octets), "sites.json"), SetupError, "sites.json")
    if book is None:
        return
    assert parse_sites(book.to_json(), "again") == book
    assert book.digest
    for name in book.sites:
        book.evidence(name, "关于我们")
        book.is_spun(name)


def cases(octets: bytes) -> None:
    """A reviewer's cases give sentences of what still stands, or are refused with a `SetupError`."""
    text = text_of(octets)
    faults = _taken(lambda: check_cases(text, BOOK, CONFIG), SetupError, "cases")
    if faults is None:
        return
    assert len(faults) <= count_cases(text)
    for fault in faults:
        fault.encode()


def kit(octets: bytes) -> None:
    """A worker's file is a kit, or a fault of the batch or the set-up; one that was written reads the same."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        path = Path(folder) / "kit.json"
        path.write_bytes(octets)
        open_context.cache_clear()
        try:
            found = open_context(str(path))
        except (BatchError, SetupError):
            return
        assert isinstance(found, WorkerContext)
        assert found.config.digest


def written(octets: bytes) -> None:
    """What runs write for each other reads the same, whatever paths, words and numbers it holds."""
    clean = text_of(octets)
    forgotten = Forgotten(frozenset([clean]), frozenset([clean[:3]]), frozenset())
    assert parse_forgotten(forgotten.to_json(), "x") == forgotten
    assert forgotten.digest
    book = SiteBook({clean: Site(3, {clean: Template(2, clean)}, 1)})
    assert parse_sites(book.to_json(), "x") == book
    counts = Counts(pages=len(octets))
    counts.rejections[clean] += 1
    assert Counts.from_json(counts.to_json()) == counts
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        made = WorkerContext(Config(text_field=clean), BOOK, book, forgotten, "")
        place = write_context(made, None, location_of(folder))
        open_context.cache_clear()
        found = open_context(str(place))
    assert (found.config, found.book, found.sites, found.forgotten) == (
        made.config,
        made.book,
        made.sites,
        made.forgotten,
    )


def forgotten(octets: bytes) -> None:
    """A file of tombstones is what was forgotten, or refused with a `SetupError`."""
    found = _taken(lambda: parse_forgotten(text_of(octets), "forgotten.json"), SetupError, "forgotten.json")
    if found is not None:
        assert parse_forgotten(found.to_json(), "again") == found
        assert found.digest
        found.holds("x", "y", "z")


def terminal(octets: bytes) -> None:
    """What is printed steers no terminal, is printed the same again, and keeps what is harmless."""
    for text in (
        octets.decode("utf-8", "surrogateescape"),
        octets.decode("utf-8", "replace"),
        octets.decode("latin-1"),
    ):
        shown = printed(text)
        assert all(char.isprintable() or char.isspace() for char in shown)
        assert not set(shown) & set("\n\r\x1b\x9b\x85\u2028\u2029\u202e")
        shown.encode()
        assert printed(shown) == shown


def views(octets: bytes) -> None:
    """A view's places lead back in order, each to a character that folds to it; the whole leads back to the whole."""
    try:
        text = octets.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = octets.decode("utf-8", "replace")
    text = text[:400]
    for kind in (RAW, FOLDED, CONTACT):
        for seen in (view(text, kind), view(text + "。" * 200, kind)):
            spans = [seen.back(at, at + 1) for at in range(len(seen.text))]
            assert all(left.end <= right.start for left, right in pairwise(spans)), kind
            assert all(len(span) == 1 for span in spans)
            assert not spans or spans[-1].end <= seen.length
            for start in range(0, len(spans), 13):
                for end in range(start + 1, len(spans) + 1, 37):
                    assert seen.back(start, end) == Span(spans[start].start, spans[end - 1].end)
            if kind == FOLDED:
                raw = text + "。" * 200
                alone = (view(span.of(raw), kind).text for span in spans)
                assert all(one in ("", char) for one, char in zip(alone, seen.text, strict=True))
        assert view(text + "。" * 200, kind).text.rstrip("。") == view(text, kind).text.rstrip("。")


def scanning(octets: bytes) -> None:
    """What all rules find in the lines of a page at once is what each finds in its line."""
    lines = text_of(octets).split("\n")
    assert BOOK.hits_of(lines) == [tuple(BOOK.hits(line)) for line in lines]


def conversion(octets: bytes) -> None:
    """The compiled conversion gives what OpenCC gives."""
    text = text_of(octets)[:400]
    for name in CONVERSIONS:
        library = _LIBRARY.setdefault(name, OpenCC(name))
        done, pieces = 0, []
        for start, end, after in converter(name).changes(text):
            pieces += [text[done:start], after]
            done = end
        assert "".join((*pieces, text[done:])) == library.convert(text), name


def algebra(octets: bytes) -> None:
    """Passes of edits are undone, lead places there and back, and align both texts. Bytes say where the edits are."""
    text = now = text_of(octets)[:100]
    passes: list[list[Edit]] = []
    for step in range(octets[0] % 4 if octets else 0):
        at, edits = 0, []
        for n, jump in enumerate(octets[step::7][:20]):
            start = min(len(now), at + jump % 9)
            end = min(len(now), start + jump // 64)
            edits.append(Edit("body", Span(start, end), now[start:end], "新x"[: jump % 3], f"r{n % 3}", step))
            at = end
        after = apply(now, edits)
        assert apply(after, invert(edits)) == now
        through = PositionMap(edits)
        places = [through.forward(place) for place in range(len(now) + 1)]
        assert places == sorted(places)
        assert all(0 <= place <= len(after) for place in places)
        assert all(0 <= through.back(place) <= len(now) for place in range(len(after) + 1))
        passes.append(edits)
        now = after
    every = [edit for edits in passes for edit in edits]
    assert undo(now, every) == text
    segments = align(text, every)
    assert "".join(segment.before for segment in segments) == text
    assert "".join(segment.after for segment in segments) == now
    assert all(0 <= place <= len(text) for place in trace_back(range(len(now) + 1), every))


def rows(octets: bytes) -> dict[str, list[dict[str, Any]]]:
    """Rows of pages fit their tables: what a column may not lack is there. A form feed parts the pages of an input."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for n, piece in enumerate(dict.fromkeys(octets.split(b"\n\f\n"))):
        page = page_of(piece)
        path = f"{n}-{text_of(piece[:5])}"
        result = clean_page(page) if isinstance(page, Page) else page
        item = RawPage(path, page if isinstance(page, Rejection) else piece)
        source = source_row(
            Source(path, len(piece), n), item, "rejection" if isinstance(result, Rejection) else "record", result
        )
        for name, more in {**rows_of(result), "sources": [source]}.items():
            found[name] += more
    for name, some in found.items():
        made = arrow(name, some)
        assert made.drop_columns([ITEM]).to_pylist() == [
            {key: row.get(key) for key in TABLES[name].names} for row in some
        ]
        for field in TABLES[name]:
            assert field.nullable or made[field.name].null_count == 0, (name, field.name)
    return found


def delta_tables(octets: bytes) -> None:
    """Pages committed to Delta tables are read back row for row, and restored; a page withdrawn is gone from all."""
    made = {name: arrow(name, some).drop_columns([ITEM]) for name, some in rows(octets).items()}
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        dataset = location_of(folder)
        for name, some in made.items():
            delta.commit(dataset, name, some, delta.Commit(1, "fuzz"))
            assert _sorted(delta.read(dataset, name)) == _sorted(some), name
        for piece in dict.fromkeys(octets.split(b"\n\f\n")):
            page = page_of(piece)
            stored = look_up(dataset, page.id if isinstance(page, Page) else page.page_id)
            if stored.blocks and isinstance(page, Page):
                found = segment(page, CONFIG)
                assert isinstance(found, Segmented)
                assert restore_parts(stored.parts, stored.blocks, stored.edits) == found.text
        for name, some in made.items():
            if some.num_rows:
                gone = some[KEYS[name]].slice(0, 1)
                delta.commit(dataset, name, some.slice(0, 0), delta.Commit(2, "fuzz"), gone)
                kept = some.filter(compute.not_equal(some[KEYS[name]], gone[0]))
                assert _sorted(delta.read(dataset, name)) == _sorted(kept), name


def _sorted(some: Any) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True, default=str) for row in some.to_pylist())
