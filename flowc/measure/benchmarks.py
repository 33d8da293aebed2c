"""What is seen of the memory of jobs with a benchmark, while they run: a listener of the run."""

from collections.abc import Collection, Mapping

from flowc.events import Event, JobDone, JobEnded, JobFailed, JobStarted, JobSubmitted
from flowc.ids import JobId
from flowc.measure.processes import maker_bytes
from flowc.measure.sample import Sampler
from flowc.measure.series import Series

Memory = Mapping[str, int]
"""Bytes, by Snakemake's names: rss, vms, uss, pss. What was not seen is left out."""
KINDS = "memory_kinds"
"""Where it stands among a job's figures that were measured on a node."""


class BenchmarkMemory:
    """Call it with each event of a run, and then `of` for an attempt that has ended. `rules`: the
    names of those with a benchmark; no other job is looked at."""

    def __init__(self, rules: Collection[str]) -> None:
        self._rules = rules
        self._sampler = Sampler()
        self._waiting: set[JobId] = set()  # submitted, not started
        self._pids: dict[JobId, int] = {}
        self._seen: dict[JobId, dict[float, Memory]] = {}  # by when it has ended: it may repeat

    def __call__(self, event: Event) -> None:
        if isinstance(event, JobSubmitted):
            if event.rule in self._rules:
                self._waiting.add(event.job)
        elif isinstance(event, JobStarted):
            if event.job in self._waiting and maker_bytes(event.external_id) is not None:
                self._pids[event.job] = pid = int(event.external_id)
                self._sampler.watch(pid, tell_apart=True)
            self._waiting.discard(event.job)
        elif isinstance(event, JobEnded):
            self._waiting.discard(event.job)
            ended_pid = self._pids.pop(event.job, None)
            series = None if ended_pid is None else self._sampler.forget(ended_pid)
            self._seen.setdefault(event.job, {})[event.at_s] = memory_of(series)
        elif isinstance(event, JobDone | JobFailed):
            self._seen.pop(event.job, None)

    def of(self, ended: JobEnded) -> Memory:
        if ended.figures is not None:  # it ran elsewhere
            elsewhere: Memory = ended.figures.get(KINDS, {})
            return elsewhere
        return self._seen.get(ended.job, {}).get(ended.at_s, {})

    def close(self) -> None:
        self._sampler.close()


def memory_of(series: Series | None) -> Memory:
    """The largest of each kind that was seen of a job's processes together."""
    if series is None:
        return {}
    found = {
        "rss": series.rss_peak_bytes,
        "vms": series.virtual_peak_bytes,
        "uss": series.unique_peak_bytes,
        "pss": series.pss_peak_bytes,
    }
    return {kind: size for kind, size in found.items() if size}
