"""Why a job runs: one class for each cause, each with its own sentence."""

from typing import ClassVar

from flowc.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class MissingOutput:
    kind: ClassVar[str] = "missing-output"
    path: str

    def __str__(self) -> str:
        return f"output missing: {self.path}"


@dataclass(frozen=True, slots=True)
class NewerInput:
    """The input is newer than the oldest output, and its content has changed since the job ran
    (or nobody knows what it was)."""

    kind: ClassVar[str] = "newer-input"
    path: str

    def __str__(self) -> str:
        return f"input newer than the output: {self.path}"


@dataclass(frozen=True, slots=True)
class ChangedCode:
    kind: ClassVar[str] = "changed-code"

    def __str__(self) -> str:
        return "the rule's command has changed"


@dataclass(frozen=True, slots=True)
class ChangedParams:
    kind: ClassVar[str] = "changed-params"

    def __str__(self) -> str:
        return "the rule's params have changed"


@dataclass(frozen=True, slots=True)
class ChangedInputs:
    """The set of input files is another one than when the job ran."""

    kind: ClassVar[str] = "changed-inputs"

    def __str__(self) -> str:
        return "the set of input files has changed"


@dataclass(frozen=True, slots=True)
class FailedBefore:
    kind: ClassVar[str] = "failed-before"

    def __str__(self) -> str:
        return "it failed the last time"


@dataclass(frozen=True, slots=True)
class Interrupted:
    kind: ClassVar[str] = "interrupted"

    def __str__(self) -> str:
        return "it was interrupted the last time: its outputs may be incomplete"


@dataclass(frozen=True, slots=True)
class Forced:
    """Asked for by an option, such as `--force`."""

    kind: ClassVar[str] = "forced"
    option: str

    def __str__(self) -> str:
        return f"forced by {self.option}"


@dataclass(frozen=True, slots=True)
class UpstreamRuns:
    """A job that makes one of its inputs certainly runs."""

    kind: ClassVar[str] = "upstream-runs"
    path: str  # that input
    job: str  # that job's name

    def __str__(self) -> str:
        return f"input is made again: {self.path} (by {self.job})"


@dataclass(frozen=True, slots=True)
class UpstreamMayRun:
    """A job that makes one of its inputs may have to run; nobody knows yet."""

    kind: ClassVar[str] = "upstream-may-run"
    path: str  # that input
    job: str  # that job's name

    def __str__(self) -> str:
        return f"input may be made again: {self.path} (by {self.job})"


@dataclass(frozen=True, slots=True)
class NeededTemp:
    """Its output is `temp`, is gone, and a job that runs needs it."""

    kind: ClassVar[str] = "needed-temp"
    path: str

    def __str__(self) -> str:
        return f"temporary output is missing and needed: {self.path}"


@dataclass(frozen=True, slots=True)
class NoOutput:
    """It has an action and declares no output: it runs whenever it is asked for."""

    kind: ClassVar[str] = "no-output"

    def __str__(self) -> str:
        return "it declares no output to compare with"


Reason = (
    MissingOutput
    | NewerInput
    | ChangedCode
    | ChangedParams
    | ChangedInputs
    | FailedBefore
    | Interrupted
    | Forced
    | UpstreamRuns
    | UpstreamMayRun
    | NeededTemp
    | NoOutput
)
