"""Dense integer ids: each is the index of its thing in the arrays of a `JobGraph`."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NewType

    JobId = NewType("JobId", int)
    FileId = NewType("FileId", int)
    RuleId = NewType("RuleId", int)
else:  # `typing` takes 6 ms
    JobId = FileId = RuleId = int

NO_JOB = JobId(-1)
"""In `JobGraph.producer`: no job of the graph makes this file; it is a source."""
