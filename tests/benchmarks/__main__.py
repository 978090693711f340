"""Measure speed and memory against yardsticks of the same session: python -m tests.benchmarks [PART ...] [--memory N ...]

Parts: plain, html, engines, growth, prefect, workers, start (default: all of them). Everything is a ratio of times measured in
alternation, with the smallest and the largest of the rounds. Needs the extra ``bench``; pages for ``html`` are the
development pages, or a folder named by QINGWEN_PAGES.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet
from tests.made import SEED, copies_with_differences

from qingwen import Config, clean_page, load_rules
from qingwen.read.encoding import decode
from qingwen.read.inputs import list_sources
from qingwen.rules.patterns import Scanner
from qingwen.rules.site_book import SiteBook
from qingwen.run.clean_batch import clean_batch
from qingwen.run.jobs import CleanJob, WorkerContext

ROOT = Path(__file__).parents[2]
EVAL = Path(os.environ.get("QINGWEN_EVAL", ROOT.parent / "shared" / "eval"))
CONFIG, BOOK = Config(), load_rules()
ROUNDS = 5
QINGWEN = [sys.executable, "-m", "qingwen"]

Call = Callable[[], object]


def seconds(call: Call) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def alternated(
    calls: dict[str, Call], rounds: int = ROUNDS, clock: Callable[[Call], float] = seconds
) -> dict[str, list[float]]:
    """Return the times of each call, one a round, all calls of a round one after the other; a first round warms up."""
    for call in calls.values():
        call()
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(clock(call))
    return found


def ratio(yardstick: Sequence[float], mine: Sequence[float]) -> str:
    """Return how many times as fast as the yardstick: the median of the rounds, the smallest and the largest."""
    each = [one / other for one, other in zip(yardstick, mine, strict=True)]
    return f"{statistics.median(each):.3f} ({min(each):.3f}-{max(each):.3f})"


def plain(folder: Path) -> Iterator[str]:
    """The plain path, bytes to part files with decision, audit and signals, against read + decode + zstd-3 Parquet."""
    sources = list_sources([str(copies_with_differences(folder / "plain", 300))])
    count = iter(range(1 << 30))

    def yardstick() -> None:
        octets = [Path(source.path).read_bytes() for source in sources]
        texts = [decode(page).text for page in octets]
        table = pa.table({"id": [hashlib.sha256(page).hexdigest()[:32] for page in octets], "text": texts})
        parquet.write_table(table, folder / "yardstick.parquet", compression="zstd", compression_level=3)

    def mine() -> None:
        clean_batch(
            CleanJob(tuple(sources), str(folder / f"batch-{next(count)}")), WorkerContext(CONFIG, BOOK, SiteBook())
        )

    def bare() -> None:
        for source in sources:
            clean_page(Path(source.path).read_bytes(), config=CONFIG, rules=BOOK)

    found = alternated({"yardstick": yardstick, "mine": mine, "bare": bare})
    yield f"plain path, bytes to part files, of the yardstick's speed | {ratio(found['yardstick'], found['mine'])} | .04"
    yield f"the same without the tables (`clean_page`) | {ratio(found['yardstick'], found['bare'])} |"


def html_pages(folder: Path) -> list[bytes]:
    named = os.environ.get("QINGWEN_PAGES")
    if named:
        return [path.read_bytes() for path in sorted(Path(named).glob("*.html"))]
    archive = EVAL / "pages_dev.tar.xz"
    if not archive.exists():
        return [path.read_bytes() for path in sorted((ROOT / "tests" / "pages").glob("*.html"))]
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "dev", filter="data")
    return [path.read_bytes() for path in sorted((folder / "dev" / "pages").glob("*.html"))]


def extractors() -> dict[str, Callable[[str], object]]:
    """Return the peers that are installed, each as a call on decoded markup."""
    found: dict[str, Callable[[str], object]] = {}
    try:
        from resiliparse.extract.html2text import extract_plain_text

        found["resiliparse, main content"] = lambda markup: extract_plain_text(markup, main_content=True)
    except ImportError:
        pass
    try:
        import trafilatura

        found["trafilatura, precise"] = lambda markup: trafilatura.extract(markup, favor_precision=True)
        found["trafilatura, fast"] = lambda markup: trafilatura.extract(markup, fast=True)
    except ImportError:
        pass
    try:
        from readability import Document

        found["readability-lxml"] = lambda markup: Document(markup).summary()
    except ImportError:
        pass
    try:
        import justext

        found["jusText"] = lambda markup: justext.justext(markup, frozenset(), length_low=0, length_high=0)
    except ImportError:
        pass
    try:
        from magic_html import GeneralExtractor

        extractor = GeneralExtractor()
        found["magic-html"] = lambda markup: extractor.extract(markup, base_url="")
    except ImportError:
        pass
    return found


def html(folder: Path) -> Iterator[str]:
    """The HTML path, bytes to record with its audit, against other extractors, which get the decoded markup."""
    octets = html_pages(folder)
    markups = [decode(page).text for page in octets]
    calls: dict[str, Call] = {"mine": lambda: [clean_page(page, config=CONFIG, rules=BOOK) for page in octets]}
    for name, extract in extractors().items():
        calls[name] = lambda extract=extract: [quietly(extract, markup) for markup in markups]  # type: ignore[misc]
    found = alternated(calls, rounds=3)
    wanted = {"resiliparse, main content": ".5", "trafilatura, precise": "8"}
    yield f"HTML path, pages a CPU second ({len(octets)} pages) | {len(octets) / statistics.median(found['mine']):.0f} |"
    for name, times in found.items():
        if name != "mine":
            yield f"the same, times as fast as {name} | {ratio(times, found['mine'])} | {wanted.get(name, '')}"


def quietly(call: Callable[[str], object], markup: str) -> object:
    try:
        return call(markup)
    except Exception:  # a peer's fault on one page is its own affair
        return None


def engines(folder: Path) -> Iterator[str]:
    """Which rules may match in which line: the engines for it, against each pattern's own search."""
    rules = [re.compile(rule.pattern) for rule in BOOK.rules]
    lines = [
        line
        for page in html_pages(folder)
        for line in decode(page).text.splitlines()
        if max(line, default="") >= "\u4e00"
    ]
    lines = [line for line in dict.fromkeys(lines) if len(line) <= 2000][:20_000]
    octets = [line.encode("utf-8", "replace") for line in lines]
    scanner = Scanner([rule.lines for rule in BOOK.rules])
    calls: dict[str, Call] = {
        "each searched": lambda: [[n for n, rule in enumerate(rules) if rule.search(line)] for line in lines],
        "RE2's filter, then where they match (ours)": lambda: [list(scanner._search(line)) for line in lines],
        "RE2's filter alone": lambda: [scanner._filter.Match(line) for line in octets],
    }
    try:
        import ahocorasick_rs

        words = sorted({word for rule in rules for word in re.findall("[\u4e00-\u9fff]{2,}", rule.pattern)})
        automaton = ahocorasick_rs.AhoCorasick(words)
        calls["ahocorasick-rs, the patterns' words alone"] = lambda: [
            automaton.find_matches_as_indexes(line, overlapping=True) for line in lines
        ]
    except ImportError:
        pass
    try:
        import hyperscan

        told = [form for rule in BOOK.rules if (form := hyperscan_form(rule.pattern))]
        ways = {"line by line": (octets, hyperscan.HS_FLAG_SINGLEMATCH), "whole text": ([b"\n".join(octets)], 0)}
        for way, (texts, more) in ways.items():
            database = hyperscan.Database()
            flags = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_MULTILINE | more
            database.compile(expressions=told, flags=[flags] * len(told))
            calls[f"Hyperscan, {len(told)} patterns, {way}"] = lambda database=database, texts=texts: [  # type: ignore[misc]
                database.scan(text, match_event_handler=lambda *match: None) for text in texts
            ]
    except ImportError:
        pass
    times = alternated(calls, rounds=3)
    for name, mine in times.items():
        yield f"rules in {len(lines):,} lines, of the speed of searching each: {name} | {ratio(times['each searched'], mine)} |"


