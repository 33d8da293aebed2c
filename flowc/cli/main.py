"""From argv to a command's `main`, and from whatever it raises to an exit code.

0  done, or nothing to be done
1  a job failed
2  the workflow, a target, a file or an option is wrong
3  a job asks for more than the run may use
4  another flowc works in this directory
70 flowc itself has a bug
129, 130, 143  ended by a signal (hang-up, Ctrl-C, TERM)
"""

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module
from types import FrameType

from flowc.cli.options import Parser
from flowc.cli.show import report, say, set_up_streams
from flowc.diagnostic import ImpossibleRequestError, LockedError, WorkflowError, fail, printable

OK, JOB_FAILED, BAD_INPUT, IMPOSSIBLE, LOCKED, BUG = 0, 1, 2, 3, 4, 70

COMMANDS = {
    "run": "make the targets",
    "plan": "say what would run, and why; run nothing",
    "check": "read the workflow and report every mistake",
    "fmt": "write workflow files in their canonical form",
    "graph": "draw the rules, jobs or files",
    "compile": "write the workflow's graph as one JSON file",
    "profile": "make the targets and measure what each job uses",
    "report": "show how a run went, as a page, a text or for other tools",
    "gantt": "draw the log of a run, flowc's own or another tool's",
    "status": "say how far the run in this directory is",
    "logs": "show what jobs have printed",
    "history": "list the runs in this directory",
    "pause": "let the run in this directory start no new jobs",
    "resume": "let a paused run go on",
    "summary": "list the outputs and the state they are in",
    "list": "list the rules, or the targets that can be asked for",
    "export-script": "write job scripts for plain bash, which need no flowc",
    "export-slurm": "write job scripts for Slurm, which need no flowc",
    "export-sge": "write job scripts for Grid Engine, which need no flowc",
    "completion": "print a completion script for bash, zsh or fish",
}

SUBCOMMANDS = {
    "profile": {
        "show": "show what was measured",
        "resources": "make a resource file of what was measured",
        "apply": "write measured figures into the workflow file",
        "diff": "compare two profiles",
        "import": "take over what another tool has measured",
    },
}
"""Each in a file of its own: `profile_show.py`."""

HELP = """\
usage: flowc COMMAND [WORKFLOWFILE] [TARGET ...] [OPTION ...]

A workflow compiler that measures what jobs need and schedules by it.

commands:
{commands}

`flowc COMMAND --help` explains a command. `flowc --version` prints the version.

examples:
  flowc plan                            what would run, and why
  flowc run --cores 4 --mem 6           make the default target with 4 cores and 6 GB
  flowc run results/a.txt -k            make one file; go on with the rest if a job fails
  flowc plan results/a.txt --why        explain one file
  flowc graph | dot -Tsvg > graph.svg   draw the rules

Without WORKFLOWFILE, these are looked for: {lookup}.

exit codes:
  0 done   1 a job failed   2 the workflow or an option is wrong
  3 a job asks for more than the run may use   4 another flowc is at work here
  129, 130, 143 ended by a signal"""


def main(argv: Sequence[str]) -> int:
    """Run one command. Never raises: whatever happens becomes an exit code."""
    set_up_streams()
    args = Namespace(json="--json" in argv, color=None)
    try:
        with _signals():
            return _run(list(argv), args)
    except WorkflowError as error:
        report(error.diagnostics, args)
        if isinstance(error, ImpossibleRequestError):
            return IMPOSSIBLE
        return LOCKED if isinstance(error, LockedError) else BAD_INPUT
    except _Signalled as signalled:
        return 128 + signalled.number
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:  # argparse, after --help
        return end.code if isinstance(end.code, int) else OK
    except BrokenPipeError:
        _silence_stdout()
        return OK
    except OSError as error:
        _raise_if_debugging()
        where = f"{error.filename!r}: " if error.filename else ""
        say(f"error[os-error]: {where}{error.strerror or error}")
        return BAD_INPUT
    except MemoryError:
        _raise_if_debugging()
        say("error[out-of-memory]: flowc itself ran out of memory")
        return BUG
    except Exception as error:
        _raise_if_debugging()
        say(_bug(error))
        return BUG


def _run(argv: list[str], args: Namespace) -> int:
    """Find the command, read its options into `args` and call it."""
    first = argv[0] if argv else "--help"
    if first in ("-h", "--help", "help") and len(argv) < 2:
        print(general_help())
        return OK
    if first == "help":
        argv = [argv[1], "--help"]
        first = argv[0]
    if first not in COMMANDS:
        raise _unknown_command(first)
    summary, module = COMMANDS[first], first.replace("-", "_")
    inner = SUBCOMMANDS.get(first, {})
    if len(argv) > 1 and argv[1] in inner:
        summary, module = inner[argv[1]], f"{first}_{argv[1]}"
        first, argv = f"{first} {argv[1]}", argv[1:]
    command = import_module(f"flowc.cli.{module}")
    parser = Parser(first, summary=summary, description=command.__doc__ or "")
    command.options(parser)
    args.argv = argv
    parser.read(argv[1:], args)
    code: int = command.main(args)
    sys.stdout.flush()
    return code


def general_help() -> str:
    from flowc.cli.workflowfile import LOOKED_FOR  # for this text alone

    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {text}" for name, text in COMMANDS.items())
    return HELP.format(commands=commands, lookup=", ".join(LOOKED_FOR))


def _unknown_command(word: str) -> WorkflowError:
    if word.startswith("-"):
        return fail(
            "bad-option",
            f"`{word}` stands where a command is expected",
            hint=f"options follow the command: `flowc run {word}`, `flowc plan {word}`",
        )
    from difflib import get_close_matches  # only after a mistake

    near = [] if os.path.exists(word) else get_close_matches(word, COMMANDS, n=1)
    hint = f"did you mean `flowc {near[0]}`?" if near else f"commands: {', '.join(COMMANDS)}"
    if not near and os.path.exists(word):
        hint = f"to run it: `flowc run {word}`"
    return fail("unknown-command", f"there is no command `{word}`", hint=hint)


# --- how it can end ------------------------------------------------------------------------------


class _Signalled(BaseException):
    """TERM or HUP came while no run was there to deal with it."""

    def __init__(self, number: int) -> None:
        self.number = number


class _signals:  # noqa: N801 - used as a `with` statement
    """While inside, TERM and HUP raise, so that `finally` and `with` blocks clean up. A run
    replaces these handlers by its own."""

    def __enter__(self) -> None:
        self._before = {}
        for number in (signal.SIGTERM, signal.SIGHUP):
            try:
                if signal.getsignal(number) is signal.SIG_DFL:  # nohup's SIG_IGN stays
                    self._before[number] = signal.signal(number, _on_signal)
            except ValueError:  # not the main thread: whoever called us deals with signals
                return

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _on_signal(number: int, _: FrameType | None) -> None:
    raise _Signalled(number)


def _silence_stdout() -> None:
    """The reader has gone (`flowc plan | head`): let Python's last flush go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _raise_if_debugging() -> None:
    if os.environ.get("FLOWC_DEBUG"):
        raise  # the exception that is being handled


def _bug(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    what = printable(f"{type(error).__name__}: {error}"[:300])
    return (
        f"flowc has a bug: {what}{place}\n"
        "Please report it, with what FLOWC_DEBUG=1 in the environment prints in addition."
    )
