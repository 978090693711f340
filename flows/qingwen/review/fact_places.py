"""Where a stored page's facts come from: `places_of`."""

from collections.abc import Mapping, Sequence
from typing import Any

from qingwen.config import Config
from qingwen.metadata.metadata import read_metadata
from qingwen.model import PLAIN, Block, LabelledBlock, Page, Segmented

# Columns that say where they come from, each with the column that tells whether it is the same fact.
_FACTS = {"published_at": "published_raw", "authors": "authors", "source_name": "source_name", "site": "site"}
# What the tables do not hold: JSON-LD, <meta>, the row of a container.
_ELSEWHERE = "markup"


def places_of(row: Mapping[str, Any], blocks: Sequence[LabelledBlock], text: str) -> dict[str, str]:
    """Return where the facts in a record's row come from: ``line 5``, ``url``, or ``markup`` where no line states them.

    The facts are read again from the blocks, as the tables hold them, and compared; ``text`` is the page's.
    """
    segmented = Segmented(text, tuple(Block(one.block.n, one.block.span, one.block.path) for one in blocks))
    page = Page(row["id"], row["source_path"], PLAIN, "utf-8", text, row["source_sha256"], len(text), url=row["url"])
    verdicts = tuple(one.verdict for one in blocks)
    found = read_metadata(page, segmented, verdicts, Config(), row["fetched_at"])
    again = {name: getattr(found, key) for name, key in _FACTS.items()}
    again["authors"] = list(found.authors) if found.authors else None
    stated = {name: row.get(key) for name, key in _FACTS.items()}
    return {
        name: found.places.get(name, _ELSEWHERE) if again[name] == stated[name] else _ELSEWHERE
        for name in _FACTS
        if stated[name]
    }