def hyperscan_form(pattern: str) -> bytes | None:
    import hyperscan

    told = pattern.encode()
    try:
        hyperscan.Database().compile(expressions=[told], flags=[hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_PREFILTER])
    except (ValueError, hyperscan.error):
        return None
    return told


def growth(folder: Path) -> Iterator[str]:
    """Milliseconds a kilobyte of pages from 10 KB to 5 MB, against that at 10 KB: flat is linear."""
    text = SEED.read_text("utf-8")
    start = text.index("8月30日上午")
    body = text[start : text.index("产业招商/厂房土地租售", start)]
    base = 0.0
    for size in (10_000, 100_000, 1_000_000, 5_000_000):
        lines = (f"第{n}条。{body.replace('会议', f'第{n}次会议')}" for n in range(size // len(body.encode()) + 1))
        page = (text[:start] + "\n".join(lines)).encode()[:size].decode("utf-8", "ignore").encode()
        times = alternated({"page": lambda page=page: clean_page(page, config=CONFIG, rules=BOOK)}, rounds=3)["page"]  # type: ignore[misc]
        cost = 1e6 * statistics.median(times) / len(page)
        base = base or cost
        yield f"cost a kilobyte at {size // 1000:,} KB, of that at 10 KB | {cost / base:.2f} | 1"


def timed(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - started


def prefect(folder: Path) -> Iterator[str]:
    """Prefect's share: whole processes, the flow against the bare engine, over one page and over many batches."""
    pages, batches = 2000, 20
    few, many = copies_with_differences(folder / "few", 1), copies_with_differences(folder / "many", pages)
    count = iter(range(1 << 30))

    def clean(inputs: Path, *options: str) -> float:
        output = folder / f"run-{next(count)}"
        size = str(pages // batches)
        return timed([*QINGWEN, "clean", str(inputs), "--output", str(output), "--batch-pages", size, *options])

    rounds = [
        {
            "few, bare": clean(few, "--no-prefect"),
            "few": clean(few),
            "many, bare": clean(many, "--no-prefect"),
            "many": clean(many),
        }
        for _ in range(2)
    ]
    start = [run["few"] - run["few, bare"] for run in rounds]
    share = [run["many"] - run["many, bare"] - begun for run, begun in zip(rounds, start, strict=True)]
    yield f"Prefect's start-up, seconds | {min(start):.1f}-{max(start):.1f} |"
    yield f"Prefect after start-up, seconds a batch ({batches} batches) | {min(share) / batches:.2f}-{max(share) / batches:.2f} | .2"
    each = [extra / run["many, bare"] for extra, run in zip(share, rounds, strict=True)]
    yield f"the same, share of the bare run | {min(each):.1%} to {max(each):.1%} | 5 %"


def workers(folder: Path) -> Iterator[str]:
    """Two workers against one, whole runs of the bare engine less those of one page."""
    few, many = copies_with_differences(folder / "one", 1), copies_with_differences(folder / "some", 2000)
    count = iter(range(1 << 30))

    def clean(inputs: Path, n: int) -> float:
        output = folder / f"workers-{next(count)}"
        return timed([*QINGWEN, "clean", str(inputs), "--output", str(output), "--no-prefect", "--workers", str(n)])

    rounds = [(clean(few, 1), clean(many, 1), clean(few, 2), clean(many, 2)) for _ in range(3)]
    each = [(one - start) / (two - begun) for start, one, begun, two in rounds]
    yield f"two workers, times as fast as one | {statistics.median(each):.2f} ({min(each):.2f}-{max(each):.2f}) | 1.8"


def start(folder: Path) -> Iterator[str]:
    """Start-up, whole processes."""
    commands = {
        "`python -c pass`": [sys.executable, "-c", "pass"],
        "`import qingwen`": [sys.executable, "-c", "import qingwen"],
        "`qingwen --help`": [*QINGWEN, "--help"],
        "`qingwen show` the seed": [*QINGWEN, "show", str(SEED)],
    }
    calls: dict[str, Call] = {name: lambda command=command: timed(command) for name, command in commands.items()}  # type: ignore[misc]
    found = alternated(calls, clock=lambda call: float(call()))  # type: ignore[arg-type]
    wanted = {"`import qingwen`": ".15", "`qingwen --help`": ".3"}
    for name, times in found.items():
        yield f"{name}, seconds | {statistics.median(times):.3f} ({min(times):.3f}-{max(times):.3f}) | {wanted.get(name, '')}"


def memory(folder: Path, counts: Sequence[int]) -> Iterator[str]:
    """Peak memory (RSS) of the process that publishes and of its largest worker."""
    for count in counts:
        pages = copies_with_differences(folder / f"memory-{count}", count)
        output = folder / f"memory-out-{count}"
        process = subprocess.Popen(
            [*QINGWEN, "clean", str(pages), "--output", str(output), "--no-prefect"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        parent = worker = 0
        while process.poll() is None:
            parent = max(parent, resident(process.pid))
            worker = max([worker, *map(resident, children(process.pid))])
            time.sleep(0.2)
        yield f"peak memory at {count:,} pages: the publishing process, the largest worker, MB | {parent}, {worker} | workers under 400"


def resident(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS")), 0)


def children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(child) for child in listed]


PARTS = {
    "plain": plain,
    "html": html,
    "engines": engines,
    "growth": growth,
    "prefect": prefect,
    "workers": workers,
    "start": start,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure (default: everything)")
    parser.add_argument(
        "--memory", type=int, nargs="*", default=[], metavar="N", help="measure memory over N pages too"
    )
    arguments = parser.parse_args()
    names = arguments.parts or ([] if arguments.memory else list(PARTS))
    print(
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {os.cpu_count()} cores, rules {BOOK.version}"
    )
    packages = "trafilatura resiliparse readability-lxml justext pyarrow prefect selectolax google-re2 numpy".split()
    print(", ".join(f"{name} {installed}" for name in packages if (installed := version_of(name))))
    print("\n| | measured | to reach |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for part in names:
            for line in PARTS[part](Path(name)):
                print(f"| {line} |", flush=True)
        for line in memory(Path(name), arguments.memory):
            print(f"| {line} |", flush=True)


def version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
