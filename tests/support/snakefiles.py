"""Snakefiles that flowc must run unchanged, leaving the files that Snakemake leaves."""

Files = dict[str, str]

CASES: dict[str, Files] = {}

RUNS: dict[str, list[tuple[str, ...]]] = {}
"""The command lines of each case; one without options, if it has no entry here."""

CASES["use-rule-with"] = {
    "Snakefile": """
rule all:
    input: "a.txt", "b.txt", "c.txt"

rule a:
    output: "a.txt"
    params: "plain", word="one", other="kept"
    message: "making {output}"
    shell: "echo {params[0]} {params.word} {params.other} > {output}"

use rule a as b with:
    output: "b.txt"
    params: word="two"

use rule b as c with:
    output: "c.txt"
    params: "changed"
"""
}

CASES["module-names"] = {
    "Snakefile": """
module other:
    snakefile: "rules/other.smk"
    config: config

config["word"] = "hello"

use rule * from other as other_*

use rule last from other as other_last with:
    params: end="changed"

rule mine:
    input: rules.other_first.output
    output: "mine.txt"
    shell: "cat {input} > {output}"

rule everything:
    default_target: True
    input: "mine.txt", rules.other_last.output
""",
    "rules/other.smk": """
rule first:
    output: "first.txt"
    params: word=lambda wildcards: config.get("word", "none")
    shell: "echo {params.word} > {output}"

rule last:
    input: "first.txt"
    output: "last.txt"
    params: end="original"
    shell: "(cat {input}; echo {params.end}) > {output}"
""",
}

CASES["module-prefix"] = {
    "config.yaml": "word: outer\n",
    "Snakefile": """
configfile: "config.yaml"

module m:
    snakefile: "m.smk"
    config: {"word": "inner"}
    prefix: "sub"

use rule * from m exclude unused as m_*

use rule gather from m as m_gather with:
    input: "sub/parts/a.txt", "sub/parts/b.txt"

rule all:
    default_target: True
    input: "sub/gathered.txt", "outer.txt"

rule outer:
    output: "outer.txt"
    shell: "echo {config[word]} > {output}"
""",
    "m.smk": """
configfile: "this-file-does-not-exist.yaml"

rule part:
    input: local("source.txt")
    output: "parts/{name}.txt"
    log: "logs/{name}.log"
    params: lambda wildcards: config["word"]
    shell: "(cat {input}; echo {params} {wildcards.name}) > {output} 2> {log}"

def parts(wildcards):
    return expand("parts/{n}.txt", n=["a", "b"])

rule gather:
    input: parts
    output: "gathered.txt"
    shell: "cat {input} > {output}"

rule unused:
    output: "never.txt"
    shell: "touch {output}"
""",
    "source.txt": "from the source\n",
    "sub/source.txt": "not this one\n",
}

CASES["module-replace-prefix"] = {
    "Snakefile": """
module m:
    snakefile: "m.smk"
    replace_prefix: {"results/": "results/m/"}

use rule b from m as m_b with:
    output: "own/b.txt"

use rule a from m

rule all:
    default_target: True
    input: "own/b.txt"
""",
    "m.smk": """
rule a:
    output: "results/a.txt"
    shell: "echo a > {output}"

rule b:
    input: lambda wildcards: "results/a.txt"
    output: "results/b.txt"
    shell: "cat {input} > {output}"
""",
}

CASES["module-twice"] = {
    "Snakefile": """
module one:
    snakefile: "m.smk"
    config: {"n": "1"}
    prefix: "one"

module two:
    snakefile: "m.smk"
    config: {"n": "2"}
    prefix: "two"

use rule * from one as one_*
use rule * from two as two_*

rule all:
    default_target: True
    input: "one/out.txt", rules.two_make.output
    output: "all.txt"
    params: one.twice("x")
    shell: "cat {input} > {output}; echo {params} >> {output}"
""",
    "m.smk": """
def twice(text):
    return text * 2

rule make:
    output: "out.txt"
    params: lambda wildcards: config["n"]
    shell: "echo {params} > {output}"
""",
}

