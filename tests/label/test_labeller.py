"""Whole dumps through the labeller: what a reader would strike out goes, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from qingwen import Cleaned, Rejection, clean_page, load_rules

TITLE = "临河大桥今晨通车"
FIRST = "临河大桥今天上午六时正式通车，首批车辆由北向南驶过大桥。大桥全长2.3公里，双向六车道，设计时速80公里。"
SECOND = "市交通局负责人介绍，大桥通车后，两岸通行时间由四十分钟缩短到八分钟。市民可拨打12345热线提出建议。"
THIRD = "家住河北岸的王师傅说：“以后上班不用绕路了。”当天下午，公交部门新开了两条过河线路。"


def body(*lines: str) -> list[str]:
    found = clean_page("\n".join(lines).encode())
    assert isinstance(found, Cleaned), found
    return found.record.text.split("\n")


@pytest.mark.parametrize(
    "ad",
    [
        "【临河美域】售楼处电话：400-8123-660，一对一讲解！",
        "招商热线：４００　８１２３　６６０",
        "厂房出租，加薇信 lhcf8899 免费领取一房一价表",
        "长按识别二维码，关注“临河生活”",
        "广告",
    ],
)
def test_an_advertisement_between_paragraphs_goes_and_the_news_behind_it_stays(ad: str) -> None:
    assert body(TITLE, "2023-05-01 08:00 来源：临河日报", FIRST, ad, SECOND, ad, THIRD) == [FIRST, SECOND, THIRD]


def test_a_bracket_glued_to_a_paragraph_goes_and_the_paragraph_stays() -> None:
    glued = THIRD + "（更多精彩请关注临河在线www.example.com）"
    assert body(TITLE, "2023-05-01 08:00 来源：临河日报", FIRST, SECOND, glued) == [FIRST, SECOND, THIRD]


def test_a_first_heading_below_the_byline_is_the_article_s() -> None:
    heading = "两岸通行时间缩短到八分钟"
    assert body(TITLE, "2023-05-01 08:00 来源：临河日报", heading, FIRST, SECOND, THIRD)[0] == heading


def test_subheadings_and_short_answers_stay() -> None:
    lines = [FIRST, "一、为什么建桥", SECOND, "记者：造价多少？", "李工：约12亿元。", THIRD]
    assert body(TITLE, "2023-05-01 08:00 来源：临河日报", *lines) == lines


def test_a_notice_s_signature_stays() -> None:
    lines = ["各街道办事处：", FIRST, SECOND, "临河市人民政府", "2023年5月1日"]
    assert body("关于临河大桥通车的通告", "发布时间：2023-05-01 来源：市政府", *lines, "打印本页 关闭窗口") == lines


def test_what_stands_below_the_article_goes() -> None:
    below = [
        "（责任编辑：小河）",
        "版权声明：本文由临河在线发布，如需转载请注明出处。",
        "分享到：微信 微博 QQ空间",
        "相关阅读",
        "临河二桥今年开工",
        "临河地铁规划公示",
        "关于我们 | 联系我们 | 网站地图",
        "临河在线版权所有 皖ICP备12345678号",
    ]
    assert body(TITLE, "2023-05-01 08:00 来源：临河日报", FIRST, SECOND, THIRD, *below) == [FIRST, SECOND, THIRD]


def test_news_about_estates_advertising_and_copyright_stays() -> None:
    news = [
        "市住建局通报，上月全市新建商品住房成交均价环比下降0.4%，个别楼盘以“特价房”招徕购房者被约谈。",
        "市场监管部门查处虚假广告21起，其中一起冒用400客服电话，涉案微信群已被封停。",
        "法院认为，被告虽在文末写明“版权归原作者所有，如有侵权请联系删除”，仍构成侵权。",
    ]
    assert body("三部门通报整治情况", "2023-05-01 08:00 来源：临河日报", *news) == news


def test_every_verdict_says_who_decided_and_why() -> None:
    found = clean_page("\n".join([TITLE, FIRST, SECOND, "相关阅读", "临河二桥今年开工"]).encode())
    assert isinstance(found, Cleaned)
    for judged in found.blocks:
        assert judged.verdict.rule
        assert judged.verdict.why


@pytest.mark.parametrize("text", ["首页 新闻 论坛 登录 注册", "404\n您访问的页面不存在", "a b c\nd e f"])
def test_a_page_without_running_text_is_rejected(text: str) -> None:
    found = clean_page(text.encode())
    assert isinstance(found, Rejection)
    assert found.rule == "reject.no-article"


def test_a_rescued_block_says_what_rescued_it() -> None:
    lines = ["各街道办事处：", FIRST, SECOND, "临河市人民政府", "2023年5月1日"]
    page = "\n".join(["关于临河大桥通车的通告", "发布时间：2023-05-01 来源：市政府", *lines, "打印本页 关闭窗口"])
    found = clean_page(page.encode())
    assert isinstance(found, Cleaned)
    rules = {judged.block.n: judged.verdict.rule for judged in found.blocks if judged.verdict.kept}
    assert rules[2] == "rescue.heading"
    assert rules[6] == "rescue.signature"


def test_a_newspaper_s_name_above_its_issue_is_no_title() -> None:
    above = ["临河日报 数字报", "返回首页 | 版面导航 | PDF版", "第01版：经济  2023-08-31  星期三", "上一篇　下一篇"]
    found = clean_page("\n".join([*above, TITLE, FIRST, SECOND, THIRD]).encode())
    assert isinstance(found, Cleaned)
    assert found.record.title == TITLE


def test_a_half_width_mark_in_the_headline_of_a_page_that_has_no_other_stays() -> None:
    found = clean_page("\n".join(["临河大桥通车:王师傅不用绕路", FIRST, SECOND, THIRD]).encode())
    assert isinstance(found, Cleaned)
    assert found.record.title == "临河大桥通车:王师傅不用绕路"


def test_the_first_heading_below_a_player_is_the_article_s() -> None:
    lines = [
        TITLE,
        "2023-05-01 08:00 来源：临河日报",
        "00:00 / 06:36",
        "“以后上班不用绕路了”——大桥通车首日见闻",
        FIRST,
        SECOND,
        THIRD,
    ]
    assert body(*lines) == lines[3:]


OTHER = [
    "北岸小学扩建完工",
    "2023-05-02 09:30  来源：临河日报",
    "北岸小学扩建工程昨天完工，新添教室十二间，下学期可多收四百名学生。校长说，操场也换了新的跑道和草坪。",
    "工程去年七月动工，由区教育局出资，历时十个月。家长们昨天参观了新教室，对采光和通风表示满意。",
]
MINE = [TITLE, "2023-05-01 08:00  来源：临河日报", FIRST, SECOND, THIRD]


@pytest.mark.parametrize("lines", [[f"{TITLE}_临河在线", *MINE, *OTHER], [f"{TITLE}_临河在线", *OTHER, *MINE]])
def test_of_two_articles_the_one_that_fits_the_title_is_the_record(lines: list[str]) -> None:
    found = clean_page("\n".join(lines).encode())
    assert isinstance(found, Cleaned)
    assert found.record.title == TITLE
    assert found.record.text.split("\n") == [FIRST, SECOND, THIRD]
    assert "structure.second-article" in found.record.flags
    labels = {judged.verdict.label.value for judged in found.blocks if OTHER[2] in (judged.text or "")}
    assert labels == {"related"}


def test_a_part_of_a_paginated_article_stays_a_record_and_is_flagged() -> None:
    found = clean_page("\n".join([*MINE, "上一页 1 2 3 下一页", "（责任编辑：小河）"]).encode())
    assert isinstance(found, Cleaned)
    assert found.record.text.split("\n") == [FIRST, SECOND, THIRD]
    assert found.record.flags == ("nav.pagination",)


def test_a_caption_stays_out_of_the_text_and_keeps_its_label() -> None:
    caption = "▲大桥通车首日，两岸居民结伴过河。"
    found = clean_page("\n".join([*MINE[:3], caption, *MINE[3:]]).encode())
    assert isinstance(found, Cleaned)
    assert found.record.text.split("\n") == [FIRST, SECOND, THIRD]
    (verdict,) = [judged.verdict for judged in found.blocks if (judged.text or "").strip() == caption]
    assert (verdict.label.value, verdict.rule) == ("caption", "caption.marked")


def test_a_poem_an_editor_s_note_and_a_list_stay() -> None:
    lines = [
        "编者按：大桥通车之际，本报请两位居民写下这一天。",
        FIRST,
        "有人当场写了四句：",
        "长桥卧晓烟，",
        "两岸共一天。",
        "昨日隔江望，",
        "今朝并步前。",
        SECOND,
        "通车后调整的线路有：",
        "1、12路改经大桥北口；",
        "2、27路延长至河北岸；",
        "3、夜班车增开两班。",
        THIRD,
    ]
    assert body(TITLE, "2023-05-01 08:00 来源：临河日报", *lines) == lines


def test_a_text_that_says_a_paragraph_twice_keeps_both() -> None:
    lines = [FIRST, SECOND, THIRD, SECOND]
    assert body(TITLE, "2023-05-01 08:00 来源：临河日报", *lines) == lines


PRICE = "本周全市商品房成交均价8705元/平方米，较上周下调了2.5%，继续低位盘整，中心城区成交比重下降。"


def test_a_sentence_of_news_that_a_shipped_rule_for_advertisements_hits_stays_and_is_flagged() -> None:
    found = clean_page("\n".join([TITLE, FIRST, PRICE, SECOND, THIRD]).encode())
    assert isinstance(found, Cleaned)
    assert found.record.text.split("\n") == [FIRST, PRICE, SECOND, THIRD]
    assert "label.news-like-advertisement" in found.record.flags


def test_what_a_user_s_own_rule_hits_goes_whatever_it_reads_like(tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text(
        '[[rule]]\nid = "ad.prices"\nlabel = "ad"\nscope = "any"\npattern = "成交均价"\nwhy = "A test."\n'
        'since = "2026-11-30"\nmatches = ["成交均价8705元"]\n',
        "utf-8",
    )
    found = clean_page("\n".join([TITLE, FIRST, PRICE, SECOND, THIRD]).encode(), rules=load_rules(table))
    assert isinstance(found, Cleaned)
    assert PRICE not in found.record.text
