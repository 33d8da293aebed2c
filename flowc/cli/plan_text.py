"""A plan as text or JSON. Nothing is formatted for a job that is not printed."""

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flowc.cli.show import many, print_json, table, wants_color
from flowc.dataclass import fields
from flowc.diagnostic import BOLD, RESET, printable
from flowc.ids import JobId
from flowc.plan.decision import Decision, Plan
from flowc.plan.reason import Reason
from flowc.plan.request import Request, request_data
from flowc.plan.rules import rule_facts
from flowc.units import show_gb, show_seconds

SHOWN_JOBS = 10
"""So many jobs are listed without --all."""

SHOWN_REASONS = 3
"""So many reasons of a listed job, without --all."""

SAMPLE = 1000
"""So many jobs of a rule are asked for their figures to show the range they lie in."""

EXACT_JOBS = 5000
"""The causes of so many jobs of a rule are counted one by one, without --all."""


def print_plan(plan: Plan, args: Namespace) -> None:
    """The plan as the options want it, to stdout."""
    if args.json:
        _print_json(plan, args)
        return
    jobs = plan.to_run()
    if jobs and not args.quiet:
        print(_rule_table(plan, jobs, args))
        print()
        _print_jobs(plan, jobs, args)
    print(totals(plan))


def _counts(plan: Plan) -> dict[Decision, int]:
    """Jobs by decision. A rule without an action has nothing to do: its jobs do not count."""
    counts = Counter(plan.decisions)
    rules = rule_facts(plan.graph.workflow)
    phony = {i for i, facts in enumerate(rules) if facts.is_phony}
    if phony:
        counts[Decision.SKIP] -= sum(rule in phony for rule in plan.graph.rule_of)
    return {d: counts.get(d, 0) for d in reversed(Decision)}


def totals(plan: Plan) -> str:
    """`3 jobs to run, 1 perhaps, 5 up to date`, or that there is nothing to be done."""
    run, maybe, skip = _counts(plan).values()
    parts = []
    if run or maybe:
        parts.append(f"{many(run, 'job')} to run")
    if maybe:
        parts.append(f"{maybe:,} perhaps")
    if skip:
        parts.append(f"{skip:,} up to date" if parts else f"{many(skip, 'job')} up to date")
    text = ", ".join(parts)
    if run or maybe:
        return text
    return f"Nothing to be done: {text}." if text else "Nothing to be done."


# --- by rule -------------------------------------------------------------------------------------


def _rule_table(plan: Plan, jobs: Sequence[JobId], args: Namespace) -> str:
    rule_of = plan.graph.rule_of
    by_rule: dict[int, list[JobId]] = {}
    for job in jobs:
        by_rule.setdefault(rule_of[job], []).append(job)
    rows = []
    for rule, members in sorted(by_rule.items()):
        requests = [plan.request(job, 1) for job in _sample(members)]
        rows.append(
            [
                plan.graph.workflow.rules[rule].name,
                f"{len(members):,}",
                _range([r.cores for r in requests], str, "cores", requests),
                _range([r.memory_bytes for r in requests], show_gb, "memory", requests),
                _why(plan, members, args.all),
            ]
        )
    rows.append(["total", f"{len(jobs):,}", "", "", ""])
    return table(
        ("rule", "jobs ", "threads ", "mem ", "why"), rows, color=wants_color(args, sys.stdout)
    )


