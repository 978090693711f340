"""The algebra of edits: undo is exact, untouched characters stay themselves, bad edits are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingwen.errors import EditError
from qingwen.text.spans import Edit, PositionMap, Segment, Span, align, apply, invert, ordered, trace_back, undo

TEXTS = st.text(alphabet="清文最蕞,，。ab \n\u200b", max_size=40)


@st.composite
def one_pass(draw: st.DrawFn, text: str, step: int = 0) -> list[Edit]:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edits = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        edits.append(Edit("body", Span(start, end), text[start:end], draw(st.text("最，x", max_size=3)), "r", step))
    return edits


@st.composite
def many_passes(draw: st.DrawFn) -> tuple[str, list[list[Edit]], str]:
    source = text = draw(TEXTS)
    passes = []
    for step in range(draw(st.integers(0, 4))):
        edits = draw(one_pass(text, step))
        passes.append(edits)
        text = apply(text, edits)
    return source, passes, text


@given(many_passes())
def test_undoing_all_passes_gives_back_the_source(made: tuple[str, list[list[Edit]], str]) -> None:
    source, passes, text = made
    assert undo(text, [edit for edits in passes for edit in edits]) == source


@given(st.data())
def test_a_pass_and_its_inverse_cancel(data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    edits = data.draw(one_pass(text))
    assert apply(apply(text, edits), invert(edits)) == text


@given(st.data())
def test_untouched_characters_map_to_themselves_there_and_back(data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    edits = data.draw(one_pass(text))
    after = apply(text, edits)
    mapping = PositionMap(edits)
    for at, char in enumerate(text):
        if not any(edit.span.start <= at < edit.span.end for edit in edits):
            there = mapping.forward(at)
            assert after[there] == char
            assert mapping.back(there) == at


@given(many_passes())
def test_the_alignment_joins_to_both_texts(made: tuple[str, list[list[Edit]], str]) -> None:
    source, passes, text = made
    segments = align(source, [edit for edits in passes for edit in edits])
    assert "".join(segment.before for segment in segments) == source
    assert "".join(segment.after for segment in segments) == text
    assert all(segment.before == segment.after for segment in segments if not segment.rules)


def test_a_position_inside_a_replacement_maps_to_where_it_starts() -> None:
    through = PositionMap(
        [Edit("body", Span(0, 1), "a", "", "r"), Edit("body", Span(2, 5), "cde", "wxyz", "r")]
    )  # abcdef, bwxyzf
    assert [through.forward(at) for at in range(7)] == [0, 0, 1, 1, 1, 5, 6]
    assert [through.back(at) for at in range(7)] == [1, 2, 2, 2, 2, 5, 6]


def test_a_position_is_traced_back_through_passes() -> None:
    first = [Edit("body", Span(0, 2), "ab", "", "r", 0)]
    second = [Edit("body", Span(0, 0), "", "xyz", "r", 1)]
    assert trace_back([4], [*first, *second]) == [3]
    crossing = Edit("body", Span(1, 1), "", "xyz", "r", 1)  # abcd, cd, cxyzd
    assert trace_back([0, 4], [*first, crossing]) == [2, 3]
    mask = Edit("body", Span(0, 3), "███", "███", "mask.mobile", 0)
    assert trace_back([0, 1, 2], [mask]) == [0, 1, 2]


def test_an_alignment_holds_nothing_empty_and_joins_only_what_overlaps() -> None:
    assert align("", []) == []
    gone = [Edit("body", Span(1, 1), "", "x", "r1", 0), Edit("body", Span(1, 2), "x", "", "r2", 1)]
    assert align("ab", gone) == [Segment("a", "a"), Segment("b", "b")]
    beside = [Edit("body", Span(0, 1), "a", "x", "r1", 0), Edit("body", Span(1, 2), "b", "y", "r2", 0)]
    assert align("ab", beside) == [Segment("a", "x", ("r1",)), Segment("b", "y", ("r2",))]
    later = [Edit("body", Span(0, 1), "a", "xy", "r1", 0), Edit("body", Span(1, 3), "yb", "z", "r2", 1)]
    assert align("ab", later) == [Segment("ab", "xz", ("r1", "r2"))]


def test_overlapping_edits_are_refused_and_both_are_named() -> None:
    edits = [Edit("body", Span(0, 2), "ab", "x", "rule.one"), Edit("body", Span(1, 3), "bc", "y", "rule.two")]
    with pytest.raises(EditError, match=r"rule\.one at 0\.\.2 and rule\.two at 1\.\.3"):
        ordered(edits)


@pytest.mark.parametrize("span", [Span(0, 2), Span(1, 9)])
def test_a_stale_edit_is_refused_and_says_what_it_expected(span: Span) -> None:
    with pytest.raises(EditError, match=r"stale.*expects 'zz'"):
        apply("abc", [Edit("body", span, "zz", "x", "rule.one")])


def test_undoing_on_a_changed_text_is_refused() -> None:
    with pytest.raises(EditError, match="stale"):
        undo("ac", [Edit("body", Span(0, 1), "x", "b", "rule.one")])


def test_a_span_must_not_run_backwards() -> None:
    with pytest.raises(EditError, match="start <= end"):
        Span(3, 2)
