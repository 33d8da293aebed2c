"""Scenes on a Grid Engine, and what its programs said in them: played on a real one, or recorded.

`FLOWC_RECORD=1 pytest tests/executors/test_sge_live.py -m slow` records them anew.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.clusters import Cluster, eventually

from flowc.executors.grid.base import Ask, Batch, Said, State
from flowc.executors.sge import GridEngine

RECORD = Path(__file__).parents[1] / "executors/recorded/sge-8.1.9.json"
ASK = Ask("one", 1, 64 * 2**20, None)
SCRIPTS = {
    "ends": "case $SGE_TASK_ID in 2) exit 7;; 3) kill -9 $$;; esac; sleep 0.2",
    "stays": "sleep 60",
}
Scenes = dict[str, Said]
# fmt: off
LATER = {  # what becomes of some elements, until the scene `status later`
    ("stays", 1): State.RUNNING,  # suspended
    ("held", 1): State.WAITING, ("held", 3): State.WAITING, ("held", 6): State.WAITING,
    ("held", 2): State.ENDED, ("held", 4): State.ENDED, ("held", 5): State.ENDED,
    ("stuck", 1): State.ENDED,
    ("ends", 1): State.ENDED, ("ends", 2): State.ENDED, ("ends", 3): State.ENDED,
}
# fmt: on


def recorded() -> Scenes:
    found = json.loads(RECORD.read_text(encoding="utf-8"))
    return {name: Said(*said) for name, said in found["said"].items()}


def submissions(scenes: Scenes) -> dict[str, str]:
    """The engine's ids by the names of the submissions that it took."""
    return {
        name.removeprefix("submit "): GridEngine().submitted(said)
        for name, said in scenes.items()
        if name.startswith("submit ") and said.code == 0
    }


def later_states(scenes: Scenes) -> dict[tuple[str, int], State]:
    """Of those that `LATER` names, as far as they are there."""
    ids = submissions(scenes)
    found = GridEngine().statuses(scenes["status later"])
    known = {(name, number): found.get((ids[name], number)) for name, number in LATER}
    return {key: status.state for key, status in known.items() if status is not None}


def write(version: str, scenes: Scenes) -> None:
    lines = [f"  {json.dumps(name)}: {json.dumps(said)}" for name, said in scenes.items()]
    body = ",\n".join(lines)
    RECORD.write_text(f'{{"engine": {json.dumps(version)}, "said": {{\n{body}\n}}}}\n')


class Stage:
    """Plays the scenes."""

    def __init__(self, cluster: Cluster, place: Path) -> None:
        self.cluster, self.place = cluster, place
        self.prefix = f"f{place.parent.name}-"
        self.dialect = GridEngine()
        self.scenes: Scenes = {}

    def run(self, name: str, argv: list[str]) -> Said:
        done = self.cluster.call(*argv)
        said = self.scenes[name] = Said(done.returncode, done.stdout, done.stderr)
        return said

    def batch(self, name: str, script: str, elements: tuple[int, ...], ask: Ask = ASK) -> Batch:
        path = self.place / f"{name}.sh"
        path.write_text(f"#!/bin/sh\n{SCRIPTS[script]}\n")
        return Batch(f"{self.prefix}{name}", elements, ask, str(path), str(self.place))

    def submit(self, name: str, script: str, elements: tuple[int, ...], *more: str) -> str:
        argv = self.dialect.submit(self.batch(name, script, elements))
        said = self.run(f"submit {name}", [*argv[:-1], *more, argv[-1]])
        return self.dialect.submitted(said)

    def status(self, name: str) -> Said:
        return self.run(name, self.dialect.status(()))

    def account(self, name: str, id: str) -> Said:
        return self.run(name, self.dialect.accounts([id])[0])

    def play(self) -> Scenes:
        ended = self.submit("ends", "ends", (1, 2, 3))
        stays = self.submit("stays", "stays", (1, 2))
        held = self.submit("held", "stays", (1, 2, 3, 4, 5, 6), "-h")
        stuck = self.submit("stuck", "stays", (1,), "-wd", "/nowhere")
        limited = self.submit("limited", "stays", (1,), "-l", "h_rt=1")
        self._refused()
        wait_for(lambda: self.scenes["status"].stdout.count("<state>r<") >= 2, self._look)
        self.run("delete", self.dialect.cancel({held: [2, 4, 5], stays: [2]}, kill=False)[0])
        self.run("delete what is gone", self.dialect.cancel({"99999999": [1]}, kill=False)[0])
        self.cluster.call("qmod", "-sj", f"{stays}.1")
        with suppress(AssertionError):  # whether it has come to that is seen with the other facts
            wait_for(
                lambda: later_states(self.scenes) == LATER, lambda: self.status("status later")
            )
        self.run("find", self.dialect.find("whatever"))
        self._accounts("account limited", limited, 1)
        self._accounts("account", ended, 3)
        self.account("account of nothing", "99999999")
        for argv in self.dialect.cancel(
            dict.fromkeys((stays, held, stuck), range(1, 7)), kill=True
        ):
            self.cluster.call(*argv)
        return self.scenes

    def play_silence(self) -> None:
        """With nobody there."""
        self.status("status in silence")
        self.run("delete in silence", self.dialect.cancel({"1": [1]}, kill=False)[0])
        self.run("submit in silence", self.dialect.submit(self.batch("none", "ends", (1,))))

    def _accounts(self, name: str, id: str, elements: int) -> None:
        """Wait for these. An engine that was killed may have given the id out before."""

        def are_there() -> bool:
            found = self.dialect.account(self.scenes[name])
            ours = [one for one in found.values() if one.name.startswith(self.prefix)]
            return len(ours) == elements

        wait_for(are_there, lambda: self.account(name, id))

    def _look(self) -> None:
        self.status("status")

    def _refused(self) -> None:
        for name, word in (
            ("queue", ("queue", "nowhere.q")),
            ("much", ("extra", "-l h_vmem=900T")),
        ):
            ask = Ask("one", 1, 2**20, None, words=(word,))
            self.run(f"refused {name}", self.dialect.submit(self.batch(name, "ends", (1,), ask)))
        with self._one_job_only():
            self.run("full", self.dialect.submit(self.batch("full", "ends", (1,))))

    @contextmanager
    def _one_job_only(self) -> Iterator[None]:
        usual = self.cluster.call("qconf", "-sconf").stdout
        only = re.sub(r"(?m)^(max_u_jobs) .*", r"\1 1", usual)
        try:
            self._configure(only)
            yield
        finally:
            self._configure(usual)

    def _configure(self, text: str) -> None:
        file = self.place / "global"  # the name says what it is
        file.write_text(text)
        done = self.cluster.call("qconf", "-Mconf", str(file))
        assert "modified" in done.stdout + done.stderr, done


def wait_for(holds: Callable[[], bool], look: Callable[[], object]) -> None:
    def looked() -> bool:
        look()
        return holds()

    eventually(looked)
