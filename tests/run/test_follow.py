"""A real run that follows what a search has found."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowc.cli.main import main

# `long` takes all cores as soon as `first` is over; whoever starts what fits keeps it waiting.
WORKFLOW = """\
rule all:
    input: "end", "other"
rule first:
    output: "first"
    threads: 2
    shell: "sleep 0.3; touch {output}"
rule long:
    input: "first"
    output: "long"
    threads: 4
    shell: "sleep 0.6; touch {output}"
rule end:
    input: "long"
    output: "end"
    threads: 2
    shell: "sleep 0.8; touch {output}"
rule other:
    output: "other"
    threads: 2
    shell: "sleep 0.8; touch {output}"
"""

Ran = Callable[..., list[Any]]


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Ran:
    """Makes everything anew; gives the events."""
    monkeypatch.chdir(tmp_path)
    Path("Workflowfile").write_text(WORKFLOW)

    def call(*options: str) -> list[Any]:
        capfd.readouterr()
        assert main(["run", "-F", "--cores", "4", "--mem", "8", "--json", *options]) == 0
        return [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    return call


def starts(events: list[Any]) -> list[str]:
    return [event["rule"] for event in events if event["event"] == "job-submitted"]


@pytest.mark.slow
def test_it_idles_where_that_pays(ran: Ran) -> None:
    """The first run knows nothing, and starts what fits; the second knows better."""
    assert starts(ran("--schedule", "search"))[:2] == ["first", "other"]
    events = ran("--schedule", "search", "--search-time", "0.2")
    assert starts(events)[:2] == ["first", "long"]
    assert sorted(starts(events)[2:]) == ["end", "other"]
    ended = {e["job"]: e["at_s"] for e in events if e["event"] == "job-ended"}
    begun = {e["rule"]: (e["job"], e["at_s"]) for e in events if e["event"] == "job-submitted"}
    assert begun["other"][1] >= ended[begun["long"][0]]
