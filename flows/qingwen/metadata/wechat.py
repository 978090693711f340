"""The byline of WeChat's pages, which holds writer, account and day without labels."""

from dataclasses import dataclass

from qingwen.metadata.lines import PageLines
from qingwen.metadata.patterns import patterns, search

# So many different lines of WeChat's own tell its pages in a dump.
_WECHAT_SIGNS = 2
# The byline is among the first lines below the headline, and short.
_FIRST_LINES, _MOST_WORDS, _LONGEST_BYLINE = 4, 6, 60


@dataclass(frozen=True, slots=True)
class WechatByline:
    """The writer, if one is named, the account, and where they stand."""

    writer: str | None
    account: str
    where: str


def wechat_byline(lines: PageLines, account: str | None = None) -> WechatByline | None:
    """Return WeChat's byline (原创 甲乙 某账号 2018-04-07); None if the page is not one of its."""
    signs = {line.folded[:4] for line in lines.every if search("wechat_line", line.folded)}
    if account is None and len(signs) < _WECHAT_SIGNS:
        return None
    for line in lines.head[:_FIRST_LINES]:
        if search("wechat_line", line.folded) or line.folded[-1:] in "。!?" or "," in line.folded:
            continue
        words = [word for word in patterns()["wechat_noise"].sub(" ", line.folded).split(" ") if word]
        if not words or len(words) > _MOST_WORDS or len(line.folded) > _LONGEST_BYLINE:
            continue
        known = account or words[-1]
        if known not in " ".join(words):
            continue
        left = " ".join(words).replace(known, " ").strip().split("  ")[0].strip()
        left = patterns()["emoji"].sub("", left).strip()
        halves = left.split(" ")
        if len(halves) == 2 and halves[0] == halves[1]:
            left = halves[0]
        writer = None if not left or search("wechat_no_author", left) else left
        return WechatByline(writer, known, f"line {line.n + 1}")
    return None
