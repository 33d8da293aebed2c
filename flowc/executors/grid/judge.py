"""Whether an element is over, and how: from what its node, the engine and the accounting say.

No clock, disk or process: the driver brings the facts, and does what is decided. The node's word
counts most: it knows the command's own end. Where it was stopped from outside, or has said
nothing, the engine knows why. Where nobody knows anything, it has vanished: that is no success.
"""

from math import inf
from typing import NamedTuple

from flowc.executors.grid.base import Account, Pace, State
from flowc.executors.grid.slots import Slot

CANCELLED = "cancelled"  # by flowc
ELSEWHERE = "cancelled-elsewhere"  # by somebody else
REQUEUED = "requeued"
NODE_FAILURE = "node-failure"
VANISHED = "vanished"
NO_RESULT = "no-result"
_SOON_S = 3.0
"""What the engine itself has killed has hardly written a result that is still to come."""
_CODES = {"time-limit": 143, "oom": 137, CANCELLED: 143, ELSEWHERE: 143}


class Verdict(NamedTuple):
    """It is over. `exit_code` None: what the node says, or 1."""

    cause: str
    exit_code: int | None = None
    revoke: bool = False  # it may still be there, or come back: it must not


def judge(slot: Slot, now_s: float, pace: Pace) -> Verdict | None:
    """None: it goes on, as far as one knows."""
    if slot.end is not None:
        return _ended(slot, now_s, pace)
    status = slot.status
    if status is not None and slot.asked_s > slot.start_seen_s and status.state is State.WAITING:
        return Verdict(REQUEUED, 1, revoke=True)
    if slot.over_s < inf:
        return _no_result(slot, now_s, pace)
    if slot.account is not None:
        return _closed(slot, slot.account, now_s - slot.missing_s, pace)
    if now_s - slot.missing_s >= pace.lost_s:
        if slot.cancelled:
            return cancelled(slot, revoke=True)
        return Verdict(VANISHED, 1, revoke=True)
    return None


def cancelled(slot: Slot, *, revoke: bool = False) -> Verdict:
    """By flowc; how, where no node says it."""
    return Verdict(CANCELLED, 137 if slot.killed else 143, revoke=revoke)


def _ended(slot: Slot, now_s: float, pace: Pace) -> Verdict | None:
    """The node has written how it ended."""
    assert slot.end is not None
    cause = str(slot.end.get("cause", ""))
    if cause == REQUEUED:
        return Verdict(REQUEUED, 1, revoke=True)
    if cause != "stopped":
        return Verdict(cause)
    if slot.cancelled:
        return Verdict(CANCELLED)
    status = slot.status
    if status is not None and slot.asked_s > slot.end_seen_s:
        if status.state is State.WAITING:
            return Verdict(REQUEUED, revoke=True)
        if status.state is State.ENDED and status.tells_how:
            return Verdict(_by_engine(status.cause))
    if slot.account is not None:
        return Verdict(_by_engine(slot.account.cause))
    if now_s - slot.end_seen_s >= pace.late_s:
        return Verdict(ELSEWHERE)
    return None


def _no_result(slot: Slot, now_s: float, pace: Pace) -> Verdict | None:
    """The engine says that it has ended, and its node says nothing."""
    status = slot.status
    assert status is not None
    if slot.cancelled and status.cause == CANCELLED:
        return cancelled(slot)
    if not status.tells_how:
        return _ended_somehow(slot, now_s - slot.over_s, pace)
    never_ran = status.cause == CANCELLED and slot.start is None
    patience_s = min(_SOON_S, pace.late_s) if status.cause and not never_ran else pace.late_s
    if never_ran:
        patience_s = 0.0
    if now_s - slot.over_s < patience_s:
        return None
    cause = ELSEWHERE if status.cause == CANCELLED else status.cause
    if cause == "launch":
        cause = NODE_FAILURE if slot.start is None else "signal"
    return Verdict(cause or NO_RESULT, _code(cause, status.exit_code), revoke=status.stuck)


def _ended_somehow(slot: Slot, since_s: float, pace: Pace) -> Verdict | None:
    """It has ended, and the queue does not say how. Of what never ran, no accounting knows."""
    if slot.account is not None:
        return _closed(slot, slot.account, since_s, pace)
    if slot.start is not None:
        return Verdict(NO_RESULT, 1) if since_s >= pace.late_s else None
    if slot.cancelled:
        return cancelled(slot)
    return Verdict(ELSEWHERE, _CODES[ELSEWHERE]) if since_s >= pace.late_s else None


def _closed(slot: Slot, account: Account, since_s: float, pace: Pace) -> Verdict | None:
    """Only the accounting knows of it."""
    if slot.cancelled and account.cause == CANCELLED:
        return cancelled(slot)
    if since_s < (min(_SOON_S, pace.late_s) if account.cause else pace.late_s):
        return None
    cause = ELSEWHERE if account.cause == CANCELLED else account.cause
    return Verdict(cause or NO_RESULT, _code(cause, account.exit_code))


def _by_engine(cause: str) -> str:
    """Why it was stopped from outside."""
    return cause if cause in ("time-limit", "oom", NODE_FAILURE) else ELSEWHERE


def _code(cause: str, exit_code: int | None) -> int:
    """Of one that has no result: never 0."""
    return _CODES.get(cause) or exit_code or 1
