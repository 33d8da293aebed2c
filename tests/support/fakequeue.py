"""A batch engine of nothing: each element is a process of this machine, started at once."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil

from flowc.executors.grid.base import (
    Account,
    Batch,
    Element,
    Named,
    NoAnswerError,
    State,
    Status,
)


class FakeQueue:
    """A `Queue`. What it says can be changed: `silent`, `lost`, `hidden`."""

    name = "fake"
    sparse = True
    element = "$FAKE_ELEMENT"
    job = "$FAKE_JOB"
    restarts = "$FAKE_RESTARTS"
    suspend = None

    def __init__(self) -> None:
        self.batches: dict[str, Batch] = {}
        self.processes: dict[Element, subprocess.Popen[bytes]] = {}
        self.cancelled: set[Element] = set()
        self.calls: list[str] = []
        self.silent = False  # it answers nothing
        self.lost = False  # it does what it is told, and its answer gets lost
        self.holds = False  # nothing starts
        self.hidden: set[Element] = set()  # what it does not know any more
        self.known_accounts: dict[Element, Account] = {}

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.silent:
            raise NoAnswerError("nobody is there")

    def submit(self, batch: Batch) -> str:
        self._called("submit")
        id = str(len(self.batches) + 1)
        self.batches[id] = batch
        if not self.holds:
            self.release(id)
        if self.lost:
            raise NoAnswerError("timed out")
        return id

    def release(self, id: str) -> None:
        for number in self.batches[id].elements:
            self.start((id, number))

    def start(self, element: Element, restarts: int = 0) -> None:
        id, number = element
        batch = self.batches[id]
        env = os.environ | {
            "FAKE_ELEMENT": str(number), "FAKE_JOB": id, "FAKE_RESTARTS": str(restarts)
        }  # fmt: skip
        with open(f"{batch.directory}/{number}.out", "ab") as output:
            self.processes[element] = subprocess.Popen(
                ["/bin/sh", batch.script], env=env, stdout=output, stderr=output
            )

    def find(self, name: str) -> str | None:
        self._called("find")
        return next((id for id, batch in self.batches.items() if batch.name == name), None)

    def status(self, ids: Sequence[str]) -> Mapping[Element, Status]:
        self._called("status")
        found = {}
        for id in ids:
            for number in self.batches[id].elements if id in self.batches else ():
                if (id, number) not in self.hidden:
                    found[id, number] = self._status((id, number))
        return found

    def _status(self, element: Element) -> Status:
        name = self.batches[element[0]].name
        process = self.processes.get(element)
        if process is None:
            if element in self.cancelled:
                return Status(State.ENDED, name, "cancelled")
            return Status(State.WAITING, name)
        code = process.poll()
        if code is None:
            return Status(State.RUNNING, name)
        if element in self.cancelled:
            return Status(State.ENDED, name, "cancelled")
        if code < 0:
            return Status(State.ENDED, name, "signal", 128 - code)
        return Status(State.ENDED, name, exit_code=code)

    def cancel(self, elements: Mapping[Named, Sequence[int]], *, kill: bool) -> None:
        self._called("cancel")
        for (id, name), numbers in elements.items():
            for number in numbers if self.batches[id].name == name else ():
                self.cancelled.add((id, number))
                process = self.processes.get((id, number))
                if process is not None and process.poll() is None:
                    if kill:  # engines kill all that belongs to a job
                        children = psutil.Process(process.pid).children(recursive=True)
                        for child in children:
                            with suppress(psutil.NoSuchProcess):
                                child.kill()
                        psutil.wait_procs(children, timeout=5)
                    process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)

    def accounts(self, ids: Sequence[str]) -> Mapping[Element, Account]:
        self._called("accounts")
        return self.known_accounts

    def cause_in(self, output: str) -> str:
        return "oom" if "exceeded memory limit" in output else ""

    def element_id(self, id: str, element: int) -> str:
        return f"{id}_{element}"

    def close(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
