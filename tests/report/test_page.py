"""The page as a file: its size, its policy, that it is the same each time, and that names are only
ever text in it."""

import base64
import hashlib
import json
import random
import re
from contextlib import suppress
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.runlog import CANARY, HOSTILE, hostile_run, job, many_jobs, run_ended, run_started

from flowc.events import Event, from_line, to_line
from flowc.record.fold import fold_events
from flowc.report.compare import compare, compare_json, compare_text
from flowc.report.exports import EXPORTS
from flowc.report.figures import Figures, figures
from flowc.report.page import render_comparison, render_page
from flowc.report.rulegraph import HEIGHT, WIDTH, rule_graph
from flowc.report.text import render_text

# fmt: off
RUNS: dict[str, list[Event]] = {
    "ten jobs":        many_jobs(10),
    "nothing":         [],
    "no job":          [run_started(), run_ended(0)],
    "one job":         [run_started(), *job(0, 0, 1), run_ended(1)],
    "no total":        [run_started(0, 0), *job(0, 0, 1, cores=0, memory_gb=0), run_ended(1)],
    "no time":         [run_started(), *job(0, 0, 0), run_ended(0)],
    "going on":        many_jobs(30)[:60],
    "no beginning":    many_jobs(30)[1:],
    "not measured":    [run_started(), *job(0, 0, 1), *job(1, 1, 2), run_ended(2)],
    "hostile":         hostile_run(),
}
# fmt: on


def of(name: str) -> Figures:
    return figures(fold_events(RUNS[name]))


