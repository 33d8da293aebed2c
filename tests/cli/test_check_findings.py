"""flowc check: findings in text and as JSON, silenced by comments; none of them is an error."""

import json
from collections.abc import Callable
from pathlib import Path

Flowc = Callable[..., tuple[int, str, str]]


def test_findings_are_warnings(flowc: Flowc) -> None:
    small = Path("Workflowfile").read_text()
    Path("Workflowfile").write_text(small + 'rule other:\n    output: "z{x}.n"\n')
    code, out, err = flowc("check")
    assert code == 0 and "no errors" in out
    assert "warning[ambiguous-rules]: rules `count` and `other` could both make `za.n`" in err
    code, out, _ = flowc("check", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    found = {row["diagnostic"]["code"]: row["diagnostic"]["span"]["line"] for row in rows[:-1]}
    last = small.count("\n") + 2
    assert found == {"ambiguous-rules": last, "unreachable-rule": last - 1}
    assert rows[-1]["check"]["ok"] is True


def test_comments_silence_findings(flowc: Flowc) -> None:
    small = Path("Workflowfile").read_text()
    Path("Workflowfile").write_text(
        small + "# flowc: ignore[unreachable-rule]\n"
        'rule other:\n    output: "z{x}.n"  # flowc: ignore[other, ambiguous-rules]\n'
    )
    code, out, err = flowc("check")
    assert (code, err) == (0, "") and "no mistakes found" in out


def test_errors_cannot_be_silenced(flowc: Flowc) -> None:
    Path("Workflowfile").write_text("rule a:\n    inptu: 'x'  # flowc: ignore\n")
    code, _, err = flowc("check")
    assert code == 2 and "unknown-directive" in err