def _sample(members: Sequence[JobId]) -> Sequence[JobId]:
    """Some of a rule's jobs, spread evenly."""
    step = -(-len(members) // SAMPLE)
    return members[::step]


def _range(values: Sequence[int], show: Any, figure: str, requests: Sequence[Request]) -> str:
    low, high = min(values), max(values)
    text = show(low) if low == high else f"{show(low)} - {show(high)}"
    return f"{text} or more" if any(figure in r.unknown for r in requests) else text


def _why(plan: Plan, members: Sequence[JobId], exactly: bool) -> str:
    """`3 missing output, 1 changed code`: for each cause, how many jobs have it. Of very many
    jobs some are looked at."""
    looked_at = members if exactly or len(members) <= EXACT_JOBS else _sample(members)
    kinds: Counter[str] = Counter()
    reasons, decisions = plan.reasons, plan.decisions
    for job in looked_at:
        if decisions[job] == Decision.MAYBE:
            kinds["perhaps"] += 1
        else:
            kinds.update({reason.kind.replace("-", " ") for reason in reasons(job)})
    if looked_at is members:
        return ", ".join(f"{n:,} {kind}" for kind, n in sorted(kinds.items()))
    shares = [f"{100 * n // len(looked_at)}% {kind}" for kind, n in sorted(kinds.items())]
    return f"{', '.join(shares)} (of {len(looked_at):,} looked at)"


# --- job by job ----------------------------------------------------------------------------------


def _print_jobs(plan: Plan, jobs: Sequence[JobId], args: Namespace) -> None:
    shown = jobs if args.all else jobs[:SHOWN_JOBS]
    color = wants_color(args, sys.stdout)
    for id in shown:
        job = plan.graph.job(id)
        name = printable(job.name)
        print(f"{BOLD}{name}{RESET}" if color else name)
        for line in _details(plan, id, args):
            print(f"    {line}")
    if len(shown) < len(jobs):
        print(f"... and {many(len(jobs) - len(shown), 'more job')}: --all lists them")
    print()


def _details(plan: Plan, job: JobId, args: Namespace) -> Iterator[str]:
    """The lines below a job's name."""
    reasons = plan.reasons(job)
    some = reasons if args.all else reasons[:SHOWN_REASONS]
    if plan.decisions[job] == Decision.MAYBE:
        yield "only if what is made before it comes out different"
    yield from (printable(str(reason)) for reason in some)
    if len(some) < len(reasons):
        yield f"and {many(len(reasons) - len(some), 'more reason')}"
    if args.origins:
        yield from _figures(plan.request(job, 1))
    if args.printshellcmds:
        yield from _command(plan, job)


def _figures(request: Request) -> Iterator[str]:
    """Each figure of a request with its origin."""
    figures: list[tuple[str, str, str]] = [
        ("cores", "threads", str(request.cores)),
        ("memory", "mem", show_gb(request.memory_bytes)),
    ]
    if request.limit_s is not None:
        figures.append(("runtime", "runtime", show_seconds(request.limit_s)))
    figures += [(name, name, str(value)) for name, value in request.resources.items()]
    for key, name, value in figures:
        origin = request.origins.get(key)
        shown = "not known before its inputs exist" if key in request.unknown else value
        yield printable(f"{name} {shown}" + (f": {origin}" if origin is not None else ""))
    for name, units in request.limits.items():
        yield printable(f"limit {name} {units}")


def _command(plan: Plan, job: JobId) -> Iterator[str]:
    from flowc.api import shell_command  # only for --printshellcmds

    command = shell_command(plan, job)
    if command:
        yield from (f"$ {line}" if not i else f"  {line}" for i, line in enumerate(_lines(command)))


def _lines(command: str) -> Iterable[str]:
    return (printable(line, keep_tabs=True) for line in command.strip().split("\n"))


# --- JSON ----------------------------------------------------------------------------------------


def _print_json(plan: Plan, args: Namespace) -> None:
    if not args.quiet:
        for job, decision in enumerate(plan.decisions):
            if decision or args.all:
                print_json(decision_data(plan, JobId(job)))
    print_json({"plan": {d.name.lower(): count for d, count in _counts(plan).items()}})


def decision_data(plan: Plan, id: JobId) -> dict[str, Any]:
    """What the plan says of one job, as JSON data."""
    job = plan.graph.job(id)
    decision = Decision(plan.decisions[id])
    return {
        "job": id,
        "name": job.name,
        "rule": job.rule.name,
        "wildcards": job.wildcard_items,
        "decision": decision.name.lower(),
        "reasons": [reason_data(reason) for reason in plan.reasons(id)] if decision else [],
        "outputs": job.output_paths,
        "group": job.group,
        "request": request_data(plan.request(id, 1), places=False),
    }


def reason_data(reason: Reason) -> dict[str, Any]:
    """`{"kind": "missing-output", "path": "a.txt", "text": "output missing: a.txt"}`."""
    data: dict[str, Any] = {"kind": reason.kind}
    data.update((f.name, getattr(reason, f.name)) for f in fields(reason))
    data["text"] = str(reason)
    return data
