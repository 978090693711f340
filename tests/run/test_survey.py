"""What recurs on a site's pages is the site's own; what one article alone says never is."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from qingwen import Cleaned, Config, clean_page, load_rules
from qingwen.dataset import delta
from qingwen.errors import SetupError
from qingwen.read.inputs import list_sources
from qingwen.rules.site_book import SiteBook, line_key, load_sites
from qingwen.run.engine import run
from qingwen.run.jobs import SurveyFile
from qingwen.run.request import Request
from qingwen.run.survey import PageLines, choose_sample, learn_sites, page_lines

HEADS = ["临河大桥今晨通车", "北岸小学扩建完工", "河道清淤下月开始", "老街书店迎来新主", "夜市灯光换上新装"]
# No rule knows this line, and it stands where an article has its first heading.
MOTTO = "临河人看临河事，河上的桥通了"
BODIES = [
    "{}的消息传来，住在附近的居民一早就赶到现场，有人还带着相机，把这一天的样子一一记下。",
    "负责人说，{}一事前后用了两年，其间三次修改方案，听取了四百多位居民的意见，才定下如今的样子。",
]
TOLD = ["春汛之前，", "秋收之后，", "入冬以来，", "端午前后，", "国庆期间，"]


def page(n: int, *, head: str | None = None) -> str:
    head = head or HEADS[n]
    body = "\n".join(
        TOLD[n] + text.format(head) + f"这是今年第{n + 2}件民生实事，{TOLD[n]}还要办两件。" for text in BODIES
    )
    return f"{head}_临河在线\n首页 新闻\n{head}\n2023-05-0{n + 1} 08:00 来源：临河日报\n{MOTTO}\n{body}\n"


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    folder = tmp_path / "crawl"
    folder.mkdir()
    for n in range(5):
        (folder / f"{n}.txt").write_text(page(n), "utf-8")
    return folder


def chosen(folder: Path) -> list[SurveyFile]:
    return [SurveyFile(source) for source in list_sources([str(folder)])]


def seen(folder: Path, config: Config) -> list[PageLines]:
    return [found for one in chosen(folder) for found in page_lines(one, config, load_rules().spun)]


def book(folder: Path, config: Config | None = None) -> SiteBook:
    config = config or Config()
    return SiteBook(learn_sites(seen(folder, config), config))


def text_of(octets: bytes, sites: SiteBook | None) -> str:
    found = clean_page(octets, sites=sites)
    assert isinstance(found, Cleaned)
    return found.record.text


def test_a_line_that_recurs_on_a_site_is_no_article_s_whatever_it_says(crawl: Path) -> None:
    sites = book(crawl)
    octets = (crawl / "0.txt").read_bytes()
    assert MOTTO in text_of(octets, None)
    found = clean_page(octets, sites=sites)
    assert isinstance(found, Cleaned)
    assert MOTTO not in found.record.text
    verdict = next(judged.verdict for judged in found.blocks if MOTTO in (judged.text or ""))
    assert verdict.rule == "site.template"
    assert verdict.why == "stands on 5 of 5 pages of 临河在线"


def test_what_stands_on_its_own_page_only_stays(crawl: Path) -> None:
    sites = book(crawl)
    for path in sorted(crawl.iterdir()):
        before, after = text_of(path.read_bytes(), None), text_of(path.read_bytes(), sites)
        assert after == before.replace(f"{MOTTO}\n", "")


def test_a_sentence_of_news_that_recurs_stays_and_is_flagged(crawl: Path) -> None:
    background = "临河大桥去年三月动工，全长2.3公里，是北岸居民盼了二十年的工程。"
    for path in crawl.iterdir():
        lines = path.read_text("utf-8").split("\n")
        path.write_text("\n".join([*lines[:6], background, *lines[6:]]), "utf-8")
    found = clean_page((crawl / "2.txt").read_bytes(), sites=book(crawl))
    assert isinstance(found, Cleaned)
    assert background in found.record.text
    assert found.record.flags == ("site.recurring-paragraph",)


def spin(crawl: Path, pages: int) -> None:
    for path in sorted(crawl.iterdir())[:pages]:
        path.write_text(path.read_text("utf-8").replace("负责人说，", "负责人说，蕞大的变化是人，"), "utf-8")


def test_a_site_whose_articles_are_spun_is_evidence_for_each_of_its_pages(crawl: Path) -> None:
    spin(crawl, 4)
    last = (crawl / "4.txt").read_text("utf-8").replace("负责人说，", "这里迎来头部位读者。负责人说，")
    (crawl / "4.txt").write_text(last, "utf-8")
    sites = book(crawl)
    assert sites.sites["临河在线"].spun == 4
    assert "第一位读者" in text_of(last.encode(), sites)
    assert "头部位读者" in text_of(last.encode(), None)


def test_few_spun_pages_or_a_spun_advertisement_prove_nothing_of_the_site(crawl: Path) -> None:
    spin(crawl, 2)
    for path in crawl.iterdir():
        path.write_text(path.read_text("utf-8") + "临河厂房网，蕞大的厂房租售平台\n", "utf-8")
    assert book(crawl).sites["临河在线"].spun == 0


def test_copies_of_one_article_prove_nothing(tmp_path: Path) -> None:
    for n in range(6):
        (tmp_path / f"{n}.txt").write_text(page(0) + f"第{n}份转载。\n", "utf-8")
    assert book(tmp_path).sites == {}


def test_a_page_s_title_stays_its_own_though_other_pages_list_it(crawl: Path) -> None:
    for n in range(1, 5):
        path = crawl / f"{n}.txt"
        path.write_text(path.read_text("utf-8") + f"相关文章\n{HEADS[0]}\n", "utf-8")
    found = clean_page((crawl / "0.txt").read_bytes(), sites=book(crawl))
    assert isinstance(found, Cleaned)
    assert found.record.title == HEADS[0]


def test_a_site_s_name_is_no_title(crawl: Path) -> None:
    for n, path in enumerate(sorted(crawl.iterdir())):
        named = (
            page(n).replace(f"{HEADS[n]}_临河在线", "临河在线新闻网_临河在线").replace("首页 新闻", "临河在线新闻网")
        )
        path.write_text(named, "utf-8")
    found = clean_page((crawl / "1.txt").read_bytes(), sites=book(crawl))
    assert isinstance(found, Cleaned)
    assert found.record.title == HEADS[1]


def test_the_book_does_not_depend_on_the_order(crawl: Path) -> None:
    seen = [next(page_lines(one, Config(), load_rules().spun), None) for one in chosen(crawl)]
    pages = [found for found in seen if found]
    shuffled = random.Random(7).sample(pages, len(pages))
    assert (
        SiteBook(learn_sites(shuffled, Config())).digest
        == SiteBook(learn_sites(pages, Config())).digest
        == book(crawl).digest
    )


def test_the_sample_is_chosen_by_path_and_not_by_order(crawl: Path) -> None:
    sources, config = list_sources([str(crawl)]), Config(survey_pages=3)
    assert choose_sample(sources, config) == choose_sample(sources[::-1], config)
    assert len(choose_sample(sources, config)) == 3
    assert choose_sample(sources, Config()) == chosen(crawl)


def test_traditional_and_simplified_lines_are_one() -> None:
    assert line_key("臨河 在線") == line_key("临河在线")


def test_a_run_learns_its_sites_and_keeps_what_it_learned(crawl: Path, tmp_path: Path) -> None:
    output = tmp_path / "news"
    report = run(Request((str(crawl),), str(output), runner="inline"))
    assert report.sites == 1
    assert report.sites_digest == book(crawl).digest
    kept = load_sites(output / "_state" / "sites.json")
    assert kept.digest == report.sites_digest
    assert all(MOTTO not in text for text in delta.read(output, "records", ("text",))["text"].to_pylist())
    # A later run knows the site: its new page is cleaned by the same entry, and the entry stays.
    (crawl / "9.txt").write_text(page(3, head="渡口旧址立起石碑").replace("2023-05-04", "2023-06-01"), "utf-8")
    again = run(Request((str(crawl),), str(output), runner="inline"))
    assert (again.counts.records, again.sites_digest) == (1, report.sites_digest)
    assert all(MOTTO not in text for text in delta.read(output, "records", ("text",))["text"].to_pylist())
    nothing = run(Request((str(crawl),), str(output), runner="inline"))
    assert not nothing.wrote


def test_rows_do_not_depend_on_workers_or_batches(crawl: Path, tmp_path: Path) -> None:
    rows = []
    for name, options in (("a", {"runner": "inline"}), ("b", {"workers": 2, "batch_pages": 2})):
        run(Request((str(crawl),), str(tmp_path / name), **options))
        found = delta.read(tmp_path / name, "blocks").to_pylist()
        rows.append(sorted(found, key=lambda row: (row["page_id"], row["n"])))
    assert rows[0] == rows[1]


@pytest.mark.slow
def test_a_page_that_kills_its_worker_costs_the_survey_that_page_alone(crawl: Path, tmp_path: Path) -> None:
    (crawl / "1.5.txt").write_text("杀死工人" * 30, "utf-8")
    script = tmp_path / "deadly.py"
    script.write_text(
        "import os, sys\n"
        "from qingwen.run import survey\n"
        "from qingwen.run.request import Request\n"
        "from qingwen.run.engine import find_new, local_executor, open_run, survey as survey_sites\n"
        "page_of = survey.page_of\n"
        "def deadly(item, config):\n"
        "    page = page_of(item, config)\n"
        "    return os._exit(9) if page.text.startswith('杀死工人') else page\n"
        "survey.page_of = deadly\n"
        "if __name__ == '__main__':\n"
        "    request = Request((sys.argv[1],), sys.argv[2], workers=2, retries=0)\n"
        "    with open_run(request) as run, local_executor(request, run.stop) as execute:\n"
        "        sites = survey_sites(run, find_new(run), execute)\n"
        "        print([site.pages for site in sites.sites.values()])\n",
        "utf-8",
    )
    command = [sys.executable, str(script), str(crawl), str(tmp_path / "news")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[5]\n"


def test_no_page_to_survey_is_no_survey(crawl: Path, tmp_path: Path) -> None:
    report = run(Request((str(crawl),), str(tmp_path / "news"), Config(survey_pages=0), runner="inline"))
    assert (report.sites, report.counts.records) == (0, 5)


def test_the_survey_tells_how_far_it_is(crawl: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    run(Request((str(crawl),), str(tmp_path / "news"), runner="inline"), lambda *said: told.append(said))
    assert ("survey", 5, 5) in told


def test_a_book_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "sites.json"
    path.write_text(json.dumps({"format": 99, "sites": {}}), "utf-8")
    with pytest.raises(SetupError, match="--rebuild"):
        load_sites(path)
