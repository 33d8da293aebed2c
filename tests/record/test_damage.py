"""Whatever happens to the bytes of the history or of a log: nothing is raised, and nothing is taken
for done that was not."""

import os
import random
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from flowc.events import Event, JobDone, JobSubmitted, to_line
from flowc.ids import JobId
from flowc.record.history import DONE, History

ASKED = ("cut", "a", "b", "late")
NEVER_DONE = ("cut", "late")


def submitted(path: str) -> Event:
    return JobSubmitted(JobId(0), 1, 1.0, "r", "r", {}, (path,), "cmd", 1, 1, {}, "log")


def done(path: str) -> Event:
    return JobDone(JobId(0), 1, 2.0, "r", (path,), "c", "p", "i", "content", None, 1.5)


LOGS: dict[str, list[Event]] = {
    "1": [submitted("cut"), submitted("a"), done("a"), submitted("b")],
    "2": [done("b"), submitted("late")],
}


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with logs, and a history that knows them: one of small pages, so that each of its
    bytes can be tried. In memory if possible: every database that is made anew is synced."""
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=shared) as name:
        place = Path(name)
        (place / "runs").mkdir()
        for log, events in LOGS.items():
            (place / f"runs/{log}.jsonl").write_text("".join(map(to_line, events)))
        with History(name) as history:
            history.catch_up()
            history.keep_digests({f"f{i}": (i, i, "d" * 32) for i in range(5)})
        database = sqlite3.connect(place / "history.db", isolation_level=None)
        database.execute("PRAGMA page_size = 512")
        database.execute("VACUUM")
        database.close()
        yield place


def test_a_log_of_odd_values(place: Path) -> None:
    """Lines that are JSON, and no events: each is left out, and the others hold."""
    line = to_line(done("odd")).rstrip("\n")
    odd = [
        line.replace('["odd"]', "[7]"),
        line.replace('["odd"]', '"odd"'),
        line.replace('"rule":"r"', '"rule":{}'),
        line.replace('"rule":"r"', '"rule":"\\ud8ff"'),
        line.replace('"c"', '"\\udcff"'),
        line.replace("1.5", '"1.5"'),
        line.replace('"job-done"', "[]"),
        line.replace("odd", "\u00e9"),
        "[]",
        "7",
    ]
    assert all(one != line for one in odd)
    odd.append(to_line(done("lone \ud8ff")).rstrip("\n"))
    with (place / "runs/2.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n".join([*odd, to_line(done("next"))]))
    with History(str(place)) as history:
        history.catch_up()
        assert history.records(["next"])["next"].state == DONE
        assert history.records(["odd", "a"]).keys() == {"a"}


def check(place: Path, spoiled: bytes) -> None:
    """Whoever only reads, and then a run."""
    for read_only in (True, False):
        for end in ("", ".damaged", "-journal"):
            (place / f"history.db{end}").unlink(missing_ok=True)
        (place / "history.db").write_bytes(spoiled)
        with History(str(place), read_only=read_only) as history:
            history.catch_up()
            found = history.records(ASKED)
            history.rule_times(["r"])
        for name in NEVER_DONE:
            assert name not in found or found[name].state != DONE
        if read_only:
            assert (place / "history.db").read_bytes() == spoiled


def with_bits_turned(data: bytes, chance: random.Random, count: int) -> Iterator[bytes]:
    for _ in range(count):
        spoiled = bytearray(data)
        for _ in range(chance.choice([1, 1, 8, 100])):
            spoiled[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        yield bytes(spoiled)


def check_all(place: Path, damages: Iterable[bytes]) -> None:
    for spoiled in damages:
        check(place, spoiled)


def test_cut_here_and_there_and_bits_turned(place: Path) -> None:
    data, chance = (place / "history.db").read_bytes(), random.Random(7)
    check_all(place, (data[: chance.randrange(len(data))] for _ in range(80)))
    check_all(place, with_bits_turned(data, chance, 80))


@pytest.mark.slow
def test_cut_at_every_byte(place: Path) -> None:
    data = (place / "history.db").read_bytes()
    assert 2_000 < len(data) < 10_000
    check_all(place, (data[:length] for length in range(len(data))))


@pytest.mark.slow
def test_every_byte_spoiled(place: Path) -> None:
    """One bit of each byte, chosen by chance, and then several at once."""
    data, chance = (place / "history.db").read_bytes(), random.Random(11)
    for at in range(len(data)):
        spoiled = bytearray(data)
        spoiled[at] ^= 1 << chance.randrange(8)
        check(place, bytes(spoiled))
    check_all(place, with_bits_turned(data, chance, 500))


@pytest.mark.parametrize("name", LOGS)
def test_a_log_cut_at_every_byte(name: str, place: Path) -> None:
    """What the rest of it says still holds, and nothing more."""
    path = place / f"runs/{name}.jsonl"
    whole = path.read_bytes()
    ends = [i for i, byte in enumerate(whole) if byte == ord("\n")]
    (place / "history.db").unlink()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with History(str(place), read_only=True) as history:
            found = {name: record.state for name, record in history.records(ASKED).items()}
        said = LOGS[name][: sum(end < length for end in ends)]
        others = [event for other, events in LOGS.items() if other != name for event in events]
        told = {e.outputs[0] for e in [*said, *others] if isinstance(e, JobDone)}
        assert {name for name, state in found.items() if state == DONE} <= told


@pytest.mark.slow
def test_bits_of_a_log_turned(place: Path) -> None:
    """The history is made anew from such logs; what can still be read of them is believed."""
    chance = random.Random(13)
    logs = {path: path.read_bytes() for path in sorted((place / "runs").iterdir())}
    for _ in range(1_000):
        (place / "history.db").unlink(missing_ok=True)
        for path, whole in logs.items():
            path.write_bytes(next(with_bits_turned(whole, chance, 1)))
        with History(str(place)) as history:
            history.catch_up()
            found = history.records(ASKED)
        assert not any(found[name].state == DONE for name in NEVER_DONE if name in found)
