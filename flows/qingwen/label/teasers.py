"""Teasers by their shape alone: a title, the same title again, and a snippet that is cut off. No key word is needed."""

from collections.abc import Sequence

TEASER_TITLE, TEASER_SNIPPET = "structure.teaser-title", "structure.teaser-snippet"
# A shorter line that is cut off may be a long title. In characters.
_SHORTEST_SNIPPET = 40
# A list of teasers has two titles and two snippets at least.
_LIST_BLOCKS = 4


def find_teasers(
    words: Sequence[str], sizes: Sequence[int], ends_sentence: Sequence[bool], cut_off: Sequence[bool]
) -> list[str | None]:
    """Return, for each block in the shape of a teaser, the rule that says so; the columns are those of `TextStats`.

    A teaser is a title that is repeated above a cut-off snippet, or a title with its snippet in a list of such pairs.
    """
    count = len(words)
    found: list[str | None] = [None] * count
    for n in range(count - 2):
        if words[n] == words[n + 1] and cut_off[n + 2] and sizes[n + 2] > sizes[n + 1]:
            found[n : n + 3] = TEASER_TITLE, TEASER_TITLE, TEASER_SNIPPET

    def is_pair(n: int) -> bool:
        title = not ends_sentence[n] and not cut_off[n]
        return title and cut_off[n + 1] and sizes[n + 1] >= _SHORTEST_SNIPPET

    n = 0
    while n + 3 < count:
        end = n
        while end + 1 < count and is_pair(end):
            end += 2
        if end - n >= _LIST_BLOCKS:
            found[n:end] = [TEASER_TITLE, TEASER_SNIPPET] * ((end - n) // 2)
        n = max(end, n + 1)
    return found
