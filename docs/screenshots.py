"""Make the pictures of reports anew: `python docs/screenshots.py [DIRECTORY]`.

It needs Chromium, chromedriver and selenium (`pip install flowc[test]`), and shows runs that are
made up (`tests/support/showcase.py`), so that a picture changes where the page does. Look at what
it has made.
"""

import base64
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from support.browser import browser, open_page  # noqa: E402 - behind the path
from support.runlog import many_jobs  # noqa: E402
from support.showcase import showcase  # noqa: E402

from flowc.record.fold import fold_events  # noqa: E402
from flowc.report.compare import compare  # noqa: E402
from flowc.report.figures import figures  # noqa: E402
from flowc.report.page import render_comparison, render_page  # noqa: E402

HIGHEST = 1500
CLICK = "document.getElementById('{}').click();"
HOVER = """
const over = document.querySelector('#gantt .u-over'), box = over.getBoundingClientRect();
const at = {clientX: box.left + box.width * .56, clientY: box.top + box.height * .22};
for (const kind of ['pointermove', 'mousemove']) {
  over.dispatchEvent(new PointerEvent(kind, {...at, bubbles: true}));
}"""
DETAIL = "document.querySelector('#jobs-table tr[data-job=\"12\"]').click(); scrollTo(0, 0);"
BY_RULE = CLICK.format("by-rule") + CLICK.format("show-wait")
PRINT, PLAIN = "print", "plain"
# fmt: off
VIEWS = {  # picture:   (page,      width, dark,  script,  section)
    "report-light":     ("run",      1300, False, "",      "#timeline"),
    "report-dark":      ("run",      1300, True,  BY_RULE, "#timeline"),
    "report-summary":   ("run",      1300, False, "",      "#summary"),
    "report-hover":     ("run",      1300, False, HOVER,   "#timeline"),
    "report-rules":     ("run",      1300, False, "",      "#rules"),
    "report-graph":     ("failed",   1300, False, "",      "#graph"),
    "report-jobs":      ("failed",   1300, False, "",      "#jobs"),
    "report-detail":    ("failed",   1300, False, DETAIL,  ""),
    "report-narrow":    ("run",       520, False, "",      ""),
    "report-print":     ("run",       794, False, PRINT,   ""),
    "report-many":      ("many",     1300, False, "",      "#timeline"),
    "report-compare":   ("compare",  1300, False, PLAIN,   ""),
}
# fmt: on


def pages(directory: Path) -> None:
    run, tight, failed = showcase(), showcase(tight=True), showcase(fails=True)
    many = fold_events(many_jobs(10_000, cores=64))
    for name, story in (("run", run), ("failed", failed), ("many", many)):
        (directory / f"{name}.html").write_text(render_page(figures(story)), "utf-8")
    tight.run = "20260131-151200-5151"
    both = compare(figures(run), figures(tight))
    (directory / "compare.html").write_text(render_comparison(both), "utf-8")


def shoot(driver: Any, page: Path, script: str, section: str, width: int) -> bytes:
    if script == PLAIN:  # a page without scripts has nothing to wait for
        driver.get(page.as_uri())
        script = ""
    else:
        open_page(driver, page)
    if script == PRINT:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        script = "dispatchEvent(new Event('beforeprint'))"
    if section:
        driver.execute_script("document.querySelector(arguments[0]).scrollIntoView()", section)
        time.sleep(0.6)  # it scrolls smoothly
    driver.execute_script(script)
    time.sleep(0.4)
    where = "return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()"
    box = driver.execute_script(where, section or "html")
    down = driver.execute_script("return scrollY")
    clip = {"x": box["x"], "y": box["y"] + down, "width": box["width"] if section else width}
    clip |= {"height": min(box["height"], HIGHEST), "scale": 1}
    words = {"format": "png", "captureBeyondViewport": True, "clip": clip}
    return base64.b64decode(driver.execute_cdp_cmd("Page.captureScreenshot", words)["data"])


def main() -> None:
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "images"
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        pages(directory)
        for name, (page, width, dark, script, section) in VIEWS.items():
            with browser(directory, width=width, height=1000, dark=dark) as driver:
                found = shoot(driver, directory / f"{page}.html", script, section, width)
            (to / f"{name}.png").write_bytes(found)
            print(f"{name}.png: {len(found) // 1024} KB")


if __name__ == "__main__":
    main()
