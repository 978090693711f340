"""HTML to blocks with BeautifulSoup and html5lib: the reference reader. The only file that imports bs4."""

import warnings
from collections.abc import Iterator

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from qingwen.config import Config
from qingwen.model import HEAD_PATH, Segmented
from qingwen.segment.hostile_markup import refuse_hostile
from qingwen.segment.markup import (
    BLOCK,
    IN_CELLS,
    SPACE,
    UNSEEN,
    BlockBuilder,
    ParserError,
    TooDeepError,
    cells_of,
    is_hidden,
    page_metadata,
    step_of,
)

_ENTER, _LEAVE = 0, 1


_DEFAULT = Config()


def segment_soup(markup: str, config: Config = _DEFAULT, *, hidden: bool = False) -> Segmented:
    """Cut a page's markup into its blocks; the page's text is the block texts joined by newlines.

    The ``<title>`` is the first block. What a browser does not show (scripts, styles, and hidden elements unless
    ``hidden``) is not text. A row of a data table is one block, its cells joined by tabs.

    Raises:
        TooDeepError: the markup passes a limit; the message says which.
    """
    refuse_hostile(markup, max_depth=config.max_depth, max_tags=config.max_tags)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = BeautifulSoup(markup, "html5lib")
        except RecursionError:
            raise TooDeepError(
                f"The markup nests deeper than html5lib follows (max_depth {config.max_depth})."
            ) from None
        except AssertionError:  # its own: <table><svg><html>
            raise ParserError("html5lib fails on this markup; the reader lexbor reads it.") from None
    builder = BlockBuilder(config.max_blocks, config.max_path_chars)
    if tree.title is not None and tree.title.string:
        builder.add(str(tree.title.string), linked=False)
        builder.flush(HEAD_PATH)
    body, meta = tree.body or tree, _meta(tree)
    if not hidden:
        # The root stays: pages hide it until their scripts have run.
        for node in (tree.html or tree).find_all(_is_hidden):
            node.decompose()
    _read(body, builder, config.max_depth)
    return builder.segmented(meta)


def _read(root: Tag, builder: BlockBuilder, max_depth: int) -> None:
    """Walk the tree without recursion; a block-level boundary closes the open block."""
    stack: list[tuple[int, object, str, int, int]] = [(_ENTER, root, "body", 0, 0)]
    while stack:
        side, node, path, links, depth = stack.pop()
        if isinstance(node, NavigableString):
            if not isinstance(node, PreformattedString):  # comments, doctypes
                builder.add(str(node), linked=links > 0)
            continue
        assert isinstance(node, Tag)
        if side == _LEAVE:
            builder.flush(path)
            continue
        if depth > max_depth:
            raise TooDeepError(f"The markup nests deeper than {max_depth} elements (max_depth).")
        if node.name in UNSEEN:
            continue
        if node.name in BLOCK:
            builder.flush(path)
            path = builder.below(path, _step(node)) if node is not root else path
            if node.name == "tr" and (cells := _cells(node)):
                builder.linked_chars = sum(len(SPACE.sub("", "".join(_shown(link)))) for link in node.find_all("a"))
                builder.close("\t".join(cells), path)
                continue
            stack.append((_LEAVE, node, path, 0, depth))
        links += node.name == "a"
        stack.extend((_ENTER, child, path, links, depth + 1) for child in reversed(node.contents))


def _step(node: Tag) -> str:
    classes, name = node.get("class"), node.get("id")
    listed = classes if isinstance(classes, list) else [classes] if classes else []
    return step_of(str(node.name), name if isinstance(name, str) else None, listed)


def _is_hidden(node: Tag) -> bool:
    return is_hidden(node.name, node.attrs)


def _cells(row: Tag) -> list[str]:
    """Return the cells of a row of a data table; none of a layout table (one cell, or blocks in cells)."""
    cells = [cell for cell in row.children if isinstance(cell, Tag) and cell.name in ("td", "th")]
    if len(cells) < 2 or any(cell.find(_is_block) is not None for cell in cells):
        return []
    return cells_of(["".join(_shown(cell)) for cell in cells])


def _is_block(tag: Tag) -> bool:
    return tag.name in BLOCK - IN_CELLS and not any(parent.name in UNSEEN for parent in (tag, *tag.parents))


def _shown(node: Tag) -> Iterator[str]:
    """Yield the text of an element that a browser shows."""
    for child in node.children:
        if isinstance(child, Tag):
            if child.name in UNSEEN:
                continue
            if child.name in IN_CELLS:
                yield " "
            yield from _shown(child)
            if child.name in IN_CELLS:
                yield " "
        elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
            yield str(child)


def _meta(tree: BeautifulSoup) -> dict[str, str]:
    metas = [
        (str(tag.get("name") or tag.get("property") or tag.get("itemprop") or ""), tag.get("content"))
        for tag in tree.find_all("meta")
    ]
    link = tree.find("link", rel="canonical")
    href = link.get("href") if isinstance(link, Tag) else None
    return page_metadata(
        ((key, content) for key, content in metas if isinstance(content, str)),
        str(href) if href is not None else None,
        (str(tag.get("href") or "") for tag in tree.find_all("a")),
    )
