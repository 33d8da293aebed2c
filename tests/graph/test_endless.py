"""Rules that feed themselves: what has no end is refused soon, what has one is worked out."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flowc.api import compile_file
from flowc.diagnostic import WorkflowError

# fmt: off
FEEDS = {  #                the inputs of the rule           the wildcard in its output
    "two":                  ('"{n}1", "{n}2"',               "{n}"),
    "a hundred":            ('expand("{{n}}{i}", i=range(100))', "{n}"),
    "not over directories": ('"{n}1", "{n}2", "{n}3"',       r"{n,[^/]+}"),
}
# fmt: on


@pytest.fixture
def jobs_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], int]:
    """How many jobs a target of a Workflowfile takes."""
    monkeypatch.chdir(tmp_path)

    def count(text: str, target: str) -> int:
        Path("Workflowfile").write_text(text)
        return len(compile_file("Workflowfile", [target]))

    return count


@pytest.mark.parametrize(("inputs", "output"), FEEDS.values(), ids=FEEDS)
def test_a_rule_that_asks_for_more_and_more_is_refused_soon(
    inputs: str, output: str, jobs_of: Callable[[str, str], int]
) -> None:
    text = f'rule a:\n    input: {inputs}\n    output: "{output}"\n    shell: "cat {{input}}"\n'
    started = time.process_time()
    with pytest.raises(WorkflowError) as caught:
        jobs_of(text, "x")
    assert [d.code for d in caught.value.diagnostics] == ["endless-recursion"]
    assert time.process_time() - started < 10


def test_a_tree_that_ends_is_no_recursion(jobs_of: Callable[[str, str], int]) -> None:
    """Each node's path is longer than its parent's, and a rule makes all of them but the leaves."""
    text = """
rule leaf:
    output: "t/{n,[01]{16}}"
    shell: "echo {wildcards.n} > {output}"
rule node:
    input: "t/{n}0", "t/{n}1"
    output: "t/{n,[01]{1,15}}"
    shell: "cat {input} > {output}"
"""
    assert jobs_of(text, "t/0") == 2**16 - 1
