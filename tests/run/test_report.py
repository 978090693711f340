"""The report of a run as markdown: what files are called cannot act in it."""

from __future__ import annotations

from qingwen.run.report import RunReport, markdown

NAMES = (
    "a.txt](https://evil.example) ![x](https://evil.example/x.png",
    "<img src=x onerror=alert(1)>.txt",
    "one`two``three.txt",
    "first.txt\n# A heading\n\n| a | table |",
    "\x1b[2J\u202egnp.txt",
)


def test_names_of_files_are_code_in_a_line_of_the_report() -> None:
    for name in NAMES:
        text = markdown(RunReport("run", name, "rules", "config", pending=1, faults=[f"{name}: cannot be read."]))
        lines = text.split("\n")
        assert [line for line in lines if line.startswith("#")] == ["# qingwen run run", "## Pages"]
        assert all(line.isprintable() for line in lines)
        for line in (line for line in lines if line.startswith(("Dataset", "**"))):
            fence = next(mark for mark in ("````", "```", "``", "`") if mark in line)
            assert line.count(fence) >= 2
            inside = line[line.index(fence) + len(fence) : line.rindex(fence)]
            assert "evil" not in line.replace(inside, "")
            assert "<img" not in line.replace(inside, "")
