"""What other tools have measured: read, matched to rules, refused."""

import json

import pytest

from flowc.diagnostic import WorkflowError
from flowc.sizing.importers import TOOLS, read_measurements
from flowc.sizing.importers.base import Found, MalformedError, duration, number, size
from flowc.sizing.importers.match import fold, match
from flowc.units import GIB, MIB

ONE_LINE = json.dumps(
    {
        "name": "bet", "id": "wf.bet", "start": "2026-01-01T10:00:00.000000",
        "finish": "2026-01-01T10:00:02.500000", "duration": 2.5, "runtime_threads": 180.5,
        "runtime_memory_gb": 0.25, "estimated_memory_gb": 0.2, "num_threads": 1,
    }
)  # fmt: skip
ASKED = '"name":"bet","id":"wf.bet","estimated_memory_gb":"0.2","num_threads":"2"'
TWO_LINES = f"""\
{{{ASKED},"start":"2026-01-01 10:00:00.0"}}
{{{ASKED},"finish":"2026-01-01 10:00:02.5","runtime_threads":"1.5","runtime_memory_gb":"0.25"}}
"""
MONITOR = json.dumps(
    {
        "time": [100.0, 100.5, 101.5, 100.0, 102.0], "name": ["a", "a", "a", "b", "b"],
        "rss_GiB": [0.5, 3.1, 1.0, 0.1, 0.2], "vms_GiB": [1, 4, 1, 1, 1],
        "cpus": [0.0, 250.0, 310.0, 90.0, 120.0],
    }
)  # fmt: skip
TSV = (
    "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    "2.0000\t0:00:02\t100.00\t300.00\t90.00\t95.00\t0.00\t1.00\t150.00\t3.00\n"
    "0.0100\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\t0.00\tNA\n"
)
JSONL = (
    '{"s": 2.0, "max_rss": 100, "max_pss": 95, "mean_load": 150, "cpu_time": 3.0, '
    '"rule_name": "map", "wildcards": {"s": "A"}, "threads": 4}\n'
)
TRACE = (
    "task_id\thash\tname\tstatus\texit\tduration\trealtime\t%cpu\tpeak_rss\tcpus\tmemory\n"
    "1\tab/1\tNF:ALIGN (s1)\tCOMPLETED\t0\t5s\t3.2s\t198.5%\t512 MB\t2\t2 GB\n"
    "2\tab/2\tNF:ALIGN (s2)\tFAILED\t137\t5s\t350ms\t98.5%\t2 GB\t2\t2 GB\n"
    "3\tab/3\tNF:SORT (s1)\tCACHED\t0\t5s\t1m 3s\t-\t-\t1\t-\n"
)
TIME = """\
some output of the command
\tCommand being timed: "/usr/bin/sort -k1 big.txt"
\tUser time (seconds): 1.50
\tSystem time (seconds): 0.50
\tPercent of CPU this job got: 99%
\tElapsed (wall clock) time (h:mm:ss or m:ss): 0:02.00
\tMaximum resident set size (kbytes): 2048
\tFile system inputs: 8
\tFile system outputs: 16
\tExit status: 0
"""
SACCT = """\
JobID|JobName|State|Elapsed|TotalCPU|ReqCPUS|ReqMem|MaxRSS|ExitCode
7|map|COMPLETED|00:01:40|02:30.500|2|4G||0:0
7.batch|batch|COMPLETED|00:01:40|02:30.500|2||1000K|0:0
7.0|map|COMPLETED|00:01:40|00:00|2||3000K|0:0
8|map|OUT_OF_MEMORY|1-00:00:00|00:00:01|1|2G||0:125
8.batch|batch|OUT_OF_MEMORY|1-00:00:00|00:00:01|1||2000M|0:125
9|call|RUNNING|00:01:00|00:00:00|1|2G||0:0
"""
QACCT = f"""\
{"=" * 62}
qname        all.q
jobname      map.sh
jobnumber    12
slots        2
failed       0
exit_status  0
ru_wallclock 100s
cpu          150.500s
maxvmem      2.000G
category     -l h_vmem=3G -pe smp 2
"""

