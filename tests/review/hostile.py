"""Pages that try to run something in whoever reads the review of them."""

from __future__ import annotations

from pathlib import Path

from conftest import PAGES

ATTACKS = (
    "<script>window.hacked=1;alert(1)</script>",
    "</script><script>window.hacked=2</script>",
    "<img src=x onerror=window.hacked=3>",
    "<svg/onload=window.hacked=4>",
    "<a href=\"javascript:window.hacked=5\">点这里</a>",
    "<iframe srcdoc='<script>parent.hacked=6</script>'></iframe>",
    "<link rel=stylesheet href=https://evil.example/x.css><img src=https://evil.example/x.png>",
    "\" autofocus onfocus=window.hacked=7 x=\"",
    "' onmouseover='window.hacked=8",
    "{{ 7*7 }}{% for x in range(9) %}{{ x }}{% endfor %}{# gone #}",
    "--><!-- <style>*{display:none}</style> ]]>",
    "\"]}, \"marks\": {\"__proto__\": {\"hacked\": 9}}",
    "</del></div></article></main></textarea></title></style><h1>escaped</h1>",
    "${window.hacked=10} `\\u003cscript\\u003e` &lt;script&gt; &#x3c;script&#x3e; &#xd800;",
    "一行\u2028两行\u2029三行\u202e反\u202c\u2066里\u2069\u200b零",
    "<template><script>window.hacked=11</script></template><base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'><form action=https://evil.example/><input name=cookie>",
    "a" * 4000,
)  # fmt: skip
NAME = "<img src=x onerror=window.hacked=12> {{ 7*7 }} '\".txt"


def write(folder: Path) -> Path:
    """Write hostile pages: in the title, in the text, in what is removed, in markup, in a file's name."""
    folder.mkdir(parents=True)
    dispatch = (PAGES / "clean-dispatch.txt").read_text("utf-8").rstrip("\n").split("\n")
    for n, attack in enumerate(ATTACKS):
        notice = f"版权声明:本文由{attack}发布,如需转载请注明出处。"
        lines = [
            *dispatch[:-1],
            f"记者看到，{attack}，这一行来自网页。",
            dispatch[-1],
            notice,
            f"扫一扫 {attack} 微信号",
        ]
        (folder / f"text-{n:02}.txt").write_text("\n".join(lines), "utf-8", newline="")
        (folder / f"title-{n:02}.txt").write_text("\n".join([attack.replace("\n", " "), *lines]), "utf-8", newline="")
        quoted = attack.replace("&", "&amp;").replace("<", "&lt;")
        paragraphs = "".join(f"<p>{line}</p>" for line in [*dispatch, f"记者看到，{quoted}，这一行来自网页。", quoted])
        markup = f"<html><head><title>{quoted}</title></head><body><h1>{quoted}</h1>{paragraphs}{attack}</body></html>"
        (folder / f"markup-{n:02}.html").write_text(markup, "utf-8", newline="")
    (folder / NAME).write_text("\n".join([*dispatch, "控制\x01字符\x0b在\x7f这里\r也在。"]), "utf-8", newline="")
    return folder
