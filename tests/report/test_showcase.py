"""The run that pictures of reports show, and that each picture is there and in the pages."""

import re
import runpy
from pathlib import Path

from support.showcase import CORES, showcase

from flowc.report.figures import figures

DOCS = Path(__file__).parents[2] / "docs"


def test_it_has_what_is_to_be_seen() -> None:
    run, tight, failed = showcase(), showcase(tight=True), showcase(fails=True)
    found, better = figures(run), figures(tight)
    assert found.states["ok"] == 72 == better.states["ok"]
    assert max(found.usage.cores) <= CORES
    assert {"cores", "dependencies", "limit ftp"} <= {*found.usage.limits_s()}
    assert better.memory_area.wasted < found.memory_area.wasted / 2
    assert (failed.outcome, figures(failed).states["failed"]) == ("failed", 1)
    assert [rule.rule for rule in found.rules if rule.points and rule.peak_bytes]


def test_each_picture_is_there_and_shown() -> None:
    views = {*runpy.run_path(str(DOCS / "screenshots.py"))["VIEWS"]}
    assert {path.stem for path in (DOCS / "images").glob("report-*.png")} == views
    texts = "".join(path.read_text("utf-8") for path in DOCS.rglob("*.md"))
    assert {*re.findall(r"images/(report-[a-z]+)\.png", texts)} == views
