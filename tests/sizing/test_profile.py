"""Profile files: written and read back, added to, refused."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import flowc.sizing.profile as profile_module
from flowc.diagnostic import WorkflowError
from flowc.sizing.profile import Attempt, ProfileRun, add_run, may_add_to, read_profile

SCHEMA = json.loads(Path(profile_module.__file__).with_name("profile.schema.json").read_text())

FULL = Attempt(
    rule="map",
    name="map(sample=A)",
    wildcards={"sample": "A"},
    outcome="failed",
    exit_code=3,
    at_s=1e9,
    wall_s=2.0,
    cpu_s=3.0,
    cores_mean=1.5,
    cores_peak=2.0,
    threads_peak=4,
    processes_peak=2,
    memory_peak_bytes=100,
    rss_peak_bytes=120,
    input_bytes=0,
    inputs={"a\udcff.txt": 0, "gone.txt": None},
    command_digest="0" * 32,
    request={"cores": 2, "memory_bytes": 1 << 30},
    series={"t_s": [0.0, 1.0], "cores": [0.0, 1.5]},
)


def run_of(*attempts: Attempt, run: str = "r1") -> ProfileRun:
    return ProfileRun(run, attempts, flowc="0.1.0", at_s=1e9, date="2001-09-09T01:46:40Z")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = str(tmp_path / "p.json")
    add_run(path, run_of(FULL, Attempt("map", outcome="ok")))
    read = read_profile(path)
    assert [a for _, a in read.attempts()] == [FULL, Attempt("map", outcome="ok")]
    assert read.runs[0].date == "2001-09-09T01:46:40Z"
    jsonschema.validate(json.loads((tmp_path / "p.json").read_text()), SCHEMA)


def test_runs_are_added_and_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    add_run(str(path), run_of(FULL))
    data = json.loads(path.read_text())
    data["runs"][0]["note"] = "from a later flowc"
    path.write_text(json.dumps(data))
    path.chmod(0o640)
    add_run(str(path), run_of(FULL, FULL, run="r2"))
    assert [len(run.attempts) for run in read_profile(str(path)).runs] == [1, 2]
    assert json.loads(path.read_text())["runs"][0]["note"] == "from a later flowc"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["p.json"]


def test_the_same_run_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    path = str(tmp_path / "p.json")
    add_run(path, run_of(FULL, FULL))
    add_run(path, run_of(FULL), replace=True)
    assert [len(run.attempts) for run in read_profile(path).runs] == [1]


def test_another_run_with_the_same_id_stays_apart(tmp_path: Path) -> None:
    path = str(tmp_path / "p.json")
    for _ in range(3):
        add_run(path, run_of(FULL))
    assert [run.run for run in read_profile(path).runs] == ["r1", "r1-2", "r1-3"]


def test_the_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


GOOD: dict[str, Any] = {"rule": "a", "outcome": "ok"}


def with_attempt(**fields: Any) -> str:
    attempts = [GOOD, {**GOOD, **fields}]
    return json.dumps(
        {"format": "flowc-profile", "version": 1, "runs": [{"run": "1", "attempts": attempts}]}
    )


# fmt: off
BAD = {  #             the file                           code, and a part of the message
    "empty":          ("",                                "malformed-profile", "is empty"),
    "cut":            (with_attempt()[:60],               "malformed-profile", "not JSON"),
    "foreign":        ('{"nodes": []}',                   "foreign-profile", "not a profile"),
    "a list":         ("[]",                              "foreign-profile", "not a profile"),
    "newer":          ('{"format": "flowc-profile", "version": 2, "runs": []}',
                                                          "newer-profile", "version 2"),
    "no runs":        ('{"format": "flowc-profile", "version": 1}',
                                                          "malformed-profile", "`runs` is missing"),
    "NaN":            (with_attempt(wall_s=float("nan")), "malformed-profile", "NaN"),
    "negative":       (with_attempt(wall_s=-1),           "malformed-profile",
                                                          "at `runs[0].attempts[1].wall_s`"),
    "absurd memory":  (with_attempt(memory_peak_bytes=1 << 70),
                                                          "malformed-profile", "or less"),
    "a text":         (with_attempt(wall_s="long"),       "malformed-profile", "found \"long\""),
    "no outcome":     (with_attempt(outcome="fine"),      "malformed-profile", "outcome"),
    "no rule":        (with_attempt(rule=""),             "malformed-profile", "it is empty"),
    "two means":      (with_attempt(wall_s=1, cpu_s=4, cores_mean=1),
                                                          "malformed-profile", "CPU time"),
    "mean over peak": (with_attempt(cores_mean=4, cores_peak=2),
                                                          "malformed-profile", "at most"),
    "more than all":  (with_attempt(memory_peak_bytes=1 << 30, rss_peak_bytes=1 << 20),
                                                          "malformed-profile", "rss_peak_bytes"),
    "well and not":   (with_attempt(exit_code=1),         "malformed-profile", "exit code 1"),
    "columns":        (with_attempt(series={"t_s": [1, 2], "cores": [1]}),
                                                          "malformed-profile", "1 and 2 entries"),
    "times":          (with_attempt(series={"t_s": [2, 1]}),
                                                          "malformed-profile", "do not rise"),
}
# fmt: on


@pytest.mark.parametrize(("text", "code", "message"), BAD.values(), ids=BAD)
def test_what_is_no_profile_is_refused_and_not_harmed(
    text: str, code: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "p.json"
    path.write_text(text)
    for act in (read_profile, may_add_to, lambda p: add_run(p, run_of(FULL))):
        with pytest.raises(WorkflowError) as caught:
            act(str(path))
        assert caught.value.diagnostics[0].code == code
        assert message in str(caught.value)
    assert path.read_text() == text
    assert os.listdir(tmp_path) == ["p.json"]


def test_the_same_run_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    run = {"run": "1", "attempts": [GOOD]}
    path.write_text(json.dumps({"format": "flowc-profile", "version": 1, "runs": [run, run]}))
    with pytest.raises(WorkflowError, match="twice"):
        read_profile(str(path))


def test_a_missing_directory_is_told_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match="no directory"):
        may_add_to(str(tmp_path / "x" / "p.json"))


def test_what_is_write_protected_is_told_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.json"
    add_run(str(path), run_of(FULL))
    monkeypatch.setattr(os, "access", lambda which, mode: which != str(path))
    with pytest.raises(WorkflowError, match="write-protected"):
        may_add_to(str(path))


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "p.json"
    link.symlink_to("real/p.json")
    add_run(str(link), run_of(FULL))
    assert link.is_symlink() and (tmp_path / "real" / "p.json").is_file()
