"""What the driver and an engine say to each other: batches out; ids, states and accounts back.

A batch is always an array, be it of one element. Its name is unlike any other, ever: an id may be
lost with an answer, and an engine that was killed may give the same id out again; id and name
together are sure.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from flowc.dataclass import dataclass, field
from flowc.site import Site


class NoAnswerError(Exception):
    """Nobody knows whether it was done: the engine is down, frozen, or its answer was lost."""


class RefusedError(Exception):
    """The engine will never take this; its own words say why."""


class LaterError(Exception):
    """The engine takes no more for now: a limit on what may be in its queue."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What each element of a batch asks for. Tasks that ask for the same share a batch."""

    kind: str  # what tasks of one kind share; for settings by kind, and for people
    cores: int
    memory_bytes: int
    limit_s: float | None  # wall clock; None: the engine's own
    resources: tuple[tuple[str, float], ...] = ()
    words: tuple[tuple[str, str], ...] = ()  # resources that are text: `queue`, `account`


@dataclass(frozen=True, slots=True)
class Batch:
    """What is submitted in one call."""

    name: str  # letters, digits, `-`, `_` and `.`; begins with a letter
    elements: tuple[int, ...]  # counted from 1, rising; with gaps only where the queue is `sparse`
    ask: Ask
    script: str  # absolute path of a shell script; it runs for each element
    directory: str  # absolute; the engine's own output goes to `NUMBER.out` in it


class State(Enum):
    """Where an engine says that an element is."""

    WAITING = "waiting"  # held ones as well
    RUNNING = "running"  # suspended ones as well
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Status:
    """One element, as the queue shows it."""

    state: State
    name: str = ""  # the batch's; an id with another name is not ours
    # Of the end: "cancelled", "time-limit", "oom", "node-failure", "signal", or "launch": it could
    # not be launched, or was killed as soon as it was.
    cause: str = ""
    exit_code: int | None = None
    why: str = ""  # in the engine's own words
    stuck: bool = False  # it will not run, and stays in the queue until it is cancelled

    @property
    def tells_how(self) -> bool:
        """Of the end. Otherwise the accounting is asked."""
        return bool(self.cause) or self.exit_code is not None


@dataclass(frozen=True, slots=True)
class Account:
    """One element that has ended, as the accounting remembers it. None: it does not say."""

    name: str
    cause: str = ""  # as in `Status`
    exit_code: int | None = None
    wall_s: float | None = None
    cpu_s: float | None = None
    peak_rss_bytes: int | None = None
    host: str = ""


Element = tuple[str, int]
"""The engine's id of a batch, and the number in it."""
Named = tuple[str, str]
"""The engine's id of a batch, and the batch's name."""
REST = 0
"""In place of a number: of the elements that have never run, all those that are not shown."""


class Queue(Protocol):
    """An engine. The driver calls it from a thread of its own, never from two at once, and a call
    may block. Only `accounts` has another thread, and may be called meanwhile. All raise
    NoAnswerError where the engine cannot be reached."""

    name: str  # "slurm"
    sparse: bool  # whether the elements of a batch may have gaps
    element: str  # what in a job's script stands for its element: "$SLURM_ARRAY_TASK_ID"
    job: str  # likewise for the id of the batch
    restarts: str  # likewise for how often the engine has started it before; 0, or empty

    @property
    def suspend(self) -> Callable[["Sequence[Element]", bool], None] | None:
        """Stops elements that run (True), or lets them go on; None: they go on in any case."""

    def submit(self, batch: Batch) -> str:
        """The id. RefusedError and LaterError where it is not taken."""
        ...

    def find(self, name: str) -> str | None:
        """The id of the batch that has this name, also where it has ended just now."""
        ...

    def status(self, ids: Sequence[str]) -> Mapping[Element, Status]:
        """All elements of these batches that the engine knows of: one query, however many. What
        has ended may be missing; what has not may not."""
        ...

    def cancel(self, elements: Mapping[Named, Sequence[int]], *, kill: bool) -> None:
        """End these elements of batches: TERM first, or KILL at once. What has the id and another
        name is somebody else's."""
        ...

    def accounts(self, ids: Sequence[str]) -> Mapping[Element, Account]:
        """What is remembered of ended elements. Empty where there is no accounting, or not yet."""
        ...

    def cause_in(self, output: str) -> str:
        """The cause, as in `Status`, that the engine has written into an element's own output."""
        ...

    def element_id(self, id: str, element: int) -> str:
        """How the engine's own programs call an element: `123_4`."""
        ...

    def close(self) -> None: ...


class Said(NamedTuple):
    """What a program has said."""

    code: int
    stdout: str
    stderr: str


class Dialect(Protocol):
    """The words of an engine's programs: text alone. `commands.Commands` makes a `Queue` of it.

    Methods that read raise NoAnswerError, RefusedError or LaterError where `said` means that."""

    name: str
    sparse: bool
    element: str
    job: str
    restarts: str

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """That of the engine's programs: without what would change what they do or print."""
        ...

    def submit(self, batch: Batch) -> list[str]: ...

    def submitted(self, said: Said) -> str: ...

    def find(self, name: str) -> list[str]: ...

    def found(self, name: str, said: Said) -> str | None: ...

    def status(self, ids: Sequence[str]) -> list[str]: ...

    def statuses(self, said: Said) -> Mapping[Element, Status]: ...

    def cancel(self, elements: Mapping[str, Sequence[int]], *, kill: bool) -> list[list[str]]:
        """As many programs as it takes; what has ended already is no fault."""
        ...

    def cancelled(self, said: Said) -> None: ...

    def accounts(self, ids: Sequence[str]) -> list[list[str]]:
        """Programs to run; none where there is no accounting."""
        ...

    def account(self, said: Said) -> Mapping[Element, Account]: ...

    def cause_in(self, output: str) -> str: ...

    def element_id(self, id: str, element: int) -> str: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are looked at, in seconds."""

    look_s: tuple[float, float] = (0.1, 2.0)  # at results; less and less often
    query_s: tuple[float, float] = (2.0, 30.0)  # the engine, about all at once; likewise
    gather_s: float = 0.2  # tasks that come together so soon are submitted together
    late_s: float = 30.0  # what a node has written may take so long to be seen
    lost_s: float = 30.0  # what the engine does not know for so long has vanished
    beat_s: float = 10.0  # how often a node says that it lives
    account_s: float = 30.0  # how often the accounting is held against what nodes have measured
    close_s: float = 60.0  # how long what was cancelled is waited for
    timeout_s: float = 120.0  # for one program of the engine's


@dataclass(frozen=True, slots=True)
class Settings:
    """How tasks are to be submitted."""

    largest: int = 1000  # elements of one batch
    measure: bool = False  # closely, while they run
    pace: Pace = field(default_factory=Pace)
    site: Site = field(default_factory=Site)
