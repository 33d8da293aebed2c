"""From a rule's measurements to what its jobs ask for."""

import json
from pathlib import Path

import pytest

from flowc.cli.main import main
from flowc.diagnostic import WorkflowError
from flowc.sizing.figures import Evidence, shown_gb
from flowc.sizing.profile import Attempt, ProfileRun, add_run
from flowc.sizing.resources import make_resources, read_resources, write_resources
from flowc.units import GIB, MIB


def attempt(
    memory_gb: float | None, cores: float | None = 1.0, told: int = 8, **more: object
) -> Attempt:
    peak = None if memory_gb is None else round(memory_gb * GIB)
    return Attempt(
        "a",
        wall_s=10.0,
        memory_peak_bytes=peak,
        cores_peak=cores,
        request={"cores": told},
        **more,  # type: ignore[arg-type]
    )


def evidence(*attempts: Attempt) -> Evidence:
    return Evidence("a", attempts, ["2026-01-31T00:00:00Z"])


def growing() -> Evidence:
    """1 GB, and 2 bytes for each byte of input."""
    return evidence(
        *(
            attempt(1 + 2 * i / 10 + 0.001 * (i % 3), input_bytes=i * GIB // 10)
            for i in range(1, 40)
        )
    )


# fmt: off
CORES = {  #              used by each attempt    told   asked for
    "one":               ([1.0],                  8,     1),
    "a little more":     ([2.1],                  8,     2),
    "a half":            ([2.5],                  8,     3),
    "idle":              ([0.01],                 8,     1),
    "the most of all":   ([1.0, 3.9, 2.0],        8,     4),
    "no more than told": ([5.5],                  4,     4),
    "nobody knows":      ([None],                 8,     None),
}
# fmt: on


@pytest.mark.parametrize(("used", "told", "asked"), CORES.values(), ids=CORES)
def test_threads(used: list[float | None], told: int, asked: int | None) -> None:
    assert evidence(*(attempt(1, cores, told) for cores in used)).cores() == asked


def test_few_measurements_get_generous_headroom_and_say_so() -> None:
    figures = evidence(attempt(1.0)).figures()
    assert figures.memory_bytes is not None and figures.memory_bytes >= 1.5 * GIB
    assert "thin evidence" in figures.detail and "1 measurement" in figures.detail
    many = evidence(*(attempt(1.0 + 0.001 * i) for i in range(20))).figures()
    assert many.memory_bytes is not None and GIB < many.memory_bytes < 1.2 * GIB
    assert "thin" not in many.detail and "2026-01-31" in many.detail


def test_memory_goes_with_the_input_where_it_does() -> None:
    one = growing()
    assert one.varies
    small, large = one.figures(GIB // 10).memory_bytes, one.figures(3 * GIB).memory_bytes
    assert small is not None and large is not None
    assert 1.2 * GIB <= small < 1.5 * GIB
    assert 7.0 * GIB <= large < 7.6 * GIB
    assert not evidence(*(attempt(1.0, input_bytes=i) for i in range(9))).varies


def test_after_a_kill_the_next_attempt_gets_more() -> None:
    one = evidence(*(attempt(1.0 + 0.1 * (i % 5)) for i in range(20)))
    first, second, third = (one.figures(attempt=i).memory_bytes or 0 for i in (1, 2, 3))
    assert first < second < third


def test_what_was_killed_for_memory_is_not_asked_for_again() -> None:
    killed = Attempt("a", outcome="oom", request={"memory_bytes": 2 * GIB})
    figures = evidence(attempt(1.0), killed).figures()
    assert figures.memory_bytes is not None and figures.memory_bytes >= 4 * GIB


def test_a_peak_that_is_but_a_bound_is_told_as_one() -> None:
    bound, exact = (attempt(1, memory_is_bound=b) for b in (True, False))
    assert evidence(bound, bound).memory_is_bound
    assert not evidence(bound, exact).memory_is_bound
    assert not evidence().memory_is_bound


def test_the_peak_stands_in_the_resource_file() -> None:
    data = make_resources([evidence(attempt(1), attempt(2))], "p.json")
    assert data["rules"]["a"]["peak_gb"] == 2


def test_nothing_measured_gives_nothing() -> None:
    figures = evidence(attempt(None, None), attempt(9.0, outcome="failed")).figures()
    assert (figures.cores, figures.memory_bytes) == (None, None)
    assert make_resources([evidence(attempt(None, None))], "p.json")["rules"] == {}


@pytest.mark.parametrize("name", ["r.json", "r.yaml"])
def test_a_resource_file_holds_the_function(name: str, tmp_path: Path) -> None:
    one = growing()
    path = str(tmp_path / name)
    write_resources(path, make_resources([one], "p.json"))
    read = read_resources(path)["a"]
    for size in (None, 0, GIB, 50 * GIB):
        assert read.memory(lambda size=size: size, 1) == one.figures(size).memory_bytes  # type: ignore[misc]
    assert read.memory(lambda: GIB, 2) == one.figures(GIB, 2).memory_bytes


def test_a_damaged_function_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    data = make_resources([growing()], "p.json")
    data["rules"]["a"]["memory"]["scale"] = "wild"
    path.write_text(json.dumps(data))
    with pytest.raises(WorkflowError, match=r"at `a\.memory`"):
        read_resources(str(path))


def test_jobs_ask_by_the_size_of_their_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Workflowfile").write_text(
        "rule all:\n    input: 's.out', 'l.out'\n\n"
        "rule a:\n    input: '{n}.in'\n    output: '{n}.out'\n    profile: 'p.json'\n"
        "    shell: 'cp {input} {output}'\n"
    )
    for name, size in (("s", GIB // 10), ("l", 3 * GIB)):
        with open(f"{name}.in", "wb") as file:
            file.truncate(size)
    add_run("p.json", ProfileRun("r", growing().attempts))
    write_resources("r.json", make_resources([growing()], "p.json"))
    for options in ([], ["--resource-file", "r.json"]):
        assert main(["plan", "--json", *options]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()[:-1]]
        asked = {line["name"]: line["request"]["memory_bytes"] / GIB for line in lines}
        assert 1.2 <= asked["a(n=s)"] < 1.5 < 7.0 <= asked["a(n=l)"] < 7.6


# fmt: off
SIZES = {100 * MIB: 0.0977, GIB: 1.0, GIB + 1: 1.01, 12.34 * GIB: 12.4, 123.4 * GIB: 124.0}
# fmt: on


@pytest.mark.parametrize("size", SIZES)
def test_sizes_are_written_rounded_up(size: float) -> None:
    assert shown_gb(int(size)) == pytest.approx(SIZES[size])
    assert shown_gb(int(size)) * GIB >= int(size) - 1
