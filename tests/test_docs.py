"""The documents are true: links lead somewhere, names exist, and every command, setting, table and field is described."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

import qingwen
from conftest import ROOT
from docs import CHINESE, COMMANDS, GUIDES, README, blocks, commands, guides, help_of, prose, reference
from qingwen import Config
from qingwen.adapters.prefect_options import Options
from qingwen.config import CONVERSIONS
from qingwen.dataset.schema import TABLES
from qingwen.model import Label
from qingwen.rules import book
from qingwen.rules.conversion_exceptions import KeptWord
from qingwen.rules.line_rules import VIEWS, Rule
from qingwen.rules.personal_data import Mask, Spare
from qingwen.rules.row_checks import LEFT_WINDOW, RIGHT_WINDOW
from qingwen.rules.swapped_words import Clause, SwappedWord

PACKAGE = Path(qingwen.__file__).parent
READMES = (README, CHINESE)
DOCUMENTS = [*READMES, *guides(), ROOT / "CHANGELOG.md", ROOT / "data" / "README.md", ROOT / "tests/quality/README.md"]
WRITTEN = [path for path in [*READMES, *guides()] if path != COMMANDS]


def guide(name: str) -> str:
    return (GUIDES / f"{name}.md").read_text("utf-8")


def named(text: str) -> set[str]:
    """Return what a text names in backticks, without brackets: `[[map]]` and `map` are one."""
    return {name.strip("[]") for name in re.findall(r"`([^`\n]+)`", text)}


def rows(text: str) -> list[list[str]]:
    """Return the rows of all tables of a text, cell by cell."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one of any level."""
    return text.partition(f"{heading}\n")[2].partition("\n#")[0]


# --- All documents


