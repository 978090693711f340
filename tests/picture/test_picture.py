"""The README's architecture is the code's: its picture is made now, and what it names is there."""

from __future__ import annotations

import ast
import re

import pytest

import qingwen
from conftest import ROOT
from picture.draw import README, chain, picture, placed, rooms
from picture.rooms import FILES, PACKAGE, arrows, reduced

SECTION = README.read_text("utf-8").partition("\n## Architecture\n")[2].partition("\n## ")[0]
WORDS = SECTION.partition("<!-- picture")[0]
# `file.py: function`, `folder/`, `tests/test_laws.py`
NAMED = sorted(set(re.findall(r"`([\w./]+(?:\.py|/)(?:: [\w.]+)?|tests/\w+)`", WORDS)))
OTHERS = sorted(set(re.findall(r"`([^`]+)`", WORDS)) - set(NAMED))
CLASSES = {
    node.name
    for path in FILES
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(node, ast.ClassDef)
}


def names_in(tree: ast.Module | ast.ClassDef) -> dict[str, ast.AST]:
    found: dict[str, ast.AST] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    return found


@pytest.mark.parametrize("named", NAMED)
def test_a_file_or_a_function_that_is_named_exists(named: str) -> None:
    file, _, name = named.partition(": ")
    path = ROOT / file if file.startswith("tests/") else PACKAGE / file
    assert path.exists()
    inside: ast.AST = ast.parse(path.read_text("utf-8")) if name else ast.Module([], [])
    for part in filter(None, name.split(".")):
        assert isinstance(inside, ast.Module | ast.ClassDef)
        assert part in names_in(inside), named
        inside = names_in(inside)[part]


@pytest.mark.parametrize("name", OTHERS)
def test_whatever_else_is_named_is_a_class_a_setting_or_a_command(name: str) -> None:
    known = CLASSES | set(qingwen.__all__) | {"mask_personal_data", "SCHEMA_VERSION", "flows/qingwen"}
    assert name in known or name.startswith(("qingwen ", "python -m ")) or name == "(Draft, Context) -> Proposal"


def test_a_page_s_steps_are_named_in_their_order() -> None:
    steps = ["to_page", "segment", "hide", "label", "read_facts", "parts_of", "PASSES", "fault_of"]
    places = [re.search(rf": {step}`", WORDS) for step in steps]
    found = [place.start() for place in places if place]
    assert len(found) == len(steps)
    assert found == sorted(found)


def test_the_picture_is_the_one_that_the_code_makes() -> None:
    assert placed(SECTION) == SECTION, "Run `python -m tests.picture`."


def test_the_picture_can_be_read_at_a_glance() -> None:
    lines = [*rooms(), *chain()]
    assert sum(" --> " in line for line in lines) <= 25
    # What Mermaid would take for something else: a list or emphasis in a label, a word of its own for a node.
    labels = re.findall(r'"([^"]*)"', picture())
    assert not [label for label in labels if re.search(r"^\d+[.)] |^[-*+] |__|[`\[\]{}|]", label)]
    nodes = set(re.findall(r"^    (\w+)\[", picture(), re.MULTILINE))
    assert not nodes & {"end", "graph", "subgraph", "flowchart", "class", "click", "style", "default", "call", "href"}


def test_an_arrow_is_left_out_only_where_a_longer_way_leads() -> None:
    assert reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}
    assert arrows()["commands"] >= {"actions", "keeping"}
