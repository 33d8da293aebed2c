"""Plans of workflow files, and what becomes of them."""

import pytest

from flowc.api import compile_file
from flowc.diagnostic import WorkflowError
from flowc.disk import RealDisk
from flowc.plan.make import make_plan
from flowc.record.history import History
from flowc.run.budget import Budget
from flowc.run.need import Requests


def faults_on_a_cluster() -> list[str]:
    """The codes with which the Workflowfile is refused where a cluster decides what fits: there the
    budget has no bounds."""
    plan = make_plan(compile_file("Workflowfile"), History(), RealDisk())
    with pytest.raises(WorkflowError) as caught:
        Requests(plan, Budget(), clip=False).check(plan.to_run())
    return [fault.code for fault in caught.value.diagnostics]
