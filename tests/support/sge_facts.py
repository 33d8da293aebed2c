"""What has to be understood of the scenes, whenever and wherever they were played."""

import pytest
from support.sge_scenes import LATER, Scenes, later_states, submissions

from flowc.executors.grid.base import LaterError, NoAnswerError, RefusedError, State
from flowc.executors.sge import GridEngine


def check(scenes: Scenes) -> None:
    dialect = GridEngine()
    ids = submissions(scenes)
    assert ids.keys() == {"ends", "stays", "held", "stuck", "limited"}
    first = dialect.statuses(scenes["status"])
    assert {first[ids["stays"], n].state for n in (1, 2)} == {State.RUNNING}
    assert all(first[ids["held"], n].state is State.WAITING for n in range(1, 7))
    assert later_states(scenes) == LATER
    later = dialect.statuses(scenes["status later"])
    assert later[ids["stuck"], 1].cause == "node-failure" and later[ids["stuck"], 1].stuck
    name = later[ids["held"], 1].name
    assert name.endswith("-held")
    assert dialect.found(name, scenes["find"]) == ids["held"]
    assert dialect.found("another", scenes["find"]) is None
    for deletion in ("delete", "delete what is gone"):
        dialect.cancelled(scenes[deletion])
    _check_accounts(dialect, scenes, ids)
    _check_faults(dialect, scenes)


def _check_accounts(dialect: GridEngine, scenes: Scenes, ids: dict[str, str]) -> None:
    found = dialect.account(scenes["account"])
    ended = [found[ids["ends"], number] for number in (1, 2, 3)]
    assert [one.exit_code for one in ended] == [0, 7, 137]
    assert [one.cause for one in ended] == ["", "", "signal"]
    for one in ended:
        assert one.name.endswith("-ends") and one.host
        assert one.wall_s is not None and one.wall_s < 5
        assert one.cpu_s is not None and one.cpu_s < 5
        assert one.peak_rss_bytes is not None and 2**20 < one.peak_rss_bytes < 2**25
    limited = dialect.account(scenes["account limited"])[ids["limited"], 1]
    assert limited.cause == "time-limit"
    assert dialect.account(scenes["account of nothing"]) == {}


def _check_faults(dialect: GridEngine, scenes: Scenes) -> None:
    with pytest.raises(RefusedError, match="nowhere"):
        dialect.submitted(scenes["refused queue"])
    with pytest.raises(RefusedError, match="no suitable queues"):
        dialect.submitted(scenes["refused much"])
    with pytest.raises(LaterError, match="only 1 jobs"):
        dialect.submitted(scenes["full"])
    with pytest.raises(NoAnswerError):
        dialect.submitted(scenes["submit in silence"])
    with pytest.raises(NoAnswerError):
        dialect.statuses(scenes["status in silence"])
    with pytest.raises(NoAnswerError):
        dialect.cancelled(scenes["delete in silence"])