CASES["default-target-of-module"] = {
    "Snakefile": """
module m:
    snakefile: "m.smk"

use rule * from m
""",
    "m.smk": """
rule all:
    input: "x.txt"

rule x:
    output: "x.txt"
    shell: "echo x > {output}"
""",
}

CASES["scattergather"] = {
    "Snakefile": """
scattergather:
    split=3

rule all:
    input: "gathered.txt"

rule cut:
    output: scatter.split("parts/{scatteritem}.txt")
    shell: "for f in {output}; do echo $f > $f; done"

rule work:
    input: "parts/{scatteritem}.txt"
    output: "done/{scatteritem}.txt"
    shell: "cat {input} > {output}"

rule join:
    input: gather.split("done/{scatteritem}.txt")
    output: "gathered.txt"
    shell: "cat {input} > {output}"
"""
}

CASES["workdir"] = {
    "Snakefile": """
workdir: "here"

include: "more.smk"

rule all:
    input: "out.txt", "more.txt"

rule out:
    input: "in.txt"
    output: "out.txt"
    shell: "cat {input} > {output}"
""",
    "more.smk": """
rule more:
    output: "more.txt"
    shell: "echo more > {output}"
""",
    "here/in.txt": "in\n",
}

CASES["pathvars"] = {
    "Snakefile": """
pathvars:
    results="out/<kind>",
    kind="k1"

def made(wildcards):
    return "<results>/a.txt"

rule all:
    input: "out/k1/c.txt", "out/k2/d.txt"

rule a:
    output: "<results>/a.txt"
    log: "<logs>/a.log"
    shell: "echo a > {output} 2> {log}"

rule b:
    input: rules.a.output
    output: "<results>/b.txt"
    shell: "cat {input} > {output}"

rule c:
    input: made, "<results>/b.txt"
    output: "<results>/c.txt"
    shell: "cat {input} > {output}"

rule d:
    pathvars:
        kind="k2"
    output: "<results>/d.txt"
    shell: "echo d > {output}"
"""
}

CASES["default-flags"] = {
    "Snakefile": """
rule all:
    input: "c.txt"

outputflags:
    temp

rule a:
    output: "a.txt"
    shell: "echo a > {output}"

rule b:
    input: "a.txt"
    output: protected("b.txt")
    shell: "cat {input} > {output}"

outputflags:

rule c:
    input: "b.txt"
    output: "c.txt"
    shell: "cat {input} > {output}"
"""
}

CASES["words-as-names"] = {
    "Snakefile": """
rule all: input: "1.txt", "2.txt", "3.txt", "4.txt", "5.txt"

rule input:
    output: "1.txt"
    shell: "echo input > {output}"

rule run:
    output: "2.txt"
    shell: "echo run > {output}"

rule temp:
          output: "3.txt"
          shell: "echo temp > {output}"

rule report:
\toutput:
\t\t"4"
\t\t".txt"
\t# a comment
\tshell:
\t\t"echo report "  # another one
\t\t"> {output}"

rule:
  '''A rule without a name.'''
  output: "5.txt"
  shell: '''
      echo {rule} | wc -l > {output}
      '''"""
}

CASES["accepted-words"] = {
    "Snakefile": """
localrules: all
container: None

rule all:
    input: "a.txt"

rule a:
    input: report("in.txt")
    output: report("a.txt", caption="caption.rst")
    conda: None
    group: "g"
    handover: False
    cache: False
    envmodules: "some/module"
    priority: 5
    message: "a"
    shell: "cat {input} > {output}"
""",
    "in.txt": "in\n",
    "caption.rst": "A caption.\n",
}

CASES["scattergather-option"] = CASES["scattergather"]
RUNS["scattergather-option"] = [("--set-scatter", "split=2")]

CASES["replaced-config"] = {
    "config.yaml": "a: 1\nb: 2\n",
    "other.yaml": "b: 3\n",
    "Snakefile": """
configfile: "config.yaml"

rule a:
    output: "a.txt"
    params: a=config.get("a", "none"), b=config["b"]
    shell: "echo {params.a} {params.b} > {output}"
""",
}
RUNS["replaced-config"] = [("--configfile", "other.yaml", "--replace-workflow-config")]

