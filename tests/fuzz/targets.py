"""The targets by name: a check that raises when a law is broken, a mutator, and the first inputs."""

from __future__ import annotations

import encodings
import json
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from qingwen.review.complaints import FORMAT
from qingwen.rules.site_book import Site, SiteBook, Template

from . import files, laws, mutate, settings

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Target:
    """A law to break: the check, the mutator, the first inputs; the tests try ``examples`` inputs."""

    check: Callable[[bytes], object]
    mutate: mutate.Mutator
    seeds: Callable[[], Iterable[bytes]]
    examples: int = 80


@lru_cache(maxsize=1)
def pages() -> tuple[bytes, ...]:
    """Return the pages of the tests and the seed, and their beginnings alone, as small inputs are fast."""
    paths = [*sorted((ROOT / "tests" / "pages").glob("*.[th][xt][tm]*")), *sorted((ROOT / "seeds").glob("*.txt"))]
    whole = [path.read_bytes() for path in paths if not path.name.endswith(".json")]
    return (b"", *whole, *(octets[:600] for octets in whole))


def declared() -> list[bytes]:
    """Return pages, some of which declare a codec of Python."""
    names = [module.name for module in pkgutil.iter_modules(encodings.__path__)]
    doubtful = b"+2AA- \\ud800 \xff\xfe ab-cd \x81\x30\x81\x30"
    return [*pages(), *(b"charset:%s\n%s" % (name.encode(), doubtful) for name in names)]


def texts() -> list[bytes]:
    """Return the pages that are UTF-8, stretches of the rules' cases, and doubtful characters."""
    found = [octets for octets in pages() if _is_text(octets)]
    cases = mutate.phrases()
    return [*found, *(b"\n".join(cases[n : n + 8]) for n in range(0, len(cases), 40)), b"".join(mutate.TOKENS)]


def _is_text(octets: bytes) -> bool:
    return octets.decode("utf-8", "ignore").encode() == octets


def _with_people() -> list[bytes]:
    """Return an article with the cases of personal data between its lines."""
    body, cases = pages()[4].split(b"\n"), [case.encode() for case in mutate.people()]
    return [b"\n".join([*body[:n], *cases[n :: len(body)], *body[n:]]) for n in range(len(body))]


def markup() -> list[bytes]:
    """Return the pages that are markup."""
    every = [
        b"<table><tr><td>a<td><p>b</p></table><a>c<a>d",
        b"<svg><text>x</text></svg><template><p>y</p></template><p>z",
    ]
    return [*(octets for octets in pages() if b"<html" in octets), *every]


def rule_tables() -> list[bytes]:
    """Return a few rows of each shipped table."""
    found = []
    for entry in resources.files("qingwen.rules").iterdir():
        if entry.name.endswith(".toml"):
            rows = entry.read_text("utf-8").split("\n\n")
            found += ["\n\n".join(rows[n : n + 3]).encode() for n in range(0, min(len(rows), 9), 3)]
    return found


def setting_files() -> list[bytes]:
    """Return files of settings."""
    from dataclasses import asdict

    stated = asdict(laws.CONFIG)
    rows = "\n".join(f"{name} = {json.dumps(value)}" for name, value in stated.items() if value is not None)
    return [
        rows.encode(),
        f'rules = "x"\n[tool.qingwen]\n{rows}\ncrawl_date = 2023-05-30\nurl_prefix = "http://n"'.encode(),
    ]


def case_files() -> list[bytes]:
    """Return a file of a reviewer's cases, of every kind."""
    text = laws.text_of(next(octets for octets in pages() if len(octets) > 2000 and _is_text(octets)))
    made = [
        {"kind": "verdict", "page": "a" * 32, "rule": "ad.x", "text": "扫一扫二维码", "wrong": "removed", "block": 2},
        {"kind": "verdict", "page": "a" * 32, "rule": "sequence.body", "text": "清文", "wrong": "kept", "block": 1},
        {"kind": "edit", "page": "a" * 32, "before": "蕞", "after": "最", "left": "一要以", "right": "先的"},
        {"kind": "edit", "page": "b" * 32, "part": "title", "before": ",", "after": "，", "left": "清", "right": "文"},
        {"kind": "rejection", "page": "a" * 32, "rule": "reject.too-short"},
    ]
    stated = {
        "a" * 32: {"format": "txt", "text": text, "title": "蕞大", "body": text[:300]},
        "b" * 32: {"format": "html"},
    }
    return [json.dumps({"format": FORMAT, "pages": stated, "cases": made}, ensure_ascii=False).encode()]


def site_files() -> list[bytes]:
    """Return a file of sites."""
    return [SiteBook({"n.example": Site(5, {"0" * 16: Template(3, "关于我们")}, 2)}).to_json().encode()]


