"""Grid Engine's words: what it is asked, and what it has said, as recorded."""

from pathlib import Path

import pytest
from support import sge_facts
from support.sge_scenes import recorded

from flowc.diagnostic import WorkflowError
from flowc.executors.base import Capacity, Setup
from flowc.executors.grid.base import Ask, Batch, Said
from flowc.executors.sge import GridEngine, output_path, site_of
from flowc.executors.sge_account import accounts_in
from flowc.site import Site

GIB = 2**30


def submitted(ask: Ask, **settings: object) -> str:
    batch = Batch("fab-1-map", (1, 2, 3), ask, "/w/script", "/w/d")
    return " ".join(GridEngine(Site(settings)).submit(batch)[1:])


def test_what_it_said_is_understood() -> None:
    sge_facts.check(recorded())


def test_memory_is_shared_out_to_slots() -> None:
    ask = Ask("map", 4, 2 * GIB, 90.2)
    text = submitted(ask)
    assert "-t 1-3 " in text and "-pe smp 4 -l h_vmem=768M -l h_rt=91" in text
    assert "-l mem_free=512M" in submitted(ask, memory="mem_free")
    assert "-pe threads 4 -l h_vmem=1024M" in submitted(ask, pe="threads", memory_headroom=2)
    bare = submitted(Ask("map", 1, GIB, None), memory="none")
    assert "-l" not in bare.split() and "-pe" not in bare
    assert "h_vmem=256M" in submitted(Ask("map", 1, 1, None)), "flowc's part needs some"


def test_a_site_says_how_things_are_called() -> None:
    site = Site(
        {"queue": "all.q", "resources": {"gpu": "-l gpu={value}"}, "options": ["-p -5"]},
        {"map": {"queue": "long.q"}},
    )
    ask = Ask("map", 1, GIB, None, (("gpu", 2.0), ("other", 1.0)))
    words = " ".join(GridEngine(site).submit(Batch("f", (1,), ask, "/s", "/d")))
    assert words.endswith("-q long.q -p -5 -l gpu=2 /s")


def test_words_become_options() -> None:
    words = (("queue", "long.q"), ("account", "lab x"), ("sge_extra", "-p -10"), ("other", "zz"))
    argv = GridEngine().submit(Batch("f", (1,), Ask("", 1, GIB, None, (), words), "/s", "/d"))
    at = argv.index("-q")
    assert argv[at : at + 6] == ["-q", "long.q", "-A", "lab x", "-p", "-10"]
    assert "zz" not in argv


def test_no_path_becomes_an_instruction() -> None:
    assert output_path("/w/it's %") == "/w/it's %/$TASK_ID.out"
    assert {output_path(f"/w/{c}") for c in ",:$\n\\"} == {"/dev/null"}


def test_elements_are_deleted_in_ranges_and_few_calls() -> None:
    calls = GridEngine().cancel({"7": [1, 2, 3, 9], "8": [4]}, kill=False)
    assert calls == [["qdel", "7.1-3", "7.9", "8.4"]]
    odd = [*range(1, 2001, 2)]
    assert [len(call) for call in GridEngine().cancel({"7": odd}, kill=True)] == [501, 501]


def test_of_two_records_of_one_element_the_last_counts() -> None:
    record = "=====\njobname {}\njobnumber 3\ntaskid 1\nfailed {}\nexit_status {}\n"
    text = record.format("old", "25 : rescheduling", 99) + record.format("new", 0, 4)
    found = accounts_in(text)["3", 1]
    assert (found.name, found.exit_code, found.cause) == ("new", 4, "")


@pytest.mark.parametrize(
    ("failed", "code", "category", "cause"),
    [
        ("37 : qmaster enforced", "137", "-l h_vmem=700M", "oom"),
        ("37 : qmaster enforced", "137", "-l h_rt=7,h_vmem=700M", "time-limit"),
        ("37 : qmaster enforced", "137", "-l h_rt=70,h_vmem=700M", "oom"),
        ("100 : assumedly after job", "139  (Segmentation fault)", "NONE", "signal"),
        ("26 : opening input/output file", "0", "NONE", "node-failure"),
        ("0", "3", "NONE", ""),
    ],
)
def test_causes_of_ends(failed: str, code: str, category: str, cause: str) -> None:
    text = f"jobnumber 3\ntaskid 1\nfailed {failed}\nexit_status {code}\n"
    text += f"ru_wallclock 8s\ncategory {category}\n"
    assert accounts_in(text)["3", 1].cause == cause


def test_an_array_may_be_there_several_times() -> None:
    job = (
        "<job_list>\n<JB_job_number>4</JB_job_number>\n<JB_name>a&b</JB_name>\n"
        "<state>{}</state>\n<tasks>{}</tasks>\n</job_list>\n"
    )
    text = job.format("z", "1-4:1") + job.format("r", 2) + job.format("hqw", "3,4")
    found = GridEngine().statuses(Said(0, text, ""))
    states = [found["4", number].state.value for number in (1, 2, 3, 4)]
    assert states == ["ended", "running", "waiting", "waiting"]


@pytest.mark.parametrize(
    "options",
    [{"peee": "x"}, {"memory": "lots"}, {"memory_headroom": "0"}, {"max_array": "-1"}],
)
def test_wrong_options_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(WorkflowError):
        site_of(Setup("run", Capacity(1, GIB), "sge", options=options))


def test_options_beat_the_site(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("queue: short.q\npe: threads\noptions: [-p -5]\n")
    options = {"queue": "long.q", "options": "-js 3", "memory_headroom": "2"}
    site = site_of(Setup("run", Capacity(1, GIB), "sge", options=options, site=str(file)))
    text = " ".join(GridEngine(site).native(Batch("f", (1,), Ask("k", 2, GIB, None), "/s", "/d")))
    assert text == "-r n -notify -pe threads 2 -l h_vmem=1024M -q long.q -p -5 -js 3"