CASES["run"] = {
    "config.yaml": "word: hello\n",
    "Snakefile": """
import os, sys
from pathlib import Path

configfile: "config.yaml"

NAMES = ["x", "y"]
TABLE = {"x": 1, "y": (2, 3)}

def double(text):
    return text * 2

rule all:
    input: expand("{n}.txt", n=NAMES), "shell.txt", "tuple.txt"

rule make:
    input:
        source="in put.txt"
    output: "{n}.txt"
    params: word=lambda wildcards: wildcards.n + "!", more=[1, 2]
    threads: 2
    log: "logs/{n}.log"
    run:
        # a comment
        with open(input.source) as source, open(output[0], "w") as out:
            text = source.read().strip()
            out.write(f"{text} {double(wildcards.n)} {params.word} {params.more} {rule}\\n")
            out.write(f"{TABLE[wildcards.n]} {config['word']} {len(NAMES)} {threads}\\n")
            out.write(f"{os.path.basename(input[0])} {Path(output[0]).stem} {resources._cores}\\n")
        if True:
            print("logged", file=open(log[0], "w"))

rule shells:
    input: "x.txt", "y.txt"
    output: "shell.txt"
    run:
        for name in NAMES:
            shell("echo {name} {input} {wildcards} >> {output}")
        found = list(shell("cat {output} | wc -l", iterable=True))
        shell("echo {found[0]} {input:q} >> {output:q}")

rule short:
    output: "tuple.txt"
    run: Path(output[0]).write_text("short")
""",
    "in put.txt": "from the file\n",
}

CASES["scripts"] = {
    "Snakefile": """
configfile: "config.yaml"

shell.suffix(" && true")

rule all:
    input: "python.txt", "bash.txt", "by-name-upper.txt", "included.txt", "shell.txt"

include: "rules/more.smk"

rule python:
    input: "a.txt", named="b.txt", many=["a.txt", "b.txt"]
    output: "python.txt"
    params: number=3, words=["one", "two"], flag=None
    log: "python.log"
    resources: mem_mb=100
    script: "scripts/make.py"

rule bash:
    input: "a.txt", named="b.txt"
    output: "bash.txt"
    params: word="two words", words=["one", "two"]
    threads: 1
    script: "scripts/make.sh"

rule by_name:
    output: "by-name-{tool}.txt"
    script: "scripts/{wildcards.tool}.py"

rule shell:
    output: "shell.txt"
    shell: "echo shell > {output}"
""",
    "config.yaml": "word: hello\nlist: [1, 2]\n",
    "a.txt": "a\n",
    "b.txt": "b\n",
    "scripts/make.py": """
import sys
from helper import shout

with open(snakemake.output[0], "w") as out:
    print(snakemake.input, snakemake.input.named, snakemake.input.many, file=out)
    print(snakemake.params.number, snakemake.params["words"], snakemake.params.flag, file=out)
    print(snakemake.params.get("nothing", "default"), dict(snakemake.wildcards.items()), file=out)
    print(snakemake.threads, snakemake.resources.mem_mb, snakemake.rule, file=out)
    print(snakemake.config["word"], snakemake.config["list"], shout("x"), file=out)
    print(snakemake.log[0], __name__, file=out)
with open(snakemake.log[0], "w") as log:
    log.write("log")
""",
    "scripts/helper.py": "def shout(text):\n    return text.upper()\n",
    "scripts/upper.py": "open(snakemake.output[0], 'w').write(snakemake.wildcards.tool)\n",
    "scripts/make.sh": """#!/usr/bin/env bash
out="${snakemake_output[0]}"
echo "${snakemake_input[0]} ${snakemake_input[named]} $out" > "$out"
echo "${snakemake_params[word]} ${snakemake_params[words]}" >> "$out"
echo "${snakemake[threads]} ${snakemake[rule]} ${snakemake_config[word]}" >> "$out"
""",
    "rules/more.smk": """
rule included:
    output: "included.txt"
    script: "../scripts/included.py"
""",
    "scripts/included.py": "open(snakemake.output[0], 'w').write('included')\n",
}

