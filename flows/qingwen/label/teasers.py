"""Teasers by their shape alone: a title, the same title again, and a snippet cut off at its end. No key word needed."""

from __future__ import annotations

from collections.abc import Sequence

from qingwen.label.block_stats import Features

TEASER_TITLE, TEASER_SNIPPET = "structure.teaser-title", "structure.teaser-snippet"
# Characters of a teaser's title, and of the snippet below it: a cut-off line of fewer may be a long title.
_SHORTEST_TITLE, _LONGEST_TITLE = 4, 60
_SHORTEST_SNIPPET = 40
# Blocks of titles and snippets that make a list of teasers: two of each.
_A_LIST = 4


def mark_teasers(features: Sequence[Features]) -> list[Features]:
    """Mark title pairs followed by a cut-off snippet, and snippets that follow a repeated or bare title."""
    for n in range(len(features) - 2):
        first, second, third = features[n : n + 3]
        twice = first.words == second.words and first.size <= _LONGEST_TITLE
        if twice and third.cut_off and third.size > second.size:
            first.structure = second.structure = TEASER_TITLE
            third.structure = TEASER_SNIPPET
    # A run of title and cut-off snippet, at least two of them, is a list of teasers too.
    n = 0
    while n + 3 < len(features):
        run = n
        while run + 1 < len(features) and _pair(features[run], features[run + 1]):
            run += 2
        if run - n >= _A_LIST:
            for at in range(n, run, 2):
                features[at].structure = TEASER_TITLE
                features[at + 1].structure = TEASER_SNIPPET
        n = max(run, n + 1)
    return list(features)


def _pair(title: Features, snippet: Features) -> bool:
    plain = _SHORTEST_TITLE <= title.size <= _LONGEST_TITLE and not title.ends and not title.cut_off
    return plain and snippet.cut_off and snippet.size >= _SHORTEST_SNIPPET
