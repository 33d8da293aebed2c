"""flowc profile and its further words, from the command line; every kind of bad input.

`FLOWC_UPDATE_GOLDEN=1 pytest tests/cli/test_profile.py` writes the golden texts anew.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "profile"
Flowc = Callable[..., tuple[int, str, str]]


def profile(*attempts: dict[str, object], version: int = 1) -> str:
    run = {"run": "r", "date": "2026-01-31T14:25:01Z", "attempts": [*attempts]}
    return json.dumps({"format": "flowc-profile", "version": version, "runs": [run]})


def attempt(rule: str, memory_gb: float, cores: float, **more: object) -> dict[str, object]:
    return {
        "rule": rule, "outcome": "ok", "wall_s": 2.0, "cores_peak": cores,
        "memory_peak_bytes": int(memory_gb * 2**30), "request": {"cores": 8}, **more,
    }  # fmt: skip


MEASURED = profile(
    *(attempt("count", 0.5 + 0.001 * i, 1.9) for i in range(5)), attempt("gather", 0.1, 0.5)
)


@pytest.fixture
def measured(flowc: Flowc) -> Flowc:
    Path("p.json").write_text(MEASURED)
    return flowc


# --- the loop ------------------------------------------------------------------------------------


def test_the_loop(flowc: Flowc) -> None:
    """Measure, make a resource file, run again with it; see where the figures come from."""
    code, _, err = flowc("profile", "-c", "2", "-o", "p.json")
    assert code == 0 and "flowc profile show p.json" in err
    assert flowc("profile", "resources", "p.json", "-o", "r.json")[0] == 0
    rules = json.loads(Path("r.json").read_text())["rules"]
    assert set(rules) == {"count", "gather"}
    assert rules["count"]["threads"] == 1
    assert flowc("run", "-F", "-c", "2", "--resource-file", "r.json", "-q")[0] == 0
    code, out, _ = flowc("plan", "-F", "--all", "--origins", "--resource-file", "r.json")
    assert out.count("override (r.json: ") == 6


def test_what_is_up_to_date_is_not_measured(flowc: Flowc) -> None:
    assert flowc("run", "-c", "1", "-q")[0] == 0
    code, _, err = flowc("profile", "-c", "1", "-o", "p.json")
    assert code == 0 and "nothing was measured" in err
    assert not Path("p.json").exists()


def test_yaml_is_the_same(measured: Flowc) -> None:
    for name in ("r.json", "r.yaml"):
        assert measured("profile", "resources", "p.json", "-o", name)[0] == 0
    plans = [
        measured("plan", "-F", "--json", "--resource-file", f"r.{n}") for n in ("json", "yaml")
    ]
    assert plans[0][0] == 0
    assert plans[0][1].replace("r.json", "r.yaml") == plans[1][1]


def test_set_options_beat_the_resource_file(measured: Flowc) -> None:
    Path("r.yaml").write_text("count: {threads: 3, mem_gb: 2}\n")
    options = ["--set-threads", "count=1", "--set-resources", "count:mem_gb=0.25"]
    _, out, _ = measured("plan", "--origins", "--resource-file", "r.yaml", *options)
    assert "threads 1: override (--set-threads)" in out
    assert "mem 0.25 GB: override (--set-resources)" in out


def test_names_in_a_resource_file_that_are_no_rules_are_told_of(measured: Flowc) -> None:
    others = ", ".join(f'"x{i}": {{"threads": 1}}' for i in range(7))
    Path("r.json").write_text(f'{{"count": {{"threads": 2}}, "gahter": {{"mem_gb": 1}}, {others}}}')
    for words in (["plan", "-F"], ["run", "-c", "2", "-q"]):
        code, _, err = measured(*words, "--resource-file", "r.json")
        assert code == 0
        told = "`gahter` in `r.json` is no rule of this workflow: did you mean `gather`?"
        assert told in err
        assert "`x3` in `r.json` is no rule of this workflow\n" in err
        assert "nor are 3 other names in `r.json`" in err
    _, out, _ = measured("plan", "-F", "--json", "--resource-file", "r.json")
    assert '"profile-warning"' in out.splitlines()[0]
    Path("r.json").write_text('{"count": {"threads": 2}}')
    assert "no rule" not in measured("plan", "-F", "--resource-file", "r.json")[2]


# --- a rule's profile ----------------------------------------------------------------------------


def workflow(**directives: str) -> None:
    lines = "".join(f"    {name}: {value}\n" for name, value in directives.items())
    Path("Workflowfile").write_text(
        f"rule count:\n    output: 'a.n'\n{lines}    shell: 'echo > {{output}}'\n"
    )


def test_figures_come_from_the_profile_alone(measured: Flowc) -> None:
    workflow(profile="'p.json'")
    _, out, _ = measured("plan", "--json")
    request = json.loads(out.splitlines()[0])["request"]
    assert request["cores"] == 2
    assert 0.5 * 2**30 < request["memory_bytes"] < 2**30
    assert request["origins"]["memory"]["kind"] == "profile"
    assert "5 measurements" in request["origins"]["memory"]["detail"]
    assert "2026-01-31" in request["origins"]["cores"]["detail"]


def test_the_ir_has_the_origin(measured: Flowc) -> None:
    workflow(profile="'p.json'")
    assert measured("compile", "-o", "w.ir.json")[0] == 0
    requests = json.loads(Path("w.ir.json").read_text())["requests"]
    assert requests[0]["origins"]["memory"]["kind"] == "profile"


def test_declared_figures_hold(measured: Flowc) -> None:
    workflow(profile="'p.json'", threads="7", mem_gb="9")
    _, out, _ = measured("plan", "--json", "--cores", "8")
    request = json.loads(out.splitlines()[0])["request"]
    assert (request["cores"], request["memory_bytes"]) == (7, 9 * 2**30)


# fmt: off
SAID = {  #          directives                                    codes of the warnings
    "agreeing":     ({"threads": "2", "mem_gb": "0.6"},            []),
    "too little":   ({"threads": "2", "mem_gb": "0.25"},           ["contradicted-memory"]),
    "far too much": ({"threads": "2", "mem_gb": "16"},             ["contradicted-memory"]),
    "idle threads": ({"threads": "8", "mem_gb": "0.6"},            ["contradicted-threads"]),
    "more threads": ({"threads": "1", "mem_gb": "0.6"},            ["contradicted-threads"]),
    "a function":   ({"threads": "lambda w: 1"},                   []),
    "nothing":      ({},                                           []),
}
# fmt: on


@pytest.mark.parametrize(("directives", "codes"), SAID.values(), ids=SAID)
def test_check_compares(measured: Flowc, directives: dict[str, str], codes: list[str]) -> None:
    workflow(profile="'p.json'", **directives)
    code, out, _ = measured("check", "--json")
    said = [json.loads(line) for line in out.splitlines()]
    assert [one["diagnostic"]["code"] for one in said if "diagnostic" in one] == codes
    assert all(one["diagnostic"]["severity"] == "warning" for one in said if "diagnostic" in one)
    assert code == 0


def test_a_bound_contradicts_nothing(measured: Flowc) -> None:
    """What a process begins with is not what the job needs."""
    workflow(profile="'p.json'", threads="2", mem_gb="0.25")
    Path("p.json").write_text(profile(*[attempt("count", 0.5, 1.9, memory_is_bound=True)] * 3))
    assert "contradicted-memory" not in measured("check")[2]


def test_check_tells_of_stale_thin_and_missing_evidence(flowc: Flowc) -> None:
    workflow(profile="'p.json'")
    code, _, err = flowc("check")
    assert code == 0 and "warning[no-evidence]" in err
    Path("Workflowfile").write_text(
        "profile: 'p.json'\n"
        + "".join(f"rule {n}:\n    output: '{n}'\n    shell: 'touch {n}'\n" for n in "abc")
    )
    assert flowc("check")[2].count("no-evidence") == 1
    workflow(profile="'p.json'")
    Path("p.json").write_text(profile(attempt("other", 1, 1)))
    assert "says nothing of it" in flowc("check")[2]
    Path("p.json").write_text(profile(attempt("count", 1, 1, command_digest="0" * 32)))
    err = flowc("check")[2]
    assert "stale-profile" in err and "thin-profile" in err


# --- show, diff, apply, import -------------------------------------------------------------------


def test_show(measured: Flowc) -> None:
    code, out, _ = measured("profile", "show", "p.json")
    assert code == 0 and [line.split()[:2] for line in out.splitlines()[1:3]] == [
        ["count", "5"],
        ["gather", "1"],
    ]
    _, out, _ = measured("profile", "show", "p.json", "--jobs", "--rule", "gather")
    assert len(out.splitlines()) == 4
    _, out, _ = measured("profile", "show", "p.json", "--json", "--jobs")
    data = [json.loads(line) for line in out.splitlines()]
    assert [len(one["jobs"]) for one in data] == [5, 1]
    assert data[0]["request"]["cores"] == 2


def test_the_model_is_drawn(measured: Flowc) -> None:
    code, out, _ = measured("profile", "show", "p.json", "--model", "count")
    head, *bars, empty, why = out.splitlines()
    assert code == 0 and "0 to" in head and len(bars) == 5 and not empty
    assert all("=" in bar and bar.endswith("|") for bar in bars)
    assert why.startswith("count: 5 measurements")
    assert "nothing was measured" in measured("profile", "show", "p.json", "--model", "cuont")[2]


def test_the_fit_is_drawn_where_memory_goes_with_the_input(flowc: Flowc) -> None:
    sizes = [k * 10**8 for k in range(1, 13)]
    peaks_gb = [s / 2**30 + 0.1 * (k % 2) for k, s in enumerate(sizes)]
    attempts = [attempt("count", p, 1, input_bytes=s) for p, s in zip(peaks_gb, sizes, strict=True)]
    Path("p.json").write_text(profile(*attempts, attempt("flat", 1, 1)))
    _, out, _ = flowc("profile", "show", "p.json", "--model", "count")
    head, *bars = out.splitlines()[: len(sizes) + 1]
    assert head.endswith("= peak, o fit, | request")
    assert all(bar.count("o") == bar.count("|") == 1 for bar in bars)
    _, out, _ = flowc("profile", "show", "p.json", "--model", "flat")
    assert "o fit" not in out and out.splitlines()[1].split()[0] == "-"


def test_diff(measured: Flowc) -> None:
    Path("q.json").write_text(profile(attempt("count", 1.5, 1.9), attempt("new", 1, 1)))
    _, out, _ = measured("profile", "diff", "p.json", "q.json")
    count, gather, new = out.splitlines()[1:]
    assert "516 MB -> 1.5 GB (+198%)" in count and "->" not in count.split("516")[0]
    assert gather.endswith("only in A") and new.endswith("only in B")
    _, out, _ = measured("profile", "diff", "p.json", "p.json", "--json")
    assert {json.loads(line)["only_in"] for line in out.splitlines()} == {None}


def test_apply(measured: Flowc) -> None:
    before = Path("Workflowfile").read_text()
    code, out, _ = measured("profile", "apply", "p.json", "--diff")
    assert code == 0 and '+    profile: "p.json"' in out
    assert Path("Workflowfile").read_text() == before
    code, _, err = measured("profile", "apply", "p.json", "Workflowfile")
    assert code == 0 and "in 1 file" in err
    assert measured("check")[0] == 0
    after = Path("Workflowfile").read_text()
    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert {line.split(":")[0].strip() for line in changed} == {"threads", "mem_gb", "profile"}
    assert "0 changes" in measured("profile", "apply", "p.json")[2]
    Path("of_any_name").write_text(before)
    assert "in 1 file" in measured("profile", "apply", "p.json", "of_any_name")[2]
    assert Path("of_any_name").read_text() == after


def test_figures_are_applied_at_either_level(flowc: Flowc) -> None:
    peaks_gb = [1 + 0.01 * k + (k == 39) for k in range(40)]
    Path("p.json").write_text(profile(*(attempt("count", p, 1) for p in peaks_gb)))
    asked = []
    for level in ("least-waste", "fewest-failures"):
        _, out, _ = flowc("profile", "apply", "p.json", "--diff", "--level", level)
        (line,) = (line for line in out.splitlines() if line.startswith("+    mem_gb: "))
        asked.append(float(line.split()[-1]))
    assert asked[0] < peaks_gb[-1] < asked[1]


def test_import_matches_names_to_rules(flowc: Flowc) -> None:
    Path("trace.txt").write_text(
        "name\tstatus\texit\trealtime\t%cpu\tpeak_rss\n"
        "NF:COUNT (a)\tCOMPLETED\t0\t1s\t90%\t1 GB\n"
        "NF:COUNT (b)\tCOMPLETED\t0\t1s\t90%\t2 GB\n"
        "NF:COUNTED (b)\tCOMPLETED\t0\t1s\t90%\t2 GB\n"
    )
    argv = ["profile", "import", "trace.txt", "--from", "nextflow", "-o", "p.json"]
    code, _, err = flowc(*argv, "-s", "Workflowfile")
    assert code == 0 and "`NF:COUNTED (b)` is no rule of the workflow" in err
    assert "2 attempts of 1 rule: count" in err
    for _ in range(2):  # the same file again is the same run
        assert flowc(*argv, "--map", "NF:COUNTED*=gather", "-s", "Workflowfile")[0] == 0
    _, out, _ = flowc("profile", "show", "p.json", "--json")
    assert {json.loads(line)["rule"]: json.loads(line)["good"] for line in out.splitlines()} == {
        "count": 2,
        "gather": 1,
    }


def test_import_refuses_rules_that_are_none(flowc: Flowc) -> None:
    Path("trace.txt").write_text("name\tstatus\nNF:COUNT (a)\tCOMPLETED\n")
    argv = ["profile", "import", "trace.txt", "--from", "nextflow", "-s", "Workflowfile"]
    for more in (["--rule", "cuont"], ["--map", "*=cuont"]):
        code, _, err = flowc(*argv, *more)
        assert code == 2 and "`cuont` is no rule" in err and "did you mean `count`?" in err
    assert not Path("profile.json").exists()


def test_import_says_what_it_leaves_out(flowc: Flowc) -> None:
    Path("trace.txt").write_text("name\tstatus\na\tCOMPLETED\nb\tCACHED\nc\tCACHED\n")
    code, _, err = flowc("profile", "import", "trace.txt", "--from", "nextflow")
    assert code == 0 and "2 jobs left out: cached" in err and "1 attempt of 1 rule: a" in err


def test_a_benchmark_is_of_the_rule_that_its_path_names(flowc: Flowc) -> None:
    Path("benchmarks/count").mkdir(parents=True)
    Path("benchmarks/count/a.tsv").write_text("s\tmax_rss\n1.0\t100\n")
    argv = ["profile", "import", "benchmarks/count/a.tsv", "--from", "snakemake"]
    assert "of 1 rule: count" in flowc(*argv)[2]


# --- bad input -----------------------------------------------------------------------------------

PJ = "p.json"
SHOW = ["profile", "show", PJ]
FIGURES = ["run", "--resource-file", "p.json"]
IMPORT = ["profile", "import", "p.json", "--from"]

# fmt: off
BAD: dict[str, tuple[str, list[str]]] = {  # the content of p.json, the arguments
    "truncated":         (MEASURED[:100],                         SHOW),
    "empty":             ("",                                     SHOW),
    "foreign":           ('{"rules": {}}',                        SHOW),
    "future":            (profile(version=7),                     SHOW),
    "nan":               (profile(attempt("a", 1, float("nan"))), SHOW),
    "missing":           (MEASURED,                               ["profile", "show", "q.json"]),
    "no-rule-to-show":   (MEASURED,                               [*SHOW, "--rule", "cuont"]),
    "nothing-in-it":     (profile(),                              ["profile", "resources", PJ]),
    "contradictory":     (profile(attempt("a", 1, 1, cores_mean=3)), SHOW),
    "negative":          (profile(attempt("a", 1, -1)),           ["profile", "diff", PJ, PJ]),
    "absurd":            (profile(attempt("a", 1e12, 1)),         ["profile", "apply", PJ]),
    "no-such-rule":      (profile(attempt("cuont", 1, 1)),        ["profile", "apply", PJ]),
    "apply-to-nothing":  (MEASURED,                               ["profile", "apply", PJ, "W"]),
    "add-to-a-damaged":  ('{"format": 1}',                        ["run", "--save-profile", PJ]),
    "no-directory":      (MEASURED,                               ["profile", "-o", "no/p.json"]),
    "profile-and-touch": (MEASURED,                               ["profile", "--touch"]),
    "not-a-trace":       ("a\tb\n1\t2\n",                        [*IMPORT, "nextflow", "-o", "q"]),
    "figures-no-json":   ("rules",                                FIGURES),
    "figures-a-profile": (MEASURED,                               FIGURES),
    "figures-misspelt":  ('{"count": {"thread": 2}}',             FIGURES),
    "figures-negative":  ('{"count": {"mem_gb": -2}}',            FIGURES),
    "figures-huge":     (f'{{"count": {{"mem_gb": {"9" * 400}}}}}', FIGURES),
    "figures-no-rule":   ('{"cuont": {"threads": 2}}',            FIGURES),
    "figures-newer":     ('{"format": "flowc-resources", "version": 3}', FIGURES),
}
# fmt: on


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str, flowc: Flowc) -> None:
    content, argv = BAD[name]
    Path("p.json").write_text(content)
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    code, out, err = flowc(*argv)
    assert (code, out) == (2, "")
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("FLOWC_UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(err, encoding="utf-8")
    assert err == golden.read_text(encoding="utf-8")
    after = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    assert after == before, "no existing file is harmed"


def test_a_damaged_profile_of_a_rule_is_an_error_of_the_workflow(flowc: Flowc) -> None:
    workflow(profile="'p.json'")
    Path("p.json").write_text("[]")
    for command in ("plan", "check"):
        code, _, err = flowc(command)
        assert code == 2 and "error[foreign-profile]" in err and "Workflowfile:3" in err


def test_there_is_no_golden_file_too_many() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(BAD)