CASES["checkpoint"] = {
    "Snakefile": """
SAMPLES = ["a", "b"]

rule all:
    input: expand("gathered/{s}.txt", s=SAMPLES), "total.txt", "chosen.txt"

checkpoint cut:
    input: "{s}.in"
    output: directory("parts/{s}")
    shell: "mkdir -p {output}; for w in $(cat {input}); do echo $w > {output}/$w.txt; done"

rule work:
    input: "parts/{s}/{w}.txt"
    output: "done/{s}/{w}.txt"
    shell: "tr a-z A-Z < {input} > {output}"

def parts(wildcards):
    made = checkpoints.cut.get(**wildcards).output[0]
    words = glob_wildcards(os.path.join(made, "{w}.txt")).w
    return sorted(expand("done/{s}/{w}.txt", s=wildcards.s, w=words))

rule gather:
    input: parts
    output: "gathered/{s}.txt"
    shell: "cat {input} > {output}"

def total(wildcards):
    found = []
    for s in SAMPLES:
        made = checkpoints.cut.get(s=s).output[0]
        found += sorted(glob_wildcards(made + "/{w}.txt").w)
    return ["done/{}/{}.txt".format(s, w) for s in SAMPLES for w in found if w.startswith(s)]

rule total:
    input: total
    output: "total.txt"
    shell: "cat {input} > {output}"

checkpoint decide:
    output: "decision.txt"
    shell: "echo yes > {output}"

def chosen(wildcards):
    answer = open(checkpoints.decide.get().output[0]).read().strip()
    return "yes.txt" if answer == "yes" else "no.txt"

rule choose:
    input: chosen
    output: "chosen.txt"
    shell: "cat {input} > {output}"

rule answer:
    output: "{answer,yes|no}.txt"
    shell: "echo {wildcards.answer} > {output}"
""",
    "a.in": "ax ay az\n",
    "b.in": "bx by\n",
}
RUNS["checkpoint"] = [(), ("--forceall",), ()]

CASES["checkpoint-after-checkpoint"] = {
    "Snakefile": """
rule all:
    input: "end.txt"

checkpoint first:
    output: "first.txt"
    shell: "echo two > {output}"

checkpoint second:
    input: lambda wildcards: checkpoints.first.get().output
    output: "second/{name}.txt"
    shell: "cat {input} > {output}; echo {wildcards.name} >> {output}"

def end(wildcards):
    with_name = open(checkpoints.first.get().output[0]).read().strip()
    return checkpoints.second.get(name=with_name).output

rule end:
    input: end
    output: "end.txt"
    shell: "cat {input} > {output}"
"""
}

CASES["functions"] = {
    "config.yaml": """
samples:
  a: {reads: a1, kind: short}
  b: {reads: b1, kind: long}
flag: true
""",
    "Snakefile": """
from itertools import combinations, permutations, product

configfile: "config.yaml"

def is_a(wildcards):
    return wildcards.s == "a"

rule all:
    input:
        expand("{x}-{y}.txt", zip, x=["1", "2"], y=["3", "4"]),
        expand(expand("{x}-{{y}}.txt", x="5"), y="6"),
        expand(expand("{x}-{y}.txt", x="7", allow_missing=True), y=["8"]),
        expand("{p[0]}-{p[1]}.txt", p=combinations("abc", 2)),
        expand("{p[0]}-{p[1]}.txt", p=permutations("de", 2)),
        expand("{x}-{y}.txt", product, x="f", y="g"),
        collect("out/{s}.txt", s=lookup(dpath="samples", within=config)),
        branch(exists("config.yaml"), then="there.txt", otherwise="missing.txt"),
        branch(config["flag"], then="flag.txt"),
        branch("x", cases={"x": "case.txt"}),
        multiext("multi", ".one", ".two"),

rule pair:
    output: "{x,[^/-]+}-{y}.txt"
    shell: "echo {wildcards} > {output}"

rule reads:
    output: "reads/{r}.txt"
    shell: "echo {wildcards.r} > {output}"

rule out:
    input:
        lookup(dpath="samples/{s}/reads", within={"samples": {"a": {"reads": "reads/a1.txt"},
               "b": {"reads": "reads/b1.txt"}}}),
        branch(is_a, then="reads/only-a.txt", otherwise=[]),
        branch(evaluate("'{s}' == 'a'") if False else evaluate("{s} == 'b'"),
               then="reads/only-b.txt"),
        branch(lookup(dpath="samples/{s}/kind", within=config),
               cases={"short": "reads/short.txt", "long": lambda wildcards: "reads/long.txt"}),
    output: "out/{s}.txt"
    params:
        kind=lookup(dpath="samples/{s}/kind", within=config),
        nothing=lookup(dpath="samples/{s}/nothing", within=config, default="default"),
        base=subpath("some/dir/file.txt", basename=True),
        stem=subpath("some/dir/file.txt", strip_suffix=".txt", basename=True),
        parent=subpath("some/dir/file.txt", parent=True),
        top=subpath("some/dir/file.txt", ancestor=2),
    shell: "(cat {input}; echo {params}) > {output}"

rule others:
    output: touch("there.txt"), touch("flag.txt"), touch("case.txt")

rule multi:
    output: multiext("multi", one=".one", two=".two")
    shell: "echo 1 > {output.one}; echo 2 > {output.two}"
""",
}