# fmt: off
GOOD = {  #             the tool     the text   how many, and of the first: name and some figures
    "one line":        ("nipype",    ONE_LINE,  1, "bet", {"wall_s": 2.5, "cores_peak": 1.805,
                                                           "memory_peak_bytes": GIB // 4}),
    "two lines":       ("nipype",    TWO_LINES, 1, "bet", {"wall_s": 2.5, "cores_peak": 1.5,
                                                           "memory_peak_bytes": GIB // 4}),
    "a monitor":       ("nipype",    MONITOR,   2, "a",   {"wall_s": 1.5, "cores_peak": 3.1}),
    "a benchmark":     ("snakemake", TSV,       2, "",    {"wall_s": 2.0, "cpu_s": 3.0,
                                                           "cores_mean": 1.5,
                                                           "memory_peak_bytes": 95 * MIB,
                                                           "rss_peak_bytes": 100 * MIB}),
    "JSON lines":      ("snakemake", JSONL,     1, "map", {"wildcards": {"s": "A"},
                                                           "request": {"cores": 4}}),
    "a trace":         ("nextflow",  TRACE,     2, "NF:ALIGN (s1)",
                                                          {"wall_s": 3.2, "cores_mean": 1.985,
                                                           "memory_peak_bytes": GIB // 2}),
    "a report":        ("time",      TIME,      1, "sort", {"wall_s": 2.0, "cpu_s": 2.0,
                                                           "memory_peak_bytes": 2 * MIB,
                                                           "read_bytes": 4096}),
    "two reports":     ("time",      TIME * 2,  2, "sort", {"wall_s": 2.0}),
    "steps":           ("sacct",     SACCT,     2, "map", {"wall_s": 100.0, "cpu_s": 150.5,
                                                           "memory_peak_bytes": 3000 * 1024,
                                                           "request": {"cores": 2,
                                                                       "memory_bytes": 4 * GIB}}),
    "a block":         ("qacct",     QACCT,     1, "map.sh", {"wall_s": 100.0, "cores_mean": 1.505,
                                                           "memory_peak_bytes": 2 * GIB,
                                                           "request": {"cores": 2,
                                                                       "memory_bytes": 6 * GIB}}),
}
BAD = {  #                   the tool     the text, and what is said of it
    "empty":                ("time",      "", "is empty"),
    "no JSON":              ("nipype",    "what?\n", "not JSON"),
    "no name":              ("nipype",    "{}\n", "no `name`"),
    "a text":               ("nipype",    ONE_LINE.replace("2.5,", '"long",'), "`duration` is no"),
    "backwards":            ("nipype",    ONE_LINE.replace("T10:00:02", "T09:00:02").replace(
                                          '"duration": 2.5, ', ""), "before"),
    "unequal":              ("nipype",    MONITOR.replace("90.0, ", ""), "different lengths"),
    "negative":             ("nipype",    MONITOR.replace("3.1,", "-3.1,"), "rss_GiB[1]"),
    "no columns":           ("snakemake", "a\tb\n1\t2\n", "no columns `s`"),
    "a cut row":            ("snakemake", TSV[:-10], "columns where"),
    "not a number":         ("snakemake", TSV.replace("3.00\n", "x\n"), "`cpu_time` is no number"),
    "infinite":             ("snakemake", TSV.replace("3.00\n", "inf\n"), "cannot have been"),
    "absurd":               ("snakemake", TSV.replace("100.00\t300", "1e30\t300"), "`max_rss`"),
    "an unknown state":     ("nextflow",  TRACE.replace("FAILED", "LOST"), "`status` is 'LOST'"),
    "no such size":         ("nextflow",  TRACE.replace("512 MB", "512 XB"), "is no size"),
    "no report":            ("time",      "hello\n", "Command being timed"),
    "a cut report":         ("time",      TIME[:120], "is cut"),
    "no MaxRSS":            ("sacct",     SACCT.replace("MaxRSS", "MaxVM"), "`MaxRSS`"),
    "no block":             ("qacct",     "error: job 1 not found\n", "does not begin"),
    "a block without":      ("qacct",     QACCT.replace("maxvmem", "other"), "no `maxvmem`"),
    "a header alone":       ("snakemake", TSV.splitlines()[0] + "\n", "no job"),
}
# fmt: on


@pytest.mark.parametrize(("tool", "text", "count", "name", "figures"), GOOD.values(), ids=GOOD)
def test_figures_are_read(
    tool: str, text: str, count: int, name: str, figures: dict[str, object], tmp_path_str: str
) -> None:
    path = f"{tmp_path_str}/file"
    with open(path, "w") as file:
        file.write(text)
    found = [one for one in read_measurements(tool, path) if not one.left_out]
    assert len(found) == count
    assert found[0].name == name
    known = found[0].figures
    assert {n: known.get(n) for n in figures} == {
        n: pytest.approx(v) if isinstance(v, float) else v for n, v in figures.items()
    }


@pytest.mark.parametrize(("tool", "text", "message"), BAD.values(), ids=BAD)
def test_what_is_malformed_is_refused_with_its_place(
    tool: str, text: str, message: str, tmp_path_str: str
) -> None:
    path = f"{tmp_path_str}/file"
    with open(path, "w") as file:
        file.write(text)
    with pytest.raises(WorkflowError) as caught:
        read_measurements(tool, path)
    assert message in str(caught.value)
    assert caught.value.diagnostics[0].code == "malformed-measurements"


@pytest.fixture
def tmp_path_str(tmp_path: object) -> str:
    return str(tmp_path)


def test_outcomes() -> None:
    from flowc.sizing.importers import nextflow, nipype, qacct, sacct

    assert [f.outcome for f in nextflow.read(TRACE)][:2] == ["ok", "oom"]
    assert [f.outcome for f in sacct.read(SACCT)][:2] == ["ok", "oom"]
    failed = ONE_LINE[:-1] + ', "error": true}'
    assert [f.outcome for f in nipype.read(failed)] == ["failed"]
    killed = QACCT.replace("exit_status  0", "exit_status  137").replace("2.000G", "6.000G")
    assert [f.outcome for f in qacct.read(killed)] == ["oom"]


def test_what_tells_nothing_is_left_out_and_said() -> None:
    from flowc.sizing.importers import nextflow, nipype, sacct

    assert nextflow.read(TRACE)[-1].left_out == "cached, and measured by an earlier run"
    assert sacct.read(SACCT)[-1].left_out == "not over"
    begun = '{"name": "map", "id": "map.b", "start": "2024-01-01T10:00:00"}'
    assert [f.left_out for f in nipype.read(begun)] == ["not over when the log ends"]


def test_what_nipype_saw_over_an_instant_is_chance() -> None:
    """Nor does a single look tell how long something took."""
    from flowc.sizing.importers import nipype

    columns = {"rss_GiB": [1, 1, 1, 3.1, 1], "vms_GiB": [1] * 5, "cpus": [0, 250, 495, 310, 90]}
    looks = {**columns, "name": ["a", "a", "a", "a", "b"], "time": [0, 1, 1.05, 2, 7]}
    a, b = nipype.read(json.dumps(looks))
    assert (a.figures["cores_peak"], a.figures["wall_s"]) == (3.1, 2.0)
    assert (b.figures["cores_peak"], b.figures["wall_s"]) == (0.9, None)


def test_every_tool_is_tested() -> None:
    assert {tool for tool, *_ in GOOD.values()} == set(TOOLS) == {tool for tool, *_ in BAD.values()}


# fmt: off
NAMES = {  #                     with rules known (map, call_all)    without
    "map":                       ("map",                              "map"),
    "MAP":                       ("map",                              "MAP"),
    "NF:SUB:MAP (sample 1)":     ("map",                              "MAP"),
    "call-all":                  ("call_all",                         "call-all"),
    "wf._subject_01.map":        ("map",                              "map"),
    "wf.map.aI.a0":              (None,                               "a0"),
    "_map12":                    ("map",                              "map"),
    "map_sampleA":               ("map",                              "map_sampleA"),
    "map(s=A)":                  ("map",                              "map"),
    "snakejob.map.17.sh":        ("map",                              "map"),
    "mapper":                    (None,                               "mapper"),
    "map3":                      ("map",                              "map3"),
}
# fmt: on


@pytest.mark.parametrize("name", NAMES)
def test_names_become_rules(name: str) -> None:
    known, free = NAMES[name]
    matched, unmatched = match([Found(name)], ["map", "call_all"])
    assert (matched.get(name), unmatched) == (known, [] if known else [name])
    assert fold(name) == free


def test_the_users_own_pairs_come_first() -> None:
    found = [Found("x.1"), Found("map")]
    matched, unmatched = match(found, ["map"], [("x.*", "map"), ("map", "other")])
    assert matched == {"x.1": "map", "map": "other"}
    assert unmatched == []


def test_words_for_nothing_and_units() -> None:
    assert [number(text, "n", 1, 10) for text in ("", "-", "NA", None, "3")] == [None] * 4 + [3.0]
    assert [size(text, "s", 1) for text in ("-", "1 KB", "2G")] == [None, 1024, 2 * GIB]
    seconds = {"350ms": 0.35, "1s 500ms": 1.5, "1h 1m": 3660, "2-00:00:01": 172801, "01:30": 90}
    for text, value in seconds.items():
        assert duration(text, "d", 1) == pytest.approx(value)
    with pytest.raises(MalformedError):
        duration("soon", "d", 1)
    with pytest.raises(MalformedError):
        number(True, "n", 1, 10)
