"""Seeded workloads, the same for every tool: Workflowfile (a Snakefile too), Makefile, build.ninja.

Names are drawn from a seed, so that no tool profits from sorted ones, and two runs compare.
"""

import json
import random
import string
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

SEED = 20240229
STEPS = ("trimmed", "mapped", "called")
HEAD = 'configfile: "config.json"\n\nSAMPLES = config["samples"]\n\n'


def sample_names(count: int, seed: int = SEED) -> list[str]:
    """`count` distinct names in random order."""
    draw = random.Random(seed)
    letters = string.ascii_lowercase
    numbers = list(range(count))
    draw.shuffle(numbers)
    return ["".join(draw.choices(letters, k=4)) + f"-{n}" for n in numbers]


def chains(where: Path, samples: int, *, command: str, sources: bool) -> None:
    """Each sample goes through three rules, one after the other.

    `command` has `@` for the output. With `sources` the first rule reads a file that exists.
    """
    names = sample_names(samples)
    folders = ("raw", *STEPS)
    for folder in folders:
        (where / folder).mkdir(parents=True, exist_ok=True)
    if sources:
        for name in names:
            (where / "raw" / f"{name}.txt").touch()
    (where / "config.json").write_text(json.dumps({"samples": names}))
    edges = [
        (f"{after}/{{}}.txt", f"{before}/{{}}.txt" if sources or before != "raw" else None)
        for before, after in pairwise(folders)
    ]
    _workflowfile(where, edges, command)
    jobs = [
        (made.format(name), needed.format(name) if needed else "")
        for name in names
        for made, needed in edges
    ]
    goals = [f"{STEPS[-1]}/{name}.txt" for name in names]
    _write(where / "Makefile", _makefile(jobs, goals, command))
    _write(where / "build.ninja", _ninja(jobs, goals, command))
    _write(where / "outputs", (f"{made}\n" for made, _ in jobs))


def _workflowfile(where: Path, edges: list[tuple[str, str | None]], command: str) -> None:
    text = HEAD
    text += f'rule all:\n    input: expand("{edges[-1][0].format("{s}")}", s=SAMPLES)\n'
    for i, (made, needed) in enumerate(edges):
        text += f"\nrule step{i}:\n"
        text += f'    input: "{needed.format("{s}")}"\n' if needed else ""
        text += f'    output: "{made.format("{s}")}"\n'
        text += f'    shell: "{command.replace("@", "{output}")}"\n'
    for name in ("Workflowfile", "Snakefile"):
        (where / name).write_text(text)


def _makefile(jobs: list[tuple[str, str]], goals: list[str], command: str) -> Iterator[str]:
    yield "MAKEFLAGS += --no-builtin-rules\n"
    if ">" in command:  # else make needs no shell at all
        yield "SHELL := /bin/bash\n"
    yield ".PHONY: all\n"
    yield "all: " + " ".join(goals) + "\n"
    recipe = command.replace("@", "$@")
    for made, needed in jobs:
        yield f"{made}: {needed}\n\t{recipe}\n"


def _ninja(jobs: list[tuple[str, str]], goals: list[str], command: str) -> Iterator[str]:
    line = command.replace("@", "$out")
    if ">" in line:  # the same shell for every tool
        line = f"bash -c '{line}'"
    yield f"rule step\n  command = {line}\n"
    for made, needed in jobs:
        yield f"build {made}: step {needed}\n"
    yield "build all: phony " + " ".join(goals) + "\ndefault all\n"


def two_rules(where: Path, samples: int) -> None:
    """`download -> process` over many samples: two jobs for each, no file on the disk."""
    (where / "config.json").write_text(json.dumps({"samples": sample_names(samples)}))
    (where / "Workflowfile").write_text(
        HEAD + 'rule all:\n    input: expand("processed/{s}.txt", s=SAMPLES)\n\n'
        'rule download:\n    output: "downloaded/{s}.txt"\n    shell: "touch {output}"\n\n'
        'rule process:\n    input: "downloaded/{s}.txt"\n    output: "processed/{s}.txt"\n'
        '    shell: "cp {input} {output}"\n'
    )


def all_to_all(where: Path, width: int) -> None:
    """A layer in which each of `width` jobs reads all files of the layer before it."""
    (where / "config.json").write_text(json.dumps({"samples": sample_names(width)}))
    (where / "Workflowfile").write_text(
        HEAD + 'rule all:\n    input: expand("merged/{s}.txt", s=SAMPLES)\n\n'
        'rule part:\n    output: "parts/{s}.txt"\n    shell: "touch {output}"\n\n'
        'rule merge:\n    input: expand("parts/{p}.txt", p=SAMPLES)\n'
        '    output: "merged/{s}.txt"\n    shell: "cat {input} > {output}"\n'
    )


def _write(file: Path, lines: Iterable[str]) -> None:
    with file.open("w") as out:
        out.writelines(lines)
