"""flowc logs: show what the jobs that make a target have printed, the last time they ran.

A target is a file, a rule, or a job as runs name it: `map(sample=A)`.

Examples:
  flowc logs mapped/A.bam
  flowc logs map --tail 5
  flowc logs mapped/A.bam --path
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flowc.cli.options import add_output
from flowc.cli.values import positive

if TYPE_CHECKING:  # nothing that --help does not need
    from flowc.events import JobSubmitted


def options(parser: ArgumentParser) -> None:
    parser.usage = "flowc logs TARGET ... [OPTION ...]"
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="a file, a rule or a job")
    group = parser.add_argument_group("what is shown")
    group.add_argument("--tail", type=positive, metavar="N", help="the last lines of each log")
    group.add_argument("--path", action="store_true", help="only say where the logs are")
    add_output(parser)


def main(args: Namespace) -> int:
    from flowc.cli.show import print_json  # not for --help, as below
    from flowc.diagnostic import printable

    found = [job for target in args.targets for job in _attempts(target)]
    for job in found:
        if args.json:
            print_json({"job": job.name, "attempt": job.attempt, "log": job.log})
        elif args.path:
            print(job.log)
        else:
            if len(found) > 1:
                print(f"==> {printable(job.name)}, attempt {job.attempt}: {printable(job.log)}")
            _show(job.log, args.tail)
    return 0


def _attempts(target: str) -> Sequence["JobSubmitted"]:
    """The attempts at the jobs that a target names, in the latest run that had one.

    Raises WorkflowError where there is none."""
    from flowc.diagnostic import fail
    from flowc.events import JobSubmitted
    from flowc.record.log import list_runs, read_log

    for path in reversed(list_runs()):
        found = {
            (event.job, event.attempt): event
            for event in read_log(path)
            if isinstance(event, JobSubmitted)
            and (target in (event.name, event.rule) or target in event.outputs)
        }
        if found:
            return list(found.values())
    raise fail(
        "no-log",
        f"no job that makes `{target}` has run here",
        hint="`flowc list --targets` lists what there is",
    )


def _show(path: str, tail: int | None) -> None:
    """As the job has written it: to a terminal without what could drive that."""
    from flowc.diagnostic import printable

    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:  # of a job that has printed nothing, no log may be kept
        data = b""
    except OSError as fault:
        print(f"({path} cannot be read: {fault.strerror})")
        return
    if tail is not None:
        data = b"".join(data.splitlines(keepends=True)[-tail:])
    if not sys.stdout.isatty():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    if not data:
        print("(it has printed nothing)")
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        print(printable(line, keep_tabs=True))
