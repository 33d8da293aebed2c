"""Options that several commands share, and a parser whose complaints are diagnostics.

Names are those of Snakemake and make wherever these have the option.
"""

import re
from argparse import Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import Any, NoReturn

from flowc.cli.values import (
    batch,
    core_count,
    count_pair,
    fraction,
    memory,
    natural,
    pair,
    resource_pair,
    rule_resource,
    seconds,
    thread_pair,
)
from flowc.cli.workflowfile import is_workflow
from flowc.diagnostic import Diagnostic, WorkflowError, fail

EXIT_CODES = """\
exit codes: 0 done, 1 a job failed, 2 the workflow or an option is wrong,
3 a job asks for more than the run may use, 4 another flowc is at work here"""


class _Formatter(RawDescriptionHelpFormatter):
    """`-R, --forcerun RULE` instead of `-R RULE, --forcerun RULE`."""

    def _format_action_invocation(self, action: Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


class Parser(ArgumentParser):
    """One command's parser. A mistake is raised as a `WorkflowError`."""

    def __init__(self, command: str, *, summary: str, description: str) -> None:
        text, _, examples = description.strip().partition("Examples:\n")
        super().__init__(
            prog=f"flowc {command}",
            usage=f"flowc {command} [WORKFLOWFILE] [TARGET ...] [OPTION ...]",
            description=text.partition(": ")[2].strip() or summary,
            epilog=(f"examples:\n{examples.rstrip()}\n\n" if examples else "") + EXIT_CODES,
            formatter_class=_Formatter,
            allow_abbrev=False,  # an abbreviation in a script would break with the next option
        )

    def read(self, argv: Sequence[str], args: Namespace) -> None:
        """Fill `args`; raises a fault for every word that is no option."""
        _, unknown = self.parse_known_intermixed_args(list(argv), args)
        faults = [self._unknown(word) for word in unknown if word.startswith("-")]
        if faults:
            raise WorkflowError(faults)
        _give_back(args)
        if getattr(args, "at_once", None) and getattr(args, "executor", "local") == "local":
            args.cores = args.cores or args.at_once

    def error(self, message: str) -> NoReturn:
        found = re.fullmatch(r"argument (\S+): (.*)", message, re.DOTALL)
        if found is None:
            raise fail("bad-option", message)
        what = found[2].replace("expected one argument", "needs a value")
        what = what.replace("expected at least one argument", "needs a value")
        raise fail("bad-option", f"option `{found[1]}`: {what}")

    def option_names(self) -> list[str]:
        return [name for action in self._actions for name in action.option_strings]

    def options(self) -> list[Action]:
        """Every option, in the order of the help."""
        return [action for action in self._actions if action.option_strings]

    def _unknown(self, word: str) -> Diagnostic:
        from difflib import get_close_matches  # only after a mistake

        name = word.partition("=")[0]
        if name in ELSEWHERE:
            hint = ELSEWHERE[name]
            return Diagnostic("unknown-option", f"`{self.prog}` has no option `{name}`", hint=hint)
        near = get_close_matches(name, self.option_names(), n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"see `{self.prog} --help`"
        return Diagnostic("unknown-option", f"`{self.prog}` has no option `{name}`", hint=hint)


_ENVIRONMENT = "nothing comes of environments yet: activate them before flowc starts"
ELSEWHERE = {
    "--dag": "`flowc graph` draws the jobs",
    "--rulegraph": "`flowc graph --rules` draws the rules",
    "--filegraph": "`flowc graph --files` draws the files",
    "--lint": "`flowc check` finds mistakes",
    "--profile": "a cluster's settings are given by `--site`, other options on the command line",
    "--workflow-profile": "options stand on the command line",
    "--cluster": "jobs are handed to Slurm or Grid Engine by `--executor`",
    "--reason": "`flowc plan` says why each job runs",
    "-r": "`flowc plan` says why each job runs",
    "--use-conda": _ENVIRONMENT,
    "--use-singularity": _ENVIRONMENT,
    "--use-apptainer": _ENVIRONMENT,
    "--sdm": _ENVIRONMENT,
    "--software-deployment-method": _ENVIRONMENT,
}
"""Options that Snakemake's users know: where to find what they do."""


def _give_back(args: Namespace) -> None:
    """An option that takes many values also swallows the words behind it: `--config a=1
    Workflowfile`. Give back what cannot be its value."""
    words: list[str] = []
    pairs = getattr(args, "config", None)
    if pairs:
        words += [pair for i, pair in enumerate(pairs) if i and "=" not in pair]
        args.config = [pair for i, pair in enumerate(pairs) if not i or "=" in pair]
    for name in ("forcerun", "until", "omit_from"):
        values = getattr(args, name, None) or []
        given_back = [v for v in values if is_workflow(v)]
        words += given_back
        if given_back:
            setattr(args, name, [v for v in values if v not in given_back])
    if words and hasattr(args, "words"):
        args.words = words + list(args.words)


# --- groups of options ---------------------------------------------------------------------------


def add_workflow(parser: ArgumentParser, *, targets: bool = True) -> None:
    """What to read and how."""
    what = "the workflow file, then files or rules to make (default: the first rule)"
    parser.add_argument("words", nargs="*", metavar="TARGET", help=what if targets else "")
    group = parser.add_argument_group("workflow")
    group.add_argument(
        "-s",
        "--snakefile",
        "--file",
        "--workflowfile",
        dest="workflowfile",
        metavar="FILE",
        help="the workflow file; also one that `flowc compile` has written",
    )
    group.add_argument("-d", "--directory", metavar="DIR", help="the directory to work in")
    many(group, "--config", "KEY=VALUE", "set entries of `config`; beats every config file")
    many(group, "--configfile", "FILE", "read after the workflow's own; the last one wins")
    group.add_argument(
        "--replace-workflow-config", action="store_true",
        help="let --configfile and --config stand in place of the workflow's own config",
    )  # fmt: skip
    many(group, "--set-scatter", "NAME=N", "numbers of parts of `scattergather:`", thread_pair)
    many(group, "--groups", "RULE=GROUP", "beats the `group` of rules", pair)
    group.add_argument(
        "--all-temp", action="store_true", help="take every output for `temp`, but the targets"
    )
    many(group, "--envvars", "NAME", "environment variables that must be set")
    add_output(parser)


def add_output(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print JSON, one object a line")
    group.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default=None,
        help="when to use colours (default: auto; NO_COLOR is respected)",
    )
    group.add_argument(
        "--no-color", "--nocolor", dest="color", action="store_const", const="never",
        help="the same as `--color never`",
    )  # fmt: skip


def add_cores(parser: ArgumentParser) -> None:
    """For commands that run nothing: a workflow may ask how many cores there are."""
    group = parser.add_argument_group("resources")
    _cores(group, "-c", "--cores")


def _cores(group: Any, *names: str) -> None:
    group.add_argument(
        *names, dest="cores", type=core_count, metavar="N", default=None,
        help="cores to use at once, or `all` (default: what the machine allows)",
    )  # fmt: skip


def add_resources(parser: ArgumentParser) -> None:
    """What a run may use, and what jobs ask for."""
    group = parser.add_argument_group("resources")
    _cores(group, "-c", "--cores")
    group.add_argument(
        "-j", "--jobs", dest="at_once", type=core_count, metavar="N", default=None,
        help="the same as --cores; with another executor than local: jobs in its queue at once",
    )  # fmt: skip
    group.add_argument(
        "--mem", type=memory, metavar="GB", default=None,
        help="memory to use at once: `6`, `6GB`, `500MB` (default: what the machine allows)",
    )  # fmt: skip
    many(group, "--resources", "NAME=N", "how much there is of other resources", resource_pair)
    add_requests(group)
    group.add_argument(
        "--clip", action="store_true",
        help="lower what a job asks for to what there is, where it could never fit",
    )  # fmt: skip


def add_requests(group: Any) -> None:
    """What jobs ask for, whatever their rules say."""
    many(group, "--limit", "NAME=N", "how many units of a limit there are", count_pair)
    many(group, "--set-threads", "RULE=N", "threads of a rule's jobs", thread_pair)
    many(group, "--set-resources", "RULE:NAME=VALUE", "resources of a rule's jobs", rule_resource)
    many(group, "--default-resources", "NAME=VALUE", "for rules that say nothing", resource_pair)
    group.add_argument(
        "--resource-file", metavar="FILE", default=None,
        help="figures by rule that override the workflow's own: see `flowc profile resources`",
    )  # fmt: skip


def add_choice(parser: ArgumentParser) -> None:
    """Which jobs run."""
    group = parser.add_argument_group("which jobs run")
    group.add_argument("-f", "--force", action="store_true", help="the targets' own jobs, always")
    group.add_argument(
        "-F", "--forceall", action="store_true", help="all jobs, whatever their state"
    )
    many(group, "-R --forcerun", "RULE_OR_FILE", "run these and all that depends on them")
    many(group, "-U --until", "RULE_OR_FILE", "go no further than these")
    many(group, "-O --omit-from", "RULE_OR_FILE", "leave out these and all that depends on them")
    group.add_argument(
        "--batch", type=batch, metavar="RULE=I/N", default=None,
        help="cut the inputs of a rule into N parts and make the I-th; the rule, and all beyond "
        "it, come with the last part",
    )  # fmt: skip
    group.add_argument(
        "--rerun-triggers", nargs="+", action="extend", metavar="TRIGGER", default=None,
        choices=("mtime", "params", "input", "code", "software-env"),
        help="what makes a finished job run again: mtime, params, input, code (default: all)",
    )  # fmt: skip
    group.add_argument(
        "--rerun-incomplete", "--ri", action="store_true",
        help="accepted for Snakemake's sake: flowc always does",
    )  # fmt: skip


def add_running(parser: ArgumentParser) -> None:
    """How jobs run."""
    group = parser.add_argument_group("how they run")
    group.add_argument(
        "-k", "--keep-going", action="store_true", help="go on with what does not need a failed job"
    )
    group.add_argument(
        "-T", "--retries", type=natural, default=0, metavar="N",
        help="further attempts at a job that fails, unless its rule says otherwise (default: 0)",
    )  # fmt: skip
    group.add_argument(
        "-t", "--touch", action="store_true",
        help="run nothing: declare the outputs that exist up to date",
    )  # fmt: skip
    group.add_argument(
        "--keep-incomplete", action="store_true", help="keep what a failed job has written"
    )
    group.add_argument(
        "--enforce", choices=["off", "mem"], default="mem",
        help="what jobs are held to: `mem`: one that uses more memory than it has asked for, and "
        "--mem-slack, is killed (default), `off`: nothing",
    )  # fmt: skip
    group.add_argument(
        "--mem-slack", type=fraction, default=0.25, metavar="N",
        help="how much more memory than it has asked for a job may use (default: 0.25, a quarter)",
    )  # fmt: skip
    group.add_argument(
        "--shadow-prefix", metavar="DIR", default=None,
        help="where jobs with `shadow` have their directories (default: .flowc)",
    )  # fmt: skip
    group.add_argument("--notemp", "--nt", action="store_true", help="keep `temp` files")
    group.add_argument(
        "-w", "--latency-wait", type=seconds, default=5.0, metavar="SECONDS",
        help="how long to wait for an output to appear on a slow file system (default: 5)",
    )  # fmt: skip
    group.add_argument(
        "--nolock", action="store_true", help="do not keep other runs out of this directory"
    )
    group.add_argument(
        "--unlock", action="store_true",
        help="accepted for Snakemake's sake: the lock of a run that is gone never holds",
    )  # fmt: skip
    group.add_argument(
        "--log-events", metavar="FILE", help="write the event log (JSON lines) here too"
    )
    group.add_argument(
        "--report", metavar="FILE", help="write a report of the run when it is over (an HTML page)"
    )
    group.add_argument(
        "--callback-log", metavar="FILE",
        help="append a line for each attempt, in the format of nipype's callback log",
    )  # fmt: skip


def many(group: Any, names: str, metavar: str, text: str, type: Any = str) -> None:
    """An option that takes several values and may be given several times."""
    group.add_argument(
        *names.split(), nargs="+", action="extend", metavar=metavar, type=type, help=text
    )
