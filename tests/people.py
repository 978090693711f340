"""Made-up personal data for the tests: numbers with valid check digits, printed as pages print them."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from html import unescape

from hypothesis import strategies as st

_FULL_WIDTH = {ord(sign): ord(sign) + 0xFEE0 for sign in "0123456789@."}


def _digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


def _id_card(region: str, born: date, order: str) -> str:
    body = f"{region}{born:%Y%m%d}{order}"
    # ISO 7064 MOD 11-2 by its recursive definition, independent of the package's own check.
    product = 0
    for digit in body:
        product = (product + int(digit)) * 2 % 11
    check = (12 - product) % 11
    return body + ("X" if check == 10 else str(check))


def _card(body: str) -> str:
    """Return a number with its check digit."""
    for check in "0123456789":
        total = 0
        for place, digit in enumerate(reversed(body + check)):
            doubled = int(digit) << place % 2
            total += doubled - 9 if doubled > 9 else doubled
        if total % 10 == 0:
            return body + check
    raise AssertionError(body)


_MOBILES = st.builds(str.__add__, st.sampled_from(["138", "150", "186", "199", "177"]), _digits(8))
_ID_CARDS = st.builds(
    _id_card,
    st.sampled_from(["110101", "440305", "620102", "510107"]),
    st.dates(date(1930, 1, 1), date(2015, 1, 1)),
    _digits(3),
)
_CARDS = st.builds(_card, st.builds(str.__add__, st.sampled_from(["622848", "621700", "6222021"]), _digits(11)))
_EMAILS = st.builds(
    "{}@{}".format,
    st.from_regex(r"[a-z]{3,8}[0-9]{2,4}", fullmatch=True),
    st.sampled_from(["163.com", "example.com.cn"]),
)
_PLATES = st.builds("{}{}{}".format, st.sampled_from("京粤川鄂"), st.sampled_from("ABCE"), _digits(5))
_SPACED = re.compile(r"(...)(....)(....)")


def _written(data: str, way: str) -> str:
    if way == "wide":
        return data.translate(_FULL_WIDTH)
    if way == "hidden":
        return "\u200b".join(data)
    if way == "entities":
        return "".join(f"&#{ord(sign)};" if sign.isdigit() else sign for sign in data)
    if way == "dashed" and len(data) == 11:
        return _SPACED.sub(r"\1-\2-\3", data)
    if way == "spaced" and len(data) == 11:
        return _SPACED.sub(r"\1 \2 \3", data)
    return data


WAYS = ("plain", "wide", "hidden", "entities", "dashed", "spaced")
CARRIERS = ("，住户张某（{}）说，", "。他留下的是{}，", "【{}】", "，见附注“{}”。")


@st.composite
def people(draw: st.DrawFn) -> tuple[str, str]:
    """Return a piece of text that holds personal data, and the data as letters and digits alone."""
    data = draw(st.one_of(_MOBILES, _ID_CARDS, _CARDS, _EMAILS, _PLATES))
    way = draw(st.sampled_from(WAYS))
    if not data[0].isascii():  # only the width of a plate varies
        way = "wide" if way == "wide" else "plain"
    return draw(st.sampled_from(CARRIERS)).format(_written(data, way)), bare(data)


def bare(text: str) -> str:
    """Return a text's letters and digits, whatever their form and whatever stands between them."""
    for _ in range(3):
        text = unescape(text)
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())