def kit_files() -> list[bytes]:
    """Return a worker's file, without and with a table of its own."""
    from dataclasses import asdict

    parts = {
        "version": laws.BOOK.version,
        "config": asdict(laws.CONFIG),
        "rules": [],
        "sites": site_files()[0].decode(),
    }
    parts |= {"forgotten": forgotten_files()[0].decode(), "folder": "/"}
    return [
        json.dumps(parts).encode(),
        json.dumps({**parts, "rules": [["a.toml", rule_tables()[0].decode()]]}).encode(),
    ]


def forgotten_files() -> list[bytes]:
    """Return a file of tombstones."""
    return [b'{"ids": ["a"], "urls": ["http://n.example/"], "sites": ["n.example"]}']


def containers(kind: str) -> Callable[[], list[bytes]]:
    """Return containers of one kind, whole."""

    def made() -> list[bytes]:
        short = tuple(text.encode() for text in files.TEXTS[:3])
        if kind == "jsonl":
            rows = b'{"maintext": "x", "title": "t", "url": "u", "date_download": "2023-05-30 01:02:03", "metadata": {"url": "v"}}\n'
            found = [files.build(kind, short)[0] + rows, rows * 2, b'{"html": "<p>x</p>", "timestamp": 1e9}\n\n[1]\n']
        elif kind == "parquet":
            found = [files.parquet_of(files.TEXTS[:4]), files.parquet_of(("x",))]
        elif kind == "warc":
            other = files.warc_record(9, b"x: y", "warcinfo") + files.warc_record(8, b"abc", "conversion")
            found = [other + files.build(kind, short)[0], files.warc_record(0, b"x")]
        else:
            found = [files.build(kind, short)[0], files.build(kind, (b"x",))[0]]
        return [packed + octets for octets in found for packed in (b"p", b"g", b"z")]

    return made


TARGETS = {
    "decode": Target(files.decoding, mutate.BYTES, declared, 300),
    "page": Target(files.paging, mutate.PAGE, pages, 30),
    "zip": Target(files.container(".zip"), mutate.CONTAINER, containers("zip")),
    "tar": Target(files.container(".tar"), mutate.CONTAINER, containers("tar")),
    "warc": Target(files.container(".warc"), mutate.CONTAINER, containers("warc")),
    "jsonl": Target(files.container(".jsonl"), mutate.several(mutate.JSON, mutate.CONTAINER), containers("jsonl")),
    "parquet": Target(files.container(".parquet"), mutate.CONTAINER, containers("parquet")),
    "damage": Target(
        files.damage, mutate.several(mutate.flipped, mutate.token), lambda: [bytes([n, n, 0, 9, 0]) for n in range(20)]
    ),
    "segment-plain": Target(laws.dump, mutate.TEXT, texts, 100),
    "segment-html": Target(laws.segment_html, mutate.MARKUP, markup),
    "readers-agree": Target(laws.readers_agree, mutate.several(mutate.WELLFORMED, mutate.MARKUP), markup, 80),
    "label": Target(laws.labelled, mutate.PAGE, pages),
    "passes": Target(laws.passes, mutate.TEXT, texts),
    "chain": Target(laws.chain, mutate.TEXT, texts),
    "clean": Target(laws.clean, mutate.several(mutate.PAGE, mutate.BYTES), pages, 100),
    "masked": Target(laws.masked, mutate.PAGE, lambda: [*pages(), *_with_people()], 60),
    "views": Target(settings.views, mutate.TEXT, lambda: [octets[:300] for octets in texts()]),
    "scan": Target(settings.scanning, mutate.TEXT, texts, 20),
    "conversion": Target(settings.conversion, mutate.TEXT, lambda: [octets[:900] for octets in texts()], 20),
    "algebra": Target(settings.algebra, mutate.BYTES, texts, 80),
    "rows": Target(settings.rows, mutate.PAGE, pages, 20),
    "delta": Target(settings.delta_tables, mutate.PAGE, lambda: [*pages()[:4], b"\n\f\n".join(pages())], 3),
    "rules": Target(settings.rule_table, mutate.TOML, rule_tables),
    "settings": Target(settings.settings, mutate.TOML, setting_files, 80),
    "sites": Target(settings.sites, mutate.JSON, site_files, 80),
    "cases": Target(settings.cases, mutate.JSON, case_files, 60),
    "kit": Target(settings.kit, mutate.JSON, kit_files),
    "forgotten": Target(settings.forgotten, mutate.JSON, forgotten_files, 80),
    "written": Target(settings.written, mutate.TEXT, lambda: [octets[:300] for octets in texts()], 20),
    "terminal": Target(settings.terminal, mutate.TEXT, texts, 60),
}