class Reader(HTMLParser):
    """Collects elements and the texts inside of `script` and `style`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = [("", {})]
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self.elements.append((f"/{tag}", {}))

    def handle_data(self, data: str) -> None:
        last = self.elements[-1][0]
        if last in self.inside:
            self.inside[last][-1] += data


def digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.mark.parametrize("name", RUNS)
def test_nothing_but_the_own_script_and_style_may_run(name: str) -> None:
    page = Reader(render_page(of(name)))
    (policy,) = (
        attrs["content"] or ""
        for tag, attrs in page.elements
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )
    data, script = page.inside["script"]
    (style,) = page.inside["style"]
    assert f"script-src '{digest(script)}'" in policy
    assert f"style-src '{digest(style)}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    json.loads(data)
    for tag, attrs in page.elements:
        assert tag not in ("img", "iframe", "object", "embed", "link", "base", "form")
        assert not {"src", "style", "srcdoc", "action"} & attrs.keys(), (tag, attrs)
        assert not [name for name in attrs if name.startswith("on")]
        assert attrs.get("href", "#")[:1] == "#"  # type: ignore[index]


@pytest.mark.parametrize("name", RUNS)
def test_the_same_record_makes_the_same_bytes(name: str) -> None:
    assert render_page(of(name)) == render_page(of(name))
    assert render_text(of(name)) == render_text(of(name))


@pytest.mark.parametrize("name", RUNS)
def test_a_report_says_what_is_missing(name: str) -> None:
    found = of(name)
    page, text = render_page(found), render_text(found)
    assert bool(found.notes) == (name != "ten jobs")
    for note in found.notes:
        assert note.replace("'", "&#39;") in page
        assert note in text


@given(st.randoms(use_true_random=False))
@examples(12)
def test_whatever_is_left_of_a_log_has_a_report(draw: random.Random) -> None:
    """Lines lost, in any order, between such of another version, and cut within the last one."""
    lines = [to_line(event) for event in many_jobs(8, seed=draw.randint(0, 9))]
    lines = [line for line in lines if draw.random() < 0.7]
    draw.shuffle(lines)
    lines.insert(draw.randint(0, len(lines)), '{"event":"from-the-future","job":1,"at_s":1e9}\n')
    text = "".join(lines)[: -draw.randint(1, 40)]
    events = []
    for line in text.splitlines():
        with suppress(ValueError):
            events.append(from_line(line))
    found = figures(fold_events([event for event in events if event is not None]))
    assert found.makespan_s >= 0 and found.core_area.requested >= 0
    assert all(bar.end_s >= bar.start_s >= bar.ready_s >= 0 for bar in found.bars)
    Reader(render_page(found))
    assert render_text(found)
    for form, export in EXPORTS.items():
        if form != "wfformat" or found.run.jobs:
            assert export(found)


def test_a_report_of_ten_jobs_is_small() -> None:
    assert len(render_page(of("ten jobs")).encode()) < 400_000


def test_the_licence_of_what_is_vendored_is_in_the_page() -> None:
    page = render_page(of("nothing"))
    assert "Copyright (c) 2022 Leon Sorokin" in page
    assert "Permission is hereby granted" in page


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_name_is_text_and_no_more(text: str) -> None:
    found = figures(fold_events([run_started(), *job(0, 0, 1, rule=text, name=text)]))
    page = render_page(found)
    assert f"<script>window.{CANARY}" not in page
    assert "<" not in text or text not in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202e\u2066\ud800-\udfff]", page)
    page.encode()
    terminal = render_text(found)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e\u2066]", terminal)


# --- the graph -----------------------------------------------------------------------------------


def test_nodes_of_a_graph_do_not_overlap_and_point_right() -> None:
    graph = rule_graph(
        fold_events(
            [
                e
                for i in range(40)
                for e in job(
                    i, i, i + 1, rule=f"r{i}", needs=[n for n in (i // 2, i // 3) if n < i]
                )
            ]
        )
    )
    assert graph is not None
    boxes = [(n.x, n.y) for n in graph.nodes]
    assert len({(x, y) for x, y in boxes}) == 40
    for i, (x, y) in enumerate(boxes):
        assert 0 <= x <= graph.width - WIDTH and 0 <= y <= graph.height - HEIGHT
        assert not [1 for u, v in boxes[:i] if abs(x - u) < WIDTH and abs(y - v) < HEIGHT]
    for curve in graph.curves:
        first, last = re.findall(r"[-0-9.]+ [-0-9.]+", curve)[::3]
        assert float(first.split()[0]) < float(last.split()[0])


def test_rules_that_need_each_other_are_drawn() -> None:
    events = [*job(0, 0, 1, rule="a"), *job(1, 1, 2, rule="b", needs=[0])]
    events += job(2, 2, 3, rule="a", needs=[1])
    graph = rule_graph(fold_events(events))
    assert graph is not None and len(graph.nodes) == 2 and len(graph.curves) == 1


# --- two runs ------------------------------------------------------------------------------------


def sized(memory_gb: float, cause: str = "") -> Figures:
    tries = [*job(0, 0, 1, memory_gb=1, cause=cause, will_retry=True, peak_gb=1)] if cause else []
    number = 2 if cause else 1
    done = job(0, 1, 4, memory_gb=memory_gb, peak_gb=1, cpu_s=3, attempt=number)
    return figures(fold_events([run_started(), *tries, *done, run_ended(4)]))


def test_a_comparison_says_what_has_become_better() -> None:
    found = compare(sized(4), sized(1.25))
    rows = {row.name: row for row in found.rows}
    assert (rows["memory wasted"].verdict, rows["makespan"].verdict) == ("better", "")
    assert rows["memory wasted"].change == pytest.approx(-11 / 12)
    again = {row.name: row for row in compare(sized(4), sized(4, "oom")).rows}
    assert again["failed attempts"].verdict == "worse"


@pytest.mark.parametrize("name", RUNS)
def test_any_two_runs_can_be_compared(name: str) -> None:
    for found in (compare(of(name), of("ten jobs")), compare(of("ten jobs"), of(name))):
        page = Reader(render_comparison(found))
        assert not page.inside["script"]
        assert not [attrs for _, attrs in page.elements if "style" in attrs]
        assert compare_text(found).endswith("\n")
        json.loads(compare_json(found))