CASES["ensure"] = {
    "Snakefile": """
SUM = "0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f"

rule all:
    input: "a.txt", "b.txt"

rule a:
    output: ensure("a.txt", non_empty=True)
    shell: "echo a > {output}"

rule b:
    output: ensure("b.txt", sha256=SUM)
    shell: "echo b > {output}"
"""
}

CASES["handlers"] = {
    "Snakefile": """
import os

WORDS = ["x", "y"]

onstart:
    with open("events.txt", "a") as out:
        out.write("start " + " ".join(WORDS) + "\\n")

onsuccess:
    shell("echo success {WORDS} >> events.txt")

onerror:
    open("events.txt", "a").write("error\\n")

rule a:
    output: "a.txt"
    shell: "echo a > {output}"
"""
}
RUNS["handlers"] = [(), (), ("--forceall",)]

CASES["shadow"] = {
    "Snakefile": """
rule all:
    input: expand("out/{k}.txt", k=["minimal", "copy-minimal", "shallow", "full"]), "dir"

for kind in ["minimal", "copy-minimal", "shallow", "full"]:
    rule:
        name: "rule_" + kind.replace("-", "_")
        input: "in/a.txt"
        output: "out/" + kind + ".txt"
        log: "logs/" + kind + ".log"
        shadow: kind
        shell: "echo rest > rest.txt; cat {input} > {output}; echo logged > {log}"

rule directory:
    input: "in/a.txt"
    output: directory("dir")
    shadow: "minimal"
    shell: "mkdir {output}; cp {input} {output}/b.txt; touch garbage"
""",
    "in/a.txt": "a\n",
}

CASES["pipe-and-update"] = {
    "Snakefile": """
rule all:
    input: "b.txt", "grows.txt"

rule a:
    output: pipe("a.txt")
    shell: "echo a > {output}"

rule b:
    input: "a.txt"
    output: "b.txt"
    shell: "cat {input} > {output}"

rule grows:
    output: update("grows.txt")
    shell: "echo more >> {output}"
"""
}
RUNS["pipe-and-update"] = [(), ("--forcerun", "grows")]

CASES["service"] = {
    "Snakefile": """
rule all:
    input: "a.txt"

rule serve:
    output: service("ready")
    shell: "echo up >> starts; echo served > {output}; sleep 60"

rule use:
    input: "ready"
    output: "{x,a}.txt"
    shell: "cat {input} > {output}"
"""
}

