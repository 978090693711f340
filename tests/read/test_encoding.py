"""Encodings: marks, declarations, detection; damage is counted and never fatal."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingwen.read.encoding import codec_of, decode

NEWS = "市图书馆今天宣布，自下月起开放时间延长至晚上九点半。新馆长说，这是对读者意见的回应。"
HANT = "市府捷運局今天表示，延伸線已完成首輪試車，最快明年三月通車。"


@pytest.mark.parametrize(
    ("octets", "text", "encoding"),
    [
        (NEWS.encode(), NEWS, "utf-8"),
        (codecs.BOM_UTF8 + NEWS.encode(), NEWS, "utf-8"),
        (NEWS.encode("gb2312"), NEWS, "gb18030"),
        (NEWS.encode("gb18030") + "㙍𠀀".encode("gb18030"), NEWS + "㙍𠀀", "gb18030"),
        (HANT.encode("big5"), HANT, "big5hkscs"),
        (codecs.BOM_UTF16_LE + NEWS.encode("utf-16-le"), NEWS, "utf-16-le"),
        (codecs.BOM_UTF16_BE + NEWS.encode("utf-16-be"), NEWS, "utf-16-be"),
        (("ab12\n" + NEWS).encode("utf-16-le"), "ab12\n" + NEWS, "utf-16-le"),
        (b'<meta charset="gb2312">' + NEWS.encode("gbk"), '<meta charset="gb2312">' + NEWS, "gb18030"),
    ],
)
def test_the_text_and_its_encoding_are_found(octets: bytes, text: str, encoding: str) -> None:
    found = decode(octets)
    assert (found.text, found.encoding, found.damaged) == (text, encoding, 0)


@pytest.mark.parametrize(
    ("label", "encoding"),
    [
        ("GBK", "gb18030"), ("x-gbk", "gb18030"), ("gb2312", "gb18030"), ("cp936", "gb18030"), (" gb18030\n", "gb18030"),
        ("big5", "big5hkscs"), ("Big5-HKSCS", "big5hkscs"), ("cp950", "big5hkscs"), ("utf8", "utf-8"),
        ("iso-8859-1", "windows-1252"), ("shift_jis", "cp932"), ("euc-kr", "cp949"), ("iso-2022-cn", None),
        ("x-user-defined", None), ("utf-7", None), ("", None), (None, None), ("gbk\ud800", None), ("Ｇbk", None),
    ],
)  # fmt: skip
def test_a_label_stands_for_the_superset_that_browsers_decode(label: str | None, encoding: str | None) -> None:
    assert codec_of(label) == encoding
    assert encoding is None or "".encode(encoding) == b""


def test_a_false_declaration_does_not_spoil_the_page() -> None:
    assert decode(b'<meta charset="big5">' + NEWS.encode("gbk") * 3).encoding == "gb18030"


@pytest.mark.parametrize(
    "name", ["rot13", "idna", "hex", "utf-7", "unicode_escape", "punycode", "undefined", "gbk\0", "gbk\xff"]
)
def test_what_is_a_codec_of_python_and_no_charset_is_not_believed(name: str) -> None:
    octets = f'<meta charset="{name}">+2AA- \\ud800 '.encode() + NEWS.encode("gbk")
    found = decode(octets)
    assert NEWS in found.text
    assert found.text.encode()


@pytest.mark.parametrize("name", ["iso8859\0_15", "iso8859\xff_15", "\ud800gbk"])
def test_a_charset_with_signs_that_no_name_has_is_not_believed(name: str) -> None:
    assert decode(NEWS.encode("gbk"), name).text == NEWS


def test_a_replacement_character_of_the_page_s_own_is_no_damage() -> None:
    assert decode(codecs.BOM_UTF8 + "清\ufffd文".encode()).damaged == 0
    assert decode(codecs.BOM_UTF8 + b"\xff" + "清\ufffd文".encode()).damaged == 2


def test_damaged_bytes_are_replaced_and_counted() -> None:
    octets = NEWS.encode()
    found = decode(octets[:30] + b"\xff\xfe" + octets[30:])
    assert found.encoding == "utf-8"
    assert found.damaged == found.text.count("\ufffd") > 0
    assert "开放时间延长" in found.text


@given(st.binary(max_size=200))
def test_no_bytes_are_fatal(octets: bytes) -> None:
    found = decode(octets)
    assert found.damaged == found.text.count("\ufffd") or found.damaged == 0
