"""Run the Workflowfile of the working directory: `python drive_here.py KILL_AFTER_S`.

A program of its own, so that tests can send it signals. Prints the outcome and exits with its code.
"""

import sys

from flowc.api import compile_file
from flowc.disk import RealDisk
from flowc.executors.base import Capacity
from flowc.executors.local import LocalExecutor
from flowc.plan.make import make_plan
from flowc.record.history import History
from flowc.record.log import EventLog, log_path, new_run_id
from flowc.run.drive import run_plan
from flowc.run.options import RunOptions


def main() -> int:
    run = new_run_id()
    disk, history = RealDisk(), History()
    executor = LocalExecutor(Capacity(4, 1 << 40))
    plan = make_plan(compile_file("Workflowfile"), history, disk)
    options = RunOptions(run=run, kill_after_s=float(sys.argv[1]))
    with EventLog(log_path(run)) as log:
        outcome = run_plan(
            plan, executor, options=options, history=history, disk=disk, listeners=[log]
        )
    executor.close()
    print(outcome, flush=True)
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
