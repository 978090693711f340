"""Made pages for the tests of many pages: copies of the seed with differences, the same in each run."""

from __future__ import annotations

from pathlib import Path

# The columns of `records` that repeat the table `duplicates` as it was when the row was written; compaction refreshes them.
COPIED = ("duplicate_of", "duplicate_kind", "cluster_size")
SEED = next((Path(__file__).parents[1] / "seeds").glob("*.txt"))


def copies_with_differences(folder: Path, count: int) -> Path:
    """Write pages like the seed, each with a sentence of its own, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = SEED.read_text("utf-8")
    for n in range(count):
        mine = text.replace("会议以视频方式召开。", f"会议以视频方式召开,第{n + 2}批参会人员{n * 7 + 3}人。")
        (folder / f"{n:05d}.txt").write_text(mine, "utf-8")
    return folder