CASES["files-of-jobs"] = {
    "Snakefile": """
module m:
    snakefile: "m.smk"
    prefix: "pre"

use rule * from m as m_*

rule all:
    default_target: True
    input: "pre/all.txt", "o/x.out", "with.out"

rule named:
    input: "data/x.txt", b="data/y.txt"
    output: "o/x.out", "o/some.y"
    params:
        base=subpath(input[0], strip_suffix=".txt"),
        b=subpath(input.b, basename=True),
        name=subpath(output[1], basename=True),
        up=subpath(output[1], parent=True),
    shell: "echo {params} > {output[0]}; touch {output[1]}"

checkpoint c:
    output: "n.txt"
    shell: "echo 2 > {output}"

def read(wildcards):
    with checkpoints.c.get().output[0].open() as f:
        n = int(f.read())
    with open(checkpoints.c.get().output[0]) as f:
        lines = [line.strip() for line in f]
    return [f"q{n}.txt"] + [f"q{line}0.txt" for line in lines]

rule reader:
    input: read
    output: "with.out"
    shell: "echo {input} > {output}"

rule q:
    output: "q{i}.txt"
    shell: "touch {output}"
""",
    "m.smk": """
checkpoint c:
    output: "n.txt"
    shell: "echo 3 > {output}"

def wanted(wildcards):
    with open(checkpoints.c.get().output[0]) as f:
        return [f"p{i}.txt" for i in range(int(f.read()))]

rule gather:
    input: wanted
    output: "all.txt"
    shell: "echo {input} > {output}"

rule p:
    output: "p{i}.txt"
    shell: "touch {output}"
""",
    "data/x.txt": "x\n",
    "data/y.txt": "y\n",
}

CASES["all-temp"] = {
    "Snakefile": """
rule all:
    input: "end.txt"

rule a:
    output: "a.txt"
    shell: "echo a > {output}"

rule b:
    input: "a.txt"
    output: "b.txt", protected("kept.txt")
    shell: "cat {input} > {output[0]}; touch {output[1]}"

rule end:
    input: "b.txt"
    output: "end.txt"
    shell: "cat {input} > {output}"
"""
}
RUNS["all-temp"] = [("--all-temp",)]

CASES["batches"] = {
    "Snakefile": """
rule all:
    input: "end.txt", "aside.txt"

rule aside:
    output: "aside.txt"
    shell: "touch {output}"

rule end:
    input: "sum.txt", "other.txt"
    output: "end.txt"
    shell: "cat {input} > {output}"

rule other:
    output: "other.txt"
    shell: "echo other > {output}"

rule sums:
    input: expand("p/{i}.txt", i=range(7))
    output: "sum.txt"
    shell: "cat {input} > {output}"

rule part:
    output: "p/{i}.txt"
    shell: "echo {wildcards.i} > {output}"
"""
}
CASES["first-batch"] = CASES["batches"]
RUNS["batches"] = [("--batch", "sums=1/3"), ("--batch", "sums=2/3"), ("--batch", "sums=3/3")]
RUNS["first-batch"] = [("--batch", "sums=1/3")]

CASES["before-update"] = {
    "Snakefile": """
rule all:
    input: "list.txt", "seen.txt"

rule grow:
    input: "first.txt"
    output: update("list.txt")
    shell: "cat {input} >> {output}"

rule look:
    input: before_update("list.txt")
    output: "first.txt"
    shell: "cp {input} {output}"

rule see:
    input: before_update("list.txt")
    output: "seen.txt"
    shell: "sleep 0.2; cp {input} {output}"
""",
    "list.txt": "old\n",
}
RUNS["before-update"] = [("--forceall",)]

CASES["others-in-commands"] = {
    "Snakefile": """
rule all:
    input: "y", "s.A"

rule a:
    output: "x", named="x 2"
    params: k=3, texts=["p", "q"]
    shell: "echo {workflow.cores} > {output[0]}; touch {output.named:q}"

rule b:
    input: "x"
    output: "y"
    message: "after {rules.a.output[0]}"
    shell: "echo {rules.a.output} {rules.a.output.named} {rules.a.params.k} > {output};"
           "echo {rules.a.params.texts} {rules.all.input[1]} {rules.a.output[0]:q} >> {output}"

rule s:
    output: "s.{w}"
    shell: "echo {rules.s.output} {rules.s.output[0]} > {output}"
"""
}
