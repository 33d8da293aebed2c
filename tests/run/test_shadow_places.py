"""The names of shadow directories: the same for a job that does the same, and no other."""

from pathlib import Path

import pytest

from flowc.api import compile_file
from flowc.ids import JobId
from flowc.run.shadow import Shadows

WORKFLOW = """
rule all:
    input: "1", "2"
rule one:
    output: "{n}"
    shadow: "minimal"
    shell: "pwd > {output}"
rule other:
    output: "other"
    shell: "pwd > {output}"
"""


def test_a_place_says_what_is_done_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(tmp_path / "Workflowfile").write_text(WORKFLOW)
    monkeypatch.chdir(tmp_path)
    graph = compile_file("Workflowfile", ["1", "2", "other"])
    jobs = {graph.job(JobId(i)).name: graph.job(JobId(i)) for i in range(len(graph))}
    shadows = Shadows(graph)
    one, two = jobs["one(n=1)"], jobs["one(n=2)"]
    place = shadows.place(one, "pwd", {"A": "1"})
    assert place == Shadows(graph).place(one, "pwd", {"A": "1"})
    others = [
        shadows.place(two, "pwd", {"A": "1"}),
        shadows.place(one, "pwd -P", {"A": "1"}),
        shadows.place(one, "pwd", {"A": "2"}),
        Shadows(graph, "scratch").place(one, "pwd", {"A": "1"}),
    ]
    assert len({place, *others}) == 5
    assert shadows.place(jobs["other"], "pwd", {}) is None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert Path(shadows.place(one, "pwd", {"A": "1"}) or "").name != Path(place or "").name
