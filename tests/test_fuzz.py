"""Damaged pages: whatever the bytes, the laws hold and nothing is raised."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import cases
from qingwen import Config, clean_page, load_rules, restore
from qingwen.clean import normalize
from qingwen.model import BODY, TITLE, Cleaned, Page
from qingwen.read.files import to_page
from qingwen.segment.pages import segment

SOURCES = [(case.path.name, case.path.read_bytes()) for case in cases()]
NOISE = [
    b"\x00",
    b"\xff\xfe",
    b"<div>",
    b"</",
    b"&#0;",
    b"&amp;nbsp;",
    b"\r",
    b"\xe2\x80\xa8",
    b"\xf0\x9f\x98\x80",
    b"...",
    b"\n\n",
    "蕞".encode(),
    "頭部".encode(),
]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    name, octets = draw(st.sampled_from(SOURCES))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(octets)))
        end = draw(st.integers(at, min(len(octets), at + 400)))
        how = draw(st.sampled_from(["cut", "double", "noise", "move"]))
        piece = octets[at:end]
        if how == "cut":
            octets = octets[:at] + octets[end:]
        elif how == "double":
            octets = octets[:end] + piece + octets[end:]
        elif how == "noise":
            octets = octets[:at] + draw(st.sampled_from(NOISE)) + octets[at:]
        else:
            octets = piece + octets[:at] + octets[end:]
    return name, octets


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(damaged())
def test_a_damaged_page_is_cleaned_or_rejected_and_always_given_back(made: tuple[str, bytes]) -> None:
    name, octets = made
    page = to_page(octets, name, Config())
    if not isinstance(page, Page):
        return
    result = clean_page(page)
    found = segment(page, Config())
    if isinstance(result, Cleaned):
        assert restore(result.record, result.blocks, result.edits) == found.text  # type: ignore[union-attr]
        assert all(line == line.strip() and line for line in result.record.text.split("\n"))
        result.record.text.encode("utf-8")
        parts = {TITLE: result.record.title, BODY: result.record.text}
        assert normalize(parts, Config(), load_rules()).edits == ()
    else:
        assert result.rule
        if result.blocks:
            assert "".join(judged.text or "" for judged in result.blocks) == found.text  # type: ignore[union-attr]