def anchors(path: Path) -> set[str]:
    """Return what GitHub makes of the headings: letters of any script stay, punctuation goes."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(path: Path) -> list[str]:
    """Return the targets of a document's links, but for the web's."""
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(path)))
    return [target for target in found if "://" not in target]


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    broken = []
    for path in DOCUMENTS:
        for target in links(path):
            file, _, anchor = target.partition("#")
            there = (path.parent / file).resolve() if file else path
            if not there.exists() or (anchor and anchor not in anchors(there)):
                broken.append(f"{path.name}: {target}")
    assert broken == []


def test_every_file_that_is_named_exists() -> None:
    """A path such as `label/crf.py`, or a file such as `spun.toml`; what lies in a dataset or is an example is no file of ours."""
    ours = {path.name for path in PACKAGE.rglob("*") if path.suffix in {".py", ".toml", ".json"}}
    missing = [
        f"{path.name}: {name}"
        for path in [*guides(), ROOT / "tests/quality/README.md"]
        for name in re.findall(r"`([\w./-]+\.(?:py|toml|json|md|yaml))(?::[^`]*)?`", prose(path))
        if not name.startswith(("_", "data/"))
        and name not in {"mine.toml", "pyproject.toml", "cases.json", "README.md"}
        and name not in ours
        and not any((root / name).exists() for root in (PACKAGE, ROOT, GUIDES, ROOT / "tests/quality"))
    ]
    assert missing == []


def test_every_guide_has_one_title_and_stands_in_both_readmes() -> None:
    titles = {path.stem: re.findall(r"^# (.+)$", prose(path), re.MULTILINE) for path in guides()}
    assert {topic: found for topic, found in titles.items() if len(found) != 1} == {}
    assert all(path.read_text("utf-8").startswith("# ") for path in guides())
    for readme in READMES:
        assert {Path(target).stem for target in links(readme) if "/docs/" in target} >= set(titles)


def test_the_change_log_names_this_version() -> None:
    assert f"## [{qingwen.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# --- The two READMEs


def test_a_readme_is_at_most_150_lines() -> None:
    assert [path.name for path in READMES if len(path.read_text("utf-8").splitlines()) > 150] == []


def test_both_readmes_have_the_same_code_links_and_shape() -> None:
    assert blocks(CHINESE) == blocks(README)
    levels = [re.findall(r"^(#+) ", prose(path), re.MULTILINE) for path in READMES]
    assert levels[1] == levels[0]
    away = [[target for target in links(path) if "#" not in target[:1] and "README" not in target] for path in READMES]
    assert away[1] == away[0]


def test_tables_of_both_readmes_hold_the_same_figures() -> None:
    ours, theirs = (
        [re.findall(r"\d[\d,.]*|\.\d+", "|".join(row).replace("-", " ")) for row in rows(prose(path))]
        for path in READMES
    )
    unlike = [pair for pair in zip_longest(ours, theirs) if None in pair or sorted(pair[0]) != sorted(pair[1])]
    assert unlike == []


# --- Commands and settings


def test_the_reference_of_commands_is_what_the_help_prints() -> None:
    assert COMMANDS.read_text("utf-8") == reference(), "Run `python -m tests.docs`."


def test_every_command_is_described_outside_its_reference() -> None:
    text = "\n".join(path.read_text("utf-8") for path in WRITTEN)
    assert [words for words in commands() if f"qingwen {' '.join(words)}" not in text] == []


def command_lines(path: Path) -> Iterator[str]:
    """Yield what a document shows behind ``qingwen`` in code, up to the next command or pipe."""
    code = [text for _, text in blocks(path)] + re.findall(r"`((?:eval|qingwen) [^`\n]*)`", prose(path))
    for text in code:
        yield from re.findall(r"(?:^|\$ |\(|&& |nohup )qingwen ([a-z-][^\n|&<>;#)]*)", text, re.MULTILINE)


def test_a_command_line_that_is_shown_names_known_commands_and_options() -> None:
    wrong, seen = [], 0
    for path in WRITTEN:
        for line in command_lines(path):
            first = line.split()[0]
            known = re.findall(r"--?[a-z][a-z-]*", help_of(*[] if first.startswith("-") else [first]))
            options = re.findall(r"(?<=\s)--?[a-z][a-z-]*", f" {line}")
            wrong += [f"{path.name}: qingwen {line}" for option in options if option not in known]
            wrong += [f"{path.name}: qingwen {line}"] * (first[0] != "-" and (first,) not in commands())
            seen += 1
    assert wrong == []
    assert seen > 40


def test_every_setting_has_its_row_with_its_default() -> None:
    told = {}
    for names, default, *_ in rows(guide("settings").partition("## Options of a run")[0]):
        told |= dict.fromkeys(named(names), default)
    words = {"None": "none", "False": "false", "True": "true"}
    defaults = {entry.name: str(getattr(Config(), entry.name)) for entry in fields(Config)}
    assert told == {name: words.get(default, default) for name, default in defaults.items()}


def test_every_option_of_a_run_has_its_row() -> None:
    table = rows(section(guide("settings"), "## Options of a run"))
    on_the_line, in_prefect = ({name for row in table for name in named(row[column])} for column in (0, 1))
    settings, options = ({entry.name for entry in fields(kind)} for kind in (Config, Options))
    assert options - settings <= in_prefect <= {"output", *options}
    line = set(re.findall(r"--[a-z][a-z-]+", help_of("clean"))) - {"--help", "--no-mask-personal-data"}
    assert {name for name in line if name[2:].replace("-", "_") not in settings} - on_the_line == set()


# --- Output


def test_every_table_and_column_is_described() -> None:
    text = named(guide("output"))
    told = TABLES.keys() - {"signatures"}
    assert {name for name in told if name not in text} == set()
    assert {f"{name}.{column}" for name in told for column in TABLES[name].names if column not in text} == set()


def test_every_reason_of_a_rejection_is_described() -> None:
    reason = re.compile(r"(?:read|segment|reject|fault|forget)\.[a-z-]+")
    in_code = {
        node.value
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and reason.fullmatch(node.value)
    }
    assert len(in_code) > 12
    assert in_code - named(guide("output")) == set()


# --- Rules

RULES = guide("rules")
RULE = section(RULES, "## Lines that are no article: `[[rule]]`")
SUB = section(RULES, "## Swapped words: `[[sub]]`")
KEEP = section(RULES, "## Words that the conversion spoils: `[[keep]]`")
PERSONAL = section(RULES, "## Personal data: `[[mask]]`, `[[spare]]`")
# In whatever room they lie; mnbvc.toml holds names of columns.
TABLES_OF_WORDS = [
    path for path in sorted(PACKAGE.rglob("*")) if path.suffix in {".toml", ".json"} and path.name != "mnbvc.toml"
]


# The rows that a user may write, each with the section that describes it.
KINDS: dict[type[BaseModel], str] = {
    Rule: RULE,
    SwappedWord: SUB,
    Clause: SUB,
    KeptWord: KEEP,
    Mask: PERSONAL,
    Spare: PERSONAL,
}


def first_column(text: str) -> set[str]:
    return {name for row in rows(text) for name in named(row[0])}


def keys(kind: type[BaseModel], *, required: bool = False) -> set[str]:
    """Return what a row of a kind may hold, as it is written in a table."""
    every = {field.alias or name: field for name, field in kind.model_fields.items()}
    return {key for key, field in every.items() if key != "(table)" and (field.is_required() or not required)}


def values(kind: type[BaseModel]) -> set[str]:
    """Return the words that the fields of a kind choose from."""
    kinds = (field.annotation for field in kind.model_fields.values())
    return {value for kind in kinds if get_origin(kind) is Literal for value in get_args(kind) if value}


def shipped(path: Path) -> dict[str, Any]:
    text = path.read_text("utf-8")
    found: dict[str, Any] = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    return found


def test_every_field_of_a_row_is_described_and_no_other() -> None:
    for text in {*KINDS.values()}:
        known = {key for kind, of in KINDS.items() if of == text for key in keys(kind)}
        headings = {*VIEWS} if text == RULE else {*book.ROWS}
        assert known <= first_column(text) <= known | headings
    assert {*book.ROWS, *book.BESIDE} <= named(section(RULES, "## The tables"))


def test_every_value_that_a_field_may_have_is_named() -> None:
    missing = {value for kind, text in KINDS.items() for value in values(kind) if f"`{value}`" not in text}
    assert {value for value in missing if f"**{value}**" not in SUB} == set()
    assert {*VIEWS, "article", "match"} <= values(Rule)
    label = next(row for row in rows(RULE) if row[0] == "`label`")
    assert {*re.findall(r"\w+", label[1].partition(": ")[2])} == {*Label} - {"title", "body"}
    assert {*CONVERSIONS} <= named(KEEP)
    assert f"see {LEFT_WINDOW} characters" in SUB
    assert f"see {RIGHT_WINDOW} characters" in SUB


def test_required_fields_are_the_first_of_their_table() -> None:
    """ "Required, as are the next six" stands at the first field, and the table is in that order."""
    numbers = {"three": 3, "four": 4, "five": 5, "six": 6}
    for kind in (Rule, SwappedWord, KeptWord, Mask):
        most = numbers[re.findall(r"required, as are the next (\w+)", KINDS[kind])[0]]
        names = re.findall(r"^\| `(\w+)` \|", KINDS[kind], re.MULTILINE)
        assert {*names[: most + 1]} == keys(kind, required=True)
    assert {"id", *named(re.findall(r"required, as are (`.*`) \|", PERSONAL)[0])} == keys(Spare, required=True)


def test_every_rule_table_and_each_of_its_fields_is_described() -> None:
    listed = {name for row in rows(section(RULES, "## The tables")) for name in named(row[0])}
    assert listed == {path.name for path in TABLES_OF_WORDS}
    own = {*book.ROWS}

    def keys_of(table: dict[str, Any]) -> Iterator[str]:
        for key, value in table.items():
            yield key
            inner = (
                value if isinstance(value, list) and key not in own else [value] if key in {"spacing", "card"} else []
            )
            yield from (name for row in inner if isinstance(row, dict) for name in row)

    told = named(RULES)
    missing = {f"{path.name}: {key}" for path in TABLES_OF_WORDS for key in keys_of(shipped(path)) if key not in told}
    weights = shipped(next(path for path in TABLES_OF_WORDS if path.name == "weights.json"))
    for model in (weights["html"], weights["plain"]):
        missing |= {f"weights.json: {key}" for key in (*model, *model["card"]) if key not in told}
    assert missing == set()


def test_a_row_that_is_shown_is_a_shipped_row() -> None:
    shown = [tomllib.loads(code) for kind, code in blocks(GUIDES / "rules.md") if kind == "toml"]
    whole = [row for path in TABLES_OF_WORDS for key in ("rule", "sub") for row in shipped(path).get(key, [])]
    ours = [row for table in shown for key in ("rule", "sub") for row in table.get(key, [])]
    assert [row["id"] for row in ours if row not in whole] == ["ad.tea-house"]
    assert {identifier for table in shown for identifier in table.get("off", [])} <= {row["id"] for row in whole}


# --- Architecture


def test_every_room_and_no_other_is_described() -> None:
    rooms = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    told = {name for row in rows(guide("architecture")) for name in named(row[0]) if name.endswith("/")}
    assert told == rooms


def test_every_tool_that_is_named_exists() -> None:
    text = "\n".join(path.read_text("utf-8") for path in [*WRITTEN, ROOT / "tests/quality/README.md"])
    tools = {name.replace(".", "/") for name in re.findall(r"python -m (tests[.\w]+)", text)}
    files = {name.removesuffix(".py") for name in re.findall(r"python (tests/[\w/]+\.py)", text)}
    there = {name for name in tools | files if (ROOT / f"{name}.py").exists() or (ROOT / name / "__main__.py").exists()}
    assert (tools | files) - there == set()
    assert len(there) > 8
