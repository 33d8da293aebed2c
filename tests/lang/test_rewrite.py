"""Figures written into workflow files: what changes, and that nothing else does."""

from pathlib import Path

import pytest

from flowc.api import load_file
from flowc.lang.rewrite import Written, apply_edits, rewrite

NEW = Written(4, 1.5, "p.json")

# fmt: off
CASES = {  #            before, and after
    "constants": ("rule a:\n    output: 'x'\n    threads: 2  # two\n    mem_gb: 8\n"
                  "    shell: 'y'\n",
                  "rule a:\n    output: 'x'\n    threads: 4  # two\n    mem_gb: 1.5\n"
                  "    profile: \"p.json\"\n    shell: 'y'\n"),
    "nothing":   ("rule a:\n  output: 'x'\n  shell:\n    'y'\n",
                  "rule a:\n  output: 'x'\n  threads: 4\n  mem_gb: 1.5\n  profile: \"p.json\"\n"
                  "  shell:\n    'y'\n"),
    "no end":    ("rule a:\r\n  output: 'x'\r\n  shell: 'y'",
                  "rule a:\r\n  output: 'x'\r\n  threads: 4\r\n  mem_gb: 1.5\r\n"
                  "  profile: \"p.json\"\r\n  shell: 'y'"),
    "mem_mb":    ("rule a:\n    threads: 4\n    profile: 'p.json'\n"
                  "    resources: mem_mb=100, gpu=1\n"
                  "    output: 'x'\n    shell: 'y'\n",
                  "rule a:\n    threads: 4\n    profile: 'p.json'\n"
                  "    resources: mem_mb=1536, gpu=1\n"
                  "    output: 'x'\n    shell: 'y'\n"),
    "a text":    ("rule a:\n    threads: 4\n    profile: 'p.json'\n    resources:\n"
                  "        mem=\"2 GB\",\n        gpu=1,\n    output: 'x'\n    shell: 'y'\n",
                  "rule a:\n    threads: 4\n    profile: 'p.json'\n    resources:\n"
                  "        mem=\"1.5 GB\",\n        gpu=1,\n    output: 'x'\n    shell: 'y'\n"),
    "functions": ("rule a:\n    threads: lambda w: 3\n    mem_gb: lambda w, attempt: attempt\n"
                  "    profile: 'old.json'\n    output: 'x'\n    shell: 'y'\n",
                  "rule a:\n    threads: lambda w: 3\n    mem_gb: lambda w, attempt: attempt\n"
                  "    profile: \"p.json\"\n    output: 'x'\n    shell: 'y'\n"),
    "there":     ("rule a:\n    threads: 4\n    mem_gb: 1.50\n    profile: 'p.json'\n"
                  "    output: 'x'\n    shell: 'y'\n",
                  "rule a:\n    threads: 4\n    mem_gb: 1.50\n    profile: 'p.json'\n"
                  "    output: 'x'\n    shell: 'y'\n"),
    "the top":   ("profile: 'p.json'\nrule a:\n    output: 'x'\n    shell: 'y'\n",
                  "profile: 'p.json'\nrule a:\n    output: 'x'\n    threads: 4\n    mem_gb: 1.5\n"
                  "    shell: 'y'\n"),
    "a loop":    ("for n in 'ab':\n    rule:\n        name: n\n        output: n + '.txt'\n"
                  "        threads: 1\n        mem_gb: 1.5\n        profile: 'p.json'\n"
                  "        shell: 'y'\n",
                  "for n in 'ab':\n    rule:\n        name: n\n        output: n + '.txt'\n"
                  "        threads: 4\n        mem_gb: 1.5\n        profile: 'p.json'\n"
                  "        shell: 'y'\n"),
    "CRLF":      ("rule a:\r\n    threads: 2\r\n    output: 'x'\r\n    shell: 'y'\r\n",
                  "rule a:\r\n    threads: 4\r\n    output: 'x'\r\n    mem_gb: 1.5\r\n"
                  "    profile: \"p.json\"\r\n    shell: 'y'\r\n"),
    "a mark":    ("\ufeffrule a:\n    threads: 2\n    mem_gb: 1.5\n    profile: 'p.json'\n"
                  "    output: 'é'\n    shell: 'y'\n",
                  "\ufeffrule a:\n    threads: 4\n    mem_gb: 1.5\n    profile: 'p.json'\n"
                  "    output: 'é'\n    shell: 'y'\n"),
    "a tab":     ("rule a:\n\toutput: 'x'\n\tthreads: 4\n\tprofile: 'p.json'\n\tshell: 'y'",
                  "rule a:\n\toutput: 'x'\n\tthreads: 4\n\tprofile: 'p.json'\n\tmem_gb: 1.5\n"
                  "\tshell: 'y'"),
}
# fmt: on


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_figures_are_written(
    before: str, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Workflowfile").write_bytes(before.encode())
    workflow = load_file("Workflowfile")
    rewriting = rewrite(workflow, {rule.name: NEW for rule in workflow.rules})
    text = apply_edits(before, rewriting.edits)
    assert text == after
    Path("Workflowfile").write_bytes(text.encode())
    again = load_file("Workflowfile")
    assert all(rule.profile == "p.json" for rule in again.rules)
    assert not rewrite(again, {rule.name: NEW for rule in again.rules}).edits, "once is enough"


def test_what_is_kept_is_told(tmp_path: Path) -> None:
    path = tmp_path / "Workflowfile"
    path.write_text("N = 3\nrule a:\n    threads: lambda w: N\n    output: 'x'\n    shell: 'y'\n")
    kept = rewrite(load_file(str(path)), {"a": NEW}).kept
    assert kept == [("a", "its `threads` stays as it is, for it is a function")]


def test_included_files_are_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Workflowfile").write_text("include: 'more.smk'\n")
    Path("more.smk").write_text("rule a:\n    threads: 1\n    output: 'x'\n    shell: 'y'\n")
    edits = rewrite(load_file("Workflowfile"), {"a": Written(2, None, None)}).edits
    assert [(edit.source.name, edit.text) for edit in edits] == [("more.smk", "2")]
